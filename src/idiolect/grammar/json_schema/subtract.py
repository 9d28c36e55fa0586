"""Shapes without others, and whether shapes can meet: the algebra behind "not", "oneOf" and "else"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from idiolect.grammar.json_schema.resolve import Place
from idiolect.grammar.json_schema.shapes import (
    ANYTHING,
    Array,
    Contains,
    Number,
    Object,
    Plain,
    Shape,
    Slot,
    Spec,
    String,
    is_closed,
    spec_for,
    spec_of,
)

# Pairs of alternatives compared before a union is given up.
MOST_PAIRS = 20_000


class _Looks(Protocol):
    """What subtraction asks of the normalizer."""

    def shapes(self, spec: Spec) -> tuple[Shape, ...]: ...
    def never(self, spec: Spec) -> bool: ...
    def tidy(self, shapes: Iterable[Shape]) -> list[Shape]: ...
    def cannot(self, path: str, keyword: str, reason: str, instead: str) -> None: ...


class _NotSubtractable(Exception):
    """Why the difference of two shapes has no shape."""


class Subtractor:
    def __init__(self, looks: _Looks) -> None:
        self.looks = looks

    def subtract(self, shapes: Iterable[Shape], spec: Spec, path: str, keyword: str) -> list[Shape]:
        """Shapes without the values that fit a spec."""
        found = list(shapes)
        for removed in self.looks.shapes(spec):
            try:
                found = self.looks.tidy(one for shape in found for one in self._minus(shape, removed))
            except _NotSubtractable as error:
                self.looks.cannot(path, keyword, str(error), "say what is allowed, not what is not")
        return found

    def _minus(self, shape: Shape, removed: Shape) -> Iterable[Shape]:
        match shape, removed:
            case Plain(texts), Plain(others):
                return [Plain(texts - others)]
            case Number(numbers), Number(others):
                return [Number(numbers.minus(others))]
            case String(strings), String(others):
                return [String(strings.minus(others))]
            case Array(), Array():
                return self._minus_array(shape, removed)
            case Object(), Object():
                return self._minus_object(shape, removed)
            case _:
                return [shape]

    def _minus_array(self, shape: Array, removed: Array) -> Iterator[Shape]:
        if removed.unique or removed.contains:
            raise _NotSubtractable("arrays told by uniqueItems or contains have no opposite here")
        if removed.low > shape.low:
            high = removed.low - 1
            yield replace(shape, high=high if shape.high is None else min(high, shape.high))
        if removed.high is not None:
            yield replace(shape, low=max(shape.low, removed.high + 1))
        for index in range(len(removed.prefix)):
            spec = shape.item(index).minus(removed.prefix[index])
            size = max(len(shape.prefix), index + 1)
            prefix = tuple(spec if n == index else shape.item(n) for n in range(size))
            yield replace(shape, prefix=prefix, low=max(shape.low, index + 1))
        if removed.rest != ANYTHING and (shape.high is None or shape.high > len(removed.prefix)):
            if removed.prefix or shape.prefix:
                raise _NotSubtractable("arrays with items of their own at the front have no opposite here")
            other = Contains(shape.rest.minus(removed.rest), 1, None)
            place = next(iter(removed.rest.every), Place(True, "", "", 2020))
            yield replace(shape, contains=(*shape.contains, (other, place)))

    def _minus_object(self, shape: Object, removed: Object) -> Iterator[Shape]:
        """One alternative for each property by which the removed shape can be missed."""
        if removed.low > max(shape.low, sum(slot.required for slot in shape.named.values())):
            high = removed.low - 1
            yield replace(shape, high=high if shape.high is None else min(high, shape.high))
        if removed.high is not None:
            yield replace(shape, low=max(shape.low, removed.high + 1))
        if not is_closed(shape) and any(rule.spec != ANYTHING for rule in removed.rules):
            raise _NotSubtractable("objects told by properties that have no names here have no opposite")
        for name in dict.fromkeys((*removed.named, *shape.named)):
            spec, required = spec_for(shape, name), name in shape.named and shape.named[name].required
            other = spec_for(removed, name)
            needed = name in removed.named and removed.named[name].required
            if other != ANYTHING:
                missed = spec.minus(other)
                if not self.looks.never(missed):
                    yield _with(shape, name, Slot(missed, True))
            if needed and not required:
                yield _with(shape, name, Slot(spec.meet(_NEVER), False))

    def disjoint(self, left: list[Shape], right: list[Shape]) -> bool:
        """Whether no value surely fits a shape of either list."""
        if len(left) * len(right) > MOST_PAIRS:
            return False
        return all(self._apart(one, two) for one in left for two in right)

    def _apart(self, one: Shape, two: Shape) -> bool:
        match one, two:
            case Plain(texts), Plain(others):
                return not texts & others
            case Number(numbers), Number(others):
                return numbers.meet(others).empty
            case String(strings), String(others):
                return strings.meet(others).empty
            case Array(), Array():
                highs = [shape.high for shape in (one, two) if shape.high is not None]
                if highs and min(highs) < max(one.low, two.low):
                    return True
                needed = range(min(max(one.low, two.low), 16))
                return any(self.looks.never(one.item(n).meet(two.item(n))) for n in needed)
            case Object(), Object():
                needed_names = {
                    name for shape in (one, two) for name, slot in shape.named.items() if slot.required
                }
                return any(
                    self.looks.never(spec_for(one, name).meet(spec_for(two, name)))
                    for name in sorted(needed_names)
                )
            case _:
                return True

    def told_apart(self, parts: list[list[Shape]]) -> bool:
        """Whether one property with listed values tells each part from every other; linear in the parts."""
        shapes = [shape for part in parts for shape in part]
        if len(parts) < 2 or not all(isinstance(shape, Object) for shape in shapes) or not parts[0]:
            return len(parts) < 2
        first = parts[0][0]
        assert isinstance(first, Object)
        return any(self._tells(name, parts) for name, slot in first.named.items() if slot.required)

    def _tells(self, name: str, parts: list[list[Shape]]) -> bool:
        owner: dict[str, int] = {}
        for number, part in enumerate(parts):
            for shape in part:
                slot = shape.named.get(name) if isinstance(shape, Object) else None
                if slot is None or not slot.required:
                    return False
                for value in self.looks.shapes(slot.spec):
                    if not isinstance(value, String) or value.strings.values is None:
                        return False
                    for text in value.strings.values:
                        if owner.setdefault(text, number) != number:
                            return False
        return True


_NEVER = spec_of(Place(False, "", "", 2020))


def _with(shape: Object, name: str, slot: Slot) -> Object:
    return replace(shape, named={**shape.named, name: slot})
