"""`idiolect init`: a project folder to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from idiolect.cli.report import stop


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make.")] = Path(),
    template: Annotated[
        str, typer.Option("--template", "-t", metavar="NAME", help="What to start from; see --list.")
    ] = "lora-chat",
    list_only: Annotated[bool, typer.Option("--list", help="List the templates.")] = False,
) -> None:
    """Make a project: a script, sample data and okt.yaml. No file that is there already is touched."""
    from idiolect.templates import TemplateProblem, copy_template, templates

    if list_only:
        for name, about in templates().items():
            typer.echo(f"{name:<14} {about}")
        return
    try:
        written = copy_template(template, folder)
    except TemplateProblem as problem:
        stop(str(problem))
    for path in written:
        typer.echo(f"wrote {path}")
    script = next(path for path in written if path.suffix == ".okt")
    typer.echo(f"\nnext: idiolect validate {script}\n      idiolect plan {script}")
