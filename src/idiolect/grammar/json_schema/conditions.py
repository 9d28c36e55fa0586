"""if/then/else. Rules that all ask for listed values of one property are settled value by value.

The general way splits every alternative in two; the grouped way is linear in rules and values,
which is what schemas with hundreds of such rules need.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from idiolect.grammar.json_schema.resolve import Place, Schemas
from idiolect.grammar.json_schema.shapes import Object, Shape, Spec, String, spec_of
from idiolect.grammar.json_schema.subtract import Subtractor

_ASIDE = frozenset({"title", "description", "$comment", "examples", "default"})


class _Applies(Protocol):
    """What conditions ask of the normalizer."""

    schemas: Schemas
    subtractor: Subtractor

    def shapes(self, spec: Spec) -> tuple[Shape, ...]: ...
    def apply(self, place: Place, shapes: list[Shape]) -> list[Shape]: ...
    def tidy(self, shapes: Iterable[Shape]) -> list[Shape]: ...


@dataclass(frozen=True, slots=True)
class _Grouped:
    """A condition that asks whether a property has one of the listed strings."""

    place: Place
    name: str
    values: frozenset[str]


def is_condition(place: Place) -> bool:
    """Whether a schema is nothing but if, then and else."""
    schema = place.schema
    if not isinstance(schema, dict) or "if" not in schema or place.draft < 7:
        return False
    return schema.keys() - _ASIDE <= {"if", "then", "else"}


def apply_conditions(looks: _Applies, conditions: list[Place], shapes: list[Shape]) -> list[Shape]:
    """Shapes narrowed by conditions."""
    grouped: dict[str, list[_Grouped]] = {}
    rest: list[Place] = []
    for place in conditions:
        asked = _asked(place)
        if asked is None:
            rest.append(place)
        else:
            grouped.setdefault(asked.name, []).append(asked)
    for name, rules in grouped.items():
        shapes = [one for shape in shapes for one in _by_value(looks, name, rules, shape)]
    for place in rest:
        shapes = _split(looks, place, shapes)
    return shapes


def _asked(place: Place) -> _Grouped | None:
    assert isinstance(place.schema, dict)
    asked = place.schema["if"]
    if not isinstance(asked, dict) or not asked.keys() - _ASIDE <= {"properties", "required", "type"}:
        return None
    properties = asked.get("properties")
    if not isinstance(properties, dict) or len(properties) != 1 or asked.get("type", "object") != "object":
        return None
    name, inner = next(iter(properties.items()))
    if asked.get("required", [name]) != [name] or not isinstance(inner, dict):
        return None
    values = inner.get("enum", [inner["const"]] if "const" in inner else None)
    keys = inner.keys() - _ASIDE - {"type"}
    plain = isinstance(values, list) and all(isinstance(value, str) for value in values)
    if not plain or keys not in ({"enum"}, {"const"}) or inner.get("type", "string") != "string":
        return None
    return _Grouped(place, name, frozenset(values))  # type: ignore[arg-type]


def _by_value(looks: _Applies, name: str, rules: list[_Grouped], shape: Shape) -> list[Shape]:
    """An object split by which rules its value of a property meets, each kind of value once."""
    values = _listed(looks, name, shape)
    if values is None or not isinstance(shape, Object):
        found = [shape]
        for rule in rules:
            found = _split(looks, rule.place, found)
        return found
    hits: dict[str, list[int]] = {}
    for number, rule in enumerate(rules):
        for value in rule.values & values:
            hits.setdefault(value, []).append(number)
    kinds: dict[tuple[int, ...], list[str]] = {}
    for value in sorted(values):
        kinds.setdefault(tuple(hits.get(value, ())), []).append(value)
    found = []
    for met, members in kinds.items():
        spec = spec_of(looks.schemas.place({"enum": members}, rules[0].place))
        slot = shape.named[name]
        part: list[Shape] = [replace(shape, named={**shape.named, name: replace(slot, spec=spec)})]
        for number, rule in enumerate(rules):
            branch = "then" if number in met else "else"
            assert isinstance(rule.place.schema, dict)
            if branch in rule.place.schema:
                part = looks.apply(looks.schemas.place(rule.place.schema[branch], rule.place, branch), part)
        found += part
    return found


def _listed(looks: _Applies, name: str, shape: Shape) -> frozenset[str] | None:
    """The strings that a required property may be, where they are listed."""
    slot = shape.named.get(name) if isinstance(shape, Object) else None
    if slot is None or not slot.required:
        return None
    values: set[str] = set()
    for inner in looks.shapes(slot.spec):
        if not isinstance(inner, String) or inner.strings.values is None:
            return None
        values |= inner.strings.values
    return frozenset(values)


def _split(looks: _Applies, place: Place, shapes: list[Shape]) -> list[Shape]:
    """Every alternative in two: what meets the condition with its "then", and the rest with its "else"."""
    schema: Any = place.schema
    asked = looks.schemas.place(schema["if"], place, "if")
    met, missed = looks.apply(asked, shapes), shapes
    if "then" in schema:
        met = looks.apply(looks.schemas.place(schema["then"], place, "then"), met)
    missed = looks.subtractor.subtract(shapes, spec_of(asked), place.path, "if")
    if "else" in schema:
        missed = looks.apply(looks.schemas.place(schema["else"], place, "else"), missed)
    return looks.tidy([*met, *missed])
