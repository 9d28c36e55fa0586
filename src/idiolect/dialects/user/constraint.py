"""Lowers a folder's grammar for decoding: canonical spacing, catalog names in place of free ones.

The same grammar.lark that verifies is what constrains; here it only gets the dialect's white space
written out, the names of a catalog at the rules that must come from it, and the embedded dialect's
own grammar inside its blocks. What a grammar can't say (policy, programs) becomes a named post-check.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from idiolect.dialects.catalog import Catalog
from idiolect.dialects.policy import Policy
from idiolect.dialects.user.embedded import stands_on_lines
from idiolect.dialects.user.names import name_set
from idiolect.dialects.user.outcome import Lexeme
from idiolect.dialects.user.parts import Parts
from idiolect.dialects.user.problems import BadDialect, problem
from idiolect.dialects.user.reprint import Style
from idiolect.dialects.user.settings import GrammarSettings, Settings
from idiolect.dialects.user.words import forbidden_words
from idiolect.grammar.automaton import compile_node
from idiolect.grammar.form import (
    NOTHING,
    Grammar,
    GrammarError,
    Minus,
    Node,
    PostCheck,
    Ref,
    Terminal,
    Text,
    choice,
    many,
    not_chars,
    optional,
    seq,
    text,
)
from idiolect.grammar.form import Problem as GrammarProblem
from idiolect.grammar.form import parts as all_parts
from idiolect.grammar.rewrite import fresh, map_nodes, prune, with_rules
from idiolect.grammar.spacing import Spacing, styled_variant
from idiolect.grammar.spacing import Style as SpacingStyle


class Lowered:
    """One folder's grammar in our own form, not yet spaced."""

    def __init__(self, parts: Parts, style: Style) -> None:
        self._parts = parts
        self._style = style
        self.grammar = _lower(parts)
        self._spacing = Spacing(self.grammar)
        self._tokens = frozenset(map(self._spacing.base, self._spacing.tokens))
        self._terminals_of: dict[str, list[str]] = {}
        for name, literal in style.literals.items():
            self._terminals_of.setdefault(literal, []).append(name)

    def joins(self, before: Lexeme, after: Lexeme) -> bool:
        """Whether two tokens would run together if nothing stood between."""
        left, right = self._token(before), self._token(after)
        return left is not None and right is not None and self._spacing.join(left, right)

    def styled(self, catalog: Catalog | None, policy: Policy | None, *, comments: bool) -> Grammar:
        """The grammar of canonical texts, with the catalog's names only and without forbidden words."""
        words = forbidden_words(policy) if policy else ()
        try:
            made, stands_for = self._named(catalog, words)
            made = _possible(made, words)
            if made.ignore:
                made = styled_variant(made, self._spacing_style(stands_for, comments=comments))
            made = _with_blocks(made, self._parts)
        except GrammarError as error:
            raise _not_lowered(self._parts, error) from error
        checks = _post_checks(self._parts.settings, policy)
        return replace(made, post_checks=(*made.post_checks, *checks), memo={})

    def _spacing_style(self, stands_for: dict[Node, Node], *, comments: bool) -> SpacingStyle:
        """The dialect's own style, in the terms of the weaver."""
        style, base = self._style, self._spacing.base
        comments = comments and style.keeps_comments

        def between(before: Node, after: Node, joins: bool) -> Node:
            # Names run together where free names would: texts are printed without looking at the catalog.
            left, right = base(stands_for.get(before, before)), base(stands_for.get(after, after))
            if left in self._tokens and right in self._tokens:
                joins = self._spacing.join(left, right)
            gap = style.separator(self._names(left), self._names(right), joins=joins)
            return choice(gap, _comments_in_gap(style)) if comments else text(gap)

        if not comments:
            return SpacingStyle(between, usual=text(style.usual), end=text(style.end))
        return SpacingStyle(
            between,
            usual=choice(style.usual, _comments_in_gap(style)),
            start=many(_comment(style), "\n"),
            end=seq(optional(_comments_at_end(style)), style.end),
        )

    def _named(self, catalog: Catalog | None, forbidden: tuple[str, ...]) -> tuple[Grammar, dict[Node, Node]]:
        """The grammar with the catalog's names in their places, and the free tokens that they stand for."""
        settings = self._parts.settings.catalog
        if settings is None or catalog is None:
            return self.grammar, {}
        rules, terminals = dict(self.grammar.rules), dict(self.grammar.terminals)
        stands_for: dict[Node, Node] = {}
        for where, use in settings.uses.items():
            names = name_set(catalog, use)
            allowed = [name for name in names.ordered if name not in forbidden]
            # a terminal may stand under several names, each narrowed to what its places allow
            same = [name for name in terminals if self._spacing.base(Ref(name)) == Ref(where)]
            for name in same:
                terminals[name] = self._one_of(allowed, names.what, Ref(name))
            if not same and where in rules:
                body = rules[where]
                is_token = self._spacing.base(body) in self._tokens
                name = fresh(f"{where.upper()}_NAME", {*rules, *terminals})
                terminals[name] = self._one_of(allowed, names.what, body if is_token else None)
                rules[where] = Ref(name)
                if is_token:
                    stands_for[Ref(name)] = body
        return with_rules(self.grammar, rules, terminals), stands_for

    def _one_of(self, names: list[str], what: str, token: Node | None) -> Terminal:
        """A terminal of these names; those that the free token would not take (keywords) are left out."""
        if token is not None:
            free = self._spacing.automaton(token)
            names = [name for name in names if free.matches(name)]
        return Terminal(prefix_tree(names), f"a {what}")

    def _token(self, lexeme: Lexeme) -> Node | None:
        """The token of the lowered grammar that a lexeme is."""
        for node in (Ref(lexeme.terminal), Text(self._style.literals.get(lexeme.terminal, ""))):
            if node in self._tokens:
                return node
        return None

    def _names(self, token: Node) -> tuple[str, ...]:
        """All the names that a token goes by in settings: its terminal and its fixed text."""
        match token:
            case Text(literal):
                return (literal, *self._terminals_of.get(literal, ()))
            case Ref(name) if name in self._style.literals:
                return (name, self._style.literals[name])
            case Ref(name):
                return (name,)
        return ()


def prefix_tree(names: Iterable[str]) -> Node:
    """A choice of names in which every shared beginning stands once: engines die of long flat ones."""
    listed = sorted(set(names))
    return _branch(listed, 0) if listed else NOTHING


def _branch(names: list[str], depth: int) -> Node:
    """The rest of names that agree up to a depth. Each step takes all that they share."""
    if len(names) == 1:
        return Text(names[0][depth:])
    shared = depth
    first, last = names[0], names[-1]  # sorted: what these two share, all share
    while shared < len(first) and first[shared] == last[shared]:
        shared += 1
    if depth >= _DEEPEST:
        return choice(*(Text(name[depth:]) for name in names))
    ways: list[Node] = []
    start = 0
    while start < len(names):
        if len(names[start]) == shared:  # this name ends here
            ways.append(Text(""))
            start += 1
            continue
        end = start
        while end < len(names) and names[end][shared : shared + 1] == names[start][shared : shared + 1]:
            end += 1
        ways.append(_branch(names[start:end], shared))
        start = end
    return seq(Text(names[0][depth:shared]), choice(*ways))


_DEEPEST = 24  # characters: nodes may nest no deeper than the form allows


def _lower(parts: Parts) -> Grammar:
    from idiolect.grammar.from_lark import lower_lark

    settings = parts.settings.grammar or GrammarSettings()
    folder = (parts.folder / settings.file).parent  # imports are looked for beside the grammar
    try:
        return lower_lark(parts.grammar.text, start=settings.start, folder=folder)
    except GrammarError as error:
        raise _not_lowered(parts, error) from error


def _not_lowered(parts: Parts, error: GrammarError) -> BadDialect:
    """What keeps a grammar from constraining, as problems of the user's file."""
    return BadDialect(
        problem(parts.grammar, f"constraint.{item.code}", item.message) for item in error.problems
    )


def _possible(original: Grammar, forbidden: tuple[str, ...]) -> Grammar:
    """The grammar without forbidden words, and without what no text can hold then."""

    def dropped(node: Node) -> Node:
        return NOTHING if isinstance(node, Text) and node.text in forbidden else node

    rules = {name: map_nodes(body, dropped) for name, body in original.rules.items()}
    used = {part.name for body in rules.values() for part in all_parts(body) if isinstance(part, Ref)}
    terminals = dict(original.terminals)
    for name in used & terminals.keys():
        node = terminals[name].node
        if forbidden:
            terminals[name] = replace(terminals[name], node=Minus(node, choice(*forbidden)))
        if not compile_node(Ref(name), terminals).edges[0]:
            del terminals[name]
    rules, terminals = prune(rules, terminals, original.start)
    if original.start not in rules:
        message = (
            "the policy or the catalog leaves no text: it lacks names or forbids words that every text needs"
        )
        raise GrammarError([GrammarProblem("no_text", original.start, message)])
    for name in original.ignore:
        terminals.setdefault(name, original.terminals[name])
    return replace(original, rules=rules, terminals=terminals, memo={})


def _with_blocks(host: Grammar, parts: Parts) -> Grammar:
    """The host's grammar with the embedded dialect's in place of the block terminal."""
    embed, inner_dialect = parts.settings.embed, parts.embedded
    if embed is None or inner_dialect is None or embed.terminal not in host.terminals:
        return host
    inner = inner_dialect.constraint()
    taken = {*host.rules, *host.terminals}
    names = {name: fresh(f"inner_{name}", taken) for name in inner.rules}
    names |= {name: fresh(f"INNER_{name}", taken | set(names.values())) for name in inner.terminals}

    def renamed(node: Node) -> Node:
        return Ref(names[node.name]) if isinstance(node, Ref) else node

    body = Ref(names[inner.start])
    block = seq(embed.open, body, embed.close)
    if stands_on_lines(inner_dialect):
        block = seq(embed.open, "\n", body, optional("\n"), embed.close)

    def placed(node: Node) -> Node:
        return block if node == Ref(embed.terminal) else node

    rules = {name: map_nodes(body, placed) for name, body in host.rules.items()}
    rules |= {names[name]: map_nodes(body, renamed) for name, body in inner.rules.items()}
    terminals = dict(host.terminals)
    for name, terminal in inner.terminals.items():
        terminals[names[name]] = replace(terminal, node=map_nodes(terminal.node, renamed))
    return with_rules(host, rules, terminals)


def _comment(style: Style) -> Node:
    return seq(style.comments.line or "", many(not_chars("\n\r")))


def _comments_at_end(style: Style) -> Node:
    """Comments behind a token: the first on its line or on the next, further ones on lines of their own."""
    return seq(choice(" ", "\n"), _comment(style), many("\n", _comment(style)))


def _comments_in_gap(style: Style) -> Node:
    return seq(_comments_at_end(style), "\n")


def _post_checks(settings: Settings, policy: Policy | None) -> Iterator[PostCheck]:
    if policy is not None:
        yield PostCheck(
            "policy", "whole text", "phrases, globs, required lines and limits are looked at afterwards"
        )
    if settings.command is not None:
        yield PostCheck("command", "whole text", f'"{settings.command.run}" judges finished texts only')
    if settings.code is not None:
        yield PostCheck("code", "whole text", f"{settings.code.dialect} judges finished texts only")
