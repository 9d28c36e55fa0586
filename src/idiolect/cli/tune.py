"""`idiolect tune`: search settings and train with rules that adapt them, and write the rules out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.report import stop
from idiolect.cli.run import run_stages

if TYPE_CHECKING:
    from idiolect.plan.plan import Plan

_WRITTEN = "tuned_control.okt"


def tune(
    file: Annotated[Path, typer.Argument(help="The .okt file.", show_default=False)],
    max_steps: Annotated[
        int | None, typer.Option("--max-steps", min=1, help="Train no more steps than these.")
    ] = None,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Let the code of the script's dialect and hooks run.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the run's log.")] = False,
) -> None:
    """Train while CONTROL adapts: EXPLORER's search first, then built-in rules beside the script's own.

    The learning rate is halved when progress stops or a NaN shows up, the batch size when memory runs low,
    and training ends when halving helps no more. Rules that the script has for the same event win. All rules
    are written to tuned_control.okt in the run's folder, to be taken over into the script.
    """
    from idiolect.runs.decide import Wanted

    written: list[tuple[Path, str]] = []

    def change(plan: Plan) -> Plan:
        from idiolect.plan.paths import project_root
        from idiolect.runs.placed import limited
        from idiolect.train.tune import control_text, tuned

        if plan.train is None:
            stop(f"error: {file} trains nothing\n   help: add TRAIN {{ epochs: 3 batch_size: 8 }} to it")
        plan, said = tuned(plan)
        for line in said:
            typer.echo(f"tune adds {line}")
        assert plan.control is not None
        root, _ = project_root(file)
        written.append((root / plan.project.run_folder / _WRITTEN, control_text(plan.control)))
        return plan if max_steps is None else limited(plan, max_steps)

    try:
        run_stages(file, Wanted(None, "train", frozenset()), change, allow_code=allow_code, verbose=verbose)
    finally:
        for path, text in written:
            if path.parent.is_dir():
                _write(path, text)


def _write(path: Path, text: str) -> None:
    from idiolect.cli.run import shown
    from idiolect.files import write_beside

    write_beside(path, text)
    typer.echo(f"rules: {shown(path)}")
