"""`idiolect fmt`: scripts in the one layout, in place or on standard output."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.report import WRONG_INPUT, print_diagnostics

if TYPE_CHECKING:
    from idiolect.okt.format import Formatted

STDIN = Path("-")


def fmt(
    files: Annotated[
        list[Path], typer.Argument(help="Scripts to lay out; - reads one from the input.", show_default=False)
    ],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; name the files that would change.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; print what would change.")] = False,
) -> None:
    """Lay out .okt files in one way: same meaning, same order, every comment kept.

    Exit code 1 says that a file can't be laid out, or with --check that one would change.
    """
    good = True
    for path in files:
        formatted = _formatted(path)
        if formatted is None or formatted.text is None:
            good = False
            continue
        if diff:
            typer.echo(_difference(formatted), nl=False)
        elif check and formatted.changed:
            typer.echo(f"{formatted.source.name}: would change")
        if check:
            good = good and not formatted.changed
        elif not diff:
            good = _deliver(path, formatted) and good
    if not good:
        raise typer.Exit(WRONG_INPUT)


def _formatted(path: Path) -> Formatted | None:
    """The layout of a file or of the input; what stands in its way goes to standard error."""
    from idiolect.okt.format import format_text
    from idiolect.okt.text import UnreadableScript, decode_script, read_script

    try:
        if path == STDIN:
            name = "<stdin>"
            text = decode_script(sys.stdin.buffer.read(), name)
        else:
            name = str(path)
            text = read_script(path)
    except UnreadableScript as error:
        typer.echo(str(error), err=True)
        return None
    formatted = format_text(text, name)
    if formatted.errors:
        print_diagnostics(formatted.errors, formatted.source, err=True)
        typer.echo(f"{name}: not formatted", err=True)
    return formatted


def _deliver(path: Path, formatted: Formatted) -> bool:
    """Print the text of the input, or put that of a file into its place."""
    assert formatted.text is not None
    if path == STDIN:
        # As bytes: standard output must not turn "\n" into anything else.
        typer.echo(formatted.text.encode(), nl=False)
        return True
    if not formatted.changed:
        return True
    try:
        replace_text(path, formatted.text)
    except OSError as error:
        reason = error.strerror or error
        typer.echo(f"{path}: error: can't be written: {reason}; the file is as it was", err=True)
        return False
    typer.echo(f"{path}: formatted")
    return True


def replace_text(path: Path, text: str) -> None:
    """Put a text in a file's place at once, keeping its mode bits; a link stays a link."""
    target = path.resolve(strict=True)
    number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    beside = Path(name)
    try:
        with os.fdopen(number, "wb") as stream:
            stream.write(text.encode())
        beside.chmod(target.stat().st_mode & 0o7777)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _difference(formatted: Formatted) -> str:
    """What formatting changes, as a unified diff."""
    import difflib

    assert formatted.text is not None
    name = formatted.source.name
    lines = difflib.unified_diff(
        _lines(formatted.source.text), _lines(formatted.text), f"{name} (now)", f"{name} (formatted)"
    )
    return "".join(lines)


def _lines(text: str) -> list[str]:
    """The lines of a text, each with its end; a missing last end is told as diff does."""
    lines = [f"{line}\n" for line in text.split("\n")]
    if lines[-1] == "\n":
        lines.pop()
    else:
        lines[-1] += "\\ No newline at end of file\n"
    return lines
