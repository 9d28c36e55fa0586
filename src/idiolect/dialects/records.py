"""Reads frozen dataclass records from outside text, strictly; names every problem by its path.

Shared by the catalog (JSON) and the policy (TOML). Unknown keys are refused with the nearest known
one; duplicate JSON keys are refused; nothing is converted ("3" is not 3). It does **not** know what
the records mean: cross-checks belong to their own modules.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

Record = TypeVar("Record")
Steps = tuple[str | int, ...]

MAX_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file of records, at a path such as `$.procs[3].args[0].type`."""

    path: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" + (f"; {self.hint}" if self.hint else "")


class RecordsError(ValueError):
    """A file of records that can't be read, with all its problems."""

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.name = name
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{name}: {problem}" for problem in self.problems))


def path_text(path: Steps) -> str:
    """A path as people write it: `$.procs[3].name`."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def near_hint(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word, or all of them."""
    known = sorted(known)
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known)}"


def load_json(text: str, name: str) -> Any:
    """JSON with places in its errors, and with duplicate keys refused."""
    duplicates: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) < len(items):
            seen: set[str] = set()
            duplicates.extend(key for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return made

    try:
        value = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise RecordsError(name, [Problem(place, f"not JSON: {error.msg}")]) from error
    except RecursionError as error:
        raise RecordsError(name, [Problem("$", "nested too deeply to be read")]) from error
    if duplicates:
        raise RecordsError(
            name, [Problem("$", f'key "{key}" stands twice in one object') for key in duplicates]
        )
    return value


def read_record(kind: type[Record], raw: Any, name: str, nested: Mapping[str, type]) -> Record:
    """The record that plain data describes; `nested` says which class stands under which key."""
    try:
        # JSON mode, because strict Python mode refuses a list for a tuple.
        adapter: TypeAdapter[Record] = _adapter(cast(Any, kind))
        return adapter.validate_json(json.dumps(raw))
    except ValidationError as error:
        problems = [_problem(dict(item), kind, nested) for item in error.errors()[:MAX_PROBLEMS]]
        raise RecordsError(name, problems) from error
    except TypeError as error:  # TOML dates and the like
        raise RecordsError(name, [Problem("$", f"has a value of a kind not taken here ({error})")]) from error


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """The reader of a class: making one takes 25 ms for a catalog, reading a small catalog less than one."""
    return TypeAdapter(kind)


def _problem(item: dict[str, Any], root: type, nested: Mapping[str, type]) -> Problem:
    path: Steps = tuple(item["loc"])
    if item["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        keys = [step for step in path[:-1] if isinstance(step, str)]
        owner = nested.get(keys[-1], root) if keys else root
        known = [field.name for field in dataclasses.fields(owner) if field.init]
        return Problem(path_text(path), f'unknown key "{path[-1]}"', near_hint(str(path[-1]), known))
    if item["type"] in ("missing", "missing_argument"):
        return Problem(path_text(path), f'"{path[-1]}" is required and missing')
    found = json.dumps(item.get("input"))
    shown = found if len(found) <= 60 else found[:57] + "..."
    return Problem(path_text(path), f"{item['msg'][:1].lower()}{item['msg'][1:]}, found {shown}")
