"""`idiolect data preflight`: what can be known of a training before its first step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from idiolect.cli.report import USAGE, WRONG_INPUT, colored, stop

if TYPE_CHECKING:
    from idiolect.data.example import Example, Rejected
    from idiolect.dialects.contract import Context, Dialect
    from idiolect.plan.plan import Plan
    from idiolect.problem import Problem
    from idiolect.student.load import Student

_COLORS = {"error": typer.colors.RED, "warning": typer.colors.YELLOW, "info": typer.colors.CYAN}


def preflight(
    file: Annotated[Path, typer.Argument(help="The .okt file.", show_default=False)],
    show: Annotated[
        int | None, typer.Option("--show", metavar="N", min=1, help="Show row N with its mask instead.")
    ] = None,
    probe: Annotated[bool, typer.Option(help="Run a few short steps to estimate memory and time.")] = True,
    long_prompts: Annotated[
        Literal["reject", "shrink"],
        typer.Option(help="What becomes of a prompt that is too long: left out, or its context shortened."),
    ] = "reject",
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Let a dialect folder's code run.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check the rows that a script trains on, with its student's own tokenizer; exit code 1 on an error.

    Lengths, what would be cut, what is supervised, whether the dialect's grammar could write each target,
    and estimates of memory and time.
    """
    from idiolect.cli.load import load_plan
    from idiolect.data.forms import UnknownForm
    from idiolect.files import Unreadable
    from idiolect.plan.paths import project_root
    from idiolect.student.from_plan import student_for, trainable_student
    from idiolect.student.trouble import StudentError
    from idiolect.train.preflight.of_plan import preflight_plan, training_records
    from idiolect.train.preflight.report import as_json as to_json
    from idiolect.train.preflight.report import as_text

    plan = load_plan(file)
    root = project_root(file)[0]
    if plan.train is None or plan.model is None:
        stop(f"error: {file} has no TRAIN or no MODEL block, so it trains nothing", USAGE)
    dialect, project = _dialect(plan, root, allow_code)
    try:
        records, source = training_records(plan, root)
    except Unreadable as reason:
        stop(f"error: the training data {reason}")
    except UnknownForm as error:
        stop(f"error: {error}")
    if not records and plan.data is None:
        what = f"error: the examples of {file} are made by its run, which has not come so far"
        stop(f"{what}\n   help: idiolect run {file} --until split")
    try:
        student = student_for(plan, root)
        if show is not None:
            _show(student, records, show)
            return
        student = trainable_student(student, plan, root)
    except StudentError as error:
        _print([error.problem])
        raise typer.Exit(WRONG_INPUT) from error
    found = preflight_plan(
        plan,
        root,
        records,
        student=student,
        dialect=dialect,
        project=project,
        probe_s=3.0 if probe else 0.0,
        long_prompts=long_prompts,
    )
    if as_json:
        typer.echo(json.dumps({"data": source, **to_json(found)}, indent=2, ensure_ascii=False))
    else:
        typer.echo(f"{'data':<11}{source}")
        typer.echo(as_text(found, dialect.name if dialect else None))
        _print(list(found.problems))
    if not found.ok:
        raise typer.Exit(WRONG_INPUT)


def _dialect(plan: Plan, root: Path, allow_code: bool) -> tuple[Dialect | None, Context]:
    """The dialect of the script, and what its texts are judged against."""
    from idiolect.dialects.contract import EMPTY
    from idiolect.runs.dialect_of import dialect_of
    from idiolect.runs.stage import StageError

    if plan.dialect is None:
        return None, EMPTY
    try:
        return dialect_of(plan, root, allow_code=allow_code)
    except StageError as error:
        help = f"\n   help: {error.help}" if error.help else ""
        stop(f"error: {error}{help}")


def _show(student: Student, records: list[Example | Rejected], number: int) -> None:
    """One row of the data with its mask."""
    from idiolect.data.example import Rejected
    from idiolect.student.tokens import NoRow, make_row
    from idiolect.train.preflight.mask import shown

    if number > len(records):
        stop(f"error: there are {len(records):,} rows, so none has the number {number:,}", USAGE)
    record = records[number - 1]
    if isinstance(record, Rejected):
        stop(f"error: row {number} is no example: {record.reason}: {record.detail}")
    try:
        row = make_row(record, student.tokenizer, student.form)
    except NoRow as reason:
        stop(f"error: row {number} can't be trained on: {reason}")
    typer.echo(shown(row, student.tokenizer, colored=colored()))


def _print(problems: list[Problem]) -> None:
    for found in problems:
        label = f"{found.severity}[{found.code}]"
        if colored():
            label = typer.style(label, fg=_COLORS[found.severity], bold=True)
        typer.echo(f"{label}: {found.message}")
        if found.where:
            typer.echo(f"   at: {found.where}")
        if found.help:
            typer.echo(f"   help: {found.help}")
