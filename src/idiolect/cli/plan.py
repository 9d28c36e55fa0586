"""`idiolect plan`: what exactly will happen, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from idiolect.cli.report import stop


def plan(
    file: Annotated[Path, typer.Argument(help="The .okt file.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole plan as JSON.")] = False,
    why: Annotated[
        str | None,
        typer.Option("--why", metavar="FIELD", help="Explain one setting, such as TRAIN.epochs or epochs."),
    ] = None,
) -> None:
    """Show the resolved plan: each value and where it came from, each conflict, the stages that will run."""
    from idiolect.cli.load import load_plan
    from idiolect.plan.explain import explain_field, explain_plan
    from idiolect.text_hints import did_you_mean

    made = load_plan(file)
    if as_json:
        typer.echo(made.model_dump_json(by_alias=True, indent=2))
        return
    if why is None:
        explain_plan(made)
        return
    found = made.why(why)
    if not found:
        names = [*made.settings, *{path.rpartition(".")[2] for path in made.settings}]
        stop(f'{file}: nothing in the plan is called "{why}"\n   help: {did_you_mean(why, names)}')
    for path, setting in found:
        typer.echo(explain_field(path, setting))
