"""`idiolect synth`: the stage that makes examples no one wrote, in a script's run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.report import USAGE, stop
from idiolect.cli.run import run_stages

if TYPE_CHECKING:
    from idiolect.plan.plan import Plan


def synth(
    file: Annotated[Path, typer.Argument(help="The .okt file.", show_default=False)],
    recipe: Annotated[
        str | None, typer.Option(help="Use this recipe in place of SYNTHESIZE.recipe.", metavar="NAME")
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, help="How many tasks; of schema_ast, schemas.")] = None,
    max_samples: Annotated[int | None, typer.Option(min=1, help="Keep no more examples than these.")] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Let the dialect's rules answer, with no server.")
    ] = False,
    target_errors: Annotated[
        Path | None,
        typer.Option(help="An error taxonomy: make more examples of the faults that it counts."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of everything random here.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Make them though nothing changed.")] = False,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Let the code and commands of the script's dialect run.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the run's log.")] = False,
) -> None:
    """Make examples by a script's recipe: the same as `run --only synth`, with options that win over it.

    A run that was stopped or killed goes on with the same command. Exit codes: 0 done, 1 something is
    wrong, 130 stopped.
    """
    from idiolect.runs.decide import Wanted
    from idiolect.runs.placed import changed
    from idiolect.teachers.recipes.job import RECIPES
    from idiolect.text_hints import did_you_mean

    if recipe is not None and recipe not in RECIPES:
        stop(f'error: no recipe "{recipe}"; {did_you_mean(recipe, tuple(RECIPES), "recipes")}', USAGE)

    def change(plan: Plan) -> Plan:
        if plan.synthesize is None:
            stop(
                f"error: {file} has no SYNTHESIZE block\n"
                '   help: add SYNTHESIZE { recipe: "schema_ast" } to it, and a DIALECT block'
            )
        plan = changed(
            plan,
            "synthesize",
            {
                "recipe": (recipe, "--recipe"),
                "count": (count, "--count"),
                "max_samples": (max_samples, "--max-samples"),
                "target_errors": (str(target_errors) if target_errors else None, "--target-errors"),
                "seed": (seed, "--seed"),
            },
        )
        # Without a TEACHER block the rules answer anyway.
        given = {"offline": (True if offline else None, "--offline")}
        return changed(plan, "teacher", given) if plan.teacher is not None else plan

    forced = frozenset({"synth"}) if force else frozenset()
    wanted = Wanted("synth", "synth", forced)
    run_stages(file, wanted, change, allow_code=allow_code, verbose=verbose)
