"""Cuts long texts at definitions, never within a line, into parts that are not too long.

Tokens are estimated without a tokenizer, rather too many than too few; the preflight before training
counts with the student's own. It does **not** verify the parts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from idiolect.data.document import Document

_PIECE = re.compile(r"[^\W\d_]{1,5}|\d{1,3}|[^\w\s]|_|\n[ \t]*|[ \t]{2,}")


@runtime_checkable
class Divides(Protocol):
    """A dialect that says where its texts may be cut."""

    def boundaries(self, text: str) -> Sequence[int]:
        """Offsets at which a definition begins."""


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has: words of five letters, numbers of three digits, each sign."""
    return len(_PIECE.findall(text))


def chunked(document: Document, max_tokens: int, dialect: object = None) -> list[Document] | None:
    """The parts of a long document, in order; None where one definition alone is too long."""
    blocks = _blocks(document.text, dialect)
    parts: list[str] = []
    size = 0
    for block in blocks:
        tokens = estimated_tokens(block)
        if tokens > max_tokens:
            return None
        if parts and size + tokens <= max_tokens:
            parts[-1] += block
            size += tokens
        else:
            parts.append(block)
            size = tokens
    made: list[Document] = []
    line = document.line
    for part in parts:
        body = part.strip("\n") + "\n"
        lead = len(part) - len(part.lstrip("\n"))
        if part.strip():
            made.append(replace(document, text=body, line=line + lead, part=len(made) + 1, verdict=None))
        line += part.count("\n")
    return made


def _blocks(text: str, dialect: object) -> list[str]:
    """The text in pieces that begin at definitions; where the dialect tells none, behind blank lines."""
    offsets = dialect.boundaries(text) if isinstance(dialect, Divides) else _after_blank_lines(text)
    cuts = sorted({text.rfind("\n", 0, offset) + 1 for offset in offsets if 0 < offset < len(text)} - {0})
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def _after_blank_lines(text: str) -> list[int]:
    """Beginnings of unindented lines behind a blank one, outside of brackets as far as they are seen."""
    offsets = []
    depth = offset = 0
    blank = False
    for line in text.split("\n"):
        if not line.strip():
            blank = True
        else:
            if blank and depth <= 0 and not line[0].isspace() and line[0] not in "})]":
                offsets.append(offset)
                depth = 0
            blank = False
            depth += line.count("{") + line.count("(") - line.count("}") - line.count(")")
        offset += len(line) + 1
    return offsets
