"""What may stand between two tokens: ignored text woven into the rules, loosely or canonically.

A grammar with `ignore` says: ignored text may stand between two tokens, and must stand where the
two would otherwise run together. `loose_variant` writes that out; `canonical_variant` allows
exactly what a pretty printer emits, one space where two tokens would run together and nothing
elsewhere. Both are ordinary grammars without `ignore`. `Spacing.between` gives the canonical
separator of two tokens, for printers. Knows nothing of any source syntax.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from idiolect.grammar import charset
from idiolect.grammar.adjacency import followers, tokens_of
from idiolect.grammar.automaton import Dfa, compile_node, shortest_text
from idiolect.grammar.charset import Ranges
from idiolect.grammar.form import (
    EMPTY,
    Grammar,
    Node,
    Ref,
)


def loose_variant(original: Grammar) -> Grammar:
    """The grammar with every ignored text allowed wherever it may stand."""
    return _variant(original, "loose")


def canonical_variant(original: Grammar) -> Grammar:
    """The grammar with exactly the white space that a pretty printer emits."""
    return _variant(original, "canonical")


@dataclass(frozen=True, slots=True)
class Style:
    """What is written around tokens: before the first, between two, and after the last."""

    # of the token before, the token after, and whether the two would run together
    between: Callable[[Node, Node, bool], Node]
    usual: Node  # the commonest answer of `between`: tokens that differ from it only rarely share rules
    start: Node = EMPTY
    end: Node = EMPTY


def styled_variant(original: Grammar, style: Style) -> Grammar:
    """The grammar with exactly what a style writes between its tokens."""
    from idiolect.grammar.weaving import Weaver

    return Weaver(original, loose=False, style=style).weave()


def _variant(original: Grammar, style: str) -> Grammar:
    if not original.ignore:
        return original
    return _woven(original, style)


def part_by_longest_match(original: Grammar) -> Grammar:
    """A grammar whose tokens a lexer takes as long as they go, with nothing ignored: no two run together."""
    return original if original.ignore else _woven(original, "loose")


def _woven(original: Grammar, style: str) -> Grammar:
    from idiolect.grammar.weaving import Weaver

    known = original.memo.get(style)
    if not isinstance(known, Grammar):
        known = Weaver(original, loose=style == "loose").weave()
        original.memo[style] = known
    return known


class Spacing:
    """Which tokens of a grammar run together, and what to write between them."""

    def __init__(self, original: Grammar) -> None:
        self.grammar = original
        self.ignored = original.ignore
        self._automata: dict[Node, Dfa] = {}
        self._first: dict[Node, Ranges] = {}
        self._joins: dict[tuple[Node, Node], bool] = {}
        self._continues: dict[Node, Ranges] = {}
        self.tokens = tokens_of(original)
        self.space = self._space()

    def between(self, left: str, right: str) -> str:
        """The canonical text between two tokens, each a terminal's name."""
        return self.space if self.apart(Ref(left), Ref(right)) else ""

    def apart(self, left: Node, right: Node) -> bool:
        """Whether a space stands between two tokens canonically: where they would run together, or kinds do.

        Words and signs are settled each as one, so that tokens fall into four kinds and not into as
        many as there are pairs: rules are split by these kinds.
        """
        return self.parts(left) and self.apart_by_kind(self.kinds(left), right)

    def apart_by_kind(self, kinds: tuple[bool, bool], right: Node) -> bool:
        word = self.is_word(right)
        return kinds[word] and self.base(right) in self._joined_by_any[word]

    def kinds(self, token: Node) -> tuple[bool, bool]:
        """Whether a token runs together with any sign, and with any word, that can follow it."""
        after = self._joined_after.get(self.base(token), {})
        return bool(after.get(False)), bool(after.get(True))

    def is_word(self, token: Node) -> bool:
        """Whether a token can begin as a name or a number does."""
        letters = charset.normal([(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)])
        return charset.overlap(self.first(self.base(token)), letters)

    @cached_property
    def _joined_after(self) -> dict[Node, dict[bool, set[Node]]]:
        found: dict[Node, dict[bool, set[Node]]] = {}
        for token, after in followers(self.grammar).items():
            kinds = found.setdefault(self.base(token), {True: set(), False: set()})
            for one in after:
                if self.join(token, one):
                    kinds[self.is_word(one)].add(self.base(one))
        return found

    @cached_property
    def _joined_by_any(self) -> dict[bool, set[Node]]:
        return {
            word: {one for kinds in self._joined_after.values() for one in kinds[word]}
            for word in (True, False)
        }

    def parts(self, left: Node) -> bool:
        """Whether the canonical space ends a token: not where the token could go on with it."""
        return bool(self.space) and not charset.holds(self.continues(self.base(left)), ord(self.space[0]))

    def base(self, token: Node) -> Node:
        """The terminal that a narrowed one was made of: what runs together does not depend on the place."""
        if isinstance(token, Ref) and token.name in self.grammar.terminals:
            return Ref(self.grammar.shown.get(token.name) or token.name)
        return token

    def join(self, left: Node, right: Node) -> bool:
        """Whether text of the left token could run on into text of the right one."""
        left, right = self.base(left), self.base(right)
        key = (left, right)
        if key not in self._joins:
            self._joins[key] = charset.overlap(self.continues(left), self.first(right))
        return self._joins[key]

    def continues(self, left: Node) -> Ranges:
        """Characters that may follow a whole text of a token inside a longer token."""
        if left not in self._continues:
            dfa = self.automaton(left)
            others = dict.fromkeys([*map(self.base, self.tokens), *(Ref(name) for name in self.ignored)])
            self._continues[left] = charset.union(*(_continuing(dfa, self.automaton(one)) for one in others))
        return self._continues[left]

    def automaton(self, token: Node) -> Dfa:
        if token not in self._automata:
            self._automata[token] = compile_node(token, self.grammar.terminals)
        return self._automata[token]

    def first(self, token: Node) -> Ranges:
        if token not in self._first:
            self._first[token] = self.automaton(token).first()
        return self._first[token]

    def _space(self) -> str:
        dfas = [self.automaton(Ref(name)) for name in self.ignored]
        for candidate in (" ", "\n", "\t"):
            if any(dfa.matches(candidate) for dfa in dfas):
                return candidate
        return min((shortest_text(dfa) for dfa in dfas), key=len, default="")


def _continuing(left: Dfa, right: Dfa) -> Ranges:
    """Characters c such that a whole text of `left`, then c, begins a text of `right`."""
    found: list[Ranges] = []
    seen = {(0, 0)}
    stack = [(0, 0)]
    while stack:
        one, two = stack.pop()
        if left.accepts[one]:
            found += [ranges for ranges, _ in right.edges[two]]
        for ranges, target in left.edges[one]:
            for other, other_target in right.edges[two]:
                pair = (target, other_target)
                if pair not in seen and charset.overlap(ranges, other):
                    seen.add(pair)
                    stack.append(pair)
    return charset.union(*found)
