"""Random values that keep a schema, of three sizes.

Objects are made first and then held against each `if`: the branch that it calls for joins the
schema, the members that the condition looked at are kept, and the rest is made anew. Whatever
comes out is verified by the caller's validator, and made again where it fails.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from idiolect.dialects.json_ast.conjunction import Conjunction, Gatherer, Part
from idiolect.dialects.json_ast.equality import image_of_value, node_of
from idiolect.dialects.json_ast.explain import Explainer
from idiolect.dialects.json_ast.scalar_samples import (
    Unsatisfiable,
    fresh_name,
    sample_number,
    sample_string,
)
from idiolect.dialects.json_ast.schemas import CompiledSchema

LEVELS = ("micro", "multi", "scenario")
TRIES = 60
ROUNDS = 6  # of refining an object by its conditions
MAX_DEPTH = 40  # of a sample; recursion that no branch ends stops here


@dataclass(frozen=True, slots=True)
class Size:
    """How much of what is optional a sample has."""

    members: float  # share of optional members
    items: int  # items past the least
    depth: int  # from here on, branches that end soon


SIZES = {"micro": Size(0.15, 1, 2), "multi": Size(0.5, 2, 4), "scenario": Size(0.85, 3, 6)}


class SampleFailed(ValueError):
    """No valid value was found for a schema."""


def sample_value(compiled: CompiledSchema, rng: random.Random, level: str) -> Any:
    """A random value that keeps the schema."""
    why = "each value tried broke the schema"
    for attempt in range(TRIES):
        size = SIZES[level] if attempt < TRIES // 2 else SIZES["micro"]
        try:
            value = Sampler(compiled, rng, size).value([compiled.document])
        except Unsatisfiable as fault:
            why = str(fault)
            continue
        if compiled.is_valid(value):
            return value
    raise SampleFailed(f"no valid sample in {TRIES} tries: {why}")


class Sampler:
    """Makes values for one schema."""

    def __init__(self, compiled: CompiledSchema, rng: random.Random, size: Size) -> None:
        self.compiled = compiled
        self.rng = rng
        self.size = size
        self.gatherer = Gatherer(compiled.resources, rng)

    def value(self, parts: Sequence[Part], depth: int = 0) -> Any:
        """A value for subschemas that must all hold."""
        if depth > MAX_DEPTH:
            raise Unsatisfiable("the schema recurses without end")
        shallow = depth >= self.size.depth
        wanted = self.gatherer.gather(parts, shallow=shallow)
        if wanted.conditions and "object" not in wanted.kinds():
            wanted = self.gatherer.gather([*parts, *self._guessed(wanted)], shallow=shallow)
        if wanted.values is not None:
            return self._one_of(wanted)
        kind = self.rng.choice(wanted.kinds())
        if kind == "object":
            return self._object(list(parts), wanted, depth)
        if kind == "array":
            return self._array(wanted, depth)
        if kind == "string":
            limits = wanted.limits
            least, most = limits.get("minLength", 0), limits.get("maxLength")
            return sample_string(self.rng, wanted.formats, wanted.patterns, int(least), most and int(most))
        if kind in ("integer", "number"):
            return self._number(wanted, whole=kind == "integer")
        return self.rng.random() < 0.5 if kind == "boolean" else None

    def _guessed(self, wanted: Conjunction) -> list[Part]:
        """A way through the conditions on a value that can't be refined: each taken or not, by chance."""
        added: list[Part] = []
        for part in wanted.conditions:
            taken = part["if"] is not False and self.rng.random() < 0.5
            added += [part["if"], part.get("then", True)] if taken else [part.get("else", True)]
        return added

    def _one_of(self, wanted: Conjunction) -> Any:
        allowed = [one for one in wanted.values or () if self._fits(one, wanted.parts)]
        if not allowed:
            raise Unsatisfiable("no value is in all of the enums")
        return self.rng.choice(allowed)

    def _fits(self, value: Any, parts: Sequence[Part]) -> bool:
        return all(self.compiled.part_holds(part, value) is not False for part in parts)

    def _number(self, wanted: Conjunction, *, whole: bool) -> int | float:
        limits = wanted.limits
        return sample_number(
            self.rng,
            whole=whole,
            low=limits.get("minimum"),
            high=limits.get("maximum"),
            above=limits.get("exclusiveMinimum"),
            below=limits.get("exclusiveMaximum"),
            multiples=wanted.multiples,
        )

    # Objects

    def _object(self, parts: list[Part], wanted: Conjunction, depth: int) -> dict[str, Any]:
        pinned: dict[str, Any] = {}
        settled: dict[int, bool] = {}
        made = self._members(wanted, pinned, depth)
        for _ in range(ROUNDS):
            added = self._called_for(wanted, made, settled, pinned)
            if not added:
                break
            parts += added
            wanted = self.gatherer.gather(parts, shallow=depth >= self.size.depth)
            made = self._members(wanted, pinned, depth)
        return made

    def _called_for(
        self, wanted: Conjunction, made: dict[str, Any], settled: dict[int, bool], pinned: dict[str, Any]
    ) -> list[Part]:
        """The branches that an object's conditions call for and that have not joined its schema yet."""
        added: list[Part] = []
        for part in wanted.conditions:
            if id(part) in settled:
                continue
            holds = self._holds(part["if"], made)
            branch = part.get("then" if holds else "else")
            if branch is None or (isinstance(branch, dict) and self._holds(branch, made)):
                continue
            settled[id(part)] = holds
            pinned.update({name: made[name] for name in _looked_at(part["if"]) if name in made})
            added.append(branch)
        for name, branches in wanted.dependent.items():
            if name in made and id(branches[0]) not in settled:
                settled[id(branches[0])] = True
                pinned[name] = made[name]
                added += branches
        return added

    def _holds(self, part: Part, value: Any) -> bool:
        known = self.compiled.part_holds(part, value) if isinstance(part, dict) else bool(part)
        return Explainer(self.compiled).outcome(node_of(value), part).ok if known is None else known

    def _members(self, wanted: Conjunction, pinned: dict[str, Any], depth: int) -> dict[str, Any]:
        names = self._names(wanted, pinned, depth)
        made: dict[str, Any] = {}
        for name in names:
            if name in pinned:
                made[name] = pinned[name]
                continue
            parts = self._parts_for(name, wanted)
            try:
                made[name] = self.value(parts, depth + 1)
            except Unsatisfiable:
                if name in wanted.required:
                    raise
        least = wanted.limits.get("minProperties", 0)
        for _ in range(20):
            if len(made) >= least:
                break
            name = fresh_name(self.rng)
            made.setdefault(name, self.value(self._parts_for(name, wanted), depth + 1))
        return made

    def _names(self, wanted: Conjunction, pinned: dict[str, Any], depth: int) -> list[str]:
        share = self.size.members if depth < self.size.depth else 0.1
        optional = [name for name in wanted.members if name not in wanted.required and name not in pinned]
        chosen = {*wanted.required, *pinned}
        chosen |= {name for name in optional if self.rng.random() < share}
        spare = [name for name in optional if name not in chosen]
        self.rng.shuffle(spare)
        while spare and len(chosen) < wanted.limits.get("minProperties", 0):
            chosen.add(spare.pop())
        most = wanted.limits.get("maxProperties")
        while most is not None and len(chosen) > most and chosen & {*optional}:
            chosen.remove(self.rng.choice(sorted(chosen & {*optional})))
        waiting = sorted(chosen)
        while waiting:
            more = [name for name in wanted.needs.get(waiting.pop(), ()) if name not in chosen]
            chosen |= {*more}
            waiting += more
        order = [name for name in wanted.members if name in chosen]
        return order + sorted(chosen - {*order})

    def _parts_for(self, name: str, wanted: Conjunction) -> list[Part]:
        parts = list(wanted.members.get(name, ()))
        matching = [part for pattern, part in wanted.patterned if self._matches(pattern, name, wanted)]
        parts += matching
        for owner in wanted.others:
            patterns = owner.get("patternProperties", {})
            if name in owner.get("properties", {}) or any(
                self._matches(one, name, wanted) for one in patterns
            ):
                continue
            parts.append(owner["additionalProperties"])
        return parts or [True]

    def _matches(self, pattern: str, name: str, wanted: Conjunction) -> bool:
        holder = wanted.parts[0]
        return bool(self.compiled.piece(holder, f"name {pattern}", {"pattern": pattern}).is_valid(name))

    # Arrays

    def _array(self, wanted: Conjunction, depth: int) -> list[Any]:
        least = int(wanted.limits.get("minItems", 0))
        most = int(wanted.limits.get("maxItems", max(least, len(wanted.firsts)) + self.size.items))
        shallow = depth >= self.size.depth
        low = max(least, 0 if shallow else min(1, most))
        count = self.rng.randint(low, max(low, min(most, low + (0 if shallow else self.size.items))))
        made: list[Any] = []
        for part, fewest, _ in wanted.contains:
            made += [self.value([part, *wanted.items], depth + 1) for _ in range(int(fewest))]
        for index in range(len(made), count):
            parts = wanted.firsts[index] if index < len(wanted.firsts) else wanted.items
            self._append(made, parts or [True], wanted.unique, depth)
        if len(made) < least:
            raise Unsatisfiable("not enough items that differ")
        return made

    def _append(self, made: list[Any], parts: Sequence[Part], unique: bool, depth: int) -> None:
        if False in parts:
            return
        taken = {image_of_value(item) for item in made} if unique else set()
        for _ in range(12):
            item = self.value(parts, depth + 1)
            if image_of_value(item) not in taken:
                made.append(item)
                return


def _looked_at(condition: Part) -> set[str]:
    """The members that an `if` looks at."""
    found: set[str] = set()
    waiting = [condition]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            found |= {*part.get("properties", ()), *part.get("required", ())}
            for keyword in ("allOf", "anyOf", "oneOf"):
                waiting += part.get(keyword, ())
            waiting.append(part.get("not"))
    return found
