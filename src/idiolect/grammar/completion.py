"""The shortest way to a whole text from where a text has got to, said by the grammar alone.

    completer = Completer(grammar)
    completer.read('{"type":"que')
    completer.closing()             the rest of a shortest whole text: 'ry","target":...}'

Reads character by character and remembers every position, so that a longer text costs only what is new, and
`closing(position)` answers for any place that was passed. It is a chart of everything that could be going
on: slow beside an engine, and exact. It knows no tokens.

Where a grammar has a `naming`, names in use are only those that the text has declared by then.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from idiolect.grammar import charset
from idiolect.grammar.automaton import Dfa, TooLarge, compile_node, distances
from idiolect.grammar.charset import Ranges
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
from idiolect.grammar.spacing import loose_variant
from idiolect.grammar.walk import Costs

_CHARACTER = 1 << 12  # price of a character beside that of a rule: a derivation has fewer rules than this
_STAND_IN = "\ufdd0"  # marks where a name in use will stand; a noncharacter, which no text holds
_NAME_PRICE = 40  # characters that a name in use is reckoned at, so that endings do without where they can
_PLAIN: tuple[Ranges, ...] = (((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)), ((0x20, 0x7E),), ((0, 0x7F),))


class NoWay(ValueError):
    """A text that no text of the grammar begins with; `position` is the first character in the way."""

    def __init__(self, position: int) -> None:
        super().__init__(f"nothing in the grammar begins like this: stuck at character {position}")
        self.position = position


@dataclass(frozen=True, slots=True)
class _More:
    """What is left of an `AnyOrder` when the items of `written` (as bits) are there."""

    node: AnyOrder
    written: int


@dataclass(frozen=True, slots=True)
class _State:
    """A place inside of a lexeme: a state of its automaton."""

    lexeme: str
    number: int


@dataclass(frozen=True, slots=True)
class _Words:
    """One of some words."""

    words: tuple[str, ...]


# One cell of a list of what is left to match: a node and the number of the cell after it; -1 ends the list.
_Part = Node | _More | _State | _Words
_Cell = tuple[_Part, int]


@dataclass(slots=True)
class _Ready:
    """What a cell can do next, when everything that reads no character has been followed."""

    reads: list[tuple[Ranges, int]] = field(default_factory=list)
    calls: list[tuple[str, int]] = field(default_factory=list)
    names: list[tuple[str, int]] = field(default_factory=list)  # calls of names in use, by their kind
    ends: bool = False
    by_character: dict[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class _Goal:
    """A rule or lexeme that was begun at a position, and who waits for its end."""

    began: int
    waiting: dict[tuple[_Goal, int], None] = field(default_factory=dict)
    empty: bool = False  # it can end where it began


_Item = tuple[_Goal, int]


class Machine:
    """A grammar taken apart for reading; one serves any number of texts."""

    def __init__(self, grammar: Grammar) -> None:
        self.naming = grammar.naming
        self.kinds = self.naming.kinds if self.naming else frozenset()
        self.grammar = loose_variant(_stood_in(self.naming.grammar, self.kinds) if self.naming else grammar)
        self.costs = Costs(self.grammar, _CHARACTER)
        self.cells: list[_Cell] = []
        self.numbers: dict[_Cell, int] = {}
        self.prices: list[int] = []
        self.known: dict[int, _Ready] = {}
        self.automata: dict[str, tuple[Dfa, list[int]] | None] = {}
        self.texts: dict[Node, str] = {}
        self.bodies: dict[str, int] = {}
        self.needed: list[frozenset[str]] = []  # of each list, kinds of names that it can't do without

    def cons(self, node: _Part, rest: int) -> int:
        """The number of the list (node, rest)."""
        key = (node, rest)
        number = self.numbers.get(key)
        if number is None:
            number = self.numbers[key] = len(self.cells)
            self.cells.append(key)
            self.prices.append(self._price(node) + self.price(rest))
            if self.kinds:
                kinds = {node.name} if isinstance(node, Ref) and node.name in self.kinds else set()
                self.needed.append(frozenset(kinds | (self.needed[rest] if rest >= 0 else set())))
        return number

    def price(self, cell: int) -> int:
        """What the cheapest text of a list costs."""
        return 0 if cell < 0 else self.prices[cell]

    def body(self, name: str) -> int:
        """The list that a rule or a lexeme begins with."""
        number = self.bodies.get(name)
        if number is None:
            rule = self.grammar.rules.get(name)
            number = self.bodies[name] = self.cons(_State(name, 0) if rule is None else rule, -1)
        return number

    def words(self, words: Collection[str]) -> int:
        """The list of one of some words, which need not be in the grammar."""
        return self.cons(_Words(tuple(sorted(words))), -1)

    def ready(self, cell: int) -> _Ready:
        """What a list can do next."""
        found = self.known.get(cell)
        if found is None:
            found = self.known[cell] = self._ready(cell)
        return found

    def after(self, cell: int, character: str) -> tuple[int, ...]:
        """The lists that are left when a character has been read."""
        ready = self.ready(cell)
        found = ready.by_character.get(character)
        if found is None:
            code = ord(character)
            found = tuple(dict.fromkeys(to for ranges, to in ready.reads if charset.holds(ranges, code)))
            ready.by_character[character] = found
        return found

    def text(self, cell: int) -> str:
        """A cheapest text of a list."""
        pieces = []
        while cell >= 0:
            node, cell = self.cells[cell]
            pieces.append(self._text(node))
        return "".join(pieces)

    def _ready(self, first: int) -> _Ready:
        ready = _Ready()
        seen, stack = {first}, [first]
        while stack:
            cell = stack.pop()
            if cell < 0:
                ready.ends = True
                continue
            for following in self._step(cell, ready):
                if following not in seen:
                    seen.add(following)
                    stack.append(following)
        return ready

    def _step(self, cell: int, ready: _Ready) -> Iterator[int]:
        """The lists that a list becomes without reading; what it reads or calls goes into `ready`."""
        node, rest = self.cells[cell]
        match node:
            case Text(literal):
                if not literal:
                    yield rest
                else:
                    code = ord(literal[0])
                    after = self.cons(Text(literal[1:]), rest) if len(literal) > 1 else rest
                    ready.reads.append((((code, code),), after))
            case Chars(ranges):
                if ranges:
                    ready.reads.append((ranges, rest))
            case Ref(name) if name in self.kinds:
                ready.names.append((name, rest))
            case Ref(name) if name in self.grammar.rules or self._automaton(name) is not None:
                ready.calls.append((name, rest))
            case Ref(name):  # a lexeme too large for an automaton is read like a rule's part
                yield self.cons(self.grammar.terminals[name].node, rest)
            case _State(name, number):
                found = self._automaton(name)
                assert found is not None
                dfa = found[0]
                ready.reads += [
                    (ranges, self.cons(_State(name, to), rest)) for ranges, to in dfa.edges[number]
                ]
                if dfa.accepts[number]:
                    yield rest
            case Seq(items):
                for item in reversed(items):
                    rest = self.cons(item, rest)
                yield rest
            case Choice(items):
                yield from (self.cons(item, rest) for item in items)
            case Repeat(item, least, most):
                if least == 0:
                    yield rest
                if most is None or most > 0:
                    fewer = Repeat(item, max(least - 1, 0), None if most is None else most - 1)
                    yield self.cons(item, self.cons(fewer, rest))
            case AnyOrder():
                yield self.cons(_More(node, 0), rest)
            case _Words(words):
                yield from (self.cons(Text(word), rest) for word in words)
            case _More(whole, written):
                if whole.may_end(written):
                    yield rest
                yield from (self._slot(node, number, rest) for number in self._free(node))
            case Minus() | Both():
                raise TypeError("differences stand in lexemes only")

    def _free(self, more: _More) -> list[int]:
        """Numbers of the items that may come next."""
        if not more.node.may_grow(more.written):
            return []
        return [number for number in range(len(more.node.slots)) if not more.written >> number & 1]

    def _slot(self, more: _More, number: int, rest: int) -> int:
        after = self.cons(_More(more.node, more.written | 1 << number), rest)
        before = more.node.separator if more.written else EMPTY
        return self.cons(before, self.cons(more.node.slots[number].node, after))

    def _automaton(self, name: str) -> tuple[Dfa, list[int]] | None:
        """A lexeme's automaton with each state's distance from an end; None where it would be too large."""
        if name not in self.automata:
            try:
                dfa = compile_node(self.grammar.terminals[name].node, self.grammar.terminals)
                self.automata[name] = (dfa, distances(dfa))
            except TooLarge:
                self.automata[name] = None
        return self.automata[name]

    def _price(self, node: _Part) -> int:
        match node:
            case _State(name, number):
                found = self._automaton(name)
                assert found is not None
                return found[1][number] * _CHARACTER
            case _Words(words):
                return min(map(len, words)) * _CHARACTER
            case _More():
                chosen = self._cheapest(node)
                between = self.costs.settled(node.node.separator)
                gaps = len(chosen) - (0 if node.written else 1) if chosen else 0
                return sum(map(self.costs.settled, chosen)) + between * gaps
            case Text(literal):
                return len(literal) * _CHARACTER
            case Repeat(item, least):  # made on the way: not one of the grammar's own nodes
                return least * self.costs.settled(item) if least else 0
            case _:
                return self.costs.settled(node)

    def _cheapest(self, more: _More) -> list[Node]:
        """The items that must still come, and the cheapest others up to the least number."""
        free = [
            (number, slot) for number, slot in enumerate(more.node.slots) if not more.written >> number & 1
        ]
        chosen = [slot.node for _, slot in free if slot.required]
        spare = sorted((slot.node for _, slot in free if not slot.required), key=self.costs.settled)
        short = more.node.least - more.written.bit_count() - len(chosen)
        return chosen + spare[: max(short, 0)]

    def _text(self, node: _Part) -> str:
        match node:
            case _State(name, number):
                found = self._automaton(name)
                assert found is not None
                return _to_end(*found, number)
            case _Words(words):
                return min(words, key=len)
            case _More():
                pieces = [self._text(one) for one in self._cheapest(node)]
                between = self._text(node.node.separator)
                return (between if node.written and pieces else "") + between.join(pieces)
            case Text(literal):
                return literal
            case Chars(ranges):
                return _character(ranges)
        if node not in self.texts:
            self.texts[node] = self._composed(node)
        return self.texts[node]

    def _composed(self, node: Node) -> str:
        match node:
            case Ref(name) if name in self.grammar.rules:
                return self._text(self.grammar.rules[name])
            case Ref(name):
                found = self._automaton(name)
                return _to_end(*found, 0) if found else self._text(self.grammar.terminals[name].node)
            case Seq(items):
                return "".join(map(self._text, items))
            case Choice(items):
                return self._text(min(items, key=self.costs.settled))
            case Repeat(item, least):
                return self._text(item) * least if least else ""
            case AnyOrder():
                return self._text(_More(node, 0))
            case Minus() | Both():
                return _to_end(*self.costs.automaton(node), 0)
            case _:
                raise TypeError(f"no text of a {type(node).__name__}")


class Completer:
    """One text being read, and how it could end."""

    def __init__(self, machine: Machine | Grammar) -> None:
        self.machine = machine if isinstance(machine, Machine) else Machine(machine)
        self.root = _Goal(0)
        self.text = ""
        self._names: dict[int, Mapping[str, Collection[str]]] = {}  # by position
        self.chart: list[dict[_Item, None]] = []
        self._settle([(self.root, self.machine.body(self.machine.grammar.start))])

    @property
    def position(self) -> int:
        """How many characters have been read."""
        return len(self.chart) - 1

    def read(self, text: str) -> None:
        """Read on; `NoWay` at the first character that can't stand there, up to which all is kept."""
        after = self.machine.after
        for character in text:
            following = [(goal, cell) for goal, before in self.chart[-1] for cell in after(before, character)]
            self.text += character
            if following:
                self._settle(following)
            if not following or not self.chart[-1]:
                self.back_to(len(self.text) - 1)
                raise NoWay(self.position)

    def takes(self, text: str) -> bool:
        """Whether a text may come next; nothing is read."""
        position = self.position
        try:
            self.read(text)
        except NoWay:
            return False
        finally:
            self.back_to(position)
        return True

    def back_to(self, position: int) -> None:
        """Forget what was read after a position."""
        del self.chart[position + 1 :]
        self.text = self.text[:position]
        for later in [place for place in self._names if place > position]:
            del self._names[later]

    def closing(self, position: int | None = None) -> str:
        """The rest of a shortest whole text that goes on from a position; by default from the last."""
        place = self.position if position is None else position
        price, number = self.machine.price, count()
        queue: list[tuple[int, int, _Goal, int, int]] = []  # price, order, goal, cell, entry it came from
        steps: list[tuple[int, int]] = []  # cell, entry before
        for goal, cell in self.chart[place]:
            heapq.heappush(queue, (price(cell), next(number), goal, cell, -1))
        done: set[_Goal] = set()
        while queue:
            cost, _, goal, cell, before = heapq.heappop(queue)
            if goal in done:
                continue
            done.add(goal)
            steps.append((cell, before))
            if goal is self.root:
                return self._named(self._written(steps, len(steps) - 1), place)
            entry = len(steps) - 1
            for caller, after in goal.waiting:
                if caller not in done:
                    heapq.heappush(queue, (cost + price(after), next(number), caller, after, entry))
        raise AssertionError("every chart of a checked grammar leads to its start")

    def _written(self, steps: list[tuple[int, int]], entry: int) -> str:
        pieces = []
        while entry >= 0:
            cell, entry = steps[entry]
            pieces.append(self.machine.text(cell))
        return "".join(reversed(pieces))

    def names(self, place: int) -> Mapping[str, Collection[str]]:
        """Names that may be used at a position, by kind."""
        if self.machine.naming is None:
            return {}
        if place not in self._names:
            self._names[place] = self.machine.naming.names(self.text[:place])
        return self._names[place]

    def _named(self, ending: str, place: int) -> str:
        """An ending with names that exist where stand-ins are: the shortest of their kind."""
        if _STAND_IN not in ending:
            return ending
        pieces = ending.split(_STAND_IN)
        for at in range(1, len(pieces), 2):
            known = self.names(place).get(pieces[at].rstrip(), ())
            pieces[at] = min(known, key=lambda name: (len(name), name), default="_")
        return "".join(pieces)

    def _lacking(self, place: int) -> frozenset[str]:
        """Kinds of which there is no name."""
        names = self.names(place)
        return frozenset(kind for kind in self.machine.kinds if not names.get(kind))

    def _settle(self, first: list[_Item]) -> None:
        """A new position, and everything that could be going on there."""
        place = len(self.chart)
        needed = self.machine.needed
        lacking = self._lacking(place) if self.machine.kinds else frozenset()
        items: dict[_Item, None] = dict.fromkeys(
            item for item in first if not lacking or item[1] < 0 or not lacking & needed[item[1]]
        )
        self.chart.append(items)
        goals: dict[str, _Goal] = {}
        stack = list(items)
        while stack:
            goal, cell = stack.pop()
            ready = self.machine.ready(cell)
            reached: list[_Item] = []
            for kind, after in ready.names:
                if kind not in lacking:
                    self._call_name(kind, (goal, after), goals, reached, place)
            for name, after in ready.calls:
                inner = goals.get(name)
                if inner is None:
                    inner = goals[name] = _Goal(place)
                    reached.append((inner, self.machine.body(name)))
                inner.waiting.setdefault((goal, after))
                if inner.empty:
                    reached.append((goal, after))
            if ready.ends and goal is not self.root:
                goal.empty = goal.empty or goal.began == place
                reached += goal.waiting
            for item in reached:
                if item not in items and not (lacking and item[1] >= 0 and lacking & needed[item[1]]):
                    items[item] = None
                    stack.append(item)

    def _call_name(
        self, kind: str, caller: _Item, goals: dict[str, _Goal], reached: list[_Item], place: int
    ) -> None:
        """Begin to read one of the names of a kind."""
        inner = goals.get(kind)
        if inner is None:
            inner = goals[kind] = _Goal(place)
            reached.append((inner, self.machine.words(self.names(place)[kind])))
        inner.waiting.setdefault(caller)


def _stood_in(grammar: Grammar, kinds: frozenset[str]) -> Grammar:
    """The grammar with names in use as texts of a high price, which endings do without where they can."""
    terminals = dict(grammar.terminals)
    for kind in kinds:
        written = f"{_STAND_IN}{kind.ljust(_NAME_PRICE)}{_STAND_IN}"
        terminals[kind] = replace(terminals[kind], node=Text(written))
    return replace(grammar, terminals=terminals, memo={})


def _to_end(dfa: Dfa, far: list[int], state: int) -> str:
    """A shortest way from a state of an automaton to an end, in plain characters where it can be."""
    pieces = []
    while far[state]:
        rows = [(ranges, to) for ranges, to in dfa.edges[state] if far[to] == far[state] - 1]
        ranges, state = min(rows, key=lambda row: _plainness(row[0]))
        pieces.append(_character(ranges))
    return "".join(pieces)


def _plainness(ranges: Ranges) -> int:
    return next((at for at, plain in enumerate(_PLAIN) if charset.overlap(ranges, plain)), len(_PLAIN))


def _character(ranges: Ranges) -> str:
    """A character of a set, a digit or a letter where there is one."""
    for plain in _PLAIN:
        usual = charset.intersect(ranges, plain)
        if usual:
            return chr(usual[0][0])
    return chr(ranges[0][0])
