"""What an index knows: one document for each symbol, statement, variable, example and section of a manual.

A document's words are what a request may say of it. It does **not** search; see `retrieval.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar, Literal

from idiolect.data.example import STRICT, WORDS, Example
from idiolect.dialects.catalog import Arg, Catalog, Proc, spell

Kind = Literal["proc", "statement", "variable", "example", "section"]

_PIECE = re.compile(r"[A-Z]+s?(?![a-z])|[A-Z]?[a-zà-öø-ÿ]+|[^\W\d_]+|\d+")
_LONGEST_SECTION = 4_000  # characters; a longer one is parted at blank lines
_ENDINGS = ("ements", "ement", "ations", "ation", "ings", "ing", "ies", "ers", "er", "ed", "es", "s")
_SHORTEST_STEM = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that can be found."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    kind: Kind
    name: str  # of the symbol or statement, the example's id, or the section's heading
    text: str  # what is searched
    shown: str = ""  # what a context pack shows, where that is not made from the catalog


def entries_of_catalog(catalog: Catalog) -> Iterator[Entry]:
    """Symbols, statements and variables of a catalog."""
    for proc in catalog.procs:
        yield Entry(kind="proc", name=proc.name, text=_proc_words(proc))
    for dsl in catalog.dsl:
        for form in dsl.statements:
            words = [form.name, form.form, form.notes, *(_arg_words(slot) for slot in form.slots)]
            yield Entry(kind="statement", name=form.name, text="\n".join(filter(None, words)))
    for variable in catalog.variables:
        words = [variable.name, variable.notes, *map(spell, variable.values)]
        yield Entry(kind="variable", name=variable.name, text="\n".join(filter(None, words)))


def entries_of_examples(examples: Iterable[Example]) -> Iterator[Entry]:
    """Good examples, found by what was asked."""
    for example in examples:
        if example.valid and example.task not in WORDS:
            yield Entry(kind="example", name=example.id, text=example.instruction, shown=example.target)


def entries_of_manual(text: str, name: str) -> Iterator[Entry]:
    """The sections of a manual in Markdown or plain text."""
    heading = name
    lines: list[str] = []
    for line in [*text.splitlines(), "# "]:
        if line.startswith("#"):
            yield from _sections(heading, "\n".join(lines).strip())
            heading, lines = line.lstrip("#").strip() or name, []
        else:
            lines.append(line)


def _sections(heading: str, text: str) -> Iterator[Entry]:
    part = ""
    for paragraph in text.split("\n\n"):
        if part and len(part) + len(paragraph) > _LONGEST_SECTION:
            yield Entry(kind="section", name=heading, text=f"{heading}\n{part}", shown=part)
            part = ""
        part = f"{part}\n\n{paragraph}" if part else paragraph
    if part:
        yield Entry(kind="section", name=heading, text=f"{heading}\n{part}", shown=part)


def _proc_words(proc: Proc) -> str:
    words = [proc.name, proc.notes, *(_arg_words(arg) for arg in proc.args), *proc.side_effects]
    return "\n".join(filter(None, words))


def _arg_words(arg: Arg) -> str:
    return " ".join(filter(None, [arg.name, arg.notes, *(spell(value) for value in arg.values)]))


def words(text: str) -> list[str]:
    """The words of a text as an index counts them: parts of names apart, case folded, endings off.

    `net::vlanCreate` gives net, vlan and creat, as "creating a VLAN on the net" does.
    """
    found = [piece.casefold() for piece in _PIECE.findall(text)]
    return [_stem(word) for word in found if word not in _stop_words()]


def _stem(word: str) -> str:
    """A word without its ending, roughly, in English and French alike."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            word = word[: -len(ending)]
            break
    return word[:-1] if word.endswith("e") and len(word) > _SHORTEST_STEM else word


@cache
def _stop_words() -> frozenset[str]:
    text = files("idiolect.decode").joinpath("stop_words.txt").read_text("utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def named(entries: Sequence[Entry], kind: Kind) -> tuple[str, ...]:
    """The names of the entries of a kind, each once, in their order."""
    return tuple(dict.fromkeys(entry.name for entry in entries if entry.kind == kind))
