"""Turns a document into examples: reference, describe, complete, repair and explain.

The wordings are in `tasks.toml`. A task that a document gives nothing for is Missing, with the reason,
so that it is counted. Targets are whole texts, so that a decoder held to the language can write them;
only explanations are words.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from idiolect.data.document import Document
from idiolect.data.example import Example, Provenance
from idiolect.data.naming import Names, names_of

_FEWEST_LINES_TO_COMPLETE = 4
_MOST_SHOWN, _LEAST_SHOWN = 0.7, 0.3  # of the lines of a script that is to be completed


@dataclass(frozen=True, slots=True)
class Missing:
    """A task that a document gives nothing for."""

    task: str
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class Wording:
    """How instructions are worded in one corpus."""

    language: str
    system: str = ""

    def of(self, task: str, key: str, **words: str) -> str:
        """The instruction of a task; which wording, the key decides."""
        wordings: Sequence[str] = _table()[task]["wordings"]
        chosen = wordings[_number(task, key) % len(wordings)].strip("\n")
        article = "an" if self.language[:1].lower() in "aeiou" else "a"
        return chosen.format(language=self.language, a_language=f"{article} {self.language}", **words)


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(files("idiolect.data").joinpath("tasks.toml").read_text("utf-8"))


def wording_for(dialect: str, system: str = "") -> Wording:
    """The wording for a dialect's language."""
    return Wording(_table()["languages"].get(dialect, dialect), system)


def _number(*parts: str) -> int:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")


def examples_of(document: Document, tasks: Sequence[str], wording: Wording) -> Iterator[Example | Missing]:
    """The examples that a document gives, one a task, in the order of the tasks."""
    if document.example is not None:
        yield _as_given(document)
        return
    names = names_of(document)
    for task in tasks:
        made = _MAKERS[task](document, names, wording)
        if isinstance(made, str):
            yield Missing(task, made, document.place)
        else:
            yield replace(made, task=task)


def _as_given(document: Document) -> Example:
    example = document.example
    assert example is not None
    origin = example.provenance if example.provenance.source else _provenance(document)
    return replace(example, target=document.text, verdict=document.verdict, provenance=origin)


def _provenance(document: Document, parent: str | None = None) -> Provenance:
    return Provenance(
        source=document.source,
        line=document.line,
        last_line=document.last_line,
        recipe="corpus",
        parent=parent,
    )


def _example(document: Document, names: Names, instruction: str, wording: Wording, **more: Any) -> Example:
    metadata = {"reference": names.id, "title": names.title, "category": names.category}
    if document.part:
        metadata["part"] = str(document.part)
    if document.unresolved:
        metadata["unresolved"] = ", ".join(document.unresolved)
    fields = {
        "target": document.text,
        "verdict": document.verdict,
        "metadata": metadata,
        "provenance": _provenance(document),
        **more,
    }
    return Example(instruction=instruction, system=wording.system, **fields)


def _reference(document: Document, names: Names, wording: Wording) -> Example | str:
    asked = wording.of("reference", document.text, category=names.category, id=names.id)
    return _example(document, names, asked, wording)


def _describe(document: Document, names: Names, wording: Wording) -> Example | str:
    if not names.description:
        return "no description"
    asked = wording.of("describe", document.text, description=names.description)
    return _example(document, names, asked, wording)


def _complete(document: Document, names: Names, wording: Wording) -> Example | str:
    lines = document.text.rstrip("\n").split("\n")
    if len(lines) < _FEWEST_LINES_TO_COMPLETE:
        return "too few lines"
    share = _LEAST_SHOWN + (_number("cut", document.text) % 1000) / 1000 * (_MOST_SHOWN - _LEAST_SHOWN)
    shown = "\n".join(lines[: max(1, int(len(lines) * share))]) + "\n"
    asked = wording.of("complete", document.text)
    return _example(document, names, asked, wording, context=shown)


def _repair(document: Document, names: Names, wording: Wording) -> Example | str:
    broken = document.broken
    if broken is None:
        return "no broken version"
    asked = wording.of("repair", document.text, fault=broken.fault)
    made = _example(document, names, asked, wording, context=broken.text)
    return replace(made, metadata={**made.metadata, "break": broken.kind, "codes": list(broken.codes)})


def _explain(document: Document, names: Names, wording: Wording) -> Example | str:
    if not names.description:
        return "no description"
    asked = wording.of("explain", document.text)
    return _example(
        document, names, asked, wording, context=document.text, target=names.description, verdict=None
    )


_MAKERS: Mapping[str, Callable[[Document, Names, Wording], Example | str]] = {
    "reference": _reference,
    "describe": _describe,
    "complete": _complete,
    "repair": _repair,
    "explain": _explain,
}
