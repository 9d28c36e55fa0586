"""`idiolect report` and `compare`: a run's evaluation as a page, and two evaluations side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.report import stop
from idiolect.cli.tables import print_table

if TYPE_CHECKING:
    from idiolect.evaluate.comparison import Comparison
    from idiolect.evaluate.records import Judged

_MOST_CHANGED = 20


def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's name or folder, or its script.")],
    into: Annotated[
        Path | None, typer.Option("--out", help="Folder for report.html and report.md; default: the run's.")
    ] = None,
) -> None:
    """Write a run's report: one page that needs nothing else, and the same in Markdown."""
    from idiolect.cli.runs import opened
    from idiolect.runs.manifest import DamagedManifest

    folder = opened(run).folder.path
    try:
        from idiolect.evaluate.report import write_report

        written = write_report(folder, into)
    except DamagedManifest as error:
        stop(f"error: {error}")
    except ModuleNotFoundError as error:
        stop(f'error: {error.name} is needed for reports\n   help: pip install "idiolect[report]"')
    except OSError as error:
        stop(f"error: {error.filename}: {error.strerror}")
    for path in written:
        typer.echo(f"wrote {path}")


def compare(
    left: Annotated[str, typer.Argument(help="A run, an evaluation's folder, or its results file.")],
    right: Annotated[str, typer.Argument(help="The other one.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare two evaluations task by task: which became right, which wrong, and whether that is chance."""
    from dataclasses import asdict

    from idiolect.evaluate.comparison import compare as compared

    found = compared(_judged(left), _judged(right))
    if not found:
        stop("error: the two share no suite that was asked in the same mode at the same temperature")
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=2))
        return
    print_table(
        (
            "suite",
            "mode",
            "temperature",
            "tasks",
            left,
            right,
            "change",
            "95% interval",
            "better",
            "worse",
            "p",
        ),
        [_row(one) for one in found],
    )
    for one in found:
        if one.left_only or one.right_only:
            typer.echo(
                f"{one.suite}, {one.mode}: {one.left_only} tasks only in {left}, "
                f"{one.right_only} only in {right}"
            )
    worse = [task for one in found for task in one.worse]
    if worse:
        more = f" and {len(worse) - _MOST_CHANGED} more" if len(worse) > _MOST_CHANGED else ""
        typer.echo(f"became wrong: {', '.join(worse[:_MOST_CHANGED])}{more}")


def _row(one: Comparison) -> tuple[object, ...]:
    return (
        one.suite,
        one.mode,
        f"{one.temperature:g}",
        one.tasks,
        f"{one.left:.1%}",
        f"{one.right:.1%}",
        f"{100 * one.difference.value:+.1f}",
        f"{100 * one.difference.low:+.1f} to {100 * one.difference.high:+.1f}",
        len(one.better),
        len(one.worse),
        f"{one.p:.2g}",
    )


def _judged(word: str) -> list[Judged]:
    """The judged answers that a word leads to."""
    from idiolect.data.jsonl import BadRow
    from idiolect.evaluate.results import RESULTS, read_judged
    from idiolect.files import Unreadable

    path = Path(word)
    if path.is_dir() and (path / RESULTS).is_file():
        path = path / RESULTS
    elif not path.is_file() or path.suffix == ".okt":
        path = _of_run(word)
    try:
        return read_judged(path)
    except BadRow as error:
        stop(f"error: {error}")
    except Unreadable as reason:
        stop(f"error: {path} {reason}")


def _of_run(word: str) -> Path:
    """The results of a run's last evaluation."""
    from idiolect.cli.runs import opened
    from idiolect.evaluate.report_data import EVALUATIONS
    from idiolect.evaluate.results import RESULTS

    folder = opened(word).folder.path
    found = [path for stage, _ in EVALUATIONS if (path := folder / stage / RESULTS).is_file()]
    if not found:
        stop(f"error: {folder} holds no evaluation\n   help: idiolect run FILE --until eval")
    return found[-1]
