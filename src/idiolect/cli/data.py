"""`idiolect data`: datasets of others' forms, and what two of them share; other commands stand beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.coverage import coverage
from idiolect.cli.preflight import preflight
from idiolect.cli.report import USAGE, stop
from idiolect.cli.tables import print_table
from idiolect.cli.upkeep import errors, harvest

if TYPE_CHECKING:
    from idiolect.data.example import Example, Rejected
    from idiolect.data.forms import Columns, Form

app = typer.Typer(no_args_is_help=True, help="Read, convert and compare datasets.")

_MOST_SHOWN = 10


for _command in (preflight, coverage, harvest, errors):
    app.command()(_command)


@app.callback()
def _group() -> None: ...


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A dataset: .jsonl, .json, .csv, .tsv or .parquet.")],
    to: Annotated[Path | None, typer.Option("--to", help="The JSONL file to write examples into.")] = None,
    form: Annotated[str | None, typer.Option(help="The rows' form; default: told by their columns.")] = None,
    input_column: Annotated[
        str | None, typer.Option("--input", help="The column with the prompt, where no form fits.")
    ] = None,
    output_column: Annotated[
        str | None, typer.Option("--output", help="The column with the answer, where no form fits.")
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="Comma-separated columns put in front of the prompt.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what rows become, and write nothing.")
    ] = False,
) -> None:
    """Turn a dataset into examples; exit code 1 if a row could not be."""
    from idiolect.data.forms import Columns
    from idiolect.data.jsonl import write_examples

    if to is None and not dry_run:
        stop("error: say where to write with --to FILE, or look first with --dry-run", USAGE)
    if (input_column is None) != (output_column is None):
        stop("error: --input and --output go together", USAGE)
    fields = tuple(name.strip() for name in (context or "").split(",") if name.strip())
    columns = Columns(input_column, output_column, fields)
    rejected: list[Rejected] = []
    kept: list[Example] = []
    stream = _examples(file, form, columns, rejected, kept if dry_run else None)
    if dry_run:
        count = sum(1 for _ in stream)
        _show(kept)
    else:
        assert to is not None
        count = write_examples(to, stream)
        print(f"wrote {to}: {count:,} examples")
    _end(count, rejected)


def _examples(
    file: Path, form_name: str | None, columns: Columns, rejected: list[Rejected], first: list[Example] | None
) -> Iterator[Example]:
    """The examples of a file; what is none goes to `rejected`, the first ones also to `first`."""
    from idiolect.data.example import Rejected
    from idiolect.data.importing import import_rows

    form = _form(form_name) if form_name else None
    for found in _readable(file, import_rows(file, form, columns)):
        if isinstance(found, Rejected):
            rejected.append(found)
            continue
        if first is not None and len(first) < _MOST_SHOWN:
            first.append(found)
        yield found


def _readable(file: Path, stream: Iterator[Example | Rejected]) -> Iterator[Example | Rejected]:
    from idiolect.data.forms import UnknownForm
    from idiolect.files import Unreadable

    try:
        yield from stream
    except Unreadable as reason:
        stop(f"error: {file} {reason}")
    except UnknownForm as error:
        stop(f"error: {file}: {error}")


def _form(name: str) -> Form:
    from idiolect.data.forms import UnknownForm, form_named

    try:
        return form_named(name)
    except UnknownForm as error:
        stop(f"error: {error}", USAGE)


def _show(examples: list[Example]) -> None:
    from idiolect.text_hints import shortened

    for number, example in enumerate(examples, 1):
        label = "" if example.valid else "  labelled invalid"
        print(f"row {number}  {example.task}{label}")
        for name in ("system", "context", "instruction", "target"):
            if value := getattr(example, name):
                print(f"  {name:<12}{shortened(value, 100)}")
        if example.tests:
            print(f"  {'tests':<12}{len(example.tests)}")
        if example.metadata:
            print(f"  {'metadata':<12}{', '.join(map(str, example.metadata))}")


def _end(count: int, rejected: list[Rejected]) -> None:
    reasons = Counter(one.reason for one in rejected)
    told = ", ".join(f"{number:,} {reason}" for reason, number in sorted(reasons.items()))
    total = count + len(rejected)
    print(f"{total:,} rows read, {count:,} kept" + (f", {told}" if told else ""))
    for one in rejected[:_MOST_SHOWN]:
        typer.echo(f"{one.source}:{one.line}: {one.reason}: {one.detail}", err=True)
    if len(rejected) > _MOST_SHOWN:
        typer.echo(f"... and {len(rejected) - _MOST_SHOWN:,} more", err=True)
    if not count:
        stop("error: no row is an example")
    if rejected:
        raise typer.Exit(1)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Examples, or a dataset of any known form.")],
    form: Annotated[str, typer.Option(help="The form to write.")],
    to: Annotated[Path, typer.Option("--to", help="The JSONL file to write.")],
    split: Annotated[str | None, typer.Option(help="Only train, validation or test.")] = None,
) -> None:
    """Write examples in another form; exit code 1 if a row could not be read."""
    from idiolect.data.example import SPLITS
    from idiolect.data.forms import NO_COLUMNS, from_example
    from idiolect.data.jsonl import write_rows

    if split is not None and split not in SPLITS:
        stop(f'error: no split "{split}"; splits: {", ".join(SPLITS)}', USAGE)
    wanted = _form(form)
    rejected: list[Rejected] = []
    stream = _examples(file, None, NO_COLUMNS, rejected, None)
    chosen = (example for example in stream if split in (None, example.split))
    rows = (from_example(example, wanted) for example in _labelled(chosen, wanted, rejected))
    count = write_rows(to, rows)
    print(f"wrote {to}: {count:,} rows of the form {wanted.name}")
    _end(count, rejected)


def _labelled(examples: Iterator[Example], form: Form, rejected: list[Rejected]) -> Iterator[Example]:
    """The examples that a form can hold: a negative needs a column that says so."""
    from idiolect.data.example import Rejected
    from idiolect.data.forms import unfit

    for example in examples:
        reason = unfit(example, form)
        if reason is None:
            yield example
            continue
        origin = example.provenance
        rejected.append(
            Rejected(reason=reason[0], detail=reason[1], source=origin.source or "", line=origin.line)
        )


@app.command()
def leakage(
    train: Annotated[Path, typer.Argument(help="What a model learns from.")],
    test: Annotated[Path, typer.Argument(help="What it is measured on.")],
    near: Annotated[float, typer.Option(min=0.3, max=1, help="Likeness of near repeats.")] = 0.8,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find what a test set shares with the training data; exit code 3 if it shares anything."""
    import json

    from idiolect.cli.report import GATE_FAILED
    from idiolect.data.forms import NO_COLUMNS
    from idiolect.data.leakage import KINDS, find_leaks

    broken: list[Rejected] = []
    sides = [list(_examples(path, None, NO_COLUMNS, broken, None)) for path in (train, test)]
    if not all(sides):
        stop(f"error: {train if not sides[0] else test} holds no example")
    leaks = find_leaks(*sides, near=near)
    by_kind = Counter(leak.kind for leak in leaks)
    if as_json:
        rows = [{"kind": x.kind, "test": x.test, "train": x.train, "likeness": x.likeness} for x in leaks]
        data = {"train": len(sides[0]), "test": len(sides[1]), "unreadable": len(broken), "leaks": rows}
        print(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        total = len(sides[1])
        rows_shown = [(kind, by_kind[kind], f"{by_kind[kind] / total:.1%}") for kind in KINDS]
        print_table(["shared with the training data", "of the test set", "share"], rows_shown)
        for leak in leaks[:_MOST_SHOWN]:
            print(f"{leak.kind}: test {leak.test} is like train {leak.train} ({leak.likeness:.0%})")
        if len(leaks) > _MOST_SHOWN:
            print(f"... and {len(leaks) - _MOST_SHOWN:,} more; --json lists all")
        if broken:
            print(f"{len(broken):,} rows could not be read")
    if broken:
        raise typer.Exit(1)
    raise typer.Exit(GATE_FAILED if leaks else 0)
