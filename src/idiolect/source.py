"""Text with places in it: offsets, lines, columns and spans.

Shared by everything that points at text (the .okt checker, dialect verdicts). Lines and columns
count from 1 and columns count characters. It does **not** read files and knows no language.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

# "\n", "\r\n" and a lone "\r" each end a line; nothing else does (form feeds are text).
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open range of character offsets."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The span from this one's start to the other's end."""
        return Span(self.start, max(self.start, other.end))


@dataclass(frozen=True, slots=True)
class SourceText:
    """A text and the name to report it under (a file name, or "<input>")."""

    text: str
    name: str = "<input>"
    _starts: list[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [0, *(match.end() for match in _LINE_END.finditer(self.text))]
        object.__setattr__(self, "_starts", starts)

    @property
    def line_count(self) -> int:
        return len(self._starts)

    def place(self, offset: int) -> Place:
        """Line and column of an offset; offsets past the end mean the end."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self._starts, offset)
        return Place(line, offset - self._starts[line - 1] + 1)

    def offset(self, line: int, column: int = 1) -> int:
        """Offset of a line and column, clamped to the text."""
        if line > len(self._starts):
            return len(self.text)
        start = self._starts[max(line, 1) - 1]
        return min(start + column - 1, start + len(self.line(line)))

    def line(self, number: int) -> str:
        """One line without its line end."""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")
