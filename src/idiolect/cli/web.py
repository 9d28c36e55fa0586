"""`idiolect dashboard` and `web`: a run while it trains, and a script with its faults, in the browser."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from idiolect.cli.report import USAGE, stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from idiolect.plan.plan import Plan
    from idiolect.runs.folder import RunFolder

_Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")]
_Open = Annotated[bool, typer.Option("--open/--no-open", help="Open it in the browser.")]


def dashboard(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's name or folder, or its script.")],
    port: _Port = 0,
    browser: _Open = False,
) -> None:
    """Show a run in the browser, live: losses, metrics, load, control decisions, judged answers."""
    from idiolect.cli.runs import opened

    one = opened(run)

    def make() -> Any:
        from idiolect.serve.dashboard import dashboard_app

        return dashboard_app(one)

    _show(make, port, browser, f"{one.folder.name} is shown at")


def web(
    file: Annotated[Path | None, typer.Option("--file", "-f", help="The script to edit.")] = None,
    port: _Port = 0,
    browser: _Open = False,
) -> None:
    """Edit a script in the browser: faults as you type, completion, what every field means."""
    if file is not None and file.suffix != ".okt":
        stop(f"error: {file} is no .okt file", USAGE)
    if file is not None and file.is_dir():
        stop(f"error: {file} is a folder")

    def make() -> Any:
        from idiolect.serve.editor import editor_app

        return editor_app(file)

    _show(make, port, browser, "the editor is at")


@contextmanager
def beside_run(plan: Plan, folder: RunFolder) -> Iterator[None]:
    """The run's dashboard while it is at work, where MONITOR.dashboard asks for it."""
    if plan.monitor is None or not plan.monitor.dashboard:
        yield
        return
    try:
        from idiolect.runs.shelf import ShelfRun
        from idiolect.serve.dashboard import Beside
    except ModuleNotFoundError as error:
        help = 'pip install "idiolect[serve]"'
        typer.echo(f"note: MONITOR.dashboard needs {error.name}: {help}", err=True)
        yield
        return
    beside = Beside(ShelfRun(folder, None, "it has not begun"))
    place = beside.start()
    typer.echo(f"dashboard: {place}" if place else "note: the dashboard does not start", err=True)
    try:
        yield
    finally:
        beside.close()


def _show(make: Callable[[], Any], port: int, browser: bool, about: str) -> NoReturn:
    """Serve a page to this machine until ctrl-C."""
    from idiolect.cli.serve import end_with_trouble, lacking

    try:
        app = make()
        from idiolect.serve.local import LOCAL, silent
        from idiolect.serve.server import listen, server_of
        from idiolect.serve.trouble import ServeError
    except ModuleNotFoundError as error:
        lacking(error)
    settings = replace(LOCAL, port=port)

    def say(line: str) -> None:
        place = line.rpartition(" ")[2] + app.state.at
        typer.echo(f"{about} {place}", err=True)
        if browser:
            import webbrowser

            webbrowser.open(place)

    try:
        code = listen(server_of(app, settings, silent()), settings, say, about)
    except ServeError as error:
        end_with_trouble(error)
    raise typer.Exit(code)
