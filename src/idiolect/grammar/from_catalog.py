"""Builds grammars out of symbol tables: names as prefix trees, typed values, calls with flags.

Thousands of names as flat alternatives die in an engine's row limit; as a prefix tree they live.
Values are regular nodes for terminals, exact to the last digit. Flags come in any order, each at
most once, the required ones present. Takes plain values and knows no catalog file and no dialect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from idiolect.grammar.form import (
    EMPTY,
    NOTHING,
    AnyOrder,
    Choice,
    GrammarError,
    Node,
    NodeLike,
    Problem,
    Ref,
    Repeat,
    Slot,
    Text,
    both,
    chars,
    choice,
    many,
    minus,
    node_of,
    not_chars,
    seq,
)
from idiolect.grammar.json_schema import formats, numbers
from idiolect.grammar.rewrite import fresh, row

# Branches of one name beyond this depth become rules of their own, so that no rule nests deeply.
_DEEPEST_BRANCH = 4


def names(entries: Iterable[str]) -> Node:
    """One of many names, as a prefix tree, for a terminal."""
    return name_tree(dict.fromkeys(entries, EMPTY), "names", {})


def name_tree(entries: Mapping[str, NodeLike], rule: str, rules: dict[str, Node]) -> Node:
    """Names, each followed by what it leads to, as a prefix tree.

    Deep branches are added to `rules` under names that begin with `rule`; pass an empty mapping for
    terminals whose names are few and short.
    """
    if not entries:
        raise GrammarError([Problem("no_names", rule, f'"{rule}" has no names to choose from')])
    ordered = sorted(entries)
    return _branch(ordered, 0, {name: node_of(entries[name]) for name in ordered}, rule, rules, 0)


def _branch(
    ordered: list[str], at: int, leads: Mapping[str, Node], rule: str, rules: dict[str, Node], depth: int
) -> Node:
    """The tree of sorted names that agree up to a position."""
    ways: list[Node] = []
    start = 0
    if len(ordered[0]) == at:
        ways.append(leads[ordered[0]])
        start = 1
    while start < len(ordered):
        end = start
        first = ordered[start][at]
        while end < len(ordered) and ordered[end][at] == first:
            end += 1
        group = ordered[start:end]
        size = _shared(group[0], group[-1], at)
        rest = _branch(group, size, leads, rule, rules, depth + 1)
        if depth % _DEEPEST_BRANCH == _DEEPEST_BRANCH - 1 and len(group) > 1:
            name = fresh(f"{rule}_{len(rules)}", rules)
            rules[name] = rest
            rest = Ref(name)
        ways.append(row(Text(group[0][at:size]), rest))
        start = end
    return ways[0] if len(ways) == 1 else Choice(tuple(ways))


def _shared(one: str, two: str, at: int) -> int:
    """How far two names agree, from a position on; sorted names between them agree as far."""
    most = min(len(one), len(two))
    while at < most and one[at] == two[at]:
        at += 1
    return at


# Values. Each gives the regular node of a terminal.


def integer(low: int | None = None, high: int | None = None) -> Node:
    """Integers from low to high without leading zeros; None is no bound."""
    found = numbers.integers(low, high)
    if found == NOTHING:
        raise GrammarError([Problem("empty_range", "integer", f"there is no integer from {low} to {high}")])
    return found


def decimal(low: float | None = None, high: float | None = None, *, places: int = 9, unit: str = "") -> Node:
    """Decimals from low to high, at most `places` digits after the point, and a unit behind them."""
    bounds = [None if one is None else Fraction(repr(one)) for one in (low, high)]
    found = numbers.Numbers(low=bounds[0], high=bounds[1])
    if found.empty:
        raise GrammarError([Problem("empty_range", "decimal", f"there is no number from {low} to {high}")])
    digits = chars("0-9")
    short = seq(many(chars("-0-9")), Repeat(seq(".", Repeat(digits, 1, places)), 0, 1))
    return seq(both(found.node(), short), unit)


def enum(values: Iterable[str]) -> Node:
    """One of the listed words."""
    return choice(*dict.fromkeys(values))


def identifier(*, but: Iterable[str] = (), most: int = 64) -> Node:
    """A name of letters, digits and underscores, without the reserved words."""
    found = seq(chars("A-Za-z_"), Repeat(chars("A-Za-z0-9_"), 0, most - 1))
    reserved = tuple(dict.fromkeys(but))
    return minus(found, *reserved) if reserved else found


def quoted(*, most: int = 200) -> Node:
    """Text between double quotes on one line; quotes and backslashes are escaped by a backslash."""
    return seq('"', Repeat(choice(not_chars('"\\\n\r\t'), '\\"', "\\\\"), 0, most), '"')


def port() -> Node:
    """A TCP or UDP port."""
    return numbers.integers(1, 65535)


def ipv4() -> Node:
    return formats.ipv4()


def cidr() -> Node:
    """An IPv4 network: an address and the length of its prefix."""
    return seq(formats.ipv4(), "/", numbers.integers(0, 32))


# Calls.


@dataclass(frozen=True, slots=True)
class Flag:
    """`-name value`, or `-name` alone where there is no value."""

    name: str
    value: NodeLike | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A command: its name, its positional arguments in order, and its flags in any order.

    The last `optional` positionals may be left out, from the right.
    """

    name: str
    positionals: tuple[NodeLike, ...] = ()
    flags: tuple[Flag, ...] = ()
    optional: int = 0


def arguments(call: Call, *, flags_first: bool = False) -> Node:
    """What follows a call's name: every argument after one space."""
    slots = tuple(
        Slot(
            seq(f" {flag.name}" if flag.value is None else f" {flag.name} ", flag.value or ""), flag.required
        )
        for flag in call.flags
    )
    flags: Node = AnyOrder(slots) if len(slots) > 1 else EMPTY
    if len(slots) == 1:
        flags = slots[0].node if slots[0].required else Repeat(slots[0].node, 0, 1)
    needed = len(call.positionals) - call.optional
    tail: Node = EMPTY
    for one in reversed(call.positionals[needed:]):
        tail = Repeat(row(Text(" "), node_of(one), tail), 0, 1)
    listed = [part for one in call.positionals[:needed] for part in (Text(" "), node_of(one))]
    return row(flags, *listed, tail) if flags_first else row(*listed, tail, flags)


def calls(entries: Iterable[Call], rule: str = "call", *, flags_first: bool = False) -> dict[str, Node]:
    """Rules for calling any of many commands; the first is named `rule`.

    Commands with the same arguments share one rule for them.
    """
    rules: dict[str, Node] = {rule: EMPTY}
    shared: dict[Node, Node] = {}
    leads: dict[str, Node] = {}
    for call in entries:
        if call.name in leads:
            message = f'"{call.name}" is listed twice; keep one'
            raise GrammarError([Problem("name_twice", rule, message)])
        body = arguments(call, flags_first=flags_first)
        if body not in shared:
            if body == EMPTY or isinstance(body, Text | Ref):
                shared[body] = body
            else:
                name = fresh(f"{rule}_arguments_{len(shared)}", rules)
                rules[name] = body
                shared[body] = Ref(name)
        leads[call.name] = shared[body]
    rules[rule] = name_tree(leads, f"{rule}_name", rules)
    return rules
