"""Prints what a JSON Schema allows as a plainer JSON Schema, for engines that drop what they do not know.

Such engines take types, enums, alternatives, closed objects, counts, ranges and simple patterns, and ignore
`if`, `not`, `oneOf` and presence logic without a word. Here all of those are worked out into alternatives of
closed objects. What even that can't say (unique items, differences of patterns) is loosened, and named.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from idiolect.grammar import charset
from idiolect.grammar.charset import Ranges
from idiolect.grammar.form import Chars, Choice, Node, Repeat, Seq, Text
from idiolect.grammar.json_schema.emit import key_order
from idiolect.grammar.json_schema.normalize import Normalizer
from idiolect.grammar.json_schema.numbers import Numbers
from idiolect.grammar.json_schema.resolve import Schema, Schemas
from idiolect.grammar.json_schema.shapes import (
    ANYTHING,
    Array,
    Number,
    Object,
    Plain,
    Shape,
    Spec,
    String,
    is_closed,
    spec_for,
    spec_of,
)
from idiolect.grammar.json_schema.strings import Strings

_UNNAMED = "\0"  # a property that no schema names, to ask what others must be


def print_json_schema(
    schema: Mapping[str, Any] | bool, *, store: Mapping[str, Schema] | None = None, default_draft: int = 2020
) -> dict[str, Any]:
    """The plain schema; `$comment` says what was loosened."""
    given = schema if isinstance(schema, bool) else dict(schema)
    normalizer = Normalizer(Schemas(given, store or {}, default_draft), post_check=True)
    return _Printer(normalizer).printed(spec_of(normalizer.schemas.root))


class _Printer:
    def __init__(self, normalizer: Normalizer) -> None:
        self.normalizer = normalizer
        self.names: dict[Spec, str] = {}
        self.queue: list[Spec] = []
        self.loosened: dict[str, None] = {}

    def printed(self, root: Spec) -> dict[str, Any]:
        made = self.alternatives(root)
        definitions: dict[str, Any] = {}
        while self.queue:
            spec = self.queue.pop(0)
            definitions[self.names[spec]] = self.alternatives(spec)
        loose = [
            *self.loosened,
            *(f"{check.where}: {check.name}" for check in self.normalizer.checks.values()),
        ]
        if loose:
            made["$comment"] = "not said here, and left to a verifier: " + "; ".join(dict.fromkeys(loose))
        if definitions:
            made["$defs"] = definitions
        return made

    def value(self, spec: Spec) -> dict[str, Any]:
        """A schema in place for scalars, a reference for what may recurse."""
        if spec == ANYTHING:
            return {}
        shapes = self.normalizer.shapes(spec)
        if not any(isinstance(shape, Array | Object) for shape in shapes):
            return self.alternatives(spec)
        if spec not in self.names:
            self.names[spec] = f"value_{len(self.names) + 1}"
            self.queue.append(spec)
        return {"$ref": f"#/$defs/{self.names[spec]}"}

    def alternatives(self, spec: Spec) -> dict[str, Any]:
        shapes = self.normalizer.shapes(spec)
        order = key_order(shapes)
        listed = [value for shape in shapes for value in _listed(shape)]
        found = [self.shape(shape, order) for shape in shapes if not _listed(shape)]
        if listed:
            found.insert(0, {"const": listed[0]} if len(listed) == 1 else {"enum": listed})
        return found[0] if len(found) == 1 else {"anyOf": found}

    def shape(self, shape: Shape, order: Mapping[str, int]) -> dict[str, Any]:
        match shape:
            case Number(numbers):
                return self.numbers(numbers)
            case String(strings):
                return self.strings(strings)
            case Array():
                return self.array(shape)
            case Object():
                return self.object(shape, order)
            case _:
                raise TypeError(f"its values are listed: {type(shape).__name__}")

    def numbers(self, numbers: Numbers) -> dict[str, Any]:
        made: dict[str, Any] = {"type": "integer" if numbers.integer else "number"}
        if numbers.low is not None:
            made["exclusiveMinimum" if numbers.low_open else "minimum"] = _number(numbers.low)
        if numbers.high is not None:
            made["exclusiveMaximum" if numbers.high_open else "maximum"] = _number(numbers.high)
        if numbers.steps:
            made["multipleOf"] = _number(max(numbers.steps))
        if len(numbers.steps) > 1 or numbers.without:
            self.loosened.setdefault("numbers that are left out")
        return made

    def strings(self, strings: Strings) -> dict[str, Any]:
        made: dict[str, Any] = {"type": "string"}
        if strings.low:
            made["minLength"] = strings.low
        if strings.high is not None:
            made["maxLength"] = strings.high
        patterns = [pattern for node in strings.must if (pattern := _pattern(node)) is not None]
        if patterns:
            made["pattern"] = f"^(?:{patterns[0]})$"
        if len(strings.must) > len(patterns[:1]) or strings.without:
            self.loosened.setdefault("patterns and formats of some strings")
        return made

    def array(self, shape: Array) -> dict[str, Any]:
        made: dict[str, Any] = {"type": "array"}
        if shape.prefix:
            made["prefixItems"] = [self.value(spec) for spec in shape.prefix]
        if shape.rest.surely_never or not self.normalizer.shapes(shape.rest):
            made["items"] = False
        elif shape.rest != ANYTHING:
            made["items"] = self.value(shape.rest)
        if shape.low:
            made["minItems"] = shape.low
        if shape.high is not None:
            made["maxItems"] = shape.high
        if shape.unique is not None:
            self.loosened.setdefault("items that must be unique")
        if shape.contains:
            self.loosened.setdefault("items that must be among others")
        return made

    def object(self, shape: Object, order: Mapping[str, int]) -> dict[str, Any]:
        possible = {name: slot for name, slot in shape.named.items() if self.normalizer.shapes(slot.spec)}
        names = sorted(possible, key=lambda name: order[name])
        made: dict[str, Any] = {
            "type": "object",
            "properties": {name: self.value(possible[name].spec) for name in names},
            "required": [name for name in names if possible[name].required],
        }
        rest = spec_for(shape, _UNNAMED)
        if is_closed(shape) or not self.normalizer.shapes(rest):
            made["additionalProperties"] = False
        elif rest != ANYTHING:
            made["additionalProperties"] = self.value(rest)
        if any(rule.pattern is not None for rule in shape.rules):
            self.loosened.setdefault("properties by patterns of their names")
        if shape.low > len(made["required"]):
            made["minProperties"] = shape.low
        if shape.high is not None and shape.high < len(names):
            made["maxProperties"] = shape.high
        return made


def _listed(shape: Shape) -> list[Any]:
    """The values of a shape that lists them."""
    match shape:
        case Plain(texts):
            return [json.loads(text) for text in sorted(texts)]
        case Number(Numbers(values=frozenset() as values)):
            return [_number(one) for one in sorted(values)]
        case String(Strings(values=frozenset() as words)):
            return sorted(words)
        case _:
            return []


def _number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)


def _pattern(node: Node) -> str | None:
    """A node as a regular expression of JSON Schema; None where it has differences or names."""
    match node:
        case Text(literal):
            return "".join(_escaped(ord(one)) for one in literal)
        case Chars(ranges):
            return _class(ranges)
        case Seq(items):
            found = [_pattern(item) for item in items]
            return None if None in found else "".join(f"(?:{one})" for one in found)
        case Choice(items):
            found = [_pattern(item) for item in items]
            return None if None in found else "|".join(f"(?:{one})" for one in found)
        case Repeat(item, least, most):
            inner = _pattern(item)
            return None if inner is None else f"(?:{inner}){{{least},{'' if most is None else most}}}"
        case _:
            return None


def _class(ranges: Ranges) -> str:
    if ranges == charset.ALL:
        return r"[\s\S]"
    inverse = charset.complement(ranges)
    spans, mark = (inverse, "^") if len(inverse) < len(ranges) else (ranges, "")
    written = "".join(
        _escaped(low) if low == high else f"{_escaped(low)}-{_escaped(high)}" for low, high in spans
    )
    return f"[{mark}{written}]"


def _escaped(code: int) -> str:
    one = chr(code)
    if one.isascii() and one.isalnum():
        return one
    return f"\\u{code:04x}" if code <= 0xFFFF else one
