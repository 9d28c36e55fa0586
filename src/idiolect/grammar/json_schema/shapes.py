"""What a schema allows, as a union of shapes, one JSON type each.

What stands inside a shape (a property's value, an array's items) is a `Spec`: schemas that all
hold and specs that must not, looked into only when asked. So recursion costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from idiolect.grammar.automaton import Dfa, compile_node
from idiolect.grammar.form import Node
from idiolect.grammar.json_schema.numbers import Numbers
from idiolect.grammar.json_schema.resolve import Place
from idiolect.grammar.json_schema.strings import Strings
from idiolect.grammar.json_schema.values import write_number, write_string


@dataclass(frozen=True, slots=True)
class Spec:
    """Values that fit every one of `every` and none of `none`."""

    every: frozenset[Place] = frozenset()
    none: frozenset[Spec] = frozenset()

    def meet(self, other: Spec) -> Spec:
        if not self.every and not self.none:
            return other
        if not other.every and not other.none:
            return self
        return Spec(self.every | other.every, self.none | other.none)

    def minus(self, other: Spec) -> Spec:
        return Spec(self.every, self.none | {other})

    @property
    def surely_never(self) -> bool:
        """Seen without looking inside: `false`, or something minus what is no smaller."""
        return any(place.schema is False for place in self.every) or any(
            other.every <= self.every and not other.none for other in self.none
        )


ANYTHING = Spec()


def spec_of(place: Place) -> Spec:
    return ANYTHING if place.schema is True or place.schema == {} else Spec(frozenset([place]))


@dataclass(frozen=True, slots=True)
class Plain:
    """null, true or false: their texts."""

    texts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Number:
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class String:
    strings: Strings


@dataclass(frozen=True, slots=True)
class Contains:
    """At least `least` items that fit, and at most `most`."""

    spec: Spec
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Array:
    prefix: tuple[Spec, ...] = ()
    rest: Spec = ANYTHING
    low: int = 0
    high: int | None = None
    unique: Place | None = None  # where uniqueItems stands
    contains: tuple[tuple[Contains, Place], ...] = ()
    evaluated: int = 0  # items that a keyword has looked at, for unevaluatedItems
    all_evaluated: bool = False

    def item(self, index: int) -> Spec:
        return self.prefix[index] if index < len(self.prefix) else self.rest


@dataclass(frozen=True, slots=True)
class Slot:
    """A property by name: what its value must be, and whether it must be there."""

    spec: Spec
    required: bool = False


@dataclass(frozen=True, slots=True)
class KeyRule:
    """A spec for every property whose name matches `pattern` (None: any) and is not excluded."""

    spec: Spec
    pattern: Node | None = None
    but_names: frozenset[str] = frozenset()
    but_patterns: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Object:
    named: Mapping[str, Slot] = field(default_factory=dict)
    rules: tuple[KeyRule, ...] = ()
    low: int = 0
    high: int | None = None
    evaluated: frozenset[str] = frozenset()  # property names that a keyword has looked at
    evaluated_patterns: tuple[Node, ...] = ()
    all_evaluated: bool = False


Shape = Plain | Number | String | Array | Object

EVERY_SHAPE: tuple[Shape, ...] = (
    Plain(frozenset(["null", "true", "false"])),
    Number(Numbers()),
    String(Strings()),
    Array(),
    Object(),
)


def listed_texts(shape: Shape) -> list[str] | None:
    """The texts of a shape whose values are listed, in order; None for every other one."""
    match shape:
        case Plain(texts):
            return sorted(texts)
        case Number(Numbers(values=frozenset() as values)):
            return [write_number(one) for one in sorted(values)]
        case String(Strings(values=frozenset() as words)):
            return [write_string(one) for one in sorted(words)]
        case _:
            return None


@lru_cache(maxsize=512)
def _automaton(pattern: Node) -> Dfa:
    return compile_node(pattern)


def key_matches(rule: KeyRule, name: str) -> bool:
    """Whether a rule speaks of a property."""
    return (
        name not in rule.but_names
        and (rule.pattern is None or _automaton(rule.pattern).matches(name))
        and not any(_automaton(pattern).matches(name) for pattern in rule.but_patterns)
    )


def spec_for(shape: Object, name: str) -> Spec:
    """What an object's shape asks of a property by name."""
    if name in shape.named:
        return shape.named[name].spec
    spec = ANYTHING
    for rule in shape.rules:
        if key_matches(rule, name):
            spec = spec.meet(rule.spec)
    return spec


def is_closed(shape: Object) -> bool:
    """Whether no property beyond the named ones may be there."""
    return any(
        rule.spec.surely_never
        and rule.pattern is None
        and not rule.but_patterns
        and rule.but_names <= shape.named.keys()
        for rule in shape.rules
    )
