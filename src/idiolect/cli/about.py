"""`idiolect about` and `idiolect exit`: two words that users of the language type."""

from __future__ import annotations

import typer

from idiolect import __version__


def about() -> None:
    """Say what this program is."""
    typer.echo(
        f"Idiolect {__version__}: builds small language models that write your own language.\n"
        "It reads OktoScript (.okt), the language of OktoSeek, and has no tie to that company.\n"
        "Everything runs on this machine; nothing is sent anywhere unless a script names a server."
    )


def leave() -> None:
    """Say how to leave: a shell command can't end a chat."""
    typer.echo("nothing to leave here. In a chat, type /exit or press ctrl-D; a run is stopped by ctrl-C.")
