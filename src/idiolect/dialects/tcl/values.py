"""Values of words and lists, as far as they can be read without running anything.

It does **not** substitute variables or commands: a word that needs them has no value here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from idiolect.dialects.tcl.words import NEWLINE, Splitter, Word

BACKSLASH = re.compile(
    r"\\(?:(\r?\n[ \t]*)|([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|(.)|$)",
    re.DOTALL,
)
LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
# Only ASCII white space parts Tcl words; Python's \s knows more.
LIST_GAP = re.compile(r"(?:[ \t\r\n\f\v]|\\\r?\n)+")
LIST_BARE = re.compile(r"(?:[^ \t\r\n\f\v\\]|\\(?!\r?\n).)+", re.DOTALL)
LIST_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def value_of(word: Word, text: str) -> str | None:
    """The value of a word without substitutions, else None."""
    if not word.known:
        return None
    start, end = word.inner
    inner = text[start:end]
    if word.kind == "braced":
        return NEWLINE.sub(" ", inner) if "\\" in inner else inner
    return unescape(inner) if word.escaped else inner


def unescape(text: str) -> str:
    """A text with its backslash sequences replaced."""
    return BACKSLASH.sub(_replaced, text)


def _replaced(match: re.Match[str]) -> str:
    newline, octal, short, four, eight, other = match.groups()
    if newline:
        return " "
    if octal:
        return chr(int(octal, 8) & 0xFF)
    for digits in (short, four, eight):
        if digits:
            code = int(digits, 16)
            return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
    return LETTERS.get(other, other) if other else "\\"


@dataclass(slots=True)
class Element:
    """One element of a list, in a text."""

    start: int
    end: int
    kind: Literal["bare", "quoted", "braced"]

    @property
    def inner(self) -> tuple[int, int]:
        return (self.start, self.end) if self.kind == "bare" else (self.start + 1, self.end - 1)


class BadList(Exception):
    """A region that is no list."""

    def __init__(self, message: str, at: int) -> None:
        self.message, self.at = message, at
        super().__init__(message)


def list_elements(splitter: Splitter, start: int, end: int) -> list[Element]:
    """The elements of the list that stands verbatim in a region."""
    text, at = splitter.text, start
    found: list[Element] = []
    while True:
        if gap := LIST_GAP.match(text, at, end):
            at = gap.end()
        if at >= end:
            return found
        first = at
        if text[at] == "{":
            close = splitter.closers.get(at, end)
            if close >= end:
                raise BadList("unmatched open brace in list", at)
            at, kind = close + 1, "braced"
        elif text[at] == '"':
            quoted = LIST_QUOTED.match(text, at, end)
            if quoted is None:
                raise BadList("unmatched open quote in list", at)
            at, kind = quoted.end(), "quoted"
        else:
            bare = LIST_BARE.match(text, at, end)
            at, kind = (bare.end() if bare else at + 1), "bare"
        if kind != "bare" and at < end and not LIST_GAP.match(text, at, end):
            what = "braces" if kind == "braced" else "quotes"
            raise BadList(f"list element in {what} followed by {text[at]!r} instead of space", at)
        found.append(Element(first, at, kind))  # type: ignore[arg-type]
