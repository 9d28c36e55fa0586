"""Sets of strings by their decoded text, and the JSON terminals that write them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from idiolect.grammar import charset
from idiolect.grammar.automaton import Dfa, compile_node
from idiolect.grammar.charset import Ranges
from idiolect.grammar.form import ANY, Both, Chars, Minus, Node, Repeat, Text, choice, many, seq
from idiolect.grammar.json_schema.values import SHORT_ESCAPES, write_string
from idiolect.grammar.rewrite import map_nodes

_ESCAPED = charset.union(((0, 0x1F),), charset.of('"\\'))
_RAW = charset.complement(_ESCAPED)
_LONG_ESCAPES = charset.minus(((0, 0x1F),), charset.of(SHORT_ESCAPES))


@lru_cache(maxsize=512)
def _automaton(node: Node) -> Dfa:
    return compile_node(node)


@dataclass(frozen=True, slots=True)
class Strings:
    """Strings of a length that match every pattern of `must`, perhaps without other sets; or a finite set."""

    values: frozenset[str] | None = None
    low: int = 0
    high: int | None = None
    must: tuple[Node, ...] = ()
    without: tuple[Strings, ...] = ()

    def holds(self, string: str) -> bool:
        if self.values is not None:
            return string in self.values
        return (
            self.low <= len(string)
            and (self.high is None or len(string) <= self.high)
            and all(_automaton(node).matches(string) for node in self.must)
            and not any(other.holds(string) for other in self.without)
        )

    def meet(self, other: Strings) -> Strings:
        for one, two in ((self, other), (other, self)):
            if one.values is not None:
                return Strings(values=frozenset(string for string in one.values if two.holds(string)))
        highs = [high for high in (self.high, other.high) if high is not None]
        return Strings(
            None,
            max(self.low, other.low),
            min(highs, default=None),
            (*self.must, *(node for node in other.must if node not in self.must)),
            (*self.without, *(one for one in other.without if one not in self.without)),
        )

    def minus(self, other: Strings) -> Strings:
        if self.values is not None:
            return Strings(values=frozenset(string for string in self.values if not other.holds(string)))
        if other.covers(self):
            return Strings(values=frozenset())
        return replace(self, without=(*self.without, other))

    def covers(self, other: Strings) -> bool:
        """Whether this set surely holds all of the other one."""
        if other.values is not None:
            return all(self.holds(string) for string in other.values)
        return (
            self.values is None
            and not self.without
            and set(self.must) <= set(other.must)
            and self.low <= other.low
            and (self.high is None or (other.high is not None and other.high <= self.high))
        )

    @property
    def empty(self) -> bool:
        """Whether the set is surely empty."""
        if self.values is not None:
            return not self.values
        if self.high is not None and self.low > self.high:
            return True
        if len(self.must) + len(self.without) > 1 or (self.must and (self.low or self.high is not None)):
            return _automaton(self.decoded()).empty
        return False

    def decoded(self) -> Node:
        """The set as a regular node over the strings themselves."""
        if self.values is not None:
            return choice(*(Text(string) for string in sorted(self.values)))
        bounds = Repeat(ANY, self.low, self.high)
        found: Node = bounds if self.low or self.high is not None or not self.must else self.must[0]
        for node in self.must:
            if node != found:
                found = Both(found, node)
        return Minus(found, choice(*(one.decoded() for one in self.without))) if self.without else found

    def node(self) -> Node:
        """The set as JSON strings with their quotes."""
        if self.values is not None:
            return choice(*(Text(write_string(string)) for string in sorted(self.values)))
        return seq('"', encoded(self.decoded()), '"')


@lru_cache(maxsize=512)
def encoded(node: Node) -> Node:
    """A node over decoded strings as one over what stands between the quotes."""

    def change(one: Node) -> Node:
        if isinstance(one, Text):
            return Text(write_string(one.text)[1:-1])
        return _encoded_chars(one.ranges) if isinstance(one, Chars) else one

    return map_nodes(node, change)


@lru_cache(maxsize=256)
def _encoded_chars(ranges: Ranges) -> Node:
    ways: list[Node] = []
    raw = charset.intersect(ranges, _RAW)
    if raw:
        ways.append(Chars(raw))
    short = [code for one, code in SHORT_ESCAPES.items() if charset.holds(ranges, ord(one))]
    if short:
        ways.append(seq("\\", Chars(charset.of(code[1] for code in short))))
    long = charset.intersect(ranges, _LONG_ESCAPES)
    if long == _LONG_ESCAPES:
        ways.append(seq("\\u00", choice(seq("0", _digits(0x00, 0x0F)), seq("1", _digits(0x10, 0x1F)))))
    else:
        ways += [Text(f"\\u{code:04x}") for low, high in long for code in range(low, high + 1)]
    return choice(*ways)


def _digits(low: int, high: int) -> Node:
    return Chars(
        charset.of(f"{code & 15:x}" for code in range(low, high + 1) if charset.holds(_LONG_ESCAPES, code))
    )


ANY_STRING = many(ANY)
