"""Deterministic automata of terminals: differences, intersections, and questions about their languages.

Every automaton here is trimmed: each state lies on the way to an accepting one, so "still alive"
and "prefix of some text" are the same. Knows regular nodes only, and no rules.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from idiolect.grammar import charset
from idiolect.grammar.charset import Ranges
from idiolect.grammar.form import (
    Both,
    Chars,
    Choice,
    Minus,
    Node,
    Ref,
    Repeat,
    Seq,
    Terminal,
    Text,
)

# States beyond which a terminal is refused: a DFA of this size takes about a second to build here.
MOST_STATES = 20_000


class TooLarge(Exception):
    """A terminal whose automaton would grow past the limit."""

    def __init__(self, states: int) -> None:
        super().__init__(f"a terminal needs more than {states} states; shorten its bounded repeats")


@dataclass(slots=True)
class Dfa:
    """States from 0 (the start), edges by disjoint ranges, and which states accept."""

    edges: list[list[tuple[Ranges, int]]]
    accepts: list[bool]
    _steps: list[tuple[list[int], list[int], list[int]]] = field(default_factory=list, repr=False)

    def step(self, state: int, code: int) -> int:
        """The state after a code point, or -1."""
        if not self._steps:
            self._steps = [_step_table(row) for row in self.edges]
        lows, highs, targets = self._steps[state]
        index = bisect_right(lows, code) - 1
        return targets[index] if index >= 0 and code <= highs[index] else -1

    def run(self, text: str) -> int:
        """The state after a text, or -1."""
        state = 0
        for one in text:
            state = self.step(state, ord(one))
            if state < 0:
                return -1
        return state

    def matches(self, text: str) -> bool:
        state = self.run(text)
        return state >= 0 and self.accepts[state]

    @property
    def empty(self) -> bool:
        """Whether no text matches."""
        return not any(self.accepts)

    def first(self) -> Ranges:
        """Characters that a text can begin with."""
        return charset.union(*(ranges for ranges, _ in self.edges[0]))


def _step_table(row: list[tuple[Ranges, int]]) -> tuple[list[int], list[int], list[int]]:
    flat = sorted((low, high, target) for ranges, target in row for low, high in ranges)
    return [one[0] for one in flat], [one[1] for one in flat], [one[2] for one in flat]


class _Nfa:
    """Thompson's construction; each piece is a pair of states."""

    def __init__(self, terminals: Mapping[str, Terminal]) -> None:
        self.terminals = terminals
        self.free: list[list[int]] = []
        self.edges: list[list[tuple[Ranges, int]]] = []

    def state(self) -> int:
        if len(self.free) >= MOST_STATES * 4:
            raise TooLarge(MOST_STATES)
        self.free.append([])
        self.edges.append([])
        return len(self.free) - 1

    def add(self, node: Node, start: int) -> int:
        """Build a node from a state on; the state where it ends."""
        match node:
            case Text(literal):
                for one in literal:
                    end = self.state()
                    self.edges[start].append((((ord(one), ord(one)),), end))
                    start = end
                return start
            case Chars(ranges):
                end = self.state()
                if ranges:
                    self.edges[start].append((ranges, end))
                return end
            case Seq(items):
                for item in items:
                    start = self.add(item, start)
                return start
            case Choice(items):
                end = self.state()
                for item in items:
                    entry = self.state()
                    self.free[start].append(entry)
                    self.free[self.add(item, entry)].append(end)
                return end
            case Repeat(item, least, most):
                return self._repeat(item, least, most, start)
            case Ref(name):
                return self.add(self.terminals[name].node, start)
            case Minus() | Both():
                return self._embed(compile_node(node, self.terminals), start)
            case _:
                raise TypeError(f"not regular: {type(node).__name__}")

    def _repeat(self, item: Node, least: int, most: int | None, start: int) -> int:
        for _ in range(least):
            start = self.add(item, start)
        if most is None:
            loop = self.state()
            self.free[start].append(loop)
            self.free[self.add(item, loop)].append(loop)
            return loop
        end = self.state()
        for _ in range(most - least):
            self.free[start].append(end)
            start = self.add(item, start)
        self.free[start].append(end)
        return end

    def _embed(self, dfa: Dfa, start: int) -> int:
        states = [self.state() for _ in dfa.edges]
        end = self.state()
        self.free[start].append(states[0])
        for number, row in enumerate(dfa.edges):
            self.edges[states[number]] = [(ranges, states[target]) for ranges, target in row]
            if dfa.accepts[number]:
                self.free[states[number]].append(end)
        return end

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        seen = set(states)
        stack = list(seen)
        while stack:
            for target in self.free[stack.pop()]:
                if target not in seen:
                    seen.add(target)
                    stack.append(target)
        return frozenset(seen)


def compile_node(node: Node, terminals: Mapping[str, Terminal] | None = None) -> Dfa:
    """The automaton of a regular node, minimal and trimmed."""
    known = terminals or {}
    if isinstance(node, Minus):
        left, right = compile_node(node.base, known), compile_node(node.removed, known)
        return minimal(_product(left, right, lambda one, two: one and not two))
    if isinstance(node, Both):
        left, right = compile_node(node.left, known), compile_node(node.right, known)
        return minimal(_product(left, right, lambda one, two: one and two))
    nfa = _Nfa(known)
    start = nfa.state()
    end = nfa.add(node, start)
    return minimal(_determinize(nfa, start, end))


def _determinize(nfa: _Nfa, start: int, end: int) -> Dfa:
    first = nfa.closure([start])
    numbers = {first: 0}
    order = [first]
    edges: list[list[tuple[Ranges, int]]] = []
    position = 0
    while position < len(order):
        current = order[position]
        position += 1
        leaving = [edge for state in current for edge in nfa.edges[state]]
        row: dict[int, list[Ranges]] = {}
        for piece, targets in _split_edges(leaving):
            reached = nfa.closure(targets)
            if reached not in numbers:
                if len(order) >= MOST_STATES:
                    raise TooLarge(MOST_STATES)
                numbers[reached] = len(order)
                order.append(reached)
            row.setdefault(numbers[reached], []).append(piece)
        edges.append([(charset.union(*pieces), target) for target, pieces in row.items()])
    return Dfa(edges, [end in states for states in order])


def _split_edges(leaving: list[tuple[Ranges, int]]) -> list[tuple[Ranges, set[int]]]:
    distinct: dict[Ranges, set[int]] = {}
    for ranges, target in leaving:
        distinct.setdefault(ranges, set()).add(target)
    if len(distinct) == 1:
        return list(distinct.items())
    return [
        (piece, {one for ranges, hit in distinct.items() if charset.overlap(ranges, piece) for one in hit})
        for piece in charset.split(distinct)
    ]


def _product(left: Dfa, right: Dfa, keep: Callable[[bool, bool], bool]) -> Dfa:
    """Both automata side by side; the right one may have died (-1) while the left one lives."""
    numbers = {(0, 0): 0}
    order = [(0, 0)]
    edges: list[list[tuple[Ranges, int]]] = []
    position = 0
    while position < len(order):
        one, two = order[position]
        position += 1
        row: list[tuple[Ranges, int]] = []
        for ranges, target in left.edges[one]:
            rest = ranges
            pieces: list[tuple[Ranges, int]] = []
            for other, other_target in right.edges[two] if two >= 0 else ():
                shared = charset.intersect(ranges, other)
                if shared:
                    pieces.append((shared, other_target))
                    rest = charset.minus(rest, other)
            if rest:
                pieces.append((rest, -1))
            for piece, other_target in pieces:
                pair = (target, other_target)
                if pair not in numbers:
                    if len(order) >= MOST_STATES:
                        raise TooLarge(MOST_STATES)
                    numbers[pair] = len(order)
                    order.append(pair)
                row.append((piece, numbers[pair]))
        edges.append(row)
    accepts = [keep(left.accepts[one], two >= 0 and right.accepts[two]) for one, two in order]
    return Dfa(edges, accepts)


def minimal(dfa: Dfa) -> Dfa:
    """The smallest automaton of the same language, with dead states removed."""
    alive = _alive(dfa)
    if 0 not in alive:
        return Dfa([[]], [False])
    kept = set(alive)
    ordered = _children_first(dfa, kept)
    if ordered is not None:
        # Without loops one pass from the ends settles every state: what long bounded repeats need.
        settled: dict[int, int] = {}
        known: dict[tuple[bool, frozenset[tuple[int, Ranges]]], int] = {}
        for state in ordered:
            key = (dfa.accepts[state], _signature(dfa, state, settled))
            settled[state] = known.setdefault(key, len(known))
        return _quotient(dfa, {state: settled[state] for state in alive})
    far = distances(dfa)
    block = {state: far[state] for state in alive}
    count = len(set(block.values()))
    while True:
        signatures: dict[tuple[int, frozenset[tuple[int, Ranges]]], int] = {}
        refined = {
            state: signatures.setdefault((block[state], _signature(dfa, state, block)), len(signatures))
            for state in alive
        }
        block = refined
        if len(signatures) == count:
            return _quotient(dfa, block)
        count = len(signatures)


def _signature(dfa: Dfa, state: int, block: dict[int, int]) -> frozenset[tuple[int, Ranges]]:
    by_block: dict[int, list[Ranges]] = {}
    for ranges, target in dfa.edges[state]:
        if target in block:
            by_block.setdefault(block[target], []).append(ranges)
    return frozenset(
        (to, sets[0] if len(sets) == 1 else charset.union(*sets)) for to, sets in by_block.items()
    )


def _children_first(dfa: Dfa, kept: set[int]) -> list[int] | None:
    """The states such that targets come before sources, or None where there is a loop."""
    waiting = {state: len({target for _, target in dfa.edges[state] if target in kept}) for state in kept}
    back: dict[int, set[int]] = {}
    for state in kept:
        for _, target in dfa.edges[state]:
            if target in kept:
                back.setdefault(target, set()).add(state)
    ordered = [state for state in sorted(kept) if not waiting[state]]
    for state in ordered:
        for source in back.get(state, ()):
            waiting[source] -= 1
            if not waiting[source]:
                ordered.append(source)
    return ordered if len(ordered) == len(kept) else None


def _alive(dfa: Dfa) -> list[int]:
    """States that can be reached and can still accept, in order."""
    reached = {0}
    stack = [0]
    back: dict[int, list[int]] = {}
    while stack:
        state = stack.pop()
        for _, target in dfa.edges[state]:
            back.setdefault(target, []).append(state)
            if target not in reached:
                reached.add(target)
                stack.append(target)
    useful = {state for state in reached if dfa.accepts[state]}
    stack = list(useful)
    while stack:
        for source in back.get(stack.pop(), ()):
            if source not in useful:
                useful.add(source)
                stack.append(source)
    return sorted(useful)


def _quotient(dfa: Dfa, block: dict[int, int]) -> Dfa:
    numbers = {block[0]: 0}
    sample = {0: 0}
    for state in block:
        if block[state] not in numbers:
            sample[len(numbers)] = state
            numbers[block[state]] = len(numbers)
    edges: list[list[tuple[Ranges, int]]] = []
    for number in range(len(numbers)):
        row: dict[int, list[Ranges]] = {}
        for ranges, target in dfa.edges[sample[number]]:
            if target in block:
                row.setdefault(numbers[block[target]], []).append(ranges)
        edges.append([(charset.union(*sets), target) for target, sets in row.items()])
    return Dfa(edges, [dfa.accepts[sample[number]] for number in range(len(numbers))])


def overlaps(left: Dfa, right: Dfa) -> bool:
    """Whether some text matches both."""
    return any(left.accepts[one] and right.accepts[two] for one, two in _pairs(left, right))


def runs_on(left: Dfa, right: Dfa, following: Ranges) -> bool:
    """Whether a whole text of `left` and one character of `following` begin a text of `right`."""
    return any(
        left.accepts[one] and any(charset.overlap(ranges, following) for ranges, _ in right.edges[two])
        for one, two in _pairs(left, right)
    )


def within(left: Dfa, right: Dfa) -> bool:
    """Whether every text of `left` is one of `right`."""
    return _product(left, right, lambda one, two: one and not two).empty


def _pairs(left: Dfa, right: Dfa) -> set[tuple[int, int]]:
    seen = {(0, 0)}
    stack = [(0, 0)]
    while stack:
        one, two = stack.pop()
        for ranges, target in left.edges[one]:
            for other, other_target in right.edges[two]:
                pair = (target, other_target)
                if pair not in seen and charset.overlap(ranges, other):
                    seen.add(pair)
                    stack.append(pair)
    return seen


def distances(dfa: Dfa) -> list[int]:
    """For each state, the fewest characters to an accepting one."""
    back: dict[int, list[int]] = {}
    for state, row in enumerate(dfa.edges):
        for _, target in row:
            back.setdefault(target, []).append(state)
    far = [-1] * len(dfa.edges)
    queue = [state for state, accepting in enumerate(dfa.accepts) if accepting]
    for state in queue:
        far[state] = 0
    for state in queue:
        for source in back.get(state, ()):
            if far[source] < 0:
                far[source] = far[state] + 1
                queue.append(source)
    return far


def shortest_text(dfa: Dfa) -> str:
    """A shortest text of an automaton whose language is not empty."""
    far = distances(dfa)
    state, found = 0, ""
    while far[state]:
        ranges, state = next((ranges, to) for ranges, to in dfa.edges[state] if far[to] == far[state] - 1)
        found += chr(ranges[0][0])
    return found
