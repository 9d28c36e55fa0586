"""Documentation tables (name, type, description, parameters) as examples that say what a name is.

Columns are found by their names in any case. A row that says nothing of its name is Rejected. The answers
are words, **not** texts of the dialect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from idiolect.data.example import Example, Provenance, Rejected
from idiolect.data.tables import read_table
from idiolect.data.tasks import Wording
from idiolect.files import Unreadable
from idiolect.text_hints import listed

_NAMES = ("name", "symbol", "title")
_KINDS = ("elementtype", "kind", "type")
_WORDS = ("description", "summary", "doc")
_PARAMETERS = ("parameters", "args", "signature")
_RETURNS = ("returntype", "returns")


def read_reference(path: Path, shown: str, wording: Wording) -> Iterator[Example | Rejected]:
    """An example a row; a table that can't be read as a whole is one Rejected."""
    try:
        for line, row in read_table(path):
            if isinstance(row, Rejected):
                yield Rejected(reason=row.reason, detail=row.detail, source=shown, line=line)
            else:
                yield _example_of(_Row(row), shown, line, wording)
    except Unreadable as reason:
        yield Rejected(reason="unreadable", detail=str(reason), source=shown)


class _Row:
    """A row whose columns are asked for by any of several names."""

    def __init__(self, row: Mapping[str, object]) -> None:
        self._values = {name.casefold().strip(): str(value or "").strip() for name, value in row.items()}

    def first(self, names: tuple[str, ...]) -> str:
        return next((self._values[name] for name in names if self._values.get(name)), "")

    def has(self, names: tuple[str, ...]) -> bool:
        return any(name in self._values for name in names)

    @property
    def columns(self) -> str:
        return listed(tuple(self._values))


def _example_of(row: _Row, shown: str, line: int, wording: Wording) -> Example | Rejected:
    if not row.has(_NAMES):
        raise Unreadable(f"has no column name, symbol or title; columns: {row.columns}")
    name = row.first(_NAMES)
    words = row.first(_WORDS).lstrip("; ")
    parameters = row.first(_PARAMETERS)
    if not name or not (words or parameters):
        detail = f"{name or 'a row without a name'} has neither a description nor parameters"
        return Rejected(reason="nothing said", detail=detail, source=shown, line=line)
    kind = row.first(_KINDS)
    returns = row.first(_RETURNS)
    sentences = [
        f"{name} is {_with_article(kind.lower())} of {wording.language}." if kind else "",
        _ended(words),
    ]
    sentences.append(f"Parameters: {_ended(parameters)}" if parameters else "")
    sentences.append(f"It returns: {_ended(returns)}" if returns else "")
    return Example(
        instruction=wording.of("lookup", name, title=name),
        target=" ".join(sentence for sentence in sentences if sentence),
        system=wording.system,
        task="lookup",
        group=f"lookup:{name.casefold()}",
        provenance=Provenance(source=shown, line=line, last_line=line, recipe="reference table"),
        metadata={"title": name, "category": kind},
    )


def _with_article(noun: str) -> str:
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def _ended(text: str) -> str:
    flat = " ".join(text.split())
    return flat if not flat or flat[-1] in ".!?" else flat + "."
