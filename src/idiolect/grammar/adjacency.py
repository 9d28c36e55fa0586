"""Which tokens can stand next to each other in a grammar: sets of tokens kept as bits of integers.

A token is a literal, a character class or a reference to a terminal, as it stands in a rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from idiolect.grammar.form import (
    EMPTY,
    AnyOrder,
    Chars,
    Choice,
    Grammar,
    Node,
    Ref,
    Repeat,
    Seq,
    Text,
    parts,
)


def tokens_of(grammar: Grammar) -> list[Node]:
    """Every token of the rules, once, in order."""
    found: dict[Node, None] = {}
    for body in grammar.rules.values():
        for part in parts(body):
            if is_token(part, grammar):
                found.setdefault(part)
    return list(found)


def is_token(node: Node, grammar: Grammar) -> bool:
    if isinstance(node, Ref):
        return node.name in grammar.terminals
    return isinstance(node, Text | Chars) and node != EMPTY


def followers(grammar: Grammar) -> dict[Node, set[Node]]:
    """For each token, the tokens that can come right after it somewhere."""
    edges = _Edges(grammar)
    masks = edges.follow()
    return {token: {edges.tokens[bit] for bit in _bits(mask)} for token, mask in masks.items()}


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class _Edges:
    """First and last tokens of every rule, by going round until nothing changes."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.tokens = tokens_of(grammar)
        self.bit = {token: 1 << number for number, token in enumerate(self.tokens)}
        # What a rule can begin with, end with, and whether it can be empty.
        self.known: dict[str, tuple[int, int, bool]] = dict.fromkeys(grammar.rules, (0, 0, False))
        self.pairs: set[tuple[int, int]] = set()
        self._settle()

    def _settle(self) -> None:
        users: dict[str, set[str]] = {}
        for name, body in self.grammar.rules.items():
            for part in parts(body):
                if isinstance(part, Ref):
                    users.setdefault(part.name, set()).add(name)
        waiting: dict[str, None] = dict.fromkeys(reversed(list(self.grammar.rules)))
        while waiting:
            name = waiting.popitem()[0]
            found = self.ends(self.grammar.rules[name])
            if found != self.known[name]:
                self.known[name] = found
                waiting.update(dict.fromkeys(users.get(name, ())))

    def follow(self) -> dict[Node, int]:
        self.pairs.clear()
        for body in self.grammar.rules.values():
            self.ends(body)
        masks = dict.fromkeys(self.tokens, 0)
        for last, first in self.pairs:
            for bit in _bits(last):
                masks[self.tokens[bit]] |= first
        return masks

    def ends(self, node: Node) -> tuple[int, int, bool]:
        """First tokens, last tokens, and whether the node can be empty; notes neighbours on the way."""
        if is_token(node, self.grammar):
            return self.bit[node], self.bit[node], False
        match node:
            case Ref(name):
                return self.known[name]
            case Seq(items):
                return self._row(items)
            case Choice(items):
                found = [self.ends(item) for item in items]
                return (
                    _union(one[0] for one in found),
                    _union(one[1] for one in found),
                    any(one[2] for one in found),
                )
            case Repeat(item, least, most):
                first, last, empty = self.ends(item)
                if most != 1:
                    self.pairs.add((last, first))
                return first, last, empty or least == 0
            case AnyOrder(slots, separator):
                return self._loose_row(
                    [slot.node for slot in slots], separator, any(s.required for s in slots)
                )
            case _:
                return 0, 0, True

    def _row(self, items: tuple[Node, ...]) -> tuple[int, int, bool]:
        first = last = 0
        empty = True
        for item in items:
            begins, ends, skips = self.ends(item)
            if last and begins:
                self.pairs.add((last, begins))
            first |= begins if empty else 0
            last = ends | (last if skips else 0)
            empty = empty and skips
        return first, last, empty

    def _loose_row(self, nodes: list[Node], separator: Node, required: bool) -> tuple[int, int, bool]:
        found = [self.ends(one) for one in nodes]
        first, last = _union(one[0] for one in found), _union(one[1] for one in found)
        begins, ends, skips = self.ends(separator)
        self.pairs.update({(last, begins | (first if skips else 0)), (ends, first)})
        empty = not required or all(one[2] for one in found)
        return first, last, empty


def _union(masks: Iterator[int]) -> int:
    total = 0
    for mask in masks:
        total |= mask
    return total
