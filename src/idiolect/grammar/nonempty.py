"""Repetitions of items that may be empty, rewritten so that every round matches something.

Engines that go from the top down never leave a loop that can turn without reading. Keeps the language.
"""

from __future__ import annotations

from idiolect.grammar.form import (
    NOTHING,
    Both,
    Chars,
    Choice,
    Grammar,
    Minus,
    Node,
    Ref,
    Repeat,
    Seq,
    Text,
    choice,
    parts,
)
from idiolect.grammar.nullable import nullable_names, nullable_node
from idiolect.grammar.rewrite import fresh, map_nodes, row, with_rules


def loop_without_empty(original: Grammar) -> Grammar:
    """The grammar with no repetition whose item can be empty; any-order items must be expanded before."""
    nullable = nullable_names(original)
    if not any(_risky(part, nullable) for body in original.rules.values() for part in parts(body)):
        return original
    return _Rewriter(original, nullable).grammar()


def _risky(node: Node, nullable: set[str]) -> bool:
    return isinstance(node, Repeat) and node.most != 1 and nullable_node(node.item, nullable)


class _Rewriter:
    def __init__(self, original: Grammar, nullable: set[str]) -> None:
        self.original = original
        self.nullable = nullable
        self.rules = dict(original.rules)
        self.names: dict[str, str] = {}
        self.queue: list[str] = []

    def grammar(self) -> Grammar:
        for name, body in self.original.rules.items():
            self.rules[name] = map_nodes(body, self._change)
        while self.queue:
            name = self.queue.pop()
            self.rules[self.names[name]] = map_nodes(self._some(self.original.rules[name]), self._change)
        return with_rules(self.original, self.rules)

    def _change(self, node: Node) -> Node:
        if isinstance(node, Repeat) and _risky(node, self.nullable):
            # As many rounds as were asked for may all be empty, so fewer full ones do as well.
            return Repeat(self._some(node.item), 0, node.most)
        return node

    def _some(self, node: Node) -> Node:
        """A node without the empty text."""
        if not nullable_node(node, self.nullable):
            return node
        match node:
            case Text() | Chars():
                return NOTHING
            case Ref(name):
                if name not in self.names:
                    self.names[name] = fresh(f"{name}_some", self.rules)
                    self.rules[self.names[name]] = NOTHING  # taken; filled from the queue
                    self.queue.append(name)
                return Ref(self.names[name])
            case Choice(items):
                return choice(*(some for item in items if (some := self._some(item)) != NOTHING))
            case Seq(items):
                first, rest = items[0], row(*items[1:])
                ways = [row(self._some(first), rest), self._some(rest)]
                return choice(*(way for way in ways if NOTHING not in getattr(way, "items", (way,))))
            case Repeat(item, least, most):
                some = self._some(item)
                return Repeat(some, 1 if nullable_node(item, self.nullable) else max(least, 1), most)
            case Minus() | Both():
                raise TypeError("differences are spelled out before loops are rewritten")
            case _:
                raise TypeError(f"expand {type(node).__name__} before loops are rewritten")
