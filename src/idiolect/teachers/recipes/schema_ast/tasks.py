"""What becomes of a verified tree and of its broken versions: examples to learn from.

A positive is the query with its tree. A broken tree stays as a negative, and where the script wants it
becomes a task as well: mend it, or refuse it because the schema lacks what it names.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from idiolect.data.example import Example, Provenance
from idiolect.teachers.recipes.breaking import Break
from idiolect.teachers.recipes.schema_ast.records import Asked
from idiolect.teachers.recipes.schema_ast.requests import compact
from idiolect.text_hints import shortened

NAME = "schema_ast"
_MOST_FAULTS = 2  # told of a broken tree
# Breaks whose first fault says what the schema does not have. Of others it tells where the tree went wrong.
_NAMES_IT = frozenset(
    {"wrong_type", "unknown_value", "bad_date", "out_of_range", "unknown_key", "missing_key", "repeated_item"}
)


@dataclass(frozen=True, slots=True)
class Source:
    """What all examples of one schema share."""

    schema_id: str
    domain: str
    schema_text: str  # compact: the shared head of all prompts
    system: str
    teacher: str
    seed: int

    def context(self, today: str | None) -> str:
        """What an instruction is about: the schema first, then the current day."""
        return f"{self.schema_text}\nToday: {today}" if today else self.schema_text

    def example(self, asked: Asked, target: str, level: str, **more: Any) -> Example:
        """An example over this schema."""
        metadata = {"schema_id": self.schema_id, "domain": self.domain, "language": asked.language}
        if asked.today:
            metadata["today"] = asked.today
        provenance = Provenance(
            recipe=NAME, teacher=self.teacher, seed=self.seed, parent=more.pop("parent", None)
        )
        return Example(
            instruction=more.pop("instruction", asked.query),
            target=target,
            system=self.system,
            context=self.context(asked.today),
            task=more.pop("task", NAME),
            level=level,
            group=self.schema_id,
            provenance=provenance,
            metadata={**metadata, **more.pop("metadata", {})},
            **more,
        )


def negative(source: Source, asked: Asked, positive: Example, broken: Break) -> Example:
    """The query with a tree that is wrong, and is labelled so."""
    return source.example(
        asked,
        broken.text,
        positive.level or "",
        valid=False,
        parent=positive.id,
        metadata=_told(broken),
    )


def repair(source: Source, asked: Asked, positive: Example, broken: Break, rng: random.Random) -> Example:
    """Mend a broken tree, so that a named fault goes away."""
    faults = "; ".join(f"{one.code}: {one.message}" for one in list(broken.errors())[:_MOST_FAULTS])
    template = rng.choice(_words(asked.language)["repair"])
    text = template.format_map(
        {"query": asked.query, "broken": broken.text, "faults": shortened(faults, 300)}
    )
    return source.example(
        asked,
        positive.target,
        positive.level or "",
        instruction=text,
        task="repair",
        parent=positive.id,
        metadata=_told(broken),
    )


def refusal(
    source: Source, asked: Asked, positive: Example, broken: Break, key: str, rng: random.Random
) -> Example | None:
    """Refuse a tree that names what the schema does not have; None for one that is broken otherwise."""
    if broken.kind not in _NAMES_IT:
        return None
    fault = next(broken.errors())
    reason = shortened(fault.message.partition(", not ")[0], 150)
    template = rng.choice(_words(asked.language)["refusal"])
    return source.example(
        asked,
        compact({key: reason}),
        positive.level or "",
        instruction=template.format_map({"broken": broken.text}),
        task="refusal",
        parent=positive.id,
        metadata=_told(broken),
    )


def _told(broken: Break) -> Mapping[str, Any]:
    return {"kind": broken.kind, "note": broken.note, "codes": list(broken.codes)}


@cache
def _table() -> Mapping[str, Any]:
    text = files("idiolect.teachers.recipes.schema_ast").joinpath("tasks.toml").read_text("utf-8")
    return tomllib.loads(text)


def _words(language: str) -> Mapping[str, Any]:
    """The instructions in a language; English ones where there are none."""
    found: Mapping[str, Any] = _table().get(language, _table()["en"])
    return found
