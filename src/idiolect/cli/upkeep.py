"""`idiolect data harvest` and `data errors`: examples out of a log of answers, and a taxonomy of faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.opening import open_dialect, open_plan_dialect, read_context
from idiolect.cli.report import USAGE, stop
from idiolect.cli.tables import print_table

if TYPE_CHECKING:
    from idiolect.data.example import Example
    from idiolect.data.harvest import Harvest, Verify
    from idiolect.dialects.contract import Context, Dialect

_MOST_SHOWN = 10
_MOST_CLASSES = 40


def harvest(
    log: Annotated[Path, typer.Argument(help="JSON Lines of requests, answers and corrections.")],
    to: Annotated[Path, typer.Option("--to", help="The JSONL file to write examples into.")],
    script: Annotated[
        Path | None, typer.Option("--script", help="A .okt file whose DIALECT judges the answers.")
    ] = None,
    dialect: Annotated[str | None, typer.Option(help="A dialect's name or folder, instead.")] = None,
    catalog: Annotated[Path | None, typer.Option(help="The symbols that may be used (JSON).")] = None,
    schema: Annotated[Path | None, typer.Option(help="The JSON Schema of the answers.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Forbidden words and required lines (TOML).")] = None,
    known: Annotated[
        list[Path] | None, typer.Option(help="A dataset that there is already; repeatable.")
    ] = None,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Run the code and commands of the dialect.")
    ] = False,
) -> None:
    """Turn logged requests and people's corrections into examples; exit code 1 if a row could not be read.

    Beside the examples stand the pairs of better and worse answers, and what was left out, with reasons.
    """
    from idiolect.data.harvest import harvest as gather
    from idiolect.data.jsonl import plain_record, write_examples, write_rows
    from idiolect.files import Unreadable

    verify = _verify(script, dialect, (catalog, schema, policy), allow_code)
    try:
        found = gather(log, verify, _known(known or []))
    except Unreadable as reason:
        stop(f"error: {log} {reason}")
    written = [to, to.with_suffix(".pairs.jsonl"), to.with_suffix(".left-out.jsonl")]
    write_examples(written[0], found.examples)
    write_rows(written[1], map(plain_record, found.pairs))
    write_rows(written[2], map(plain_record, found.rejected))
    _print_harvest(found, verified=verify is not None)
    for path in written:
        print(f"wrote {path}")
    broken = {"broken row", "row too long", "unknown row"} & set(found.counts.rejected)
    for one in [one for one in found.rejected if one.reason in broken][:_MOST_SHOWN]:
        typer.echo(f"{log}:{one.line}: {one.reason}: {one.detail}", err=True)
    if broken or not found.counts.read:
        raise typer.Exit(1)


def _verify(
    script: Path | None,
    name: str | None,
    files: tuple[Path | None, Path | None, Path | None],
    allow_code: bool,
) -> Verify | None:
    from idiolect.data.verified import verified

    loaded: tuple[Dialect, Context]
    if script is not None:
        if name is not None or any(files):
            stop("error: --script has a dialect of its own; leave the other options out", USAGE)
        from idiolect.cli.load import load_plan
        from idiolect.plan.paths import project_root

        loaded = open_plan_dialect(load_plan(script), project_root(script)[0], allow_code=allow_code)
    elif name is not None:
        loaded = open_dialect(name, allow_code=allow_code), read_context(*files)
    else:
        return None
    return lambda examples: verified(examples, lambda: loaded)


def _known(paths: list[Path]) -> list[Example]:
    from idiolect.data.example import Rejected
    from idiolect.data.forms import UnknownForm
    from idiolect.data.importing import import_rows
    from idiolect.files import Unreadable

    found = []
    for path in paths:
        try:
            found += [one for one in import_rows(path) if not isinstance(one, Rejected)]
        except Unreadable as reason:
            stop(f"error: {path} {reason}")
        except UnknownForm as error:
            stop(f"error: {path}: {error}")
    return found


def _print_harvest(found: Harvest, *, verified: bool) -> None:
    counts = found.counts
    rows = [("log rows", counts.read), ("gave something", counts.kept), *counts.rejected.items()]
    print_table(["", "rows"], rows)
    print()
    print_table(["made of them", "count"], list(found.gave.items()))
    if not verified:
        print("\nnothing was verified: name a dialect by --script or --dialect")
    if found.secrets:
        print(f"\nmasked: {len(found.secrets):,} secrets")


def errors(
    files: Annotated[
        list[Path],
        typer.Argument(help="evaluation_results.jsonl, examples, or what was left out of a corpus."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Also write the report, for synth --target-errors.")
    ] = None,
) -> None:
    """Count the faults of judged answers by class; exit code 1 if no row carries a verdict."""
    from idiolect.data.taxonomy import (
        KINDS,
        NOT_JUDGED,
        RIGHT,
        rows_of,
        taxonomy_data,
        taxonomy_of,
        write_taxonomy,
    )
    from idiolect.files import Unreadable

    try:
        found = taxonomy_of(files)
    except Unreadable as reason:
        stop(f"error: {' or '.join(map(str, files))} {reason}")
    names = [path.name for path in files]
    if out is not None:
        write_taxonomy(found, out, names)
    if as_json:
        print(json.dumps(taxonomy_data(found, names), indent=2, ensure_ascii=False))
    else:
        judged = [(kind, found.kinds[kind]) for kind in (RIGHT, *KINDS, NOT_JUDGED) if found.kinds[kind]]
        print_table(["answers", "count"], [*judged, *sorted(found.left_out.items())])
        if found.classes:
            print()
            print_table(["class", "answers", "of the wrong ones"], list(rows_of(found))[:_MOST_CLASSES])
            if len(found.classes) > _MOST_CLASSES:
                print(f"... and {len(found.classes) - _MOST_CLASSES:,} more; --json lists all")
        if out is not None:
            print(f"\nwrote {out}")
    if not found.kinds:
        stop("error: no row carries a verdict\n   help: name evaluation_results.jsonl, or verified examples")
