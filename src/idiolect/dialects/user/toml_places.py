"""Where each key of a TOML text stands, which the standard reader does not tell.

It is a scanner, not a reader: it takes a text that `tomllib` has accepted, and finds the span of each
table header and key outside inline tables. Keys inside an inline table are reported at its own key.
"""

from __future__ import annotations

import re

from idiolect.source import Span

_HEADER = re.compile(r"[ \t]*\[\[?([^\]\n]*)\]\]?")
_ONE_KEY = r"(?:[A-Za-z0-9_-]+|\"[^\"\n]*\"|'[^'\n]*')"
_KEY = re.compile(rf"[ \t]*({_ONE_KEY}(?:[ \t]*\.[ \t]*{_ONE_KEY})*)[ \t]*=")
_PART = re.compile(r"[A-Za-z0-9_-]+|\"([^\"\n]*)\"|'([^'\n]*)'")
# Strings first, longest quote first; then what changes the depth; then what may end a value.
_VALUE = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}\n]', re.DOTALL
)


def key_places(text: str) -> dict[tuple[str, ...], Span]:
    """The span of each key, by its full dotted path."""
    places: dict[tuple[str, ...], Span] = {}
    table: tuple[str, ...] = ()
    position = 0
    while position < len(text):
        if header := _HEADER.match(text, position):
            table = _parts(header.group(1))
            places.setdefault(table, Span(*header.span(1)))
            position = _end_of_value(text, header.end())
        elif key := _KEY.match(text, position):
            places.setdefault(table + _parts(key.group(1)), Span(*key.span(1)))
            position = _end_of_value(text, key.end())
        else:
            newline = text.find("\n", position)
            position = newline + 1 if newline >= 0 else len(text)
    return places


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(match.group(0).strip("\"'") for match in _PART.finditer(dotted))


def _end_of_value(text: str, position: int) -> int:
    """The offset after the line end that closes a value."""
    depth = 0
    for mark in _VALUE.finditer(text, position):
        match mark.group(0):
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
            case "\n" if depth <= 0:
                return mark.end()
    return len(text)
