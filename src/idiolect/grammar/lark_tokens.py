"""Tokens of a Lark grammar the way its lexer sees them: what each matches, and which text another one claims.

Lark's LALR parser lexes in context: in each state only the terminals that may come next compete,
by priority, width and length, and a keyword beats the name that also matches it. Which terminals
compete for a position of a rule is read off Lark's own LALR automaton.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lark.grammar import Rule
from lark.grammar import Terminal as LarkTerminal
from lark.lexer import PatternStr, TerminalDef

from idiolect.grammar.automaton import Dfa, compile_node, overlaps
from idiolect.grammar.form import ANY, Minus, Node, Text, choice, many, seq
from idiolect.grammar.regex import Flavour, lexed, whole_match

Position = tuple[Rule, int]


def terminal_node(definition: TerminalDef) -> Node:
    """What a terminal matches; UnsupportedRegex where that is not regular."""
    pattern = definition.pattern
    flags = "".join(sorted(str(flag) for flag in pattern.flags))
    if isinstance(pattern, PatternStr):
        if "i" not in flags:
            return Text(pattern.value)
        escaped = "".join(one if one.isalnum() else f"\\{one}" for one in pattern.value)
        return whole_match(escaped, Flavour.PYTHON, "i")
    return lexed(pattern.value, flags)


class Claims:
    """For each position of a rule, what is taken from its terminal's texts by others that compete there."""

    def __init__(
        self, definitions: Iterable[TerminalDef], ignored: Iterable[str], nodes: dict[str, Node]
    ) -> None:
        self.definitions = {one.name: one for one in definitions}
        self.ignored = set(ignored)
        self.nodes = nodes
        # The order in which Lark's lexer tries terminals.
        self.rank = {
            one.name: (-one.priority, -one.pattern.max_width, -len(one.pattern.value), one.name)
            for one in self.definitions.values()
        }
        self._automata: dict[Node, Dfa] = {}
        self._pairs: dict[tuple[str, str], Node | None] = {}

    def narrowed(self, name: str, rivals: Iterable[str]) -> Node:
        """A terminal's node without the texts that its rivals claim."""
        taken = [claim for rival in sorted(set(rivals)) if (claim := self.claim(name, rival)) is not None]
        return Minus(self.nodes[name], choice(*taken)) if taken else self.nodes[name]

    def claim(self, name: str, rival: str) -> Node | None:
        """The texts of a terminal that are lexed as a rival instead; None if there are none."""
        key = (name, rival)
        if key not in self._pairs:
            claim = None
            if rival != name and rival in self.definitions:
                claim = self._claim(name, rival)
            if claim is not None and not overlaps(self.automaton(self.nodes[name]), self.automaton(claim)):
                claim = None
            self._pairs[key] = claim
        return self._pairs[key]

    def _claim(self, name: str, rival: str) -> Node | None:
        mine, other = self.definitions[name], self.definitions[rival]
        kinds = (isinstance(mine.pattern, PatternStr), isinstance(other.pattern, PatternStr))
        if mine.priority == other.priority:
            # A keyword that a pattern also matches is that keyword, and only where it is all of the text.
            if kinds == (False, True) and self.automaton(self.nodes[name]).matches(other.pattern.value):
                return self.nodes[rival]
            if kinds == (True, False) and self.automaton(self.nodes[rival]).matches(mine.pattern.value):
                # Found only through the pattern: what that takes in part ("le" of "leT") is lost.
                return Minus(seq(self.nodes[rival], many(ANY)), self.nodes[rival])
        if self.rank[rival] < self.rank[name]:
            return seq(self.nodes[rival], many(ANY))  # tried first, and it takes any beginning it matches
        return None

    def automaton(self, node: Node) -> Dfa:
        if node not in self._automata:
            self._automata[node] = compile_node(node)
        return self._automata[node]


@dataclass(frozen=True, slots=True)
class LalrView:
    """What Lark's LALR automaton says: who competes for each terminal's position, where it had a choice."""

    rivals: dict[Position, set[str]]
    conflicts: list[str]


def look_at_lalr(rules: list[Rule], start: str) -> LalrView:
    """Builds Lark's automaton once more, with its items, which its parser does not keep."""
    from lark.common import ParserConf
    from lark.parsers.lalr_analysis import LALR_Analyzer

    analyzer: Any = LALR_Analyzer(ParserConf(rules, {}, [start]))
    analyzer.compute_lalr()
    automaton = _Automaton(analyzer)
    return LalrView(automaton.rivals(), automaton.conflicts())


class _Automaton:
    """Lark's LALR automaton, asked which state a token is lexed in and where it is then put."""

    def __init__(self, analyzer: Any) -> None:
        self.states = list(analyzer.lr0_itemsets)
        self.starts = list(analyzer.lr0_start_states.values())
        self.sources: dict[int, list[Any]] = {}
        self.symbol: dict[int, Any] = {}
        for state in self.states:
            for symbol, target in state.transitions.items():
                self.sources.setdefault(id(target), []).append(state)
                self.symbol[id(target)] = symbol
        self._items: dict[int, dict[Any, list[Position]]] = {}
        self._reduced: dict[tuple[int, int], list[Any]] = {}

    def rivals(self) -> dict[Position, set[str]]:
        found: dict[Position, set[str]] = {}
        begins = {id(state) for state in self.starts}
        for state in self.states:
            # The lexer asks right after a token was shifted, before anything is reduced.
            if id(state) not in begins and not isinstance(self.symbol.get(id(state)), LarkTerminal):
                continue
            expected = self._expected(state)
            names = {symbol.name for symbol in expected}
            for symbol in expected:
                for target in self.shifts(state, symbol):
                    for position in self.positions(target, symbol):
                        found.setdefault(position, set()).update(names)
        return found

    def positions(self, state: Any, symbol: Any) -> list[Position]:
        """Places in rules where a state shifts a token."""
        if id(state) not in self._items:
            found: dict[Any, list[Position]] = {}
            for item in state.closure:
                if not item.is_satisfied:
                    found.setdefault(item.next, []).append((item.rule, item.index))
            self._items[id(state)] = found
        return self._items[id(state)].get(symbol, [])

    @staticmethod
    def _expected(state: Any) -> list[Any]:
        shifted = [symbol for symbol in state.transitions if isinstance(symbol, LarkTerminal)]
        return list(dict.fromkeys([*shifted, *(symbol for symbol in state.lookaheads)]))

    def shifts(self, state: Any, symbol: Any) -> list[Any]:
        seen = {id(state)}
        stack = [state]
        found: list[Any] = []
        while stack:
            current = stack.pop()
            if symbol in current.transitions:
                found.append(current)
                continue
            for rule in current.lookaheads.get(symbol, ()):
                for target in self._after(current, rule):
                    if id(target) not in seen:
                        seen.add(id(target))
                        stack.append(target)
        return found

    def _after(self, state: Any, rule: Rule) -> list[Any]:
        """States that a reduction can lead to: back over the rule's symbols, then on by its name."""
        key = (id(state), id(rule))
        if key not in self._reduced:
            level = [state]
            for _ in rule.expansion:
                level = list(
                    {id(one): one for each in level for one in self.sources.get(id(each), ())}.values()
                )
            self._reduced[key] = [
                one.transitions[rule.origin] for one in level if rule.origin in one.transitions
            ]
        return self._reduced[key]

    def conflicts(self) -> list[str]:
        """Rules that could also have ended where Lark goes on instead."""
        found: dict[str, None] = {}
        for state in self.states:
            for symbol, rules in state.lookaheads.items():
                if symbol in state.transitions:
                    found.update(dict.fromkeys(str(rule.origin.name) for rule in rules))
        return sorted(found)
