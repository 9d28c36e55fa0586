"""Regular expressions, JavaScript's (JSON Schema) and Python's (Lark), as regular nodes.

Matching is of the whole text for `whole_match` and anywhere in it for `search`. Lookahead is
enforced where its continuation is known (not inside a repetition), lookbehind where all before it
is; back-references, word boundaries and atomic groups are refused with `UnsupportedRegex`. It
matches nothing itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from idiolect.grammar.form import ANY, EMPTY, Both, Minus, Node, Repeat, children, choice, many, seq, some
from idiolect.grammar.regex_reader import (
    Anchor,
    Behind,
    Flavour,
    Look,
    Reader,
    Row,
    Times,
    Tree,
    UnsupportedRegex,
    Ways,
    items_of,
)

__all__ = ["Flavour", "UnsupportedRegex", "lexed", "search", "whole_match"]

# Nested counts multiply: past this an engine would need seconds and hundreds of megabytes.
MOST_WRITTEN_OUT = 50_000


def whole_match(pattern: str, flavour: Flavour = Flavour.PYTHON, flags: str = "") -> Node:
    """The texts that the whole of a pattern matches."""
    return _bounded(pattern, _Lowerer(pattern).whole(Reader(pattern, flavour, flags).read()))


def lexed(pattern: str, flags: str = "") -> Node:
    """The texts that a lexer takes for a whole token by a Python pattern.

    Where its first long repetition is lazy those are the shortest ones: none begins with another.
    """
    found = whole_match(pattern, Flavour.PYTHON, flags)
    return Minus(found, seq(found, some(ANY))) if _begins_lazily(pattern) else found


def search(pattern: str, flavour: Flavour = Flavour.JAVASCRIPT, flags: str = "") -> Node:
    """The texts in which a pattern matches somewhere."""
    return _bounded(pattern, _Lowerer(pattern).anywhere(Reader(pattern, flavour, flags).read()))


def _bounded(pattern: str, node: Node) -> Node:
    if _size(node) > MOST_WRITTEN_OUT:
        reason = f"with its repetitions written out it has more than {MOST_WRITTEN_OUT} characters"
        raise UnsupportedRegex(pattern, 0, reason)
    return node


def _size(node: Node) -> int:
    """Characters of a node when every bounded repetition is written out."""
    count = max(node.least, node.most or 0, 1) if isinstance(node, Repeat) else 1
    return max(count * sum(map(_size, children(node))), 1)


class _Lowerer:
    """Trees to nodes, from the right to the left: what follows is known wherever lookahead asks for it."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def fail(self, reason: str) -> UnsupportedRegex:
        return UnsupportedRegex(self.pattern, 0, reason)

    def whole(self, tree: Tree) -> Node:
        return self.then(tree, EMPTY, at_start=True, at_end=True, first=True)

    def anywhere(self, tree: Tree) -> Node:
        ways = tree.items if isinstance(tree, Ways) else (tree,)
        return choice(*(self._way_anywhere(way) for way in ways))

    def _split(self, items: tuple[Tree, ...], at: int, rest: Node, *, at_start: bool, at_end: bool) -> Node:
        """Alternatives of whole sequences, so that lookbehind inside one sees all that stands before it."""
        ways = items[at]
        assert isinstance(ways, Ways)
        rows = (Row((*items[:at], *items_of(one), *items[at + 1 :])) for one in ways.items)
        return choice(*(self.then(one, rest, at_start=at_start, at_end=at_end, first=True) for one in rows))

    def _behind(self, items: tuple[Tree, ...], at: int, rest: Node, *, at_start: bool, at_end: bool) -> Node:
        look = items[at]
        assert isinstance(look, Behind)
        after = self.then(Row(items[at + 1 :]), rest, at_end=at_end)
        before = self.then(Row(items[:at]), EMPTY, at_start=at_start, first=True)
        ending = seq(many(ANY), self.then(look.inner, EMPTY))
        return seq(Minus(before, ending) if look.negative else Both(before, ending), after)

    def _way_anywhere(self, way: Tree) -> Node:
        items = list(way.items) if isinstance(way, Row) else [way]
        if items and isinstance(items[0], Ways) and any(map(_anchored, items[0].items)):
            rest = tuple(items[1:])
            return choice(*(self._way_anywhere(Row((*items_of(one), *rest))) for one in items[0].items))
        if items and isinstance(items[-1], Ways) and any(map(_anchored, items[-1].items)):
            before = tuple(items[:-1])
            return choice(*(self._way_anywhere(Row((*before, *items_of(one)))) for one in items[-1].items))
        start = end = False
        while items and isinstance(items[0], Anchor) and items[0].start:
            start = True
            items.pop(0)
        while items and isinstance(items[-1], Anchor) and not items[-1].start:
            end = True
            items.pop()
        if not start:
            items.insert(0, many(ANY))
        return self.then(Row(tuple(items)), EMPTY if end else many(ANY), first=True)

    def then(
        self, tree: Tree, rest: Node, *, at_start: bool = False, at_end: bool = False, first: bool = False
    ) -> Node:
        """The tree followed by `rest`, which is all that comes after it; `first`: nothing comes before it."""
        match tree:
            case Anchor(start):
                if at_start if start else at_end:
                    return rest
                raise self.fail("an anchor stands where no text begins or ends")
            case Look(inner, negative):
                ahead = seq(self.then(inner, many(ANY)))
                return Minus(rest, ahead) if negative else Both(rest, ahead)
            case Row(items):
                behind = next((n for n in range(len(items) - 1, -1, -1) if isinstance(items[n], Behind)), -1)
                if first and behind < 0:
                    split = next(
                        (n for n, one in enumerate(items) if isinstance(one, Ways) and _behinds(one)), -1
                    )
                    if split >= 0:
                        return self._split(items, split, rest, at_start=at_start, at_end=at_end)
                if behind >= 0 and not first:
                    raise self.fail("lookbehind is only supported where all that stands before it is known")
                if behind >= 0:
                    return self._behind(items, behind, rest, at_start=at_start, at_end=at_end)
                for number in range(len(items) - 1, -1, -1):
                    rest = self.then(
                        items[number],
                        rest,
                        at_start=at_start and number == 0,
                        at_end=at_end and number == len(items) - 1,
                        first=first and number == 0,
                    )
                return rest
            case Behind():
                return self.then(Row((tree,)), rest, first=first)
            case Ways(items):
                if any(map(_looks, items)):
                    ways = (
                        self.then(one, rest, at_start=at_start, at_end=at_end, first=first) for one in items
                    )
                    return choice(*ways)
                ways = (self.then(one, EMPTY, at_start=at_start, at_end=at_end) for one in items)
                return seq(choice(*ways), rest)
            case Times(item, least, most):
                if _looks(item):
                    raise self.fail("lookahead inside a repetition is not supported")
                return seq(Repeat(self.then(item, EMPTY), least, most), rest)
            case _:
                return seq(tree, rest)


def _begins_lazily(pattern: str) -> bool:
    """Whether the first repetition without end takes as little as it can."""
    found = re.search(
        r"(?:\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^*+{\\[]|\{(?!\d*,\}))*(?:[*+]|\{\d*,\})(\??)",
        pattern,
        re.DOTALL,
    )
    return found is not None and found.group(1) == "?"


def _looks(tree: Tree) -> bool:
    return _has(tree, lambda one: isinstance(one, Look | Behind))


def _behinds(tree: Tree) -> bool:
    return _has(tree, lambda one: isinstance(one, Behind))


def _anchored(tree: Tree) -> bool:
    return _has(tree, lambda one: isinstance(one, Anchor))


def _has(tree: Tree, wanted: Callable[[Tree], bool]) -> bool:
    stack = [tree]
    while stack:
        one = stack.pop()
        if wanted(one):
            return True
        if isinstance(one, Row | Ways):
            stack.extend(one.items)
        elif isinstance(one, Times):
            stack.append(one.item)
    return False
