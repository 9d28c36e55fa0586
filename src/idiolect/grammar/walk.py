"""Random and shortest texts of a grammar, and the productions that a text used.

Every walk ends: each step is paid for out of a budget, and once it is spent only cheapest ways are
taken. A grammar with ignored terminals is walked in its canonical variant. Knows no engine.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable
from dataclasses import dataclass

from idiolect.grammar import charset
from idiolect.grammar.automaton import Dfa, compile_node, distances
from idiolect.grammar.charset import Ranges
from idiolect.grammar.form import (
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
    parts,
)
from idiolect.grammar.spacing import canonical_variant

_LETTERS = charset.normal([(0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)])
_PRINTABLE: Ranges = ((0x20, 0x7E),)


@dataclass(frozen=True, slots=True)
class Walk:
    """A text of the grammar, and the productions that made it, in order of first use."""

    text: str
    productions: tuple[str, ...]


def walk(grammar: Grammar, rng: random.Random, *, budget: int = 400) -> Walk:
    """A random text; about `budget` characters at most, unless the shortest text is longer."""
    return _Walker(grammar, rng).walk(budget)


def shortest(grammar: Grammar) -> Walk:
    """A text by the cheapest derivation (characters and rule steps both count)."""
    return _Walker(grammar, random.Random(0)).walk(0)


def productions(grammar: Grammar) -> tuple[str, ...]:
    """Every production that a walk can name: a rule, or `rule/2` for its second alternative."""
    woven = canonical_variant(grammar)
    names: dict[str, None] = {}
    for rule, body in woven.rules.items():
        alternatives = body.items if isinstance(body, Choice) else (body,)
        for number in range(len(alternatives)):
            name = production_name(woven, rule, number)
            if name:
                names.setdefault(name)
    return tuple(names)


def production_name(grammar: Grammar, rule: str, number: int) -> str:
    if rule in grammar.shown:
        return grammar.shown[rule]
    body = grammar.rules[rule]
    return f"{rule}/{number + 1}" if isinstance(body, Choice) and len(body.items) > 1 else rule


class Costs:
    """The least cost of every node: one a character, and one a rule, so that every step pays.

    With a higher price of a character, rules only decide between texts of one length.
    """

    def __init__(self, grammar: Grammar, character: int = 1) -> None:
        self.grammar = grammar
        self.character = character
        self.automata: dict[Node, tuple[Dfa, list[int]]] = {}
        self.known: dict[str, int] = {}
        self.offered: dict[str, int] = {}
        self.cache: dict[int, int] = {}  # by identity: every node asked for belongs to the grammar
        for name in _inner_first(grammar):
            self.known[name] = self.of(grammar.terminals[name].node) or 0
        self._settle()
        self.cache.clear()

    def _settle(self) -> None:
        """Knuth's generalisation of Dijkstra: the cheapest rule that is complete is final."""
        users: dict[str, set[str]] = {}
        for name, body in self.grammar.rules.items():
            for part in parts(body):
                if isinstance(part, Ref):
                    users.setdefault(part.name, set()).add(name)
        queue: list[tuple[int, str]] = []
        for name in self.grammar.rules:
            self._offer(name, queue)
        while queue:
            cost, name = heapq.heappop(queue)
            if name in self.known:
                continue
            self.known[name] = cost
            for user in sorted(users.get(name, ())):
                # An offer as cheap as this rule can't be bettered through it.
                if self.offered.get(user, cost + 1) > cost:
                    self._offer(user, queue)

    def _offer(self, name: str, queue: list[tuple[int, str]]) -> None:
        if name not in self.known:
            cost = self._measure(self.grammar.rules[name])
            if cost is not None:
                self.offered[name] = cost
                heapq.heappush(queue, (cost, name))

    def automaton(self, node: Node) -> tuple[Dfa, list[int]]:
        """The automaton of a difference or intersection, and how far each state is from an end."""
        if node not in self.automata:
            dfa = compile_node(node, self.grammar.terminals)
            self.automata[node] = (dfa, distances(dfa))
        return self.automata[node]

    def of(self, node: Node) -> int | None:
        """The least cost of a node, remembered; None while a rule inside is not settled."""
        key = id(node)
        if key not in self.cache:
            cost = self._measure(node)
            if cost is None:
                return None
            self.cache[key] = cost
        return self.cache[key]

    def settled(self, node: Node) -> int:
        cost = self.of(node)
        assert cost is not None, "every rule of a checked grammar ends"
        return cost

    def _measure(self, node: Node) -> int | None:
        match node:
            case Text(literal):
                return len(literal) * self.character
            case Chars():
                return self.character
            case Ref(name):
                cost = self.known.get(name)
                return None if cost is None else cost + (name in self.grammar.rules)
            case Seq(items):
                return _sum(map(self._measure, items))
            case Choice(items):
                costs = [cost for cost in map(self._measure, items) if cost is not None]
                return min(costs, default=None)
            case Repeat(item, least):
                if least == 0:
                    return 0
                cost = self._measure(item)
                return None if cost is None else cost * least
            case AnyOrder(slots, separator):
                return self._least_of(node, [self._measure(slot.node) for slot in slots], separator)
            case Minus() | Both():
                return max(self.automaton(node)[1][0], 0) * self.character

    def _least_of(self, node: AnyOrder, costs: list[int | None], separator: Node) -> int | None:
        needed = [cost for slot, cost in zip(node.slots, costs, strict=True) if slot.required]
        spare = sorted(
            cost
            for slot, cost in zip(node.slots, costs, strict=True)
            if not slot.required and cost is not None
        )
        taken = [*needed, *spare[: max(node.least - len(needed), 0)]]
        total = _sum(taken)
        between = self._measure(separator) if len(taken) > 1 else 0
        if total is None or between is None or len(taken) < node.least:
            return None
        return total + between * max(len(taken) - 1, 0)


def _sum(costs: Iterable[int | None]) -> int | None:
    total = 0
    for cost in costs:
        if cost is None:
            return None
        total += cost
    return total


def _inner_first(grammar: Grammar) -> list[str]:
    uses = {
        name: {part.name for part in parts(terminal.node) if isinstance(part, Ref)}
        for name, terminal in grammar.terminals.items()
    }
    done: dict[str, None] = {}
    while len(done) < len(uses):
        done.update(dict.fromkeys(name for name in uses if name not in done and uses[name] <= done.keys()))
    return list(done)


class _Walker:
    def __init__(self, grammar: Grammar, rng: random.Random) -> None:
        self.grammar = canonical_variant(grammar)
        self.rng = rng
        known = self.grammar.memo.get("costs")
        self.costs = known if isinstance(known, Costs) else Costs(self.grammar)
        self.grammar.memo["costs"] = self.costs

    def walk(self, budget: int) -> Walk:
        stack: list[Node] = [Ref(self.grammar.start)]
        slack = budget - self.costs.known[self.grammar.start]
        pieces: list[str] = []
        used: dict[str, None] = {}
        while stack:
            node = stack.pop()
            if isinstance(node, Text):
                pieces.append(node.text)
                continue
            if isinstance(node, Chars):
                pieces.append(self.character(node.ranges))
                continue
            if isinstance(node, Minus | Both):
                piece, slack = self.regular(node, slack)
                pieces.append(piece)
                continue
            chosen = self.expand(node, slack, used)
            slack -= max(sum(map(self.costs.settled, chosen)) - self._least(node), 0)
            stack.extend(reversed(chosen))
        return Walk("".join(pieces), tuple(used))

    def _least(self, node: Node) -> int:
        """What a node's expansion was reckoned at: a rule's own step is paid and gone."""
        return self.costs.known[node.name] if isinstance(node, Ref) else self.costs.settled(node)

    def expand(self, node: Node, slack: int, used: dict[str, None]) -> list[Node]:
        """The nodes that stand for a node on this walk."""
        match node:
            case Ref(name) if name in self.grammar.rules:
                body = self.grammar.rules[name]
                number = self.pick(body.items, slack) if isinstance(body, Choice) else 0
                production = production_name(self.grammar, name, number)
                if production:
                    used.setdefault(production)
                return [body.items[number] if isinstance(body, Choice) else body]
            case Ref(name):
                return [self.grammar.terminals[name].node]
            case Seq(items):
                return list(items)
            case Choice(items):
                return [items[self.pick(items, slack)]]
            case Repeat(item, least, most):
                return [item] * (least + self.more(item, least, most, slack))
            case AnyOrder():
                return self.ordered(node, slack)
            case _:
                raise TypeError(f"nothing to expand: {type(node).__name__}")

    def pick(self, items: tuple[Node, ...], slack: int) -> int:
        """An alternative that can be paid for; among the cheapest when nothing is left."""
        costs = [self.costs.settled(item) for item in items]
        least = min(costs)
        return self.rng.choice([n for n, cost in enumerate(costs) if cost - least <= max(slack, 0)])

    def more(self, item: Node, least: int, most: int | None, slack: int) -> int:
        price = max(self.costs.settled(item), 1)
        room = max(slack, 0) // price
        if most is not None:
            room = min(room, most - least)
        count = 0
        while count < room and self.rng.random() < 0.75:
            count += 1
        return count

    def ordered(self, node: AnyOrder, slack: int) -> list[Node]:
        between = self.costs.settled(node.separator)
        taken = [slot.node for slot in node.slots if slot.required]
        free = [slot.node for slot in node.slots if not slot.required]
        free.sort(key=self.costs.settled)
        short = max(node.least - len(taken), 0)
        taken += free[:short]
        for one in free[short:]:
            price = self.costs.settled(one) + between
            full = node.most is not None and len(taken) >= node.most
            if price <= slack and not full and self.rng.random() < 0.5:
                taken.append(one)
                slack -= price
        if slack > 0:
            self.rng.shuffle(taken)
        chosen: list[Node] = []
        for number, one in enumerate(taken):
            chosen += [node.separator, one] if number else [one]
        return chosen

    def regular(self, node: Node, slack: int) -> tuple[str, int]:
        """A text of a difference or intersection, by its automaton."""
        dfa, far = self.costs.automaton(node)
        pieces: list[str] = []
        state, spare = 0, max(slack, 0)
        while True:
            if dfa.accepts[state] and (spare <= 0 or not dfa.edges[state] or self.rng.random() < 0.35):
                return "".join(pieces), slack - max(len(pieces) - far[0], 0)
            rows = [(ranges, to) for ranges, to in dfa.edges[state] if far[to] + 1 - far[state] <= spare]
            if not rows:  # it may end here, and going on would cost more than is left
                return "".join(pieces), slack - max(len(pieces) - far[0], 0)
            ranges, target = self.rng.choice(rows)
            spare -= far[target] + 1 - far[state]
            pieces.append(self.character(ranges))
            state = target

    def character(self, ranges: Ranges) -> str:
        """A character of a set, most often a letter, a digit or other plain text."""
        roll = self.rng.random()
        for share, plain in ((0.85, _LETTERS), (0.97, _PRINTABLE)):
            if roll < share:
                usual = charset.intersect(ranges, plain)
                if usual:
                    ranges = usual
                    break
        return chr(charset.nth(ranges, self.rng.randrange(charset.size(ranges))))
