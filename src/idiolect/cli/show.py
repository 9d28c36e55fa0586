"""`idiolect show`: print a script, or what an okm archive says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from idiolect.cli.okm import KeyFile
from idiolect.cli.okm import show as show_archive
from idiolect.cli.report import colored, stop


def show(
    file: Annotated[Path, typer.Argument(help="The .okt file, or an okm archive.", show_default=False)],
    plain: Annotated[bool, typer.Option("--plain", help="No colours and no line numbers.")] = False,
    key_file: KeyFile = None,
) -> None:
    """Print a script, with colours and line numbers in a terminal; or an archive's provenance, verified."""
    if file.suffix == ".okm":
        show_archive(file, key_file=key_file)
        return
    from idiolect.okt.text import UnreadableScript, read_script

    try:
        text = read_script(file)
    except UnreadableScript as error:
        stop(str(error))
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if plain or not colored():
        typer.echo(text, nl=not text.endswith("\n"))
        return
    from idiolect.okt.paint import paint

    typer.echo(paint(text))
