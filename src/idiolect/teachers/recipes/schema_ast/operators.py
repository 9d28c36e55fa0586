"""The operator catalogue, and the operators that one schema gets.

A catalogue of the user's has rows {const, synonyms, description}; what an operator means is read from its
names where the row does not say it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from idiolect.files import Unreadable, read_small
from idiolect.teachers.recipes.job import RecipeProblem
from idiolect.teachers.recipes.schema_ast.records import TAKES, Operator

_LARGEST = 16 << 20
_EXAMPLE = '{"const": "gte", "synonyms": ["at least"], "description": "not less than"}'


def read_operators(path: Path | None) -> tuple[Operator, ...]:
    """The built-in catalogue, or the user's: a JSON list or JSON Lines."""
    rows = _rows(path) if path else _built_in()
    found = tuple(_operator(row, number, path) for number, row in enumerate(rows, 1))
    if not found:
        raise RecipeProblem(f"{path}: no operators in it", f"write rows like {_EXAMPLE}")
    return found


@cache
def _built_in() -> tuple[dict[str, Any], ...]:
    text = files("idiolect.teachers.recipes.schema_ast").joinpath("operators.json").read_text("utf-8")
    return tuple(json.loads(text))


def _rows(path: Path) -> Iterator[Any]:
    try:
        text = read_small(path, _LARGEST).decode("utf-8-sig")
        yield from json.loads(text) if text.lstrip().startswith("[") else map(json.loads, _lines(text))
    except (Unreadable, UnicodeDecodeError, ValueError) as error:
        raise RecipeProblem(
            f"SYNTHESIZE.operators: {path}: {error}", f"write a JSON list of rows like {_EXAMPLE}"
        ) from error


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _operator(row: Any, number: int, path: Path | None) -> Operator:
    const = row.get("const") if isinstance(row, dict) else None
    synonyms = row.get("synonyms", []) if isinstance(row, dict) else []
    if not isinstance(const, str) or not const or not isinstance(synonyms, list):
        raise RecipeProblem(f"SYNTHESIZE.operators: {path}: row {number} is no operator", f"write {_EXAMPLE}")
    names = (const, *map(str, synonyms))
    means = row.get("means") or next((_NAMES[_plain(one)] for one in names if _plain(one) in _NAMES), const)
    return Operator(const, str(means), tuple(map(str, synonyms)), str(row.get("description", "")))


def _plain(name: str) -> str:
    return name.casefold().replace("_", " ").replace("-", " ").strip()


def _known_names() -> dict[str, str]:
    """What the names of the built-in catalogue mean; its own before their synonyms."""
    named = {_plain(row["const"]): row["means"] for row in _built_in()}
    for row in _built_in():
        for name in row["synonyms"]:
            named.setdefault(_plain(name), row["means"])
    return {**{means.replace("_", " "): means for means in TAKES}, **named}


_NAMES = _known_names()


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many operators a schema gets."""

    least: int
    most: int


def sample_operators(
    catalogue: Sequence[Operator], rng: random.Random, bounds: Bounds
) -> tuple[Operator, ...]:
    """Some operators, each with a meaning of its own; one that says equality is always among them."""
    by_meaning: dict[str, list[Operator]] = {}
    for one in catalogue:
        by_meaning.setdefault(one.means, []).append(one)
    meanings = list(by_meaning)
    count = rng.randint(min(bounds.least, len(meanings)), min(bounds.most, len(meanings)))
    chosen = set(rng.sample(meanings, count))
    if "eq" in by_meaning and "eq" not in chosen:
        chosen = {"eq", *rng.sample(sorted(chosen), count - 1)}
    return tuple(rng.choice(by_meaning[means]) for means in meanings if means in chosen)
