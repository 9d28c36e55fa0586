"""`idiolect docs`: pages that are written from the definitions of the language."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from idiolect.cli.report import stop


def docs(
    folder: Annotated[Path, typer.Argument(help="Folder to write to.")] = Path("docs"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a page is not current.")
    ] = False,
) -> None:
    """Write a page for each block, the list of blocks, and the list of diagnostics."""
    from idiolect.files import write_beside
    from idiolect.okt.pages import pages

    stale = []
    for name, text in pages().items():
        path = folder / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_beside(path, text)
    if check and stale:
        listed = "\n".join(f"   {path}" for path in stale)
        stop(f"these pages are not what the definitions say:\n{listed}\n   help: run idiolect docs {folder}")
    done = "current" if check or not stale else "written"
    typer.echo(f"{len(pages())} pages in {folder} are {done}")
