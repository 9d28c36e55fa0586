"""Weaves what stands between tokens into the rules of a grammar, for `spacing`.

Rules are split by the kind of token that comes before them and the kind they end with; tokens are
of one kind when the same may be written after both, so that there are few kinds and few rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from idiolect.grammar import charset
from idiolect.grammar.adjacency import followers
from idiolect.grammar.charset import Ranges
from idiolect.grammar.form import (
    ANY,
    EMPTY,
    NOTHING,
    Both,
    Chars,
    Choice,
    Grammar,
    GrammarError,
    Node,
    Problem,
    Ref,
    Repeat,
    Seq,
    Terminal,
    Text,
    choice,
    many,
    text,
)
from idiolect.grammar.rewrite import expand_any_order, fresh, row, with_rules, without_dead
from idiolect.grammar.spacing import Spacing, Style

IGNORED = "ignored"
_BEGIN = 0  # the class of "no token yet"
_LINE = -1  # the class of "the line is indented already"


class Weaver:
    """Rules split by the kind of token before and after, with the text between written out."""

    def __init__(self, original: Grammar, *, loose: bool, style: Style | None = None) -> None:
        self.grammar = expand_any_order(original)
        self.loose = loose
        self.style = style
        self.spacing = Spacing(self.grammar)
        self.layout = self.grammar.layout
        self.joined: dict[int, frozenset[Node]] = {_BEGIN: frozenset()}
        self.begun: dict[int, tuple[str, ...]] = {_BEGIN: self.grammar.ignore, _LINE: ()}
        self.gaps: dict[int, dict[Node, Node]] = {_BEGIN: {}}
        self.kinds: dict[int, tuple[bool, bool]] = {}
        self.ends: dict[int, bool] = {}
        self.open_to: dict[int, Ranges] = {}
        self.classes = self._classes()
        self.newline = self.classes.get(Ref(self.layout.newline)) if self.layout else None
        self.outs: dict[tuple[str, int], set[int]] = {}
        self.loops: dict[tuple[Node, int, int], str] = {}
        self.fillers: dict[tuple[tuple[str, ...], bool], str] = {}
        self.outside: dict[Node, str] = {}
        self.terminals: dict[str, Terminal] = {}
        self.rules: dict[str, Node] = {}
        self.names: dict[tuple[str, int, int], str] = {}
        self.queue: list[tuple[str, int, int]] = []
        self.shown: dict[str, str] = {}
        self.taken = {*self.grammar.rules, *self.grammar.terminals, IGNORED, "start"}

    def _classes(self) -> dict[Node, int]:
        """Tokens by what they run together with, out of what can follow them: few classes, few rules."""
        numbers: dict[object, int] = {}
        next_to = followers(self.grammar)
        line_end = Ref(self.layout.newline) if self.layout else None
        classes: dict[Node, int] = {}
        for token in self.spacing.tokens:
            joined = frozenset(one for one in next_to[token] if self.spacing.join(token, one))
            begun = self._begun(token) if self.loose else ()
            gaps = self._gaps(token, next_to[token], joined)
            alike = "line end" if token == line_end else self._alike(token, joined, begun, gaps)
            number = classes[token] = numbers.setdefault(alike, len(numbers) + 1)
            self.gaps[number] = gaps
            self.joined[number] = joined
            self.begun[number] = begun
            self.kinds[number] = self.spacing.kinds(token)
            self.ends[number] = self.spacing.parts(token)
            self.open_to[number] = self.spacing.continues(self.spacing.base(token))
        return classes

    def _alike(
        self, token: Node, joined: frozenset[Node], begun: tuple[str, ...], gaps: dict[Node, Node]
    ) -> object:
        """What two tokens have in common if the same may be written after both."""
        if self.style is not None:
            return frozenset(gaps.items())
        if not self.grammar.ignore:
            return (joined, self.spacing.continues(self.spacing.base(token))) if joined else ()
        if self.loose:
            return joined, begun
        return self.spacing.kinds(token) if self.spacing.parts(token) else joined

    def _gaps(self, token: Node, after: Iterable[Node], joined: frozenset[Node]) -> dict[Node, Node]:
        """What a style writes before the tokens that may follow one, where it is not the usual."""
        if self.style is None:
            return {}
        written = {one: self.style.between(token, one, one in joined) for one in after}
        return {one: gap for one, gap in written.items() if gap != self.style.usual}

    def _begun(self, token: Node) -> tuple[str, ...]:
        """Ignored terminals that can begin right after a token without running together with it."""
        return tuple(name for name in self.grammar.ignore if not self.spacing.join(token, Ref(name)))

    def weave(self) -> Grammar:
        self._settle_outs()
        start = self.grammar.start
        lead = self._ignored(_BEGIN) if self.loose else EMPTY
        ways = [self._call(start, _BEGIN, out) for out in sorted(self.outs[start, _BEGIN])]
        tails = [self._tail(out) for out in sorted(self.outs[start, _BEGIN])]
        root = self._fresh(start)
        self.rules[root] = row(lead, choice(*(row(way, tail) for way, tail in zip(ways, tails, strict=True))))
        while self.queue:
            rule, before, after = self.queue.pop()
            body = self._node(self.grammar.rules[rule], before, rule).get(after)
            self.rules[self.names[rule, before, after]] = body if body is not None else NOTHING
        return self._finish(root)

    def _tail(self, before: int) -> Node:
        """What may stand after the last token."""
        if self.style is not None:
            return self.style.end if before != _BEGIN else EMPTY
        return self._ignored(before, last=True) if self.loose else EMPTY

    def _settle_outs(self) -> None:
        """Which kinds of token a rule can end with after each kind of token: the least solution."""
        users: dict[tuple[str, int], set[tuple[str, int]]] = {}
        stack = [(self.grammar.start, _BEGIN)]
        self.outs[stack[0]] = set()
        while stack:
            key = stack.pop()
            asked: set[tuple[str, int]] = set()
            found = self._reach(self.grammar.rules[key[0]], key[1], asked)
            for one in asked:
                users.setdefault(one, set()).add(key)
                if one not in self.outs:
                    self.outs[one] = set()
                    stack.append(one)
            if not found <= self.outs[key]:
                self.outs[key] |= found
                stack.extend(users.get(key, ()))

    def _reach(self, node: Node, before: int, asked: set[tuple[str, int]]) -> set[int]:
        match node:
            case Ref(name) if name in self.grammar.rules:
                key = (name, self._entry(name, before))
                asked.add(key)
                return set(self.outs.get(key, ()))
            case Seq(items):
                states = {before}
                for item in items:
                    states = {out for one in states for out in self._reach(item, one, asked)}
                return states
            case Choice(items):
                return {out for item in items for out in self._reach(item, before, asked)}
            case Repeat(item, least):
                return self._reach_again(item, least, before, asked)
            case Text(""):
                return {before}
            case _:
                return {self.classes[node]}

    def _reach_again(self, item: Node, least: int, before: int, asked: set[tuple[str, int]]) -> set[int]:
        seen: set[int] = {before} if least == 0 else set()
        fresh_ones = {before}
        done: set[int] = set()
        while fresh_ones:
            one = fresh_ones.pop()
            done.add(one)
            outs = self._reach(item, one, asked)
            seen |= outs
            fresh_ones |= outs - done
        return seen

    def _call(self, rule: str, before: int, after: int) -> Ref:
        key = (rule, before, after)
        if key not in self.names:
            shown = self.grammar.shown.get(rule, rule)
            self.names[key] = self._fresh(f"{rule}_{_label(before)}_{_label(after)}", shown)
            self.queue.append(key)
        return Ref(self.names[key])

    def _node(self, node: Node, before: int, rule: str) -> dict[int, Node]:
        """A node with its separators, by the kind of token that it ends with."""
        match node:
            case Ref(name) if name in self.grammar.rules:
                entry = self._entry(name, before)
                lead = text(self._indent(rule)) if entry != before else EMPTY
                return {
                    out: row(lead, self._call(name, entry, out)) for out in sorted(self.outs[name, entry])
                }
            case Seq(items):
                states: dict[int, Node] = {before: EMPTY}
                for item in items:
                    states = self._then(states, item, rule)
                return states
            case Choice(items):
                found: dict[int, list[Node]] = {}
                for item in items:
                    for out, way in self._node(item, before, rule).items():
                        found.setdefault(out, []).append(way)
                return {out: choice(*ways) for out, ways in found.items()}
            case Repeat(item, least, most):
                return self._again(item, least, most, before, rule)
            case Text(""):
                return {before: EMPTY}
            case _:
                return {self.classes[node]: row(self._gap(before, node, rule), self._token(node, before))}

    def _then(self, states: dict[int, Node], item: Node, rule: str) -> dict[int, Node]:
        found: dict[int, list[Node]] = {}
        for one, so_far in states.items():
            for out, way in self._node(item, one, rule).items():
                found.setdefault(out, []).append(row(so_far, way))
        return {out: choice(*ways) for out, ways in found.items()}

    def _again(self, item: Node, least: int, most: int | None, before: int, rule: str) -> dict[int, Node]:
        first = self._node(item, before, rule)
        if most == 1:
            return _or_nothing(first, before) if least == 0 else first
        if len(first) == 1:
            (out,) = first
            later = self._node(item, out, rule)
            if list(later) == [out]:  # the usual case: it always ends alike, so the loop stays a loop
                fewer = None if most is None else most - 1
                rest = Repeat(later[out], max(least - 1, 0), fewer)
                whole = row(first[out], rest)
                if first[out] == later[out]:
                    whole = Repeat(first[out], max(least, 1), most)
                return _or_nothing({out: whole}, before) if least == 0 else {out: whole}
        return self._loop(item, least, most, before, rule)

    def _loop(self, item: Node, least: int, most: int | None, before: int, rule: str) -> dict[int, Node]:
        """A repetition whose rounds end in different ways: required rounds one by one, then a loop rule."""
        states: dict[int, Node] = {before: EMPTY}
        for _ in range(least):
            states = self._then(states, item, rule)
        if most is not None:
            total = {out: [way] for out, way in states.items()}
            for _ in range(most - least):
                states = self._then(states, item, rule)
                for out, way in states.items():
                    total.setdefault(out, []).append(way)
            return {out: choice(*ways) for out, ways in total.items()}
        found: dict[int, list[Node]] = {}
        for entry, so_far in states.items():
            for out in sorted(self._reach_again(item, 0, entry, set())):
                found.setdefault(out, []).append(row(so_far, self._loop_rule(item, entry, out, rule)))
        return {out: choice(*ways) for out, ways in found.items()}

    def _loop_rule(self, item: Node, entry: int, out: int, rule: str) -> Node:
        """Rounds from one kind of token to another, to the left: engines take long loops so."""
        key = (item, entry, out)
        if key not in self.loops:
            name = self.loops[key] = self._fresh(f"{rule}_loop_{_label(entry)}_{_label(out)}")
            ways: list[Node] = [EMPTY] if entry == out else []
            for middle in sorted(self._reach_again(item, 0, entry, set())):
                last = self._node(item, middle, rule).get(out)
                if last is not None:
                    ways.append(row(self._loop_rule(item, entry, middle, rule), last))
            self.rules[name] = choice(*ways)
        return Ref(self.loops[key])

    def _entry(self, rule: str, before: int) -> int:
        """How a rule is entered: one that knows no depth finds its line indented already."""
        lines_up = self.layout is not None and before == self.newline and rule not in self.layout.indents
        return _LINE if lines_up else before

    def _indent(self, rule: str) -> str:
        return self.layout.indents.get(rule, "") if self.layout else ""

    def _gap(self, before: int, token: Node, rule: str) -> Node:
        """What may stand before a token that follows a token of a kind."""
        if self.layout and before == self.newline:
            return EMPTY if token == Ref(self.layout.newline) else text(self._indent(rule))
        if self.style is not None and before == _BEGIN:
            return self.style.start
        if before in (_BEGIN, _LINE):
            return EMPTY
        if self.style is not None:
            return self.gaps[before].get(token, self.style.usual)
        joins = token in self.joined[before] and bool(self.grammar.ignore)
        if not self.loose and not self.ends[before]:
            return NOTHING if joins else EMPTY
        if not self.loose:
            return (
                text(self.spacing.space) if self.spacing.apart_by_kind(self.kinds[before], token) else EMPTY
            )
        ignored = self._ignored(before)
        if joins:
            return ignored.item if isinstance(ignored, Repeat) else NOTHING
        return ignored

    def _ignored(self, before: int, *, last: bool = False) -> Node:
        """Ignored text, or nothing; after a token only what does not run together with it.

        What the next token could continue (a comment to the end of its line) only stands before
        other ignored text that ends it, or last of all.
        """
        begun = self.begun[before]
        if not begun:
            return EMPTY
        key = (begun, last)
        if key not in self.fillers:
            self.fillers[key] = self._fresh(IGNORED)
            pieces = {one: self._piece(one) for one in self.grammar.ignore}
            every = choice(*(piece for piece in pieces.values() if piece != NOTHING))
            first = choice(*(pieces[one] for one in begun if pieces[one] != NOTHING))
            whole = row(first, Repeat(every, 0, None))
            if last:
                loose_end = choice(*(Ref(one) for one in self.grammar.ignore))
                whole = choice(row(whole, Repeat(loose_end, 0, 1)), *(Ref(one) for one in begun))
            self.rules[self.fillers[key]] = whole
        return Repeat(Ref(self.fillers[key]), 0, 1)

    def _fresh(self, wanted: str, shown: str = "") -> str:
        name = fresh(wanted, self.taken)
        self.taken.add(name)
        self.shown[name] = shown
        return name

    def _piece(self, name: str) -> Node:
        """Ignored text that no token can continue."""
        open_to = self.spacing.continues(Ref(name))
        starts = charset.union(*(self.spacing.first(token) for token in self.spacing.tokens))
        if not charset.overlap(open_to, starts):
            return Ref(name)
        ends: list[Node] = []
        for other in self.grammar.ignore:
            outside = charset.minus(self.spacing.first(Ref(other)), open_to)
            if outside and not charset.overlap(self.spacing.continues(Ref(other)), starts):
                after = self._fresh(f"{other}_AFTER_{name}", other)
                self.terminals[after] = Terminal(Both(Ref(other), row(Chars(outside), many(ANY))))
                ends.append(Ref(after))
        return row(Ref(name), choice(*ends)) if ends else NOTHING

    def _token(self, token: Node, before: int) -> Node:
        """A token itself; canonically a line end is one plain newline."""
        if not self.grammar.ignore and token in self.joined.get(before, ()):
            return self._beginning_outside(token, self.open_to[before])
        if (self.loose and not self.layout) or not isinstance(token, Ref):
            return token
        dfa = self.spacing.automaton(token)
        plain = charset.of("\r\n\t\f\v #;/")  # how line ends, indentation and comments begin
        if dfa.matches("\n") and not charset.minus(dfa.first(), plain):
            return text("\n")
        return token

    def _beginning_outside(self, token: Node, open_to: Ranges) -> Node:
        """With nothing to write between two tokens: texts that do not go on with the one before."""
        outside = charset.minus(self.spacing.first(token), open_to)
        if not outside:
            return NOTHING
        node = Both(token, row(Chars(outside), many(ANY)))
        known = self.outside.get(node)
        if known is None:
            wanted = token.name if isinstance(token, Ref) else "TOKEN"
            known = self.outside[node] = self._fresh(f"{wanted}_apart", wanted)
            self.terminals[known] = Terminal(node)
        return Ref(known)

    def _finish(self, root: str) -> Grammar:
        terminals = {**self.grammar.terminals, **self.terminals}
        alive = without_dead(self.rules, set(terminals))
        if root not in alive:
            message = f'no text of "{self.grammar.start}" is left once white space is laid out'
            raise GrammarError([Problem("unproductive", root, message)])
        names = {root: self.grammar.start} if self.grammar.start not in alive else {}
        made = replace(
            self.grammar,
            rules={names.get(name, name): body for name, body in alive.items()},
            terminals=terminals,
            start=names.get(root, root),
            ignore=(),
            shown={names.get(name, name): shown for name, shown in self.shown.items()},
            layout=None,
            parted=True,
            memo={},
        )
        return with_rules(made, dict(made.rules))


def _label(kind: int) -> str:
    return "line" if kind == _LINE else str(kind)


def _or_nothing(ways: dict[int, Node], before: int) -> dict[int, Node]:
    same = ways.get(before, EMPTY)
    if isinstance(same, Repeat) and same.least <= 1:
        same = replace(same, least=0)
    elif same != EMPTY:
        same = Repeat(same, 0, 1)
    return {**ways, before: same}
