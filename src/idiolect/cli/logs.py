"""`idiolect logs`: what a run wrote about itself: losses, metrics, decisions, and the machine's load."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.runs import opened

if TYPE_CHECKING:
    from idiolect.runs.history import History, Series
    from idiolect.runs.shelf import ShelfRun

_POLL_S = 0.3
_MOST_DECISIONS = 20
_LAST_LINES = 5
_LAST_BYTES = 1 << 14


def logs(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's name or folder, or its script.")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new lines until the run ends; ctrl-C leaves.")
    ] = False,
    decisions: Annotated[
        int, typer.Option("--decisions", min=0, help="How many control decisions to show.")
    ] = _MOST_DECISIONS,
) -> None:
    """Show loss, validation loss, metrics, control decisions and system load of a run."""
    from idiolect.runs.history import read_history

    one = opened(run)
    typer.echo(f"{one.folder.name}: {one.state()}")
    _print(read_history(one), decisions)
    _last_lines(one)
    if follow:
        try:
            _follow(one)
        except KeyboardInterrupt:
            typer.echo("left; the run is not touched by that")


def _print(found: History, decisions: int) -> None:
    for name, fact in found.facts.items():
        typer.echo(f"{name.replace('_', ' '):<20} {fact}")
    for name, series in found.series.items():
        typer.echo(_series_line(name, series))
    for name, value in found.metrics.items():
        typer.echo(f"{name:<20} {value:.4g}")
    for name, series in found.system.items():
        values = series.values
        typer.echo(f"{name:<20} now {values[-1]:.4g}, lowest {min(values):.4g}, highest {max(values):.4g}")
    if found.decisions:
        left = len(found.decisions) - decisions
        typer.echo(
            "control decisions" + (f" (the last {decisions} of {len(found.decisions):,})" if left > 0 else "")
        )
        for decision in found.decisions[max(left, 0) :]:
            typer.echo(f"  {decision}")
    for fault in found.faults:
        typer.echo(f"warning: {fault}", err=True)
    for name, who in found.absent:
        typer.echo(f"not there yet: {name} (written by {who})")


def _series_line(name: str, series: Series) -> str:
    from idiolect.runs.history import sparkline

    first, last = series.values[0], series.values[-1]
    steps = f"steps {series.steps[0]:g} to {series.steps[-1]:g}"
    return f"{name:<20} {first:.4g} {sparkline(series.values)} {last:.4g}  ({steps})"


def _last_lines(one: ShelfRun) -> None:
    from idiolect.runs.tail import Tail

    log = Tail(one.folder.log, back=_LAST_BYTES)
    lines = log.new_lines()[-_LAST_LINES:]
    if lines:
        typer.echo("the run's log ends with")
    for line in lines:
        typer.echo(f"  {line}")


def _follow(one: ShelfRun) -> None:
    """Print what is added to the run's log and to its growing metrics, as long as a process works in it."""
    from idiolect.runs.history import describe_point, stream_file
    from idiolect.runs.lock import holder_of
    from idiolect.runs.tail import Tail

    log, stream = Tail(one.folder.log), Tail(stream_file(one))
    if holder_of(one.folder.path) is None:
        typer.echo("no process works in this run: there is nothing to follow")
        return
    while True:
        alive = holder_of(one.folder.path) is not None
        for line in log.new_lines():
            typer.echo(line)
        for line in stream.new_lines():
            typer.echo(describe_point(line) or line)
        if not alive:
            typer.echo("the run has ended")
            return
        time.sleep(_POLL_S)
