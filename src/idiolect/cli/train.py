"""`idiolect train`: everything up to a trained student."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.report import stop
from idiolect.cli.run import run_stages

if TYPE_CHECKING:
    from idiolect.plan.plan import Plan


def train(
    file: Annotated[Path, typer.Argument(help="The .okt file.", show_default=False)],
    max_steps: Annotated[
        int | None, typer.Option("--max-steps", min=1, help="Train no more steps than these.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on from the run's newest checkpoint, though settings changed (more epochs, say).",
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Train anew, though nothing changed; take over a run folder.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--new", help="Start a numbered run beside the one that is there.")
    ] = False,
    allow_code: Annotated[
        bool,
        typer.Option("--allow-code", help="Let the script's hooks and the code of its dialect run."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the run's log and the stages left out.")
    ] = False,
) -> None:
    """Train a script's student: the stages of `run` up to the training.

    A training that was stopped or killed goes on with the same command, to the same weights. Several GPUs
    or machines: torchrun --nproc-per-node 2 -m idiolect train FILE.
    """
    from idiolect.runs.decide import Wanted
    from idiolect.train.ranks import processes_here, rank_here

    if rank_here() > 0:
        _work_along()
        return

    def change(plan: Plan) -> Plan:
        from idiolect.runs.placed import limited, resumed

        if plan.train is None:
            stop(f"error: {file} trains nothing\n   help: add TRAIN {{ epochs: 3 batch_size: 8 }} to it")
        if max_steps is not None:
            plan = limited(plan, max_steps)
        return resumed(plan, _newest(plan, file)) if resume else plan

    forced = frozenset({"train"}) if force else frozenset()
    try:
        run_stages(
            file,
            Wanted(None, "train", forced),
            change,
            take_over=force,
            fresh=fresh,
            allow_code=allow_code,
            verbose=verbose,
        )
    finally:
        if processes_here() > 1:
            from idiolect.train.launch import release

            release()


def _work_along() -> None:
    """A process that the launcher started beside the first: it trains, and does nothing else of a run."""
    from idiolect.runs.stage import StageStopped
    from idiolect.train.launch import work_along

    with suppress(StageStopped):
        work_along()


def _newest(plan: Plan, file: Path) -> str:
    """The newest checkpoint of a plan's run, as a script would name it."""
    from idiolect.plan.paths import project_root
    from idiolect.train.checkpoints import newest_of_run

    root = project_root(file)[0]
    found = newest_of_run(root / plan.project.run_folder)
    if found is None:
        stop("error: this run has no checkpoint to go on from\n   help: leave --resume out to train anew")
    return found.relative_to(root).as_posix()
