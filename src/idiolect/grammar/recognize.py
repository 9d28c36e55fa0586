"""The slow and obvious recognizer: what a grammar's language is, said without any engine.

Terminals are matched by set operations on end positions, rules by a chart of everything that could
be going on. Tests hold every engine to it; nothing else needs it. Grammars with ignored terminals
are woven first (`spacing.loose_variant`) by whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass

from idiolect.grammar import charset
from idiolect.grammar.form import (
    EMPTY,
    AnyOrder,
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
)

# Steps after which the answer is "too much work": about 20 s of this slow code.
MOST_STEPS = 5_000_000


class TooMuchWork(Exception):
    """The text could not be judged within the bound."""


def accepts(grammar: Grammar, text: str, *, most_steps: int = MOST_STEPS) -> bool:
    """Whether the whole text is in the grammar's language."""
    if grammar.ignore:
        raise ValueError("weave ignored terminals in first, by spacing.loose_variant(grammar)")
    return len(text) in Chart(grammar, text, most_steps).ends(grammar.start)


@dataclass(frozen=True, slots=True)
class _More:
    """What is left of an `AnyOrder` when the items of `written` (as bits) are there."""

    node: AnyOrder
    written: int


# One cell of a list of what is left to match inside a rule: a node and the number of the cell after it.
_Cell = tuple[Node | _More, int]

Goal = tuple[str, int]  # a rule, and where it begins
Item = tuple[Goal, int, int]  # a goal, how far it got, and the list of what is left; -1 is nothing


class Chart:
    """Everything that could be going on at each place of a text.

    With `remember`, it keeps how each item was first reached: `came` holds the item before it and, where a
    rule ended there, that rule's last item; `chosen` the alternative that an item of a rule's body took.
    """

    def __init__(self, grammar: Grammar, text: str, most_steps: int, *, remember: bool = False) -> None:
        self.grammar = grammar
        self.remember = remember
        self.came: dict[Item, tuple[Item | None, Item | None]] = {}
        self.chosen: dict[Item, int] = {}
        self.text = text
        self.left = most_steps
        self.found: dict[Goal, set[int]] = {}
        self.waiting: dict[Goal, list[tuple[Goal, int, Item]]] = {}
        self.seen: set[Item] = set()
        self.agenda: list[Item] = []
        self.rests: dict[_Cell, int] = {}
        self.cells: list[_Cell] = []
        self.regular: dict[tuple[Node, int], frozenset[int]] = {}

    def cons(self, node: Node | _More, rest: int) -> int:
        """The number of the list (node, rest); -1 is the empty list."""
        key = (node, rest)
        if key not in self.rests:
            self.rests[key] = len(self.cells)
            self.cells.append(key)
        return self.rests[key]

    def ends(self, start: str) -> set[int]:
        """Positions where the start rule can end when it begins at 0."""
        self.call((start, 0))
        while self.agenda:
            self.left -= 1
            if self.left < 0:
                raise TooMuchWork(f"no answer for a text of {len(self.text)} characters within the bound")
            self.step(*self.agenda.pop())
        return self.found[start, 0]

    def call(self, goal: Goal) -> None:
        if goal not in self.found:
            self.found[goal] = set()
            self.waiting[goal] = []
            self.push(goal, goal[1], self.cons(self.grammar.rules[goal[0]], -1))

    def push(
        self, goal: Goal, position: int, rest: int, before: Item | None = None, inner: Item | None = None
    ) -> bool:
        """Note an item to go on from; whether it is new."""
        item = (goal, position, rest)
        if item in self.seen:
            return False
        self.seen.add(item)
        self.agenda.append(item)
        if self.remember and before is not None:
            self.came[item] = (before, inner)
        return True

    def step(self, goal: Goal, position: int, rest: int) -> None:
        if rest < 0:
            self.complete(goal, position)
            return
        here = (goal, position, rest)
        node, after = self.cells[rest]
        match node:
            case Ref(name) if name in self.grammar.rules:
                inner = (name, position)
                self.call(inner)
                self.waiting[inner].append((goal, after, here))
                for end in tuple(self.found[inner]):
                    self.push(goal, end, after, here, (inner, end, -1))
            case Seq(items):
                for item in reversed(items):
                    after = self.cons(item, after)
                self.push(goal, position, after, here)
            case Choice(items):
                whole = self.remember and after < 0 and position == goal[1] and node is self.body(goal)
                for number, item in enumerate(items):
                    new = self.push(goal, position, self.cons(item, after), here)
                    if whole and new:
                        self.chosen[goal, position, self.cons(item, after)] = number
            case Repeat(item, least, most):
                if least == 0:
                    self.push(goal, position, after, here)
                if most is None or most > 0:
                    fewer = Repeat(item, max(least - 1, 0), None if most is None else most - 1)
                    self.push(goal, position, self.cons(item, self.cons(fewer, after)), here)
            case AnyOrder():
                self.pick(here, _More(node, 0), after)
            case _More():
                self.pick(here, node, after)
            case _:
                for end in self.regular_ends(node, position):
                    self.push(goal, end, after, here)

    def body(self, goal: Goal) -> Node:
        return self.grammar.rules[goal[0]]

    def pick(self, here: Item, more: _More, after: int) -> None:
        goal, position, _ = here
        if more.node.may_end(more.written):
            self.push(goal, position, after, here)
        if not more.node.may_grow(more.written):
            return
        before = more.node.separator if more.written else EMPTY
        for number, slot in enumerate(more.node.slots):
            if not more.written >> number & 1:
                rest = self.cons(_More(more.node, more.written | 1 << number), after)
                self.push(goal, position, self.cons(before, self.cons(slot.node, rest)), here)

    def complete(self, goal: Goal, end: int) -> None:
        if end in self.found[goal]:
            return
        self.found[goal].add(end)
        for caller, after, here in self.waiting[goal]:
            self.push(caller, end, after, here, (goal, end, -1))

    def regular_ends(self, node: Node, position: int) -> frozenset[int]:
        """Every position where a regular node can end when it begins at a position."""
        key = (node, position)
        if key not in self.regular:
            self.regular[key] = self._regular_ends(node, position)
        return self.regular[key]

    def _regular_ends(self, node: Node, position: int) -> frozenset[int]:
        self.left -= 1
        if self.left < 0:
            raise TooMuchWork("no answer within the bound")
        match node:
            case Text(literal):
                return frozenset([position + len(literal)] * self.text.startswith(literal, position))
            case Chars(ranges):
                fits = position < len(self.text) and charset.holds(ranges, ord(self.text[position]))
                return frozenset([position + 1] * fits)
            case Seq(items):
                ends = frozenset([position])
                for item in items:
                    ends = frozenset(end for start in ends for end in self.regular_ends(item, start))
                return ends
            case Choice(items):
                return frozenset(end for item in items for end in self.regular_ends(item, position))
            case Repeat(item, least, most):
                return self._repeat_ends(item, least, most, position)
            case Ref(name):
                return self.regular_ends(self.grammar.terminals[name].node, position)
            case Minus(base, removed):
                return self.regular_ends(base, position) - self.regular_ends(removed, position)
            case Both(left, right):
                return self.regular_ends(left, position) & self.regular_ends(right, position)
            case _:
                raise TypeError(f"not regular: {type(node).__name__}")

    def _repeat_ends(self, item: Node, least: int, most: int | None, position: int) -> frozenset[int]:
        ends = frozenset([position])
        for _ in range(least):
            ends = frozenset(end for start in ends for end in self.regular_ends(item, start))
        found = set(ends)
        rounds = 0
        while ends and (most is None or rounds < most - least):
            ends = frozenset(end for start in ends for end in self.regular_ends(item, start)) - found
            found |= ends
            rounds += 1
        return frozenset(found)
