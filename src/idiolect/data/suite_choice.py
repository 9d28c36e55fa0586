"""Which held-out examples make the suites "syntax", "unit" and "scenario" of an evaluation.

An example whose metadata names a suite is of that one. Else exercises of the grammar are syntax, what uses
one feature is unit, and what has several steps is scenario. Where nothing was made as an exercise, the syntax
suite is a part of the test set whose forms vary most. It writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from idiolect.data.example import WORDS, Example

SUITES = ("syntax", "unit", "scenario")
_BY_LEVEL = {"micro": "unit", "multi": "scenario", "scenario": "scenario"}
_ENOUGH = 64  # tasks of a syntax suite that is picked from the test set
_EXERCISES = frozenset({"grammar_tasks"})  # recipes


def suites_of(
    test: Sequence[Example], productions: Mapping[str, Iterable[str]]
) -> dict[str, tuple[Example, ...]]:
    """The suites that have examples; `productions` says by id what an example uses, as far as it is known."""
    found: dict[str, list[Example]] = {name: [] for name in SUITES}
    for example in test:
        name = _suite(example)
        if name is not None:
            found[name].append(example)
    if not found["syntax"]:
        found["syntax"] = _varied(test, productions)
    return {name: tuple(examples) for name, examples in found.items() if examples}


def _suite(example: Example) -> str | None:
    told = example.metadata.get("suite")
    if told in SUITES:
        return str(told)
    if example.provenance.recipe in _EXERCISES:
        return "syntax"
    if example.task in WORDS:
        return None
    return _BY_LEVEL.get(example.level or "")


def _varied(test: Sequence[Example], productions: Mapping[str, Iterable[str]]) -> list[Example]:
    """Few examples that together use all that the test set uses, and again, until there are enough."""
    uses = {one.id: frozenset(productions.get(one.id, ())) for one in test}
    left = [one for one in test if uses[one.id]]
    covered: set[str] = set()
    chosen: set[str] = set()
    while left and len(chosen) < _ENOUGH:
        best = max(left, key=lambda one: len(uses[one.id] - covered))
        if not uses[best.id] - covered:  # all is covered once more
            if not covered:
                break
            covered = set()
            continue
        covered |= uses[best.id]
        chosen.add(best.id)
        left.remove(best)
    return [one for one in test if one.id in chosen]
