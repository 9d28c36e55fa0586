"""Which faults answers have, and how often: read from judged answers or examples, written as a report.

The report's `classes` say for every fault code how many answers have it; `synth --target-errors` makes more
examples of those that fail most. It judges nothing again: rows carry their verdicts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from idiolect.data.example import Rejected, VerdictSummary
from idiolect.data.jsonl import Row, read_rows
from idiolect.files import write_beside
from idiolect.text_hints import shortened

RIGHT, NOT_JUDGED = "right", "not judged"
# What is wrong with an answer, from the plainest to the finest.
KINDS = ("syntax", "rules", "policy", "tests", "meaning")
_ANSWERS = (
    "student_output",
    "target",
    "text",
    "answer",
)  # columns, in the order in which they are looked for
_ASKED = ("instruction", "prompt_text", "detail")
_MOST_SHOWN = 5  # examples of a class
_MOST_LETTERS = 1_000


@dataclass(slots=True)
class Taxonomy:
    """Counts of what is wrong, with some examples of each class."""

    read: int = 0
    kinds: Counter[str] = field(default_factory=Counter)  # of all answers that were judged
    classes: Counter[str] = field(default_factory=Counter)  # fault code to answers that have it
    warnings: Counter[str] = field(default_factory=Counter)  # fault codes of warnings
    by: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)  # "suite" to its classes
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)  # rows without a verdict, by reason

    @property
    def wrong(self) -> int:
        """How many answers are wrong."""
        return sum(self.kinds[kind] for kind in KINDS)

    def add(self, row: Row, place: str) -> None:
        """Count one row."""
        self.read += 1
        verdict = _verdict(row)
        if isinstance(verdict, str):
            self.left_out[verdict] += 1
            return
        kind = kind_of(verdict, row.get("semantic_pass"))
        self.kinds[kind] += 1
        self.warnings.update(verdict.warnings)
        codes = verdict.errors if kind not in (RIGHT, NOT_JUDGED, "meaning") else ()
        self.classes.update(codes)
        for name in ("suite", "task", "kind", "level", "mode"):
            value = row.get(name)
            if isinstance(value, str) and value and (name != "task" or "suite" not in row):
                self.by.setdefault(name, {}).setdefault(value, Counter()).update(codes or (f"({kind})",))
        for code in codes or (() if kind == RIGHT else (f"({kind})",)):
            shown = self.examples.setdefault(code, [])
            if len(shown) < _MOST_SHOWN:
                shown.append(_shown(row, place))


def kind_of(verdict: VerdictSummary, semantic: object = None) -> str:
    """What is wrong with an answer, in one word; "meaning" where it is valid and yet not what was asked."""
    if verdict.not_judged is not None:
        return NOT_JUDGED
    if verdict.parsed is not True:
        return "syntax"
    if verdict.valid is False:
        return "rules"
    if verdict.policy is False:
        return "policy"
    if verdict.tests_passed < verdict.tests_total:
        return "tests"
    return "meaning" if semantic is False else RIGHT


def taxonomy_of(paths: Iterable[Path]) -> Taxonomy:
    """The taxonomy of all rows of some files; Unreadable where one can't be read."""
    found = Taxonomy()
    for path in paths:
        for number, row in read_rows(path):
            place = f"{path.name}:{number}"
            if isinstance(row, Rejected):
                found.read += 1
                found.left_out[row.reason] += 1
            else:
                found.add(row, place)
    return found


def _verdict(row: Row) -> VerdictSummary | str:
    """The verdict that a row carries, or why there is none."""
    value = row.get("verdict")
    if value is None:
        return "no verdict"
    try:
        return _adapter().validate_json(json.dumps(value))
    except (ValidationError, ValueError):
        return "unknown verdict"


@cache
def _adapter() -> TypeAdapter[VerdictSummary]:
    return TypeAdapter(VerdictSummary)


def _shown(row: Row, place: str) -> dict[str, Any]:
    return {
        "place": place,
        "id": row.get("task") if "student_output" in row else row.get("id"),
        "asked": shortened(_first(row, _ASKED), 200),
        "answer": _first(row, _ANSWERS)[:_MOST_LETTERS],
    }


def _first(row: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((row[name] for name in names if isinstance(row.get(name), str)), "")


def taxonomy_data(found: Taxonomy, sources: Iterable[str] = ()) -> dict[str, Any]:
    """The report as JSON: most frequent classes first."""
    return {
        "sources": list(sources),
        "read": found.read,
        "wrong": found.wrong,
        "left_out": dict(sorted(found.left_out.items())),
        "kinds": {kind: found.kinds[kind] for kind in (RIGHT, *KINDS, NOT_JUDGED)},
        "classes": _ordered(found.classes),
        "warnings": _ordered(found.warnings),
        "families": _ordered(_families(found.classes)),
        "by": {
            name: {value: _ordered(codes) for value, codes in sorted(values.items())}
            for name, values in sorted(found.by.items())
        },
        "examples": dict(sorted(found.examples.items())),
    }


def write_taxonomy(found: Taxonomy, path: Path, sources: Iterable[str] = ()) -> None:
    """Write the report."""
    write_beside(path, json.dumps(taxonomy_data(found, sources), indent=2, ensure_ascii=False) + "\n")


def _families(classes: Mapping[str, int]) -> Counter[str]:
    """Classes without the last part of their codes."""
    families: Counter[str] = Counter()
    for code, count in classes.items():
        families[code.rpartition(".")[0] or code] += count
    return families


def _ordered(counter: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))


def rows_of(found: Taxonomy) -> Iterator[tuple[str, int, str]]:
    """The lines of a table: class, answers, share of the wrong ones."""
    for code, count in _ordered(found.classes).items():
        yield code, count, f"{count / found.wrong:.1%}" if found.wrong else ""
