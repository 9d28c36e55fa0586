"""`idiolect dialect new` and `idiolect dialect test`: bring a language of one's own, and measure it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.opening import open_dialect
from idiolect.cli.report import GATE_FAILED, WRONG_INPUT, stop
from idiolect.cli.tables import print_table

if TYPE_CHECKING:
    from idiolect.dialects.conformance import Example, Report, Thresholds

app = typer.Typer(no_args_is_help=True, help="Make a dialect of your own, and test any dialect.")

MAX_SHOWN = 5


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The dialect's name: small letters, digits, _ and -.")],
    folder: Annotated[Path | None, typer.Option("--dir", help="Where to make it; default: ./NAME.")] = None,
) -> None:
    """Make a dialect folder that works at once, to be changed into your own language."""
    from idiolect.dialects.user.starter import CantMake, make_folder

    target = folder or Path(name)
    try:
        written = make_folder(name, target)
    except CantMake as error:
        stop(f"error: {error}")
    for path in written:
        print(f"wrote {path}")
    print(f"\nnext: idiolect dialect test {target} --allow-code")


@app.command("test")
def measure(
    dialect: Annotated[str, typer.Argument(help="A dialect folder, or a built-in dialect's name.")],
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Run the code and commands of the folder.")
    ] = False,
    samples: Annotated[int, typer.Option(min=1, max=10_000, help="How many samples to make.")] = 30,
    seed: Annotated[int, typer.Option(help="Seed of samples and mutants.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure a dialect against the contract; exit code 3 if a share is below what it asks for."""
    from idiolect.dialects.conformance import conform

    opened = open_dialect(dialect, allow_code=allow_code)
    good, bad, thresholds = _of_folder(Path(dialect), opened.suffixes)
    report = conform(opened, examples=good, bad=bad, samples=samples, seed=seed, thresholds=thresholds)
    if as_json:
        print(json.dumps(_data(report), indent=2, ensure_ascii=False))
    else:
        _print(report)
    if not report.checks:
        stop(f"error: nothing of {dialect} could be measured", WRONG_INPUT)
    raise typer.Exit(0 if report.ok else GATE_FAILED)


def _of_folder(
    folder: Path, suffixes: tuple[str, ...]
) -> tuple[list[Example], list[Example], Thresholds | None]:
    """A folder's own examples and thresholds; a built-in dialect has none."""
    from idiolect.dialects.conformance import Thresholds
    from idiolect.dialects.user.examples import read_examples
    from idiolect.dialects.user.problems import BadDialect
    from idiolect.dialects.user.settings import FILE, read_settings
    from idiolect.source import SourceText

    if not (folder / FILE).is_file():
        return [], [], None
    try:
        good, bad = read_examples(folder, suffixes)
    except BadDialect as error:
        stop(str(error))
    settings = read_settings(SourceText((folder / FILE).read_text(encoding="utf-8-sig"), str(folder / FILE)))
    return good, bad, Thresholds(**settings.test.model_dump())


def _data(report: Report) -> dict[str, object]:
    checks = [
        dataclasses.asdict(check) | {"share": round(check.share, 4), "ok": check.ok}
        for check in report.checks
    ]
    return dataclasses.asdict(report) | {"ok": report.ok, "checks": checks}


def _print(report: Report) -> None:
    print(f"dialect {report.dialect}\n")
    print_table(
        ["", "passed", "of", "share", "asked", ""],
        [
            (
                check.name,
                check.passed,
                check.total,
                f"{check.share:.1%}",
                "-" if check.threshold is None else f"{check.threshold:.0%}",
                "" if check.ok else "BELOW",
            )
            for check in report.checks
        ],
    )
    for check in report.checks:
        for note in check.notes:
            print(f"\n{check.name}: {note}")
    if report.kinds:
        print()
        rows = [(kind, refused, made) for kind, (refused, made) in report.kinds.items()]
        print_table(["mutants by kind", "refused", "made"], rows)
    if report.breaks:
        print()
        rows = [(kind, refused, tried) for kind, (refused, tried) in report.breaks.items()]
        print_table(["random breaks by kind", "refused", "tried"], rows)
    for one in report.disagreements[:MAX_SHOWN]:
        print(f"\nverifier and constraint disagree on a {one.origin}:")
        print("\n".join(f"    | {line}" for line in one.text.splitlines()))
        print(f"  verifier    {one.verifier}")
        print(f"  constraint  {one.constraint}")
    if len(report.disagreements) > MAX_SHOWN:
        print(f"\n... and {len(report.disagreements) - MAX_SHOWN} more disagreements; --json lists all")
    if report.uncovered:
        print("\nproductions that no example uses:")
        for production in report.uncovered:
            print(f"  {production}")
    for reason in report.skipped:
        print(f"\nnot measured: {reason}")
