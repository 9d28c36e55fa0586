"""Makes a grammar safe for an engine that lexes: longest match must never change the language.

llguidance keeps every lexeme that may come next alive and ends one only where nothing runs on. So a
lexeme A is in danger where a whole A, followed by a character that may follow A there, begins a
lexeme B that was expected beside it. Such pairs are found by following the grammar as a machine
without a stack (an over-approximation), and are then spelled out character by character, until no
pair is left. Grammars that are `parted` by the way they were made need no search.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from idiolect.grammar import charset
from idiolect.grammar.automaton import Dfa, TooLarge, compile_node, overlaps, runs_on
from idiolect.grammar.charset import Ranges
from idiolect.grammar.form import (
    AnyOrder,
    Chars,
    Choice,
    Grammar,
    Node,
    Ref,
    Repeat,
    Seq,
    Text,
)
from idiolect.grammar.rewrite import map_nodes, spell_terminals, with_rules

# Places examined before the search gives up and spells out every lexeme it knows to be in danger.
MOST_PLACES = 50_000


def part_lexemes(grammar: Grammar) -> Grammar:
    """The same language, with every lexeme that could run on spelled out character by character."""
    if grammar.parted:
        return grammar
    known = grammar.memo.get("parted")
    if isinstance(known, Grammar):
        return known
    made = grammar
    while True:
        in_danger = _Search(made).in_danger()
        if not in_danger:
            break
        made = _spell(made, in_danger)
    made = replace(made, parted=True, memo={})
    grammar.memo["parted"] = made
    return made


def _spell(grammar: Grammar, lexemes: set[Node]) -> Grammar:
    names = [one.name for one in lexemes if isinstance(one, Ref)]
    made = spell_terminals(grammar, names) if names else grammar

    def change(node: Node) -> Node:
        if isinstance(node, Text) and node in lexemes and len(node.text) > 1:
            return Seq(tuple(Chars(((ord(one), ord(one)),)) for one in node.text))
        return node

    return with_rules(made, {name: map_nodes(body, change) for name, body in made.rules.items()})


def _single(lexeme: Node) -> bool:
    return isinstance(lexeme, Text) and len(lexeme.text) == 1


def _prefixes(literals: Iterable[Text]) -> dict[str, list[Text]]:
    """For each literal, the longer ones that begin with it."""
    ordered = sorted(literals, key=lambda one: one.text)
    found: dict[str, list[Text]] = {}
    stack: list[str] = []
    for literal in ordered:
        while stack and not literal.text.startswith(stack[-1]):
            stack.pop()
        for shorter in stack:
            found.setdefault(shorter, []).append(literal)
        stack.append(literal.text)
    return found


def _by_first(literals: Iterable[Text]) -> dict[str, list[Text]]:
    """Literals by their first letters."""
    found: dict[str, list[Text]] = {}
    for literal in literals:
        found.setdefault(literal.text[0], []).append(literal)
    return found


class _Search:
    """The grammar as a graph of places: free moves, and moves that read a lexeme."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.free: list[list[int]] = []
        self.reads: list[list[tuple[Node, int]]] = []
        self.entry: dict[str, int] = {}
        self.exit: dict[str, int] = {}
        self.automata: dict[Node, Dfa | None] = {}
        self.verdicts: dict[tuple[Node, Node, Ranges], bool] = {}
        self.reached: dict[int, frozenset[int]] = {}
        self.skips: dict[int, int] = {}
        self.moves: dict[int, tuple[int, ...]] = {}
        self.begins: dict[int, Ranges] = {}
        self.firsts: dict[Node, Ranges] = {}
        self.met: dict[Node, list[Node]] = {}
        self.overlapping: dict[Node, list[Node]] = {}
        for name in grammar.rules:
            self.entry[name], self.exit[name] = self.place(), self.place()
        for name, body in grammar.rules.items():
            self.free[self.add(body, self.entry[name])].append(self.exit[name])
        lexemes = dict.fromkeys(lexeme for reads in self.reads for lexeme, _ in reads)
        self.wide = [lexeme for lexeme in lexemes if not isinstance(lexeme, Text)]
        self.reads = [[(lexeme, self.skip(end)) for lexeme, end in reads] for reads in self.reads]

    def place(self) -> int:
        self.free.append([])
        self.reads.append([])
        return len(self.free) - 1

    def add(self, node: Node, start: int) -> int:
        match node:
            case Seq(items):
                for item in items:
                    start = self.add(item, start)
                return start
            case Choice(items):
                return self._fork(items, start)
            case Repeat(item, least, most):
                return self._loop(item, least, most, start)
            case AnyOrder(slots, separator):
                # In any order and any number: more than it allows, which is safe here.
                again = self._fork([slot.node for slot in slots], start)
                self.free[self.add(separator, again)].append(start)
                self.free[start].append(again)
                return again
            case Ref(name) if name in self.grammar.rules:
                end = self.place()
                self.free[start].append(self.entry[name])
                self.free[self.exit[name]].append(end)
                return end
            case Text(""):
                return start
            case _:
                end = self.place()
                self.reads[start].append((node, end))
                return end

    def _fork(self, items: Iterable[Node], start: int) -> int:
        end = self.place()
        for item in items:
            self.free[self.add(item, start)].append(end)
        return end

    def _loop(self, item: Node, least: int, most: int | None, start: int) -> int:
        loop, end = self.place(), self.place()
        self.free[start].append(loop)
        after = self.add(item, loop)
        self.free[after].append(end)
        if most != 1:
            self.free[after].append(loop)
        if least == 0:
            self.free[start].append(end)
        return end

    def closure(self, places: Iterable[int]) -> frozenset[int]:
        """Places that can be reached without reading, kept only where something is read."""
        seen = set(map(self.skip, places))
        stack = list(seen)
        while stack:
            for target in self.ahead(stack.pop()):
                if target not in seen:
                    seen.add(target)
                    stack.append(target)
        return frozenset(place for place in seen if self.reads[place])

    def ahead(self, place: int) -> tuple[int, ...]:
        """Where free moves lead; thousands of calls that go on alike count once."""
        if place not in self.moves:
            self.moves[place] = tuple(dict.fromkeys(map(self.skip, self.free[place])))
        return self.moves[place]

    def skip(self, place: int) -> int:
        """The first place from here on where there is something to read or to choose."""
        passed = []
        while place not in self.skips and not self.reads[place] and len(self.free[place]) == 1:
            passed.append(place)
            self.skips[place] = place  # stops the walk in a loop without exits
            place = self.free[place][0]
        place = self.skips.get(place, place)
        for one in passed:
            self.skips[one] = place
        return place

    def after(self, place: int) -> frozenset[int]:
        place = self.skip(place)
        if place not in self.reached:
            self.reached[place] = self.closure([place])
        return self.reached[place]

    def in_danger(self) -> set[Node]:
        found: set[Node] = set()
        rows = [self.closure([self.entry[self.grammar.start]])]
        seen = set(rows)
        gone: set[frozenset[int]] = set()  # places behind groups of lexemes: many groups lead to the same
        while rows and len(seen) < MOST_PLACES:
            row = rows.pop()
            expected: dict[Node, set[int]] = {}
            for place in row:
                for lexeme, target in self.reads[place]:
                    expected.setdefault(lexeme, set()).add(target)
            found |= self._endangered(expected)
            for group in self._alike(expected):
                ends = frozenset(end for one in group for end in expected[one])
                if ends in gone:
                    continue
                gone.add(ends)
                reached = frozenset(place for end in ends for place in self.after(end))
                if reached not in seen:
                    seen.add(reached)
                    rows.append(reached)
        return found if not rows else found | self._everything()

    def _everything(self) -> set[Node]:
        return {
            lexeme
            for reads in self.reads
            for lexeme, _ in reads
            if isinstance(lexeme, Ref) or (isinstance(lexeme, Text) and len(lexeme.text) > 1)
        }

    def _endangered(self, expected: dict[Node, set[int]]) -> set[Node]:
        """Lexemes of one row that another one of the row can swallow, and those that swallow."""
        found: set[Node] = set()
        literals = [one for one in expected if isinstance(one, Text)]
        prefixes = _prefixes(literals)
        begun = _by_first(literals)
        for one, ends in expected.items():
            longer = prefixes.get(one.text, []) if isinstance(one, Text) else self._begun_alike(one, begun)
            near = [*longer, *(other for other in self._met(one) if other in expected)]
            following = charset.union(*(self.following(end) for end in ends)) if near else ()
            if not following:
                continue
            for other in near:
                if self._swallows(one, other, following):
                    found.update((one, other))
        return {one for one in found if not isinstance(one, Chars) and not _single(one)}

    def _begun_alike(self, one: Node, begun: dict[str, list[Text]]) -> list[Text]:
        """The literals, by their first letters, that a lexeme's texts may begin."""
        if self._may_be_empty(one):
            return [literal for literals in begun.values() for literal in literals]
        first = self.first(one)
        return [
            literal
            for letter, literals in begun.items()
            if charset.holds(first, ord(letter))
            for literal in literals
        ]

    def _met(self, one: Node) -> list[Node]:
        """The lexemes, no literals, whose texts this one's may begin: what begins otherwise never does."""
        if one not in self.met:
            first, empty = self.first(one), self._may_be_empty(one)
            self.met[one] = [
                other
                for other in self.wide
                if not isinstance(other, Chars) and (empty or charset.overlap(first, self.first(other)))
            ]
        return self.met[one]

    def _may_be_empty(self, lexeme: Node) -> bool:
        if isinstance(lexeme, Text | Chars):
            return False
        dfa = self.automaton(lexeme)
        return dfa is None or dfa.accepts[0]

    def following(self, place: int) -> Ranges:
        """Characters that can come next at a place."""
        place = self.skip(place)
        if place not in self.begins:
            lexemes = {lexeme for one in self.after(place) for lexeme, _ in self.reads[one]}
            self.begins[place] = charset.union(*map(self.first, lexemes))
        return self.begins[place]

    def _swallows(self, one: Node, other: Node, following: Ranges) -> bool:
        if isinstance(other, Chars) or _single(other):
            return False
        if isinstance(one, Text) and isinstance(other, Text):
            longer = len(other.text) > len(one.text) and other.text.startswith(one.text)
            return longer and charset.holds(following, ord(other.text[len(one.text)]))
        key = (one, other, following)
        if key not in self.verdicts:
            left, right = self.automaton(one), self.automaton(other)
            self.verdicts[key] = left is None or right is None or runs_on(left, right, following)
        return self.verdicts[key]

    def _alike(self, expected: dict[Node, set[int]]) -> list[list[Node]]:
        """Groups of lexemes that one text can match at once."""
        numbers = {one: number for number, one in enumerate(expected)}
        above = list(range(len(numbers)))

        def group_of(number: int) -> int:
            while above[number] != number:
                above[number] = above[above[number]]
                number = above[number]
            return number

        for one, number in numbers.items():
            for other in self._overlapping(one):
                if other in numbers:
                    above[group_of(numbers[other])] = group_of(number)
        groups: dict[int, list[Node]] = {}
        for one, number in numbers.items():
            groups.setdefault(group_of(number), []).append(one)
        return list(groups.values())

    def _overlapping(self, one: Node) -> list[Node]:
        """The lexemes that match some text of this one; two literals that differ never do."""
        if one not in self.overlapping:
            self.overlapping[one] = [other for other in self.wide if self._can_overlap(one, other)]
        return self.overlapping[one]

    def _can_overlap(self, one: Node, other: Node) -> bool:
        if not charset.overlap(self.first(one), self.first(other)):
            return False
        left, right = self.automaton(one), self.automaton(other)
        return left is None or right is None or overlaps(left, right)

    def first(self, lexeme: Node) -> Ranges:
        """Characters that a lexeme can begin with."""
        if lexeme not in self.firsts:
            self.firsts[lexeme] = self._first(lexeme)
        return self.firsts[lexeme]

    def _first(self, lexeme: Node) -> Ranges:
        if isinstance(lexeme, Text):
            return ((ord(lexeme.text[0]), ord(lexeme.text[0])),)
        if isinstance(lexeme, Chars):
            return lexeme.ranges
        dfa = self.automaton(lexeme)
        return charset.ALL if dfa is None else dfa.first()

    def automaton(self, lexeme: Node) -> Dfa | None:
        """A lexeme's automaton; None where it is too large, which counts as "may do anything"."""
        if lexeme not in self.automata:
            try:
                self.automata[lexeme] = compile_node(lexeme, self.grammar.terminals)
            except TooLarge:
                self.automata[lexeme] = None
        return self.automata[lexeme]
