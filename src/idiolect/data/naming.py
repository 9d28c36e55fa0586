"""Title, category and description of a document: as metadata, header comment, folder or dialect tell them.

It makes up nothing: where nobody says what a text does, the description is empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from idiolect.data.document import Document, Told

# A comment's line in the languages that are met: the mark, then its words.
_COMMENT = re.compile(r"^\s*(?:;+|#+|//+|--+|/\*+|\*+/?|REM\b)[ \t]?(.*?)(?:\*/)?\s*$")
_DIRECTIVE = re.compile(r"#\w")  # "#Requires", "#!shebang": code, not words
_TAG = re.compile(
    r"^@?(?P<key>title|name|example|category|topic|description|purpose|summary)\s*[:=-]\s*(?P<value>\S.*)$",
    re.I,
)
_KEYS = {
    "title": "title",
    "name": "title",
    "example": "title",
    "category": "category",
    "topic": "category",
    "description": "description",
    "purpose": "description",
    "summary": "description",
}
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_NOTICE = re.compile(r"copyright|licen[sc]e|SPDX|\(c\)|all rights", re.I)
_CODE = re.compile(r"[{}]|:=|[)\]]\s*$|^\W*\w+\(|;\s*$|^\S+$|\w=\w")
_HEADER_LINES = 40
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Names:
    """What a document is called and said to do."""

    id: str  # as an example's reference: letters, digits, _ and -
    title: str
    category: str
    description: str


def with_header(document: Document) -> Document:
    """The document, told what its header comment says and metadata did not; canonical forms drop comments."""
    tags, prose = _header(document.text)
    told = document.told
    filled = Told(
        title=told.title or tags.get("title", ""),
        category=told.category or tags.get("category", ""),
        description=told.description or tags.get("description", "") or prose,
        group=told.group,
    )
    return replace(document, told=filled)


def names_of(document: Document) -> Names:
    """The names of a document: as it was told, else as its file name and its dialect have it."""
    stem = PurePosixPath(document.source).stem
    inner = f"{stem}_{document.line}" if document.line > 1 and not document.part else stem
    reference = inner if not document.part else f"{stem}_part{document.part}"
    told = document.told
    return Names(
        id=re.sub(r"[^\w-]+", "_", reference).strip("_") or "example",
        title=told.title or _spelled(reference),
        category=_spelled(told.category or _prefix(stem)),
        description=_sentence(told.description or document.words),
    )


def _header(text: str) -> tuple[dict[str, str], str]:
    """Tags and running words of the comments with which a text begins."""
    tags: dict[str, str] = {}
    words: list[str] = []
    for line in text.split("\n")[:_HEADER_LINES]:
        if not line.strip() or _DIRECTIVE.match(line.lstrip()):
            if words:
                break
            continue
        comment = _COMMENT.match(line)
        if comment is None:
            break
        said = comment[1].strip(" \t*=-_#;/")
        if tag := _TAG.match(said):
            tags.setdefault(_KEYS[tag["key"].casefold()], tag["value"].strip())
        elif len(_LETTERS.findall(said)) >= 2 and not _NOTICE.search(said) and not _CODE.search(said):
            words.append(said)
    return tags, " ".join(words)


def _sentence(text: str) -> str:
    """Words on one line, not too long, ending as a sentence does."""
    flat = " ".join(text.split())
    if len(flat) > _LONGEST:
        cut = flat[:_LONGEST]
        flat = cut[: cut.rfind(". ") + 1] or cut[: cut.rfind(" ")] + "..."
    return flat if not flat or flat[-1] in ".!?:" else flat + "."


def _spelled(name: str) -> str:
    """A name as words: "Hotkey_CtrlJ" stays two words."""
    return " ".join(re.sub(r"[_\-]+", " ", name).split())


def _prefix(stem: str) -> str:
    head, mark, _ = stem.partition("_")
    return head if mark else "General"
