"""`idiolect run`: the whole pipeline of a script, as far as something changed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from idiolect.cli.opening import remember_code
from idiolect.cli.report import GATE_FAILED, stop
from idiolect.cli.web import beside_run

if TYPE_CHECKING:
    from idiolect.plan.plan import Plan
    from idiolect.runs.decide import Wanted
    from idiolect.runs.engine import Outcome, Run
    from idiolect.runs.folder import RunFolder
    from idiolect.runs.watching import Watcher

_ALL = "all"
_INTERRUPTED = 130


class ForceMayStandAlone(TyperCommand):
    """`--force` with no stage behind it means all stages."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        from idiolect.plan.stages import STAGES

        spelled = []
        for at, word in enumerate(args):
            alone = word == "--force" and not (at + 1 < len(args) and args[at + 1] in (*STAGES, _ALL))
            spelled.append(f"--force={_ALL}" if alone else word)
        return super().parse_args(ctx, spelled)


def run(
    file: Annotated[Path, typer.Argument(help="The .okt file.", show_default=False)],
    first: Annotated[
        str | None, typer.Option("--from", metavar="STAGE", help="Begin here; use what came before as it is.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--until", metavar="STAGE", help="End after this stage.")
    ] = None,
    only: Annotated[str | None, typer.Option("--only", metavar="STAGE", help="Run this stage alone.")] = None,
    force: Annotated[
        str | None,
        typer.Option(
            "--force",
            metavar="[STAGE]",
            help="Run a stage, or all, though nothing changed; take over another script's run folder.",
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--new", help="Start a numbered run beside the one that is there.")
    ] = False,
    max_steps: Annotated[
        int | None, typer.Option("--max-steps", min=1, help="Train no more steps than these.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say which stages would run and why; write nothing.")
    ] = False,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Let the code and commands of the script's dialect run.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the run's log and the stages left out.")
    ] = False,
) -> None:
    """Run a script's stages: corpus, teachers, splits, training, evaluation, export.

    What did not change since the last run is skipped. A run that was stopped or killed goes on with the
    same command. Exit codes: 0 done, 1 something is wrong, 3 a quality gate failed, 130 stopped.
    """
    wanted = _wanted(first, last, only, force)

    def change(plan: Plan) -> Plan:
        if max_steps is None:
            return plan
        from idiolect.runs.placed import limited

        _check_trains(plan, file)
        return limited(plan, max_steps)

    run_stages(
        file,
        wanted,
        change,
        take_over=force is not None,
        fresh=fresh,
        dry_run=dry_run,
        allow_code=allow_code,
        verbose=verbose,
    )


def run_stages(
    file: Path,
    wanted: Wanted,
    change: Callable[[Plan], Plan],
    *,
    take_over: bool = False,
    fresh: bool = False,
    dry_run: bool = False,
    allow_code: bool = False,
    verbose: bool = False,
) -> None:
    """Run stages of a script in its run folder, with a plan changed by a command's options; then end."""
    try:
        _run(file, wanted, change, take_over, fresh, dry_run, allow_code, verbose)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        stop(f"error: {place}{error.strerror or error}")
    except KeyboardInterrupt:
        _say_stopped(file)
        raise typer.Exit(_INTERRUPTED) from None


def _run(
    file: Path,
    wanted: Wanted,
    change: Callable[[Plan], Plan],
    take_over: bool,
    fresh: bool,
    dry_run: bool,
    allow_code: bool,
    verbose: bool,
) -> None:
    from idiolect.cli.load import load_checked
    from idiolect.plan.paths import project_root
    from idiolect.runs.engine import Run
    from idiolect.runs.folder import NoRunFolder, choose_folder, script_name
    from idiolect.runs.inputs import Surroundings
    from idiolect.runs.placed import placed, plan_of
    from idiolect.runs.stages import TABLE
    from idiolect.runs.stopping import Stopper

    with Stopper(lambda: _say_stopped(file, clear=True), _say_waits) as stopper:
        checked = load_checked(file)
        root, _ = project_root(file)
        plan = plan_of(checked, file)
        if allow_code:
            remember_code(plan, root)
        try:
            name = script_name(file, root)
            folder = choose_folder(
                root / plan.project.run_folder, plan.project.name, name, fresh=fresh, take_over=take_over
            )
        except NoRunFolder as error:
            stop(_with_help(f"error: {error}", error.help))
        plan = change(placed(plan, folder.path.relative_to(root).as_posix()))
        around = Surroundings(plan, file, root, folder.path.parent)
        watcher = _watcher(verbose, frozenset(name for name in (wanted.first, wanted.last) if name))
        made = Run(TABLE, around, checked.source.text, folder, wanted, watcher, stopper)
        if dry_run:
            _print_decisions(made, folder)
            return
        typer.echo(f"{plan.project.name}: {shown(folder.path)}")
        with beside_run(plan, folder):
            outcome = _walk(made, watcher, folder)
        _end(outcome, file, folder, stopper.exit_code)


def _wanted(first: str | None, last: str | None, only: str | None, force: str | None) -> Wanted:
    from idiolect.plan.stages import STAGES
    from idiolect.runs.decide import Wanted
    from idiolect.text_hints import did_you_mean

    named = {"--from": first, "--until": last, "--only": only, "--force": None if force == _ALL else force}
    for option, stage in named.items():
        if stage is not None and stage not in STAGES:
            raise typer.BadParameter(
                f'"{stage}" is no stage; {did_you_mean(stage, STAGES, "stages")}', param_hint=option
            )
    if only is not None:
        if first is not None or last is not None:
            raise typer.BadParameter("--only stands alone; --from and --until make a range")
        first = last = only
    if first is not None and last is not None and STAGES.index(first) > STAGES.index(last):
        raise typer.BadParameter(
            f"{first} comes after {last}; the order is {', '.join(STAGES)}", param_hint="--from"
        )
    forced = STAGES if force == _ALL else (force,) if force else ()
    return Wanted(first, last, frozenset(forced))


def _check_trains(plan: Plan, file: Path) -> None:
    if plan.train is None:
        stop(
            f"error: {file} trains nothing: --max-steps has nothing to limit\n   help: leave --max-steps out"
        )


def _watcher(verbose: bool, named: frozenset[str]) -> Watcher:
    from idiolect.runs.watching import LiveWatcher, PlainWatcher

    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        from rich.console import Console

        return LiveWatcher(Console(), verbose=verbose, named=named)
    # Flushed line by line: whoever reads a pipe wants to see how far the run is.
    return PlainWatcher(lambda line: print(line, flush=True), verbose=verbose, named=named)


def _print_decisions(made: Run, folder: RunFolder) -> None:
    from idiolect.runs.stage import StageError
    from idiolect.runs.watching import decided_line

    typer.echo(f"would run in {shown(folder.path)}")
    try:
        for decision in made.decisions():
            typer.echo(decided_line(decision))
    except StageError as error:
        stop(_with_help(f"error: {error}", error.help))


def _walk(made: Run, watcher: Watcher, folder: RunFolder) -> Outcome:
    from idiolect.runs.folder import NoRunFolder
    from idiolect.runs.lock import Locked

    try:
        return made.walk()
    except Locked as error:
        help = "wait for it, or stop it; a process that has died holds nothing"
        stop(_with_help(f"error: {shown(folder.path)} is in use by {error.holder}", help))
    except NoRunFolder as error:
        stop(_with_help(f"error: {error}", error.help))
    finally:
        watcher.closed()


def _end(outcome: Outcome, file: Path, folder: RunFolder, signal_code: int | None) -> None:
    """The last lines of a run, and its exit code."""
    reasons = "; ".join(outcome.reasons)
    if outcome.how == "done":
        typer.echo(f"done: {shown(folder.path)}")
    elif outcome.how == "not available":
        typer.echo(f"the run ends here: {outcome.stage} is not available in this version of Idiolect")
    elif outcome.how == "stopped":
        _say_stopped(file, outcome.stage)
        raise typer.Exit(signal_code or _INTERRUPTED)
    elif outcome.how == "gate failed":
        stop(_with_help(f"{outcome.stage}: the gate failed: {reasons}", outcome.help), GATE_FAILED)
    elif outcome.how == "blocked":
        stop(_with_help(f"{outcome.stage}: the run can't go on: {reasons}", outcome.help))
    else:
        stop(_with_help(f"error: {outcome.stage}: {reasons}", outcome.help))


def shown(path: Path) -> str:
    """A path as short as it can be typed here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _with_help(message: str, help: str) -> str:
    return message + (f"\n   help: {help}" if help else "")


def _say_waits() -> None:
    typer.echo("stopping when this step is done and saved; ctrl-C again ends at once", err=True)


def _say_stopped(file: Path, stage: str = "", *, clear: bool = False) -> None:
    if clear and sys.stdout.isatty():
        os.write(1, b"\r\x1b[2K\x1b[?25h")  # wipes the live line and shows the cursor again
    where = f" in {stage}" if stage else ""
    typer.echo(f"stopped{where}; go on with: idiolect run {file}", err=True)
