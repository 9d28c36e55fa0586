"""From shapes to rules: objects with their keys in schema order, arrays with their counts, scalars.

Every lexeme is one JSON token, a key with its colon, so that no lexeme runs on into what may follow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from idiolect.grammar.automaton import TooLarge, compile_node
from idiolect.grammar.form import (
    EMPTY,
    Both,
    Minus,
    Node,
    PostCheck,
    Ref,
    Repeat,
    Terminal,
    Text,
    choice,
    seq,
)
from idiolect.grammar.json_schema.arrays import COMMA, MOST_STATES, ArrayRules
from idiolect.grammar.json_schema.normalize import Normalizer
from idiolect.grammar.json_schema.numbers import NoRegularForm, Numbers
from idiolect.grammar.json_schema.resolve import NotEnforceable
from idiolect.grammar.json_schema.shapes import (
    ANYTHING,
    Array,
    KeyRule,
    Number,
    Object,
    Shape,
    Slot,
    Spec,
    String,
    is_closed,
    listed_texts,
)
from idiolect.grammar.json_schema.strings import ANY_STRING, Strings, encoded
from idiolect.grammar.json_schema.values import write_string
from idiolect.grammar.rewrite import fresh, row

# Properties of one object that may be left out: each is four items in a row of llguidance, which has 2,000.
MOST_OPTIONAL = 400
# Rules on property names by pattern whose combinations are told apart.
MOST_PATTERNS = 4
# A node shared by alternatives is split into rules below this depth.
_DEEPEST_FACTOR = 8

_Row = tuple[Node, ...]


class Emitter:
    """Rules and terminals of a schema, made on demand from the root on."""

    def __init__(self, normalizer: Normalizer) -> None:
        self.normalizer = normalizer
        self.rules: dict[str, Node] = {}
        self.terminals: dict[str, Terminal] = {}
        self.checks: dict[tuple[str, str], PostCheck] = {}
        self.arrays = ArrayRules(self)
        self._names: dict[Spec, str] = {}
        self._queue: list[Spec] = []
        self._by_node: dict[Node, str] = {}
        self._scalars: dict[Spec, Node | None] = {}

    def emit(self, root: Spec) -> str:
        """All rules from a spec on; the name of its rule."""
        name = self._name_of(root, "root")
        while self._queue:
            spec = self._queue.pop()
            self.rules[self._names[spec]] = self._body(spec)
        return name

    def _name_of(self, spec: Spec, hint: str) -> str:
        if spec not in self._names:
            self._names[spec] = self.fresh(hint if spec != ANYTHING else "json")
            self._queue.append(spec)
        return self._names[spec]

    def fresh(self, hint: str, *, terminal: bool = False) -> str:
        plain = re.sub(r"[^a-z0-9]+", "_", hint.lower()).strip("_")[:40] or "value"
        plain = plain.upper() if terminal else plain
        name = fresh(
            plain if plain[0].isalpha() else f"n_{plain}", self.terminals if terminal else self.rules
        )
        if terminal:
            return name
        self.rules[name] = EMPTY  # taken; filled later
        return name

    def value(self, spec: Spec, hint: str) -> Node:
        """A node for the values of a spec: scalars in place, all else by its rule."""
        if spec not in self._scalars:
            shapes = self.normalizer.shapes(spec)
            plain = shapes and not any(isinstance(shape, Array | Object) for shape in shapes)
            self._scalars[spec] = self._scalar(shapes, spec, hint) if plain else None
        scalar = self._scalars[spec]
        return Ref(self._name_of(spec, hint)) if scalar is None else scalar

    def _body(self, spec: Spec) -> Node:
        shapes = self.normalizer.shapes(spec)
        hint = self._names[spec]
        scalars = [shape for shape in shapes if not isinstance(shape, Array | Object)]
        rows: list[_Row] = []
        order = key_order(shapes)
        for shape in shapes:
            if isinstance(shape, Object):
                rows.append(self._object(shape, order, hint))
            elif isinstance(shape, Array):
                rows.append((Text("["), self.arrays.array(shape, hint), Text("]")))
        ways = [self.factored(rows, hint)] if rows else []
        if scalars:
            ways.append(self._scalar(scalars, spec, hint))
        return choice(*ways)

    def factored(self, rows: Sequence[_Row], hint: str, depth: int = 0) -> Node:
        """Alternatives with what they begin alike written once."""
        groups: dict[Node | None, list[_Row]] = {}
        for one in dict.fromkeys(rows):
            groups.setdefault(one[0] if one else None, []).append(one)
        ways: list[Node] = []
        for members in groups.values():
            if len(members) == 1:
                ways.append(row(*members[0]))
                continue
            size = _common(members)
            rests = [one[size:] for one in members]
            rest = self.factored(rests, hint, depth + 1)
            if depth % _DEEPEST_FACTOR == _DEEPEST_FACTOR - 1:
                rest = self.rule(f"{hint}_rest", rest)
            ways.append(row(*members[0][:size], rest))
        return choice(*ways)

    def rule(self, hint: str, body: Node) -> Ref:
        name = self.fresh(hint)
        self.rules[name] = body
        return Ref(name)

    def _terminal(self, hint: str, node: Node, said: str | None) -> Node:
        if isinstance(node, Text):
            return node
        if node not in self._by_node:
            self._by_node[node] = self.fresh(hint, terminal=True)
            self.terminals[self._by_node[node]] = Terminal(node, said)
        return Ref(self._by_node[node])

    def _scalar(self, shapes: Sequence[Shape], spec: Spec, hint: str) -> Node:
        """Scalars: everything listed as one terminal, every open set as its own."""
        listed: list[str] = []
        ways: list[Node] = []
        for shape in shapes:
            texts = listed_texts(shape)
            if texts is not None:
                listed += texts
            elif isinstance(shape, Number):
                ways.append(self._number(shape.numbers, spec, hint))
            else:
                assert isinstance(shape, String), "only scalars come here"
                ways.append(self._string(shape.strings, spec, hint))
        if listed:
            node = choice(*map(Text, listed))
            ways.insert(0, self._terminal(f"{hint}_values", node, f"a value of {hint}"))
        return choice(*ways)

    def _number(self, numbers: Numbers, spec: Spec, hint: str) -> Node:
        if numbers == Numbers():
            return self._terminal("number", numbers.node(), "a number")
        if numbers == Numbers(integer=True):
            return self._terminal("integer", numbers.node(), "an integer")
        try:
            return self._terminal(f"{hint}_number", numbers.node(), f"a number for {hint}")
        except NoRegularForm as error:
            self.normalizer.cannot(
                where(spec),
                "multipleOf",
                str(error),
                "use a step that divides a power of ten, or closer bounds",
            )
            return self._number(replace(numbers, steps=frozenset(), without=()), spec, hint)

    def _string(self, strings: Strings, spec: Spec, hint: str) -> Node:
        if strings == Strings():
            return self._terminal("string", strings.node(), "a string")
        try:
            return self._terminal(f"{hint}_string", strings.node(), f"a string for {hint}")
        except TooLarge as error:
            self.normalizer.cannot(where(spec), "pattern", str(error), "write a shorter pattern")
            return self._string(Strings(), spec, hint)

    def _object(self, shape: Object, order: dict[str, int], hint: str) -> _Row:
        named = {
            name: slot
            for name, slot in sorted(shape.named.items(), key=lambda one: order[one[0]])
            if not self.normalizer.never(slot.spec)
        }
        members = [(slot.required, self._member(name, slot, hint)) for name, slot in named.items()]
        optional = [name for name, slot in named.items() if not slot.required]
        if len(optional) > MOST_OPTIONAL:
            raise NotEnforceable(
                where(named[optional[0]].spec).rpartition("/properties/")[0],
                "properties",
                f"more than {MOST_OPTIONAL} of them may be left out, too many for engines to tell apart",
                "require some of them, or group them in objects of their own",
            )
        extra = None if is_closed(shape) else self._extra(shape, hint)
        required = sum(needed for needed, _ in members)
        high = None if shape.high is None or (extra is None and shape.high >= len(members)) else shape.high
        if shape.low > required or high is not None:
            return (Text("{"), self._counted(members, extra, shape.low, high, hint), Text("}"))
        return (Text("{"), *self._members(members, extra, hint), Text("}"))

    def _member(self, name: str, slot: Slot, hint: str) -> _Row:
        try:
            key = write_string(name)
        except ValueError as error:
            raise NotEnforceable(where(slot.spec), "properties", str(error), "rename the property") from None
        return (Text(f"{key}:"), self.value(slot.spec, name))

    def _members(self, members: list[tuple[bool, _Row]], extra: Node | None, hint: str) -> list[Node]:
        first = next((number for number, (needed, _) in enumerate(members) if needed), len(members))
        after: list[Node] = []
        for needed, member in members[first + 1 :]:
            after += [COMMA, *member] if needed else [Repeat(row(COMMA, *member), 0, 1)]
        if extra is not None:
            after.append(Repeat(row(COMMA, extra), 0, None))
        if first == 0 and members:
            return [*members[0][1], *after]
        if first < len(members):
            following = self.rule(f"{hint}_members", row(*after)) if after else EMPTY
            start, later = row(*members[first][1], following), row(COMMA, *members[first][1], following)
        elif extra is not None:
            start, later = Repeat(row(extra, after[-1]), 0, 1), after[-1]
        else:
            start, later = EMPTY, EMPTY
        for _, member in reversed(members[:first]):
            tail = self.rule(f"{hint}_tail", later) if not isinstance(later, Ref | Text) else later
            start = choice(row(*member, tail), start)
            if len(start.items) > 1 and not isinstance(start, Ref):  # type: ignore[union-attr]
                start = self.rule(f"{hint}_head", start)
            later = row(Repeat(row(COMMA, *member), 0, 1), tail)
        return [start]

    def _counted(
        self, members: list[tuple[bool, _Row]], extra: Node | None, low: int, high: int | None, hint: str
    ) -> Node:
        """Members with a count: one rule for each place and number written so far."""
        top = max(low, 1) if high is None else high
        if (len(members) + 1) * (top + 1) > MOST_STATES:
            raise NotEnforceable(
                "", "maxProperties", f"counting needs more than {MOST_STATES} rules", "name the properties"
            )
        names = {
            (place, count): self.fresh(f"{hint}_at{place}_{count}")
            for place in range(len(members) + 1)
            for count in range(top + 1)
        }
        for (place, count), name in names.items():
            following = count + 1 if high is not None else min(count + 1, top)
            comma = COMMA if count else EMPTY
            ways: list[Node] = []
            if place == len(members):
                if count >= low:
                    ways.append(EMPTY)
                if extra is not None and following <= top:
                    ways.append(row(comma, extra, Ref(names[place, following])))
            else:
                needed, member = members[place]
                if following <= top:
                    ways.append(row(comma, *member, Ref(names[place + 1, following])))
                if not needed:
                    ways.append(Ref(names[place + 1, count]))
            self.rules[name] = choice(*ways)
        return Ref(names[0, 0])

    def _extra(self, shape: Object, hint: str) -> Node | None:
        """One property beyond the named ones: by each combination of the rules on names."""
        rules = [rule for rule in shape.rules if rule.spec != ANYTHING]
        told = [rule for rule in rules if rule.pattern is not None or rule.but_patterns]
        if len(told) > MOST_PATTERNS:
            raise NotEnforceable(
                where(told[0].spec),
                "patternProperties",
                f"more than {MOST_PATTERNS} patterns speak of the same names",
                "name the properties",
            )
        others = [rule for rule in rules if rule not in told and not rule.but_names - shape.named.keys()]
        ways: list[Node] = []
        for hits in product((True, False), repeat=len(told)):
            spec = ANYTHING
            for rule in (*others, *(rule for rule, hit in zip(told, hits, strict=True) if hit)):
                spec = spec.meet(rule.spec)
            if self.normalizer.never(spec):
                continue
            keys = _keys(told, hits, shape)
            if keys is not None:
                terminal = self._terminal(f"{hint}_key", keys, "a property name")
                ways.append(row(terminal, self.value(spec, f"{hint}_value")))
        if not ways:
            return None
        self.checks.setdefault(
            ("distinct_keys", ""),
            PostCheck(
                "distinct_keys", "/", "a property that the schema does not name could be written twice"
            ),
        )
        return choice(*ways)


def _common(rows: list[_Row]) -> int:
    size = 0
    shortest = min(map(len, rows))
    while size < shortest and all(one[size] == rows[0][size] for one in rows):
        size += 1
    return size


def _keys(told: list[KeyRule], hits: tuple[bool, ...], shape: Object) -> Node | None:
    """The names beyond the named ones that exactly these rules speak of, or None if there are none."""
    found: Node = ANY_STRING
    for rule, hit in zip(told, hits, strict=True):
        spoken: Node = ANY_STRING if rule.pattern is None else rule.pattern
        for pattern in rule.but_patterns:
            spoken = Minus(spoken, pattern)
        if rule.but_names:
            spoken = Minus(spoken, choice(*map(Text, sorted(rule.but_names))))
        found = (spoken if found == ANY_STRING else Both(found, spoken)) if hit else Minus(found, spoken)
    if shape.named:
        found = Minus(found, choice(*map(Text, sorted(shape.named))))
    if told and compile_node(found).empty:
        return None
    return seq('"', encoded(found), '":')


def key_order(shapes: Sequence[Shape]) -> dict[str, int]:
    """The order of property names in text: as the schema first says them."""
    order: dict[str, int] = {}
    for shape in shapes:
        if isinstance(shape, Object):
            for name in shape.named:
                order.setdefault(name, len(order))
    return order


def where(spec: Spec) -> str:
    """A pointer to where a spec stands."""
    return min((place.path for place in spec.every), default="")
