"""Reads regular expressions, JavaScript's (JSON Schema) and Python's (Lark), into regular nodes.

Matching is of the whole text for `whole_match` and anywhere in it for `search`. Lookahead is
enforced where its continuation is known (not inside a repetition), lookbehind where all before it
is; back-references, word boundaries and atomic groups are refused with `UnsupportedRegex`. It
matches nothing itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from idiolect.grammar import charset
from idiolect.grammar.charset import Ranges
from idiolect.grammar.form import (
    ANY,
    EMPTY,
    Both,
    Chars,
    Minus,
    Node,
    Repeat,
    children,
    choice,
    many,
    seq,
    some,
)

# Brackets inside brackets beyond this are refused: nobody writes them, and reading recurses.
DEEPEST_GROUP = 40
MOST_COUNT = 10_000
# Nested counts multiply: past this an engine would need seconds and hundreds of megabytes.
MOST_WRITTEN_OUT = 50_000


class UnsupportedRegex(ValueError):
    """A construct that is not regular or not supported; `at` is its offset in the pattern."""

    def __init__(self, pattern: str, at: int, reason: str) -> None:
        super().__init__(f"{reason}, at offset {at} of /{pattern}/")
        self.pattern = pattern
        self.at = at
        self.reason = reason


class Flavour(Enum):
    JAVASCRIPT = "javascript"
    PYTHON = "python"


@dataclass(frozen=True, slots=True)
class _Anchor:
    start: bool


@dataclass(frozen=True, slots=True)
class _Look:
    """Lookahead: the text from here on must, or must not, begin with the inner expression."""

    inner: _Tree
    negative: bool


@dataclass(frozen=True, slots=True)
class _Behind:
    """Lookbehind: the text up to here must, or must not, end with the inner expression."""

    inner: _Tree
    negative: bool


@dataclass(frozen=True, slots=True)
class _Row:
    items: tuple[_Tree, ...]


@dataclass(frozen=True, slots=True)
class _Ways:
    items: tuple[_Tree, ...]


@dataclass(frozen=True, slots=True)
class _Times:
    item: _Tree
    least: int
    most: int | None


_Tree = Node | _Anchor | _Look | _Behind | _Row | _Ways | _Times


def whole_match(pattern: str, flavour: Flavour = Flavour.PYTHON, flags: str = "") -> Node:
    """The texts that the whole of a pattern matches."""
    return _bounded(pattern, _Lowerer(pattern).whole(_Reader(pattern, flavour, flags).read()))


def lexed(pattern: str, flags: str = "") -> Node:
    """The texts that a lexer takes for a whole token by a Python pattern.

    Where its first long repetition is lazy those are the shortest ones: none begins with another.
    """
    found = whole_match(pattern, Flavour.PYTHON, flags)
    return Minus(found, seq(found, some(ANY))) if _begins_lazily(pattern) else found


def search(pattern: str, flavour: Flavour = Flavour.JAVASCRIPT, flags: str = "") -> Node:
    """The texts in which a pattern matches somewhere."""
    return _bounded(pattern, _Lowerer(pattern).anywhere(_Reader(pattern, flavour, flags).read()))


def _bounded(pattern: str, node: Node) -> Node:
    if _size(node) > MOST_WRITTEN_OUT:
        reason = f"with its repetitions written out it has more than {MOST_WRITTEN_OUT} characters"
        raise UnsupportedRegex(pattern, 0, reason)
    return node


def _size(node: Node) -> int:
    """Characters of a node when every bounded repetition is written out."""
    count = max(node.least, node.most or 0, 1) if isinstance(node, Repeat) else 1
    return max(count * sum(map(_size, children(node))), 1)


class _Reader:
    def __init__(self, pattern: str, flavour: Flavour, flags: str) -> None:
        self.pattern = pattern
        self.flavour = flavour
        self.at = 0
        self.depth = 0
        self.flags = {
            "ignore_case": False,
            "dot_all": False,
            "verbose": False,
            "ascii": False,
            "many_lines": False,
        }
        for flag in flags:
            self._set_flag(flag, True)

    def fail(self, reason: str, at: int | None = None) -> UnsupportedRegex:
        return UnsupportedRegex(self.pattern, self.at if at is None else at, reason)

    def _set_flag(self, flag: str, value: bool) -> None:
        names = {"i": "ignore_case", "s": "dot_all", "x": "verbose", "a": "ascii", "u": "", "m": "many_lines"}
        if flag not in names:
            raise self.fail(f'the flag "{flag}" is not supported')
        if names[flag]:
            self.flags[names[flag]] = value

    def peek(self, ahead: int = 0) -> str:
        return self.pattern[self.at + ahead : self.at + ahead + 1]

    def take(self) -> str:
        one = self.peek()
        if not one:
            raise self.fail("the pattern ends too early")
        self.at += 1
        return one

    def skip(self, wanted: str) -> bool:
        if self.pattern.startswith(wanted, self.at):
            self.at += len(wanted)
            return True
        return False

    def read(self) -> _Tree:
        tree = self.ways()
        if self.at < len(self.pattern):
            raise self.fail('a ")" has no "("')
        return tree

    def ways(self) -> _Tree:
        self.depth += 1
        if self.depth > DEEPEST_GROUP:
            raise self.fail(f"groups are nested deeper than {DEEPEST_GROUP}")
        found = [self.row()]
        while self.skip("|"):
            found.append(self.row())
        self.depth -= 1
        return found[0] if len(found) == 1 else _Ways(tuple(found))

    def row(self) -> _Tree:
        items: list[_Tree] = []
        while self.peek() and self.peek() not in "|)":
            if self.flags["verbose"] and self._blank():
                continue
            start = self.at
            item = self.item()
            if item is not None:
                item = self.repeated(item, start)
                items.extend(_items(item))  # a plain group adds nothing, and lookbehind sees past it
        return items[0] if len(items) == 1 else _Row(tuple(items))

    def _blank(self) -> bool:
        if self.peek().isspace():
            self.at += 1
            return True
        if self.peek() == "#":
            while self.peek() and self.peek() != "\n":
                self.at += 1
            return True
        return False

    def repeated(self, item: _Tree, start: int) -> _Tree:
        bounds = self._bounds()
        if bounds is None:
            return item
        if isinstance(item, _Anchor | _Look | _Behind):
            raise self.fail("an anchor or lookaround can't be repeated", start)
        self.skip("?")  # lazy or not is the same language
        if self.peek() in ("*", "+", "?") and self.peek():
            raise self.fail("there is nothing to repeat, or it is possessive, which is not supported")
        return _Times(item, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if self.peek() in simple and self.peek():
            return simple[self.take()]
        if self.peek() != "{":
            return None
        end = self.pattern.find("}", self.at)
        inner = self.pattern[self.at + 1 : end] if end > 0 else ""
        low, comma, high = inner.partition(",")
        low, high = low.strip(), high.strip()
        if not inner or not all(one.isascii() and one.isdigit() for one in low + high) or not low + high:
            return None  # a brace that counts nothing stands for itself
        self.at = end + 1
        least = int(low or "0")
        most = None if comma and not high else int(high or low)
        if max(least, most or 0) > MOST_COUNT:
            raise self.fail(f"a repetition may count to {MOST_COUNT} at most")
        if most is not None and most < least:
            raise self.fail("a repetition's upper bound is below its lower one")
        return least, most

    def item(self) -> _Tree | None:
        one = self.take()
        match one:
            case "(":
                return self.group()
            case "[":
                members = self.set_()
                if not members:
                    raise self.fail("a set without characters matches nothing", self.at - 1)
                return Chars(self._cased(members))
            case ".":
                ends = "\n" if self.flavour is Flavour.PYTHON else "\n\r\u2028\u2029"
                return ANY if self.flags["dot_all"] else Chars(charset.complement(charset.of(ends)))
            case "^" | "$":
                if self.flags["many_lines"]:
                    raise self.fail("anchors of single lines are not supported", self.at - 1)
                return _Anchor(one == "^")
            case "\\":
                return self.escape()
            case "*" | "+" | "?":
                raise self.fail("there is nothing to repeat", self.at - 1)
            case _:
                return Chars(self._cased(charset.of(one)))

    def group(self) -> _Tree | None:
        start = self.at - 1
        if not self.skip("?"):
            return self._closed(start)
        for opener, build in (("=", False), ("!", True)):
            if self.skip(opener):
                return _Look(self._closed(start), build)
        if self.skip(":"):
            return self._closed(start)
        for opener, negative in (("<=", False), ("<!", True)):
            if self.skip(opener):
                return _Behind(self._closed(start), negative)
        if self.skip("P<") or (self.peek() == "<" and self.skip("<")):
            end = self.pattern.find(">", self.at)
            if end < 0:
                raise self.fail("a group's name has no end", start)
            self.at = end + 1
            return self._closed(start)
        if self.skip("#"):
            end = self.pattern.find(")", self.at)
            if end < 0:
                raise self.fail("a comment has no end", start)
            self.at = end + 1
            return None
        return self._flag_group(start)

    def _flag_group(self, start: int) -> _Tree | None:
        saved = dict(self.flags)
        value = True
        while self.peek() not in ("", ")", ":"):
            flag = self.take()
            if flag == "-":
                value = False
            elif flag in "imsxau":
                self._set_flag(flag, value)
            else:
                raise self.fail(f'the group "(?{flag}" is not supported', start)
        if self.skip(")"):
            return None  # flags from here on
        self.take()
        inner = self._closed(start)
        self.flags = saved
        return inner

    def _closed(self, start: int) -> _Tree:
        saved = dict(self.flags)
        inner = self.ways()
        self.flags = saved
        if not self.skip(")"):
            raise self.fail('a "(" has no ")"', start)
        return inner

    def escape(self) -> _Tree:
        one = self.take()
        named = self.class_of(one)
        if named is not None:
            return Chars(named)
        if one in "bB":
            raise self.fail("word boundaries are not supported", self.at - 2)
        if one in "AZz" and self.flavour is Flavour.PYTHON:
            return _Anchor(one == "A")
        if (one.isdigit() and one != "0") or (one == "k" and self.peek() == "<"):
            raise self.fail("back-references are not regular", self.at - 2)
        return Chars(self._cased(charset.of(self.escaped_character(one))))

    def class_of(self, one: str) -> Ranges | None:
        if one in "dDwWsS":
            ascii_only = self.flavour is Flavour.JAVASCRIPT or self.flags["ascii"]
            found = shorthand(one.lower(), ascii_only, self.flavour)
            return charset.complement(found) if one.isupper() else found
        if one in "pP" and self.flavour is Flavour.JAVASCRIPT and self.peek() == "{":
            end = self.pattern.find("}", self.at)
            name = self.pattern[self.at + 1 : end] if end > 0 else ""
            try:
                found = unicode_category(name)
            except KeyError:
                raise self.fail(f'the Unicode class "{name}" is not supported') from None
            self.at = end + 1
            return charset.complement(found) if one == "P" else found
        return None

    def escaped_character(self, one: str) -> str:
        simple = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0", "a": "\a"}
        if one == "c" and self.flavour is Flavour.JAVASCRIPT and self.peek().isalpha():
            return chr(ord(self.take()) % 32)
        if one == "x":
            return self._code(2)
        if one == "U" and self.flavour is Flavour.PYTHON:
            return self._code(8)
        if one == "u":
            if self.flavour is Flavour.JAVASCRIPT and self.skip("{"):
                end = self.pattern.find("}", self.at)
                width = end - self.at
                if end < 0 or not 1 <= width <= 6:
                    raise self.fail("a \\u{...} escape has no end")
                found = self._code(width)
                self.at += 1
                return found
            return self._unicode()
        return simple.get(one, one)

    def _unicode(self) -> str:
        first = self._code(4)
        if "\ud800" <= first <= "\udbff" and self.skip("\\u"):
            second = ord(self._code(4))
            return chr(0x10000 + (ord(first) - 0xD800) * 0x400 + (second - 0xDC00))
        return first

    def _code(self, width: int) -> str:
        digits = self.pattern[self.at : self.at + width]
        if len(digits) < width or not all(one in "0123456789abcdefABCDEF" for one in digits):
            raise self.fail(f"an escape needs {width} hexadecimal digits")
        self.at += width
        code = int(digits, 16)
        if code > charset.LAST:
            raise self.fail("an escape is beyond the last character")
        return chr(code)

    def set_(self) -> Ranges:
        start = self.at - 1
        inverse = self.skip("^")
        found: list[Ranges] = []
        first = True
        while True:
            if not self.peek():
                raise self.fail('a "[" has no "]"', start)
            if self.peek() == "]" and not (first and self.flavour is Flavour.PYTHON):
                self.at += 1
                break
            first = False
            low = self.set_item()
            if self.peek() == "-" and self.peek(1) not in ("]", "") and isinstance(low, str):
                self.at += 1
                high = self.set_item()
                if isinstance(high, str):
                    if high < low:
                        raise self.fail("a range of characters runs backwards")
                    found.append(charset.normal([(ord(low), ord(high))]))
                    continue
                found += [charset.of("-"), high]
            found.append(charset.of(low) if isinstance(low, str) else low)
        members = self._cased(charset.union(*found))
        return charset.complement(members) if inverse else members

    def set_item(self) -> str | Ranges:
        one = self.take()
        if one != "\\":
            return one
        one = self.take()
        if one == "b":
            return "\b"
        named = self.class_of(one)
        return self.escaped_character(one) if named is None else named

    def _cased(self, ranges: Ranges) -> Ranges:
        if not self.flags["ignore_case"]:
            return ranges
        if charset.size(ranges) > 5000:
            letters = charset.normal([(0x41, 0x5A), (0x61, 0x7A)])
            ranges_inside = charset.intersect(ranges, letters)
        else:
            ranges_inside = ranges
        both: set[str] = set()
        for low, high in ranges_inside:
            for code in range(low, high + 1):
                both.update(one for one in (chr(code).lower(), chr(code).upper()) if len(one) == 1)
        return charset.union(ranges, charset.of(both))


class _Lowerer:
    """Trees to nodes, from the right to the left: what follows is known wherever lookahead asks for it."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def fail(self, reason: str) -> UnsupportedRegex:
        return UnsupportedRegex(self.pattern, 0, reason)

    def whole(self, tree: _Tree) -> Node:
        return self.then(tree, EMPTY, at_start=True, at_end=True, first=True)

    def anywhere(self, tree: _Tree) -> Node:
        ways = tree.items if isinstance(tree, _Ways) else (tree,)
        return choice(*(self._way_anywhere(way) for way in ways))

    def _split(self, items: tuple[_Tree, ...], at: int, rest: Node, *, at_start: bool, at_end: bool) -> Node:
        """Alternatives of whole sequences, so that lookbehind inside one sees all that stands before it."""
        ways = items[at]
        assert isinstance(ways, _Ways)
        rows = (_Row((*items[:at], *_items(one), *items[at + 1 :])) for one in ways.items)
        return choice(*(self.then(one, rest, at_start=at_start, at_end=at_end, first=True) for one in rows))

    def _behind(self, items: tuple[_Tree, ...], at: int, rest: Node, *, at_start: bool, at_end: bool) -> Node:
        look = items[at]
        assert isinstance(look, _Behind)
        after = self.then(_Row(items[at + 1 :]), rest, at_end=at_end)
        before = self.then(_Row(items[:at]), EMPTY, at_start=at_start, first=True)
        ending = seq(many(ANY), self.then(look.inner, EMPTY))
        return seq(Minus(before, ending) if look.negative else Both(before, ending), after)

    def _way_anywhere(self, way: _Tree) -> Node:
        items = list(way.items) if isinstance(way, _Row) else [way]
        if items and isinstance(items[0], _Ways) and any(map(_anchored, items[0].items)):
            rest = tuple(items[1:])
            return choice(*(self._way_anywhere(_Row((*_items(one), *rest))) for one in items[0].items))
        if items and isinstance(items[-1], _Ways) and any(map(_anchored, items[-1].items)):
            before = tuple(items[:-1])
            return choice(*(self._way_anywhere(_Row((*before, *_items(one)))) for one in items[-1].items))
        start = end = False
        while items and isinstance(items[0], _Anchor) and items[0].start:
            start = True
            items.pop(0)
        while items and isinstance(items[-1], _Anchor) and not items[-1].start:
            end = True
            items.pop()
        if not start:
            items.insert(0, many(ANY))
        return self.then(_Row(tuple(items)), EMPTY if end else many(ANY), first=True)

    def then(
        self, tree: _Tree, rest: Node, *, at_start: bool = False, at_end: bool = False, first: bool = False
    ) -> Node:
        """The tree followed by `rest`, which is all that comes after it; `first`: nothing comes before it."""
        match tree:
            case _Anchor(start):
                if at_start if start else at_end:
                    return rest
                raise self.fail("an anchor stands where no text begins or ends")
            case _Look(inner, negative):
                ahead = seq(self.then(inner, many(ANY)))
                return Minus(rest, ahead) if negative else Both(rest, ahead)
            case _Row(items):
                behind = next((n for n in range(len(items) - 1, -1, -1) if isinstance(items[n], _Behind)), -1)
                if first and behind < 0:
                    split = next(
                        (n for n, one in enumerate(items) if isinstance(one, _Ways) and _behinds(one)), -1
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
            case _Behind():
                return self.then(_Row((tree,)), rest, first=first)
            case _Ways(items):
                if any(map(_looks, items)):
                    ways = (
                        self.then(one, rest, at_start=at_start, at_end=at_end, first=first) for one in items
                    )
                    return choice(*ways)
                ways = (self.then(one, EMPTY, at_start=at_start, at_end=at_end) for one in items)
                return seq(choice(*ways), rest)
            case _Times(item, least, most):
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


def _items(tree: _Tree) -> tuple[_Tree, ...]:
    return tree.items if isinstance(tree, _Row) else (tree,)


def _looks(tree: _Tree) -> bool:
    return _has(tree, lambda one: isinstance(one, _Look | _Behind))


def _behinds(tree: _Tree) -> bool:
    return _has(tree, lambda one: isinstance(one, _Behind))


def _anchored(tree: _Tree) -> bool:
    return _has(tree, lambda one: isinstance(one, _Anchor))


def _has(tree: _Tree, wanted: Callable[[_Tree], bool]) -> bool:
    stack = [tree]
    while stack:
        one = stack.pop()
        if wanted(one):
            return True
        if isinstance(one, _Row | _Ways):
            stack.extend(one.items)
        elif isinstance(one, _Times):
            stack.append(one.item)
    return False


_JAVASCRIPT_SPACES = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)


@lru_cache(maxsize=16)
def shorthand(letter: str, ascii_only: bool, flavour: Flavour) -> Ranges:
    """The sets of \\d, \\w and \\s."""
    if letter == "s":
        if flavour is Flavour.JAVASCRIPT:
            return charset.of(_JAVASCRIPT_SPACES)
        return charset.of("\t\n\v\f\r ") if ascii_only else _where(str.isspace)
    if ascii_only:
        digits = ((0x30, 0x39),)
        return (
            digits if letter == "d" else charset.normal([*digits, (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)])
        )
    if letter == "d":
        return _where(str.isdecimal)
    return charset.union(_where(str.isalnum), charset.of("_"))


@lru_cache(maxsize=32)
def unicode_category(name: str) -> Ranges:
    """The set of a Unicode general category, as in "L", "Letter" or "Lu"; KeyError if there is none."""
    words = {"Letter": "L", "Number": "N", "Punctuation": "P", "Symbol": "S", "Uppercase_Letter": "Lu"}
    words |= {"Lowercase_Letter": "Ll", "Decimal_Number": "Nd", "Mark": "M", "Separator": "Z", "digit": "Nd"}
    kind = words.get(name, name)
    found = _where(lambda one: unicodedata.category(one).startswith(kind)) if 1 <= len(kind) <= 2 else ()
    if not found:
        raise KeyError(name)
    return found


def _where(test: Callable[[str], bool]) -> Ranges:
    """The set of characters that pass a test, by asking for every one of them once."""
    found: list[tuple[int, int]] = []
    start = -1
    for code in range(charset.LAST + 2):
        inside = code <= charset.LAST and test(chr(code))
        if inside and start < 0:
            start = code
        elif not inside and start >= 0:
            found.append((start, code - 1))
            start = -1
    return charset.normal(found)
