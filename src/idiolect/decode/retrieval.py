"""Finds what a request needs in a catalog, a manual and examples: by words (BM25), and by meaning where a
local embedding model is given; both ranks are then added up.

    index = build_index(entries)
    index.save(folder); index = load_index(folder)
    index.find("route net CLK on M3", most={"proc": 6, "statement": 3, "example": 3})

Everything is local. An index is its entries; what is computed from them is computed again when it is loaded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from idiolect.data.example import Rejected
from idiolect.data.jsonl import plain_record, read_rows, write_rows
from idiolect.decode.documents import Entry, Kind, words
from idiolect.files import write_beside

ENTRIES, ABOUT, VECTORS = "entries.jsonl", "index.json", "vectors.npy"
FORMAT = "idiolect.index/1"
DEFAULT_MOST: Mapping[Kind, int] = {"proc": 8, "statement": 4, "variable": 4, "example": 3, "section": 1}
_RANK_OFFSET = 60  # of reciprocal rank fusion: the usual constant, which keeps first places from ruling alone

Embed = Callable[[Sequence[str]], Any]  # texts to unit vectors, one row each


class BadIndex(Exception):
    """A folder that holds no index, or one that can't be read."""


@dataclass(frozen=True, slots=True)
class Found:
    """An entry that was found, and how well it fits; scores of one search compare, others do not."""

    entry: Entry
    score: float


@dataclass(slots=True)
class Index:
    """Entries that can be searched."""

    entries: tuple[Entry, ...]
    embed: Embed | None = None
    vectors: Any = None  # [entries, width], where there is a model
    _engine: Any = field(init=False, default=None)
    _of_kind: dict[Kind, list[int]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        import bm25s

        for number, entry in enumerate(self.entries):
            self._of_kind.setdefault(entry.kind, []).append(number)
        listed = [words(entry.text) or [""] for entry in self.entries]
        if listed:
            self._engine = bm25s.BM25()
            self._engine.index(listed, show_progress=False)

    def find(self, request: str, most: Mapping[Kind, int] = DEFAULT_MOST) -> tuple[Found, ...]:
        """The entries that fit a request, best first within each kind, kinds in the order of `most`."""
        scores = self._scores(request)
        found: list[Found] = []
        for kind, number in most.items():
            ranked = sorted(self._of_kind.get(kind, ()), key=lambda at: (-scores[at], at))
            found += [Found(self.entries[at], float(scores[at])) for at in ranked[:number] if scores[at] > 0]
        return tuple(found)

    def _scores(self, request: str) -> Any:
        """How well each entry fits: by words alone, or both ranks added up."""
        asked = [word for word in words(request) if self._engine and word in self._engine.vocab_dict]
        none = np.zeros(len(self.entries))
        by_words = self._engine.get_scores(asked) if asked else none
        if self.embed is None or self.vectors is None:
            return by_words
        by_meaning = self.vectors @ np.asarray(self.embed([request]))[0]
        return _reciprocal(by_words, by_words > 0) + _reciprocal(by_meaning, np.ones(len(none), bool))

    def save(self, folder: Path) -> None:
        """Write the index; a reader never sees half of it."""
        folder.mkdir(parents=True, exist_ok=True)
        write_rows(folder / ENTRIES, map(plain_record, self.entries))
        vectors = None
        if self.vectors is not None:
            beside = folder / f".{VECTORS}"
            with beside.open("wb") as stream:
                np.save(stream, np.asarray(self.vectors, np.float32), allow_pickle=False)
            beside.replace(folder / VECTORS)
            vectors = _digest(folder / VECTORS)
        about = {"format": FORMAT, "entries": len(self.entries), "entries_sha256": _digest(folder / ENTRIES),
                 "vectors_sha256": vectors}  # fmt: skip
        write_beside(folder / ABOUT, json.dumps(about, indent=2) + "\n")


def build_index(entries: Iterable[Entry], embed: Embed | None = None) -> Index:
    """The index of entries; with a model their vectors are computed now."""
    listed = tuple(dict.fromkeys(entries))
    vectors = np.asarray(embed([entry.text for entry in listed])) if embed and listed else None
    return Index(listed, embed, vectors)


def load_index(folder: Path, embed: Embed | None = None) -> Index:
    """The index that a folder holds; BadIndex says why there is none."""
    try:
        about = json.loads((folder / ABOUT).read_text("utf-8"))
        wanted = about["entries_sha256"]
        kept = about["vectors_sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadIndex(f"{folder} holds no index; idiolect index build makes one") from error
    if not (folder / ENTRIES).is_file() or _digest(folder / ENTRIES) != wanted:
        raise BadIndex(f"{folder / ENTRIES} is not what the index was made of; build it again")
    entries = tuple(_entry(folder, number, row) for number, row in read_rows(folder / ENTRIES))
    if embed is None or kept is None:
        return Index(entries)
    if not (folder / VECTORS).is_file() or _digest(folder / VECTORS) != kept:
        raise BadIndex(f"{folder / VECTORS} is not what the index was made of; build it again")
    return Index(entries, embed, np.load(folder / VECTORS, allow_pickle=False))


def _entry(folder: Path, number: int, row: Any) -> Entry:
    if isinstance(row, Rejected):
        raise BadIndex(f"{folder / ENTRIES}:{number}: {row.detail}")
    try:
        return _adapter().validate_json(json.dumps(row))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise BadIndex(f"{folder / ENTRIES}:{number}: {fault['msg']}") from error


@cache
def _adapter() -> TypeAdapter[Entry]:
    return TypeAdapter(Entry)


def _reciprocal(scores: Any, counted: Any) -> Any:
    """One over the rank of each score, best first; 0 where a score does not count."""
    order = np.argsort(-scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(len(scores))
    return np.where(counted, 1.0 / (_RANK_OFFSET + 1 + ranks), 0.0)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of the symbols that references use were found."""

    tasks: int
    symbols: int
    found: int
    whole: int  # tasks whose every symbol was found

    @property
    def share(self) -> float:
        return self.found / self.symbols if self.symbols else 1.0


def measure_recall(
    index: Index, asked: Iterable[tuple[str, Sequence[str]]], most: Mapping[Kind, int] = DEFAULT_MOST
) -> Recall:
    """The recall over pairs of a request and the names that its reference uses."""
    tasks = symbols = found = whole = 0
    for request, names in asked:
        got = {one.entry.name for one in index.find(request, most) if one.entry.kind != "example"}
        hits = sum(name in got for name in names)
        tasks, symbols, found = tasks + 1, symbols + len(names), found + hits
        whole += hits == len(names)
    return Recall(tasks, symbols, found, whole)
