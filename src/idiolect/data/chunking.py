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
from idiolect.data.naming import with_header

_QUOTED = re.compile(r""""[^"\n]*"|'[^'\n]*'""")
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
    blocks = _blocks(document.text, max_tokens, dialect)
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
            at = document.line if document.row else line + lead
            made.append(_part(document, body, at, len(made) + 1))
        line += part.count("\n")
    return made


def _part(document: Document, text: str, line: int, number: int) -> Document:
    """A part, with its own description: the whole's would ask for more than the part gives."""
    told = replace(document.told, description="")
    return with_header(
        replace(document, text=text, line=line, part=number, told=told, words="", verdict=None, unresolved=())
    )


def _blocks(text: str, max_tokens: int, dialect: object) -> list[str]:
    """The text in pieces that begin at definitions; where the dialect tells none, at unindented lines.

    Those behind a blank line come first; a piece that is still too long is cut at the others too.
    """
    if isinstance(dialect, Divides):
        return _cut_at(text, dialect.boundaries(text))
    top, behind_blank = _top_lines(text)
    blocks = []
    start = 0
    for block in _cut_at(text, behind_blank):
        if estimated_tokens(block) > max_tokens:
            blocks += _cut_at(
                block, [offset - start for offset in top if start < offset < start + len(block)]
            )
        else:
            blocks.append(block)
        start += len(block)
    return blocks


def _cut_at(text: str, offsets: Sequence[int]) -> list[str]:
    cuts = sorted({text.rfind("\n", 0, offset) + 1 for offset in offsets if 0 < offset < len(text)} - {0})
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def _top_lines(text: str) -> tuple[list[int], list[int]]:
    """Beginnings of unindented lines outside of brackets and comments, and of those behind a blank line."""
    top, behind_blank = [], []
    depth = offset = 0
    blank = commented = False
    for line in text.split("\n"):
        if commented:  # a /* comment */ over several lines is one thing
            commented = "*/" not in line
        elif not line.strip():
            blank = True
        else:
            if depth <= 0 and not line[0].isspace() and line[0] not in "})]{":
                top.append(offset)
                if blank:
                    behind_blank.append(offset)
                depth = 0
            blank = False
            commented = line.lstrip().startswith("/*") and "*/" not in line
            code = _QUOTED.sub("", line)
            depth += code.count("{") + code.count("(") - code.count("}") - code.count(")")
        offset += len(line) + 1
    return top, behind_blank
