"""`idiolect runs`: what runs there are, what each made of what, how two differ, and removing them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idiolect.cli.report import USAGE, stop
from idiolect.cli.tables import print_table

if TYPE_CHECKING:
    from idiolect.runs.manifest import StageRecord
    from idiolect.runs.shelf import ShelfRun
    from idiolect.runs.times import Times

app = typer.Typer(no_args_is_help=True, help="List, show, compare and remove runs.")

_REMOVED = ".removed-"
_Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's name or folder, or its script.")]


@app.command("list")
def list_runs() -> None:
    """List the runs of this project."""
    from idiolect.runs.shelf import project_of, runs_of
    from idiolect.runs.times import read_times

    root = project_of(Path())
    runs, others = runs_of(root)
    rows = []
    for one in runs:
        times = read_times(one.folder)
        ended = times.last_ended or times.last_started if times else "-"
        script = one.manifest.script if one.manifest else "-"
        rows.append((one.folder.name, script, _time(ended), one.state()))
    if rows:
        print_table(("run", "script", "last at work", "state"), rows)
    else:
        typer.echo(f"no runs in {root / 'runs'}; idiolect run FILE makes one")
    if others:
        from idiolect.text_hints import listed

        typer.echo(f"not runs, since they have no manifest.json: {listed(others)}")


@app.command()
def show(run: _Run) -> None:
    """Show what made a run, and what each of its stages left."""
    from idiolect.runs.times import read_times

    one = opened(run)
    typer.echo(f"{one.folder.name}: {one.state()}")
    if one.manifest is None:
        raise typer.Exit(1)
    manifest, times = one.manifest, read_times(one.folder)
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    facts = [
        ("folder", str(one.folder.path)),
        ("project", manifest.project),
        ("script", f"{manifest.script} (sha256 {manifest.script_sha256[:12]})"),
        ("plan", f"sha256 {manifest.plan_sha256[:12]}"),
        ("made with", versions),
        ("first run", _time(times.first_started) if times else "-"),
        ("last run", _time(times.last_started) if times else "-"),
    ]
    for name, value in facts:
        typer.echo(f"  {name:<10} {value}")
    typer.echo("")
    rows = [_stage_row(record, times) for record in manifest.stages]
    print_table(("stage", "state", "seconds", "files", "size", "made from"), rows)
    for record in manifest.stages:
        _stage_notes(record, one)


@app.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="The one run.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other.")],
) -> None:
    """Compare two runs: settings and inputs that differ, and metrics side by side."""
    from idiolect.plan.wording import show_value
    from idiolect.runs.compare import compare
    from idiolect.text_hints import counted

    first, second = opened(a), opened(b)
    for one in (first, second):
        if one.manifest is None:
            stop(f"error: {one.folder.path}: {one.damage}")
    found = compare(first, second)
    names = (first.folder.name, second.folder.name)
    if found.settings:
        cells = [(p.name, show_value(p.first, p.name), show_value(p.second, p.name)) for p in found.settings]
        print_table(("setting", *names), cells)
    typer.echo(f"{counted(found.same_settings, 'setting')} the same")
    if found.inputs:
        typer.echo("")
        print_table(("stage", f"from {names[0]} to {names[1]}"), found.inputs)
    if found.numbers:
        typer.echo("")
        rows = [
            (p.name, _number(p.first), _number(p.second), _change(p.first, p.second)) for p in found.numbers
        ]
        print_table(("measured", *names, "change"), rows)


@app.command()
def clean(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="The run to remove.")] = None,
    keep_last: Annotated[
        int | None, typer.Option("--keep-last", min=0, metavar="N", help="Remove all but the N newest runs.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove runs: folders below runs/ that have a manifest. Exports and datasets are left alone."""
    if (run is None) == (keep_last is None):
        typer.echo("name one RUN, or write --keep-last N", err=True)
        raise typer.Exit(USAGE)
    doomed = [opened(run)] if run is not None else _all_but(keep_last or 0)
    if not doomed:
        typer.echo("nothing to remove")
        return
    for one in doomed:
        _check_removable(one)
    for one in doomed:
        typer.echo(f"{one.folder.path}  ({_size(one)})")
    if not yes:
        _ask(len(doomed))
    for one in doomed:
        _remove(one)
    _sweep()


def opened(word: str) -> ShelfRun:
    """The run that a word names; with none the command ends here."""
    from idiolect.runs.shelf import NoSuchRun, open_run

    try:
        return open_run(word, Path())
    except (NoSuchRun, OSError, ValueError) as error:
        stop(f"error: {error}")


def _all_but(newest: int) -> list[ShelfRun]:
    from idiolect.runs.lock import holder_of
    from idiolect.runs.shelf import project_of, runs_of

    runs = [one for one in runs_of(project_of(Path()))[0] if holder_of(one.folder.path) is None]
    runs.sort(key=_last_at_work, reverse=True)
    return runs[newest:]


def _last_at_work(one: ShelfRun) -> float:
    from datetime import datetime

    from idiolect.runs.times import read_times

    times = read_times(one.folder)
    try:
        return datetime.fromisoformat(times.last_started).timestamp() if times else 0.0
    except ValueError:
        return 0.0


def _check_removable(one: ShelfRun) -> None:
    from idiolect.runs.lock import holder_of

    path = one.folder.path
    holder = holder_of(path)
    if holder is not None:
        stop(f"error: {path} is in use by {holder}")
    if path.parent.name != "runs" or path.is_symlink():
        stop(f"error: {path} is not removed: it is no folder below runs/\n   help: remove it by hand")


def _ask(number: int) -> None:
    if not sys.stdin.isatty():
        stop("nothing removed: there is nobody to ask\n   help: write --yes")
    what = "this run" if number == 1 else f"these {number} runs"
    if not typer.confirm(f"Remove {what} for good?"):
        stop("nothing removed")


def _remove(one: ShelfRun) -> None:
    import shutil
    from secrets import token_hex

    # Renamed first, so that a removal that is cut short leaves no half run under its name.
    gone = one.folder.path.with_name(f"{_REMOVED}{token_hex(4)}")
    try:
        one.folder.path.rename(gone)
        shutil.rmtree(gone)
    except OSError as error:
        stop(f"error: {error.filename}: {error.strerror}")
    typer.echo(f"removed {one.folder.path}")


def _sweep() -> None:
    """Finish removals that were cut short."""
    import shutil

    from idiolect.runs.shelf import project_of

    for left in (project_of(Path()) / "runs").glob(f"{_REMOVED}*"):
        shutil.rmtree(left, ignore_errors=True)


def _stage_row(record: StageRecord, times: Times | None) -> tuple[Any, ...]:
    from idiolect.runs.changes import what_is_the_same
    from idiolect.text_hints import size

    contents = [output.content for output in record.outputs if output.content is not None]
    time = times.stages.get(record.name) if times else None
    return (
        record.name,
        record.ending,
        f"{time.seconds:.1f}" if time else "-",
        sum(output.content.files if output.content else 1 for output in record.outputs),
        size(sum(content.bytes for content in contents)),
        what_is_the_same(record.basis),
    )


def _stage_notes(record: StageRecord, one: ShelfRun) -> None:
    from idiolect.runs.stages import TABLE
    from idiolect.runs.watching import counts_text

    lines = [*record.reasons, *(counts_text(counts) for counts in record.counts)]
    lines += [f"{name} = {_number(number)}" for name, number in record.numbers.items()]
    lines += [f"warning: {text}" for text in record.warnings]
    stage = TABLE.get(record.name)
    folder = one.folder.of(record.name, stage.at_root if stage else False)
    lines += [f"{output.name} is missing" for output in record.outputs if not (folder / output.name).exists()]
    if lines:
        typer.echo(f"\n{record.name}")
    for line in lines:
        typer.echo(f"  {line}")


def _size(one: ShelfRun) -> str:
    from idiolect.text_hints import size

    total = 0
    for path in one.folder.path.rglob("*"):
        if path.is_file() and not path.is_symlink():
            total += path.stat().st_size
    return size(total)


def _time(text: str) -> str:
    return text[:16].replace("T", " ")


def _number(number: float | None) -> str:
    if number is None:
        return "-"
    return f"{number:,}" if isinstance(number, int) else f"{number:.4g}"


def _change(first: float | None, second: float | None) -> str:
    return "-" if first is None or second is None else f"{second - first:+.4g}"
