"""From specs to shapes: every keyword narrows shapes, alternatives multiply them, negation subtracts.

Presence logic comes out of the same algebra: "required", "not", "oneOf" and the dependent keywords
are unions of objects in which a property is there or is not. What the algebra can't do raises
`NotEnforceable`, or is noted as a post-check where that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from idiolect.grammar.automaton import TooLarge
from idiolect.grammar.form import PostCheck
from idiolect.grammar.json_schema.conditions import apply_conditions, is_condition
from idiolect.grammar.json_schema.keywords import misused
from idiolect.grammar.json_schema.narrow import Narrower
from idiolect.grammar.json_schema.numbers import Numbers
from idiolect.grammar.json_schema.resolve import NotEnforceable, Place, Schemas
from idiolect.grammar.json_schema.shapes import (
    ANYTHING,
    EVERY_SHAPE,
    Array,
    KeyRule,
    Number,
    Object,
    Plain,
    Shape,
    Slot,
    Spec,
    String,
    key_matches,
    spec_of,
)
from idiolect.grammar.json_schema.strings import Strings
from idiolect.grammar.json_schema.subtract import Subtractor
from idiolect.grammar.json_schema.values import (
    exact,
    is_number,
    key_of,
)

# Alternatives of one value beyond which the schema is refused: 2**10 presence combinations.
MOST_SHAPES = 1_024

# Schemas applied within one another, references included, before they are refused.
DEEPEST_SCHEMA = 60

_TYPES: dict[str, Callable[[Shape], Shape | None]] = {
    "null": lambda shape: Plain(shape.texts & {"null"}) if isinstance(shape, Plain) else None,
    "boolean": lambda shape: Plain(shape.texts - {"null"}) if isinstance(shape, Plain) else None,
    "number": lambda shape: shape if isinstance(shape, Number) else None,
    "integer": lambda shape: (
        Number(shape.numbers.meet(Numbers(integer=True))) if isinstance(shape, Number) else None
    ),
    "string": lambda shape: shape if isinstance(shape, String) else None,
    "array": lambda shape: shape if isinstance(shape, Array) else None,
    "object": lambda shape: shape if isinstance(shape, Object) else None,
}


class Normalizer:
    """Shapes of specs, each worked out once."""

    def __init__(self, schemas: Schemas, *, post_check: bool) -> None:
        self.schemas = schemas
        self.post_check = post_check
        self.checks: dict[tuple[str, str], PostCheck] = {}
        self.notes: dict[str, None] = {}
        self.subtractor = Subtractor(self)
        self.narrower = Narrower(self)
        self._shapes: dict[Spec, tuple[Shape, ...]] = {}
        self._never: dict[Spec, bool] = {}
        self._active: set[Place] = set()
        self._depth = 0

    def cannot(self, path: str, keyword: str, reason: str, instead: str) -> None:
        """Refuse a keyword, or note it as a post-check where that was asked for."""
        if not self.post_check:
            raise NotEnforceable(path, keyword, reason, instead)
        self.checks.setdefault((path, keyword), PostCheck(keyword, path or "/", reason))

    def skips(self, place: Place, keyword: str) -> bool:
        """Whether a keyword became a post-check."""
        return (place.path, keyword) in self.checks

    def shapes(self, spec: Spec) -> tuple[Shape, ...]:
        """What a spec allows."""
        if spec not in self._shapes:
            shapes: list[Shape] = list(EVERY_SHAPE)
            # Sorted, so that the same schema always gives the same grammar.
            for place in sorted(spec.every, key=lambda one: one.path):
                shapes = self.apply(place, shapes)
            for other in sorted(spec.none, key=_spec_order):
                shapes = self.subtractor.subtract(shapes, other, _where(other), "not")
            self._shapes[spec] = tuple(self.tidy(shapes))
        return self._shapes[spec]

    def never(self, spec: Spec) -> bool:
        """Whether a spec surely allows nothing; False while it is being looked into (recursion)."""
        if spec.surely_never:
            return True
        if not spec.none and len(spec.every) < 2 and not _suspicious(spec):
            return False
        if spec not in self._never:
            if self._depth > DEEPEST_SCHEMA // 2:
                return False  # too deep to ask: what never ends is pruned from the grammar later
            self._never[spec] = False
            self._never[spec] = not self._peek(spec)
        return self._never[spec]

    def _peek(self, spec: Spec) -> tuple[Shape, ...]:
        active, self._active = self._active, set()
        self._depth += 1
        try:
            return self.shapes(spec)
        finally:
            self._active = active
            self._depth -= 1

    def tidy(self, shapes: Iterable[Shape]) -> list[Shape]:
        """Shapes without those that allow nothing, impossible properties and items closed off."""
        return [tidied for shape in shapes if (tidied := self._tidied(shape)) is not None]

    def _tidied(self, shape: Shape) -> Shape | None:
        match shape:
            case Plain(texts):
                return shape if texts else None
            case Number(numbers):
                return None if numbers.empty else shape
            case String(strings):
                try:
                    return None if strings.empty else shape
                except TooLarge:
                    return shape
            case Array():
                high = shape.high
                for index, spec in enumerate((*shape.prefix, shape.rest)):
                    if (high is None or high > index) and self.never(spec):
                        high = index
                        break
                return None if high is not None and high < shape.low else replace(shape, high=high)
            case Object(named, _, low, high):
                needed = [name for name, slot in named.items() if slot.required]
                if any(self.never(named[name].spec) for name in needed):
                    return None
                return None if high is not None and (high < low or high < len(needed)) else shape

    def apply(self, place: Place, shapes: list[Shape]) -> list[Shape]:
        """Shapes narrowed by a schema."""
        if place.schema is True or not shapes:
            return shapes
        if place.schema is False:
            return []
        self._depth += 1
        if self._depth > DEEPEST_SCHEMA:
            raise NotEnforceable(
                place.path, "allOf", f"schemas are nested deeper than {DEEPEST_SCHEMA}", "name parts by $defs"
            )
        if place in self._active:
            raise NotEnforceable(
                place.path,
                "$ref",
                "the schema refers to itself with nothing between",
                "put a property between",
            )
        self._active.add(place)
        try:
            found = self._apply(place, place.schema, shapes)
        finally:
            self._active.discard(place)
            self._depth -= 1
        if len(found) > MOST_SHAPES:
            raise NotEnforceable(
                place.path,
                "oneOf",
                f"its alternatives multiply to more than {MOST_SHAPES}",
                "name the alternatives by one property with const values",
            )
        return found

    def _apply(self, place: Place, schema: Any, shapes: list[Shape]) -> list[Shape]:
        if not isinstance(schema, dict):
            raise NotEnforceable(place.path, "schema", "this is no schema", "write an object, true or false")
        for problem in misused(place):
            raise problem
        if place.draft >= 2019:
            shapes = [_unevaluated(shape, schema) for shape in shapes]
        if "$ref" in schema:
            shapes = self.apply(self.schemas.target(place, "$ref"), shapes)
            if place.draft <= 7:
                return shapes
        for keyword in ("$dynamicRef", "$recursiveRef"):
            if keyword in schema:
                shapes = self.apply(self.schemas.target(place, keyword), shapes)
        shapes = self._values(place, schema, shapes)
        shapes = [self.narrower.narrow(place, schema, shape) for shape in shapes]
        shapes = self.tidy(shapes)
        shapes = self._combine(place, schema, shapes)
        shapes = self._dependent(place, schema, shapes)
        if place.draft >= 2019:
            shapes = self.tidy(self._close(place, schema, shape) for shape in shapes)
        return shapes

    def _values(self, place: Place, schema: dict[str, Any], shapes: list[Shape]) -> list[Shape]:
        if "type" in schema:
            names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            unknown = [name for name in names if name not in _TYPES]
            if unknown:
                raise NotEnforceable(
                    place.path, "type", f"{unknown[0]!r} is no type", f"write one of {', '.join(_TYPES)}"
                )
            shapes = _typed(names, shapes)
        if "enum" in schema:
            shapes = self._listed(place, "enum", schema["enum"], shapes)
        if "const" in schema and place.draft != 4:
            shapes = self._listed(place, "const", [schema["const"]], shapes)
        return shapes

    def _listed(self, place: Place, keyword: str, values: list[Any], shapes: list[Shape]) -> list[Shape]:
        """Shapes narrowed to values, those of one scalar type together."""
        texts: set[str] = set()
        numbers: set[Fraction] = set()
        strings: set[str] = set()
        nested: dict[str, Any] = {}
        for value in values:
            try:
                if value is None or isinstance(value, bool):
                    texts.add(key_of(value))
                elif isinstance(value, str):
                    key_of(value)
                    strings.add(value)
                elif is_number(value):
                    key_of(value)
                    numbers.add(exact(value))
                else:
                    nested[key_of(value)] = value
            except ValueError as error:
                raise NotEnforceable(place.path, keyword, str(error), "write a plain JSON value") from None
        found: list[Shape] = []
        for shape in shapes:
            match shape:
                case Plain(known):
                    found.append(Plain(known & texts))
                case Number(known):
                    found.append(Number(known.meet(Numbers(values=frozenset(numbers)))))
                case String(known):
                    found.append(String(known.meet(Strings(values=frozenset(strings)))))
                case Array() | Object():
                    for value in nested.values():
                        if isinstance(value, dict) == isinstance(shape, Object):
                            found += self._exactly(place, value, shape)
        return self.tidy(found)

    def _exactly(self, place: Place, value: Any, shape: Shape) -> list[Shape]:
        """A shape narrowed to one array or object."""

        def inner(one: Any) -> Place:
            return self.schemas.place({"enum": [one]}, place)

        if isinstance(value, dict):
            schema: dict[str, Any] = {
                "properties": {key: inner(one).schema for key, one in value.items()},
                "required": list(value),
                "additionalProperties": False,
            }
        else:
            schema = {"minItems": len(value), "maxItems": len(value)}
            items = "prefixItems" if place.draft >= 2020 else "items"
            schema[items] = [inner(one).schema for one in value]
        return self.apply(self.schemas.place(schema, place), [shape])

    def spec(self, schema: Any, parent: Place, *steps: str | int) -> Spec:
        return spec_of(self.schemas.place(schema, parent, *steps))

    def _combine(self, place: Place, schema: dict[str, Any], shapes: list[Shape]) -> list[Shape]:
        every = [self.schemas.place(one, place, "allOf", n) for n, one in enumerate(schema.get("allOf", ()))]
        conditions = [one for one in every if is_condition(one)]
        for one in every:
            if one not in conditions:
                shapes = self.apply(one, shapes)
        if "if" in schema and place.draft >= 7:
            conditions.append(place)
        shapes = apply_conditions(self, conditions, shapes)
        if "anyOf" in schema:
            shapes = self._any_of(place, schema["anyOf"], shapes)
        if "oneOf" in schema:
            shapes = self._one_of(place, schema["oneOf"], shapes)
        if "not" in schema:
            spec = self.spec(schema["not"], place, "not")
            shapes = self.subtractor.subtract(shapes, spec, place.path, "not")
        return shapes

    def _any_of(self, place: Place, branches: list[Any], shapes: list[Shape]) -> list[Shape]:
        places = [self.schemas.place(one, place, "anyOf", n) for n, one in enumerate(branches)]
        found: dict[int, Shape] = {}
        for one in places:
            for shape in self.apply(one, shapes):
                found.setdefault(id(shape), shape)
        return _merged(found.values())

    def _one_of(self, place: Place, branches: list[Any], shapes: list[Shape]) -> list[Shape]:
        places = [self.schemas.place(one, place, "oneOf", n) for n, one in enumerate(branches)]
        parts = [self.apply(one, shapes) for one in places]
        if self.subtractor.told_apart(parts):
            return _merged(shape for part in parts for shape in part)
        found: list[Shape] = []
        for number, part in enumerate(parts):
            for other, rival in enumerate(parts):
                if other != number and not self.subtractor.disjoint(part, rival):
                    part = self.subtractor.subtract(part, spec_of(places[other]), place.path, "oneOf")
            found += part
        return _merged(found)

    def _dependent(self, place: Place, schema: dict[str, Any], shapes: list[Shape]) -> list[Shape]:
        """Each dependency is a choice: the property is not there, or what it asks for holds."""
        for keyword in ("dependentRequired", "dependentSchemas", "dependencies"):
            for name, asked in schema.get(keyword, {}).items():
                inner = {"required": asked} if isinstance(asked, list) else asked
                there = self.schemas.place({"required": [name]}, place, keyword, name)
                with_it = self.apply(there, [one for one in shapes if isinstance(one, Object)])
                with_it = self.apply(self.schemas.place(inner, place, keyword, name), with_it)
                without = [_forbid(one, name, place) if isinstance(one, Object) else one for one in shapes]
                shapes = self.tidy([*with_it, *without])
        return shapes

    def _close(self, place: Place, schema: dict[str, Any], shape: Shape) -> Shape:
        """unevaluatedProperties and unevaluatedItems, over what this alternative has looked at."""
        if isinstance(shape, Object) and "unevaluatedProperties" in schema and not shape.all_evaluated:
            spec = self.spec(schema["unevaluatedProperties"], place, "unevaluatedProperties")
            rule = KeyRule(spec, None, shape.evaluated, shape.evaluated_patterns)
            named = {
                name: replace(slot, spec=slot.spec.meet(spec)) if key_matches(rule, name) else slot
                for name, slot in shape.named.items()
            }
            return replace(shape, named=named, rules=(*shape.rules, rule), all_evaluated=True)
        if isinstance(shape, Array) and "unevaluatedItems" in schema and not shape.all_evaluated:
            if shape.contains and place.draft >= 2020:
                self.cannot(
                    place.path,
                    "unevaluatedItems",
                    "items that contains has matched count as evaluated, wherever they stand",
                    "write items instead",
                )
                return shape
            spec = self.spec(schema["unevaluatedItems"], place, "unevaluatedItems")
            size = max(len(shape.prefix), shape.evaluated)
            prefix = tuple(
                shape.item(index) if index < shape.evaluated else shape.item(index).meet(spec)
                for index in range(size)
            )
            return replace(shape, prefix=prefix, rest=shape.rest.meet(spec), all_evaluated=True)
        return shape


def _forbid(shape: Object, name: str, place: Place) -> Shape:
    never = spec_of(Place(False, place.path, place.base, place.draft))
    slot = shape.named.get(name, Slot(ANYTHING))
    return replace(shape, named={**shape.named, name: replace(slot, spec=slot.spec.meet(never))})


def _typed(names: list[str], shapes: list[Shape]) -> list[Shape]:
    found: list[Shape] = []
    for shape in shapes:
        kept = [one for name in dict.fromkeys(names) if (one := _TYPES[name](shape)) is not None]
        if isinstance(shape, Plain):
            found.append(
                Plain(frozenset(text for one in kept if isinstance(one, Plain) for text in one.texts))
            )
        elif "number" in names and isinstance(shape, Number):
            found.append(shape)
        else:
            found += kept
    return found


def _unevaluated(shape: Shape, schema: dict[str, Any]) -> Shape:
    """A shape that nothing has looked at yet, for a schema that asks what is left."""
    if isinstance(shape, Object) and "unevaluatedProperties" in schema:
        return replace(shape, evaluated=frozenset(), evaluated_patterns=(), all_evaluated=False)
    if isinstance(shape, Array) and "unevaluatedItems" in schema:
        return replace(shape, evaluated=0, all_evaluated=False)
    return shape


def _merged(shapes: Iterable[Shape]) -> list[Shape]:
    """Finite sets of strings, numbers and plain values joined into one shape each."""
    strings: set[str] = set()
    numbers: set[Fraction] = set()
    texts: set[str] = set()
    others: list[Shape] = []
    for shape in shapes:
        match shape:
            case Plain(plain):
                texts |= plain
            case String(Strings(values=frozenset() as listed)):
                strings |= listed
            case Number(Numbers(values=frozenset() as counted)):
                numbers |= counted
            case _:
                others.append(shape)
    joined: list[Shape] = []
    if texts:
        joined.append(Plain(frozenset(texts)))
    if numbers:
        joined.append(Number(Numbers(values=frozenset(numbers))))
    if strings:
        joined.append(String(Strings(values=frozenset(strings))))
    return [*joined, *others]


def _suspicious(spec: Spec) -> bool:
    """Whether a single schema may allow nothing: only those with keywords that can exclude each other."""
    usual = {"type", "title", "description", "properties", "items", "default", "examples", "$comment"}
    return any(isinstance(place.schema, dict) and not place.schema.keys() <= usual for place in spec.every)


def _where(spec: Spec) -> str:
    return min((place.path for place in spec.every), default="")


def _spec_order(spec: Spec) -> tuple[str, int, int]:
    return _where(spec), len(spec.every), len(spec.none)
