"""`idiolect package`: the stage that makes a folder for an offline machine, and the wheels for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from idiolect.cli.report import stop
from idiolect.cli.run import run_stages


def package(
    file: Annotated[Path, typer.Argument(help="The .okt file.", show_default=False)],
    wheels: Annotated[
        bool, typer.Option("--wheels", help="Fetch with pip the wheels that the machine must install.")
    ] = False,
    wheels_from: Annotated[
        Path | None,
        typer.Option("--wheels-from", help="Take the wheels from this folder alone, with no network."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Do it though nothing changed.")] = False,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Let the code and commands of the script's dialect run.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the run's log.")] = False,
) -> None:
    """Pack a script's student for a machine with no network: the same as `run --only package`.

    Exit codes: 0 done, 1 something is wrong.
    """
    from idiolect.cli.load import load_plan
    from idiolect.plan.paths import project_root
    from idiolect.runs.decide import Wanted

    plan = load_plan(file)
    if plan.package is None:
        stop(f'error: {file} has no PACKAGE block\n   help: add PACKAGE {{ path: "package" }} to it')
    forced = frozenset({"package"}) if force else frozenset()
    wanted = Wanted("package", "package", forced)
    run_stages(file, wanted, lambda plan: plan, allow_code=allow_code, verbose=verbose)
    if wheels or wheels_from is not None:
        _fetch(project_root(file)[0] / (plan.package.path or "package"), wheels_from)


def _fetch(folder: Path, found_in: Path | None) -> None:
    from idiolect.ship import packaged
    from idiolect.ship.wheel_list import NoWheels, fetch_wheels

    listed, into = folder / packaged.REQUIREMENTS, folder / packaged.WHEELS
    if not listed.is_file():
        stop('error: the package has no list of wheels\n   help: put "cli" into PACKAGE.include')
    typer.echo(f"fetching the wheels of {listed.name} ...", err=True)
    try:
        count = fetch_wheels(listed, into, found_in=found_in)
    except NoWheels as error:
        help = "pip takes its index from PIP_INDEX_URL; --wheels-from DIR takes a folder of wheels"
        stop(f"error: the wheels could not be fetched: {error}\n   help: {help}")
    typer.echo(f"wrote {into}: {count} wheels")
