"""Lowers a grammar file of Lark into the form: imports, templates, keywords, ignored text, indentation.

Lark itself reads the file, so everything that it expands means here what it means there. Keywords
are reserved as its contextual LALR lexer reserves them; a grammar that is not LALR is taken as
Earley reads it, with nothing reserved. `%ignore` becomes `ignore` of the form. `%declare`d
indentation tokens become rules by depth. Rule priorities choose between readings, not between
texts, and are dropped. What has no regular form is refused with the terminal's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lark import Lark
from lark.exceptions import GrammarError as LarkGrammarError
from lark.exceptions import LarkError
from lark.grammar import Rule
from lark.grammar import Terminal as LarkTerminal

from idiolect.grammar.automaton import TooLarge
from idiolect.grammar.form import (
    EMPTY,
    NOTHING,
    Choice,
    Grammar,
    GrammarError,
    Layout,
    Node,
    PostCheck,
    Problem,
    Ref,
    Repeat,
    Seq,
    Terminal,
    choice,
    grammar,
)
from idiolect.grammar.lark_tokens import Claims, look_at_lalr, terminal_node
from idiolect.grammar.regex import UnsupportedRegex
from idiolect.grammar.rewrite import fresh, prune, row
from idiolect.grammar.spacing import part_by_longest_match

# Blocks inside blocks that an indented language may have; each level repeats the rules that hold blocks.
DEEPEST_BLOCK = 6


def lower_lark(
    text: str,
    *,
    start: str = "start",
    folder: Path | None = None,
    indent: str = "    ",
    deepest: int = DEEPEST_BLOCK,
    reserve: bool = True,
) -> Grammar:
    """The grammar of a Lark file's text. `folder` is where its own imports are looked for.

    `reserve=False` takes the grammar as Earley reads it, though Lark could read it as LALR by
    settling its conflicts: for ambiguous grammars whose terminals tell keywords from names themselves.
    """
    loaded = _load(text, start, folder, reserve=reserve)
    return _Lowering(loaded, start, indent, deepest).grammar()


@dataclass(frozen=True, slots=True)
class _Loaded:
    lark: Lark
    lalr: bool
    notes: tuple[str, ...]


def _load(text: str, start: str, folder: Path | None, *, reserve: bool = True) -> _Loaded:
    settings: dict[str, Any] = {
        "start": start,
        "import_paths": [str(folder)] if folder else [],
        "maybe_placeholders": False,
        "keep_all_tokens": True,
    }
    notes: list[str] = []
    try:
        try:
            if not reserve:
                return _Loaded(Lark(text, parser="earley", **settings), False, ())
            return _Loaded(Lark(text, parser="lalr", lexer="contextual", **settings), True, ())
        except LarkGrammarError as error:
            if "collision" not in str(error):
                raise
            first = str(error).strip().splitlines()[0]
            notes.append(f"not LALR, so no keyword is reserved: {first}")
            return _Loaded(Lark(text, parser="earley", **settings), False, tuple(notes))
    except (LarkError, OSError, RecursionError, AssertionError, KeyError, ValueError) as error:
        reason = str(error).strip() or type(error).__name__
        raise GrammarError([Problem("lark", start, f"Lark can't load the grammar: {reason}")]) from error


class _Lowering:
    def __init__(self, loaded: _Loaded, start: str, indent: str, deepest: int) -> None:
        self.lark = loaded.lark
        self.lalr = loaded.lalr
        self.notes = list(loaded.notes)
        self.checks: list[PostCheck] = []
        self.start = start
        self.indent = indent
        self.deepest = deepest
        self.by_origin: dict[str, list[Rule]] = {}
        for rule in self.lark.rules:
            self.by_origin.setdefault(str(rule.origin.name), []).append(rule)
        self.nodes = self._nodes()
        self.terminals: dict[str, Terminal] = {name: Terminal(node) for name, node in self.nodes.items()}
        self.shown: dict[str, str] = {}
        self.rules: dict[str, Node] = {}
        self.indents: dict[str, str] = {}
        self.newline: str | None = None
        self.narrowed: dict[Node, str] = {}

    def _nodes(self) -> dict[str, Node]:
        found: dict[str, Node] = {}
        problems: list[Problem] = []
        for definition in self.lark.terminals:
            name = str(definition.name)
            try:
                found[name] = terminal_node(definition)
            except UnsupportedRegex as error:
                problems.append(Problem("not_regular", name, f'terminal "{name}": {error}'))
        if problems:
            raise GrammarError(problems)
        return found

    def grammar(self) -> Grammar:
        self._note_priorities()
        self._check_declared()
        try:
            self._narrow()
            self._all_rules()
            start = self._name(self.start, 0)
            rules, kept = prune(self.rules, self.terminals, start)
            if start not in rules:
                raise GrammarError([Problem("unproductive", self.start, f'"{self.start}" can never end')])
            terminals = {**self.terminals, **kept}  # base terminals stay: spacing asks about them
            made = grammar(
                start,
                rules,
                terminals,
                ignore=[str(name) for name in self.lark.ignore_tokens],
                notes=self.notes,
                post_checks=self.checks,
                shown={
                    name: shown for name, shown in self.shown.items() if name in rules or name in terminals
                },
                layout=self._layout(rules),
            )
            # Without ignored text there is nothing to lay out, but longest match still rules out neighbours.
            return part_by_longest_match(made) if self.lalr else made
        except TooLarge as error:
            raise GrammarError([Problem("too_large", self.start, str(error))]) from None

    def _note_priorities(self) -> None:
        with_one = sorted(
            name for name, rules in self.by_origin.items() if any(rule.options.priority for rule in rules)
        )
        if with_one:
            listed = ", ".join(with_one)
            self.notes.append(
                f"rule priorities choose between readings, not texts, and are dropped: {listed}"
            )

    def _check_declared(self) -> None:
        used = {str(symbol.name) for rule in self.lark.rules for symbol in rule.expansion if symbol.is_term}
        declared = used - self.nodes.keys()
        self.opens = {name for name in declared if "INDENT" in name.upper() or "OPEN" in name.upper()}
        self.closes = {name for name in declared if "DEDENT" in name.upper() or "CLOSE" in name.upper()}
        self.opens -= self.closes
        unknown = sorted(declared - self.opens - self.closes)
        if unknown:
            raise GrammarError(
                Problem(
                    "declared",
                    name,
                    f'"{name}" is declared but has no text; only indentation (_INDENT, _DEDENT) can be',
                )
                for name in unknown
            )

    def _narrow(self) -> None:
        """A terminal of its own for every position at which others claim some of the texts."""
        self.at: dict[tuple[Rule, int], Node] = {}
        if not self.lalr:
            return
        ignored = [str(name) for name in self.lark.ignore_tokens]
        claims = Claims(self.lark.terminals, ignored, self.nodes)
        view = look_at_lalr(self.lark.rules, self.start)
        if view.conflicts:
            reason = f"after {', '.join(view.conflicts)} the parser goes on where it could also have ended"
            self.checks.append(PostCheck("lalr_choices", self.start, reason))
        for (rule, index), rivals in view.rivals.items():
            name = str(rule.expansion[index].name) if index < len(rule.expansion) else ""
            if name in self.nodes:
                node = claims.narrowed(name, {*rivals, *ignored})
                if node is not self.nodes[name]:
                    empty = claims.automaton(node).empty
                    self.at[rule, index] = NOTHING if empty else self._variant(name, node)

    def _variant(self, name: str, node: Node) -> Node:
        if node not in self.narrowed:
            variant = fresh(f"{name}_narrowed", self.terminals)
            self.narrowed[node] = variant
            self.terminals[variant] = Terminal(node)
            self.shown[variant] = name
        return Ref(self.narrowed[node])

    def _all_rules(self) -> None:
        queue = [(self.start, 0)]
        seen = set(queue)
        self.queue, self.seen = queue, seen
        self.blocks = self._with_blocks()
        while queue:
            origin, depth = queue.pop()
            self._rule(origin, depth)

    def _with_blocks(self) -> set[str]:
        """Rules that hold a block somewhere inside: those are repeated for every depth."""
        found: set[str] = set()
        grown = True
        while grown:
            grown = False
            for origin, rules in self.by_origin.items():
                if origin not in found and any(
                    str(symbol.name) in found or str(symbol.name) in self.opens
                    for rule in rules
                    for symbol in rule.expansion
                ):
                    found.add(origin)
                    grown = True
        return found

    def _name(self, origin: str, depth: int) -> str:
        plain = "".join(one if one.isalnum() else "_" for one in origin)
        return f"{plain}_deep{depth}" if self.opens and origin in self.blocks else plain

    def _call(self, origin: str, depth: int) -> Node:
        key = (origin, depth if origin in self.blocks else 0)
        if key not in self.seen:
            self.seen.add(key)
            self.queue.append(key)
        return Ref(self._name(*key))

    def _rule(self, origin: str, depth: int) -> None:
        name = self._name(origin, depth)
        helper = origin.startswith("__")
        if origin in self.blocks:
            self.indents[name] = self.indent * depth
        ways = [(rule, self._expansion(rule, depth, name)) for rule in self.by_origin[origin]]
        if helper:
            self.shown[name] = ""
            self.rules[name] = _loop(name, [way for _, way in ways])
            return
        self.shown[name] = origin
        if len(ways) == 1:
            self.rules[name] = ways[0][1]
            self.shown[name] = str(ways[0][0].alias or origin)
            return
        # Each alternative is a rule, so that reports can tell them apart.
        alternatives: list[Node] = []
        self.shown[name] = ""
        for number, (rule, way) in enumerate(ways):
            one = fresh(f"{name}_way{number + 1}", self.rules)
            self.rules[one] = way
            self.shown[one] = str(rule.alias or f"{origin}/{number + 1}")
            if name in self.indents:
                self.indents[one] = self.indents[name]
            alternatives.append(Ref(one))
        self.rules[name] = Choice(tuple(alternatives))

    def _expansion(self, rule: Rule, depth: int, owner: str) -> Node:
        symbols = list(enumerate(rule.expansion))
        items, rest = self._items(rule, symbols, depth, owner)
        if rest:
            message = f'"{rule.origin.name}" closes a block that it does not open; keep both in one rule'
            raise GrammarError([Problem("blocks", str(rule.origin.name), message)])
        return row(*items) if NOTHING not in items else NOTHING

    def _items(
        self, rule: Rule, symbols: list[tuple[int, Any]], depth: int, owner: str
    ) -> tuple[list[Node], list[tuple[int, Any]]]:
        """Nodes of symbols up to the end of a block; what follows the block is given back."""
        items: list[Node] = []
        while symbols:
            index, symbol = symbols[0]
            symbols = symbols[1:]
            name = str(symbol.name)
            if name in self.opens:
                self._note_newline(rule, index)
                inner, symbols = self._items(rule, symbols, depth + 1, owner)
                if not symbols or str(symbols[0][1].name) not in self.closes:
                    message = (
                        f'"{rule.origin.name}" opens a block that it does not close; keep both in one rule'
                    )
                    raise GrammarError([Problem("blocks", str(rule.origin.name), message)])
                symbols = symbols[1:]
                items.append(self._block(inner, depth + 1, owner) if depth < self.deepest else NOTHING)
            elif name in self.closes:
                return items, [(index, symbol), *symbols]
            elif isinstance(symbol, LarkTerminal):
                items.append(self.at.get((rule, index), Ref(name)))
            else:
                items.append(self._call(name, depth) if depth <= self.deepest else NOTHING)
        return items, []

    def _block(self, inner: list[Node], depth: int, owner: str) -> Node:
        name = fresh(f"{owner}_block", self.rules)
        self.rules[name] = row(*inner)
        self.shown[name] = ""
        self.indents[name] = self.indent * depth
        return Ref(name)

    def _note_newline(self, rule: Rule, index: int) -> None:
        before = str(rule.expansion[index - 1].name) if index else ""
        if before not in self.nodes or (self.newline or before) != before:
            message = f'a block of "{rule.origin.name}" must begin right after the line-end terminal'
            raise GrammarError([Problem("blocks", str(rule.origin.name), message)])
        self.newline = before

    def _layout(self, rules: dict[str, Node]) -> Layout | None:
        if self.newline is None:
            return None
        return Layout(self.newline, {name: text for name, text in self.indents.items() if name in rules})


def _loop(name: str, ways: list[Node]) -> Node:
    """Lark writes `x+` as a helper that begins with itself; here it is a repetition again."""
    base = [way for way in ways if not (isinstance(way, Seq) and way.items[0] == Ref(name))]
    again = [row(*way.items[1:]) for way in ways if isinstance(way, Seq) and way.items[0] == Ref(name)]
    if again and choice(*base) == choice(*again):
        return Repeat(choice(*base), 1, None)
    return choice(*ways) if ways else EMPTY
