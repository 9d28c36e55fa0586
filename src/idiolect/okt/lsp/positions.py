"""Offsets of a text to positions of the editor protocol, and back.

The protocol counts lines from 0 and columns in code units of an agreed encoding, usually UTF-16.
"""

from __future__ import annotations

from lsprotocol import types as lsp

from idiolect.source import SourceText, Span

_UNIT_BYTES = {"utf-8": 1, "utf-16": 2, "utf-32": 4}
_CODECS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}


class Positions:
    """Converts between the offsets of one text and positions in one encoding."""

    def __init__(self, source: SourceText, encoding: str = "utf-16") -> None:
        self.source = source
        self.codec = _CODECS[encoding]
        self.unit_bytes = _UNIT_BYTES[encoding]

    def units(self, text: str) -> int:
        """How many code units a text has."""
        if text.isascii():
            return len(text)
        return len(text.encode(self.codec, "surrogatepass")) // self.unit_bytes

    def position(self, offset: int) -> lsp.Position:
        place = self.source.place(offset)
        before = self.source.line(place.line)[: place.column - 1]
        return lsp.Position(place.line - 1, self.units(before))

    def range(self, span: Span) -> lsp.Range:
        return lsp.Range(self.position(span.start), self.position(span.end))

    def offset(self, position: lsp.Position) -> int:
        """The offset of a position; one behind the end of its line or of the text means that end."""
        if position.line >= self.source.line_count:
            return len(self.source.text)
        line = self.source.line(position.line + 1)
        start = self.source.offset(position.line + 1)
        if line.isascii():
            return start + min(position.character, len(line))
        units = 0
        for column, character in enumerate(line):
            if units >= position.character:
                return start + column
            units += self.units(character)
        return start + len(line)

    def span(self, range: lsp.Range) -> Span:
        return Span(self.offset(range.start), self.offset(range.end))
