"""Shapes narrowed by the keywords of one schema that speak of one type: numbers, strings, arrays, objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from idiolect.grammar.form import Node
from idiolect.grammar.json_schema.formats import FORMATS, UNSUPPORTED
from idiolect.grammar.json_schema.numbers import Numbers
from idiolect.grammar.json_schema.resolve import NotEnforceable, Place
from idiolect.grammar.json_schema.shapes import (
    ANYTHING,
    Array,
    Contains,
    KeyRule,
    Number,
    Object,
    Shape,
    Slot,
    Spec,
    String,
    key_matches,
    spec_for,
    spec_of,
)
from idiolect.grammar.json_schema.strings import Strings
from idiolect.grammar.json_schema.values import MOST_DIGITS, TooManyDigits, exact, is_number, write_number
from idiolect.grammar.regex import UnsupportedRegex, search

# Lengths and counts beyond this are no bounds of real texts.
MOST_COUNTED = 1_000_000


class _Looks(Protocol):
    """What narrowing asks of the normalizer."""

    notes: dict[str, None]

    def shapes(self, spec: Spec) -> tuple[Shape, ...]: ...
    def spec(self, schema: Any, parent: Place, *steps: str | int) -> Spec: ...
    def cannot(self, path: str, keyword: str, reason: str, instead: str) -> None: ...


class Narrower:
    def __init__(self, looks: _Looks) -> None:
        self.looks = looks
        self._patterns: dict[str, Node] = {}

    def narrow(self, place: Place, schema: dict[str, Any], shape: Shape) -> Shape:
        match shape:
            case Number(numbers):
                return Number(self._number(place, schema, numbers))
            case String(strings):
                return String(self._string(place, schema, strings))
            case Array():
                return self._array(place, schema, shape)
            case Object():
                return self._object(place, schema, shape)
            case _:
                return shape

    def _pattern(self, place: Place, keyword: str, source: str) -> Node | None:
        """A pattern as a regular node; None where it became a post-check."""
        if source not in self._patterns:
            try:
                self._patterns[source] = search(source)
            except UnsupportedRegex as error:
                self.looks.cannot(place.path, keyword, str(error), "write the pattern without it")
                return None
        return self._patterns[source]

    def _number(self, place: Place, schema: dict[str, Any], numbers: Numbers) -> Numbers:
        for keyword, low in (("minimum", True), ("maximum", False)):
            exclusive = "exclusiveM" + keyword[1:]
            if keyword in schema:
                is_open = schema.get(exclusive) is True
                bound = self._limit(place, keyword, schema[keyword], low=low, is_open=is_open)
                numbers = numbers.meet(bound)
            if is_number(schema.get(exclusive)):  # true or false in draft 4
                bound = self._limit(place, exclusive, schema[exclusive], low=low, is_open=True)
                numbers = numbers.meet(bound)
        step = schema.get("multipleOf")
        if step is not None:
            if exact(step) <= 0:
                raise NotEnforceable(
                    place.path, "multipleOf", "it must be positive", "write a positive number"
                )
            numbers = numbers.meet(Numbers(steps=frozenset([exact(step)])))
        return numbers

    def _count(self, place: Place, schema: dict[str, Any], keyword: str) -> int | None:
        """A bound on a length or a number; upper ones that no text reaches are left out with a note."""
        if keyword not in schema:
            return None
        count = int(schema[keyword])
        if count <= MOST_COUNTED:
            return count
        if keyword.startswith("min"):
            raise NotEnforceable(
                place.path, keyword, f"it asks for more than {MOST_COUNTED:,}", "write a smaller bound"
            )
        self.looks.notes[
            f"{place.path or '/'}: {keyword} {count} is beyond what a text reaches and left out"
        ] = None
        return None

    def _limit(self, place: Place, keyword: str, written: Any, *, low: bool, is_open: bool) -> Numbers:
        """The numbers on one side of a bound; canonical text has at most 40 digits on a side of the point."""
        number = exact(written)
        if abs(number) >= 10**MOST_DIGITS:
            out_of_reach = (number > 0) == low
            return Numbers(values=frozenset()) if out_of_reach else Numbers()
        try:
            write_number(number)
        except TooManyDigits as error:
            raise NotEnforceable(place.path, keyword, str(error), "write a rounder bound") from None
        if low:
            return Numbers(low=number, low_open=is_open)
        return Numbers(high=number, high_open=is_open)

    def _string(self, place: Place, schema: dict[str, Any], strings: Strings) -> Strings:
        if "minLength" in schema or "maxLength" in schema:
            low, high = self._count(place, schema, "minLength"), self._count(place, schema, "maxLength")
            strings = strings.meet(Strings(low=low or 0, high=high))
        if "pattern" in schema:
            node = self._pattern(place, "pattern", schema["pattern"])
            if node is not None:
                strings = strings.meet(Strings(must=(node,)))
        name = schema.get("format")
        if name in FORMATS:
            strings = strings.meet(Strings(must=(FORMATS[name](),)))
        elif name in UNSUPPORTED:
            self.looks.cannot(
                place.path, "format", f'"{name}" has no grammar here', "write a pattern instead"
            )
        elif name is not None:
            self.looks.notes[
                f'{place.path or "/"}: "format": "{name}" is no format that validators check'
            ] = None
        return strings

    def _array(self, place: Place, schema: dict[str, Any], shape: Array) -> Array:
        listed, rest = _items(place, schema)
        if listed is not None:
            size = max(len(listed), len(shape.prefix))
            specs = [self.looks.spec(one, place, "items", number) for number, one in enumerate(listed)]
            beyond = ANYTHING if rest is None else self.looks.spec(rest, place, "items")
            prefix = tuple(
                shape.item(index).meet(specs[index] if index < len(specs) else beyond)
                for index in range(size)
            )
            shape = replace(shape, prefix=prefix, rest=shape.rest.meet(beyond))
            seen = max(shape.evaluated, len(listed))
            shape = replace(shape, evaluated=seen, all_evaluated=shape.all_evaluated or rest is not None)
        for keyword in ("minItems", "maxItems"):
            count = self._count(place, schema, keyword)
            if count is not None:
                shape = _with_count(shape, keyword == "minItems", count)
        if schema.get("uniqueItems") is True:
            shape = replace(shape, unique=shape.unique or place)
        if "contains" in schema and place.draft != 4:
            least, most = schema.get("minContains", 1), schema.get("maxContains")
            old = place.draft < 2019
            wanted = Contains(
                self.looks.spec(schema["contains"], place, "contains"),
                1 if old else int(min(least, MOST_COUNTED)),
                None if old or most is None else int(min(most, MOST_COUNTED)),
            )
            if wanted.least or wanted.most is not None:
                shape = replace(shape, contains=(*shape.contains, (wanted, place)))
        return shape

    def _object(self, place: Place, schema: dict[str, Any], shape: Object) -> Object:
        named = dict(shape.named)
        rules = list(shape.rules)
        properties = schema.get("properties", {})
        for name, inner in properties.items():
            slot = named.get(name) or Slot(spec_for(shape, name))
            named[name] = replace(
                slot, spec=slot.spec.meet(self.looks.spec(inner, place, "properties", name))
            )
        patterns: list[Node] = []
        for source, inner in schema.get("patternProperties", {}).items():
            node = self._pattern(place, "patternProperties", source)
            if node is not None:
                patterns.append(node)
                rules.append(KeyRule(self.looks.spec(inner, place, "patternProperties", source), node))
        if "additionalProperties" in schema:
            spec = self.looks.spec(schema["additionalProperties"], place, "additionalProperties")
            if spec != ANYTHING:
                rules.append(KeyRule(spec, None, frozenset(properties), tuple(patterns)))
        names = schema.get("propertyNames")
        if names is not None and place.draft != 4:
            rules += self._name_rules(place, names)
        for name in schema.get("required", ()):
            slot = named.get(name) or Slot(spec_for(shape, name))
            named[name] = replace(slot, required=True)
        new_rules = rules[len(shape.rules) :]
        for name, slot in named.items():
            for rule in new_rules:
                if key_matches(rule, name):
                    slot = replace(slot, spec=slot.spec.meet(rule.spec))
            named[name] = slot
        shape = replace(shape, named=named, rules=tuple(rules))
        for keyword in ("minProperties", "maxProperties"):
            count = self._count(place, schema, keyword)
            if count is not None:
                shape = _with_size(shape, keyword == "minProperties", count)
        return replace(
            shape,
            evaluated=shape.evaluated | properties.keys(),
            evaluated_patterns=(*shape.evaluated_patterns, *patterns),
            all_evaluated=shape.all_evaluated or "additionalProperties" in schema,
        )

    def _name_rules(self, place: Place, names: Any) -> list[KeyRule]:
        """propertyNames as a rule: names that are not among the strings allowed must not be there."""
        allowed = [
            shape.strings.decoded()
            for shape in self.looks.shapes(self.looks.spec(names, place, "propertyNames"))
            if isinstance(shape, String)
        ]
        return [
            KeyRule(
                spec_of(Place(False, place.path, place.base, place.draft)), None, frozenset(), tuple(allowed)
            )
        ]


def _items(place: Place, schema: dict[str, Any]) -> tuple[list[Any] | None, Any]:
    """The schemas of the first items, and that of the rest (None where nothing is said)."""
    items = schema.get("items")
    if place.draft >= 2020:
        prefix = schema.get("prefixItems")
        if prefix is None and items is None:
            return None, None
        return prefix or [], items
    if isinstance(items, list):
        return items, schema.get("additionalItems")
    return (None, None) if items is None else ([], items)


def _with_count(shape: Array, low: bool, count: int) -> Array:
    if low:
        return replace(shape, low=max(shape.low, count))
    return replace(shape, high=count if shape.high is None else min(shape.high, count))


def _with_size(shape: Object, low: bool, count: int) -> Object:
    if low:
        return replace(shape, low=max(shape.low, count))
    return replace(shape, high=count if shape.high is None else min(shape.high, count))
