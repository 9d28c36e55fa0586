"""Reads the syntax of regular expressions into trees; `regex` makes nodes of them.

Two flavours: JavaScript's (JSON Schema) and Python's (Lark). What is not regular, or not supported,
is `UnsupportedRegex` with its place.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from idiolect.grammar import charset
from idiolect.grammar.charset import Ranges
from idiolect.grammar.form import ANY, Chars, Node

# Brackets inside brackets beyond this are refused: nobody writes them, and reading recurses.
DEEPEST_GROUP = 40
MOST_COUNT = 10_000


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
class Anchor:
    start: bool


@dataclass(frozen=True, slots=True)
class Look:
    """Lookahead: the text from here on must, or must not, begin with the inner expression."""

    inner: Tree
    negative: bool


@dataclass(frozen=True, slots=True)
class Behind:
    """Lookbehind: the text up to here must, or must not, end with the inner expression."""

    inner: Tree
    negative: bool


@dataclass(frozen=True, slots=True)
class Row:
    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Ways:
    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Times:
    item: Tree
    least: int
    most: int | None


Tree = Node | Anchor | Look | Behind | Row | Ways | Times


def items_of(tree: Tree) -> tuple[Tree, ...]:
    return tree.items if isinstance(tree, Row) else (tree,)


class Reader:
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

    def read(self) -> Tree:
        tree = self.ways()
        if self.at < len(self.pattern):
            raise self.fail('a ")" has no "("')
        return tree

    def ways(self) -> Tree:
        self.depth += 1
        if self.depth > DEEPEST_GROUP:
            raise self.fail(f"groups are nested deeper than {DEEPEST_GROUP}")
        found = [self.row()]
        while self.skip("|"):
            found.append(self.row())
        self.depth -= 1
        return found[0] if len(found) == 1 else Ways(tuple(found))

    def row(self) -> Tree:
        items: list[Tree] = []
        while self.peek() and self.peek() not in "|)":
            if self.flags["verbose"] and self._blank():
                continue
            start = self.at
            item = self.item()
            if item is not None:
                item = self.repeated(item, start)
                items.extend(items_of(item))  # a plain group adds nothing, and lookbehind sees past it
        return items[0] if len(items) == 1 else Row(tuple(items))

    def _blank(self) -> bool:
        if self.peek().isspace():
            self.at += 1
            return True
        if self.peek() == "#":
            while self.peek() and self.peek() != "\n":
                self.at += 1
            return True
        return False

    def repeated(self, item: Tree, start: int) -> Tree:
        bounds = self._bounds()
        if bounds is None:
            return item
        if isinstance(item, Anchor | Look | Behind):
            raise self.fail("an anchor or lookaround can't be repeated", start)
        self.skip("?")  # lazy or not is the same language
        if self.peek() in ("*", "+", "?") and self.peek():
            raise self.fail("there is nothing to repeat, or it is possessive, which is not supported")
        return Times(item, *bounds)

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

    def item(self) -> Tree | None:
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
                return Anchor(one == "^")
            case "\\":
                return self.escape()
            case "*" | "+" | "?":
                raise self.fail("there is nothing to repeat", self.at - 1)
            case _:
                return Chars(self._cased(charset.of(one)))

    def group(self) -> Tree | None:
        start = self.at - 1
        if not self.skip("?"):
            return self._closed(start)
        for opener, build in (("=", False), ("!", True)):
            if self.skip(opener):
                return Look(self._closed(start), build)
        if self.skip(":"):
            return self._closed(start)
        for opener, negative in (("<=", False), ("<!", True)):
            if self.skip(opener):
                return Behind(self._closed(start), negative)
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

    def _flag_group(self, start: int) -> Tree | None:
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

    def _closed(self, start: int) -> Tree:
        saved = dict(self.flags)
        inner = self.ways()
        self.flags = saved
        if not self.skip(")"):
            raise self.fail('a "(" has no ")"', start)
        return inner

    def escape(self) -> Tree:
        one = self.take()
        named = self.class_of(one)
        if named is not None:
            return Chars(named)
        if one in "bB":
            raise self.fail("word boundaries are not supported", self.at - 2)
        if one in "AZz" and self.flavour is Flavour.PYTHON:
            return Anchor(one == "A")
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
