"""A script with colours and line numbers for the terminal."""

from __future__ import annotations

import typer

from idiolect.okt.language import BLOCKS
from idiolect.okt.lexer import TokenKind, tokenize
from idiolect.okt.vocab import CONTROL_EVENTS, CONTROL_WORDS

_JOINERS = ("AND", "BY", "WITH")


def paint(text: str) -> str:
    """The text, coloured by what its tokens are."""
    tokens, comments = tokenize(text)
    pieces: list[tuple[int, int, str]] = [(item.span.start, item.span.end, "comment") for item in comments]
    pieces += [(token.span.start, token.span.end, _style(token.kind, token.text)) for token in tokens]
    out: list[str] = []
    position = 0
    for start, end, style in sorted(pieces):
        out.append(text[position:start])
        out.append(_painted(text[start:end], style))
        position = end
    lines = ("".join(out) + text[position:]).rstrip("\n").split("\n")
    width = len(str(len(lines)))
    return "\n".join(
        f"{typer.style(str(number).rjust(width), dim=True)}  {line}" for number, line in enumerate(lines, 1)
    )


def _style(kind: TokenKind, text: str) -> str:
    if kind is TokenKind.WORD:
        if text in BLOCKS:
            return "block"
        control = text in CONTROL_WORDS or text in CONTROL_EVENTS or text in _JOINERS
        return "control" if control else "truth" if text in ("true", "false") else ""
    return {TokenKind.STRING: "string", TokenKind.NUMBER: "number"}.get(kind, "")


def _painted(text: str, style: str) -> str:
    colors = {
        "comment": typer.colors.BRIGHT_BLACK,
        "block": typer.colors.BLUE,
        "control": typer.colors.MAGENTA,
        "truth": typer.colors.CYAN,
        "string": typer.colors.GREEN,
        "number": typer.colors.CYAN,
    }
    return typer.style(text, fg=colors[style], bold=style == "block") if style and text else text
