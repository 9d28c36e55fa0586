"""Catalog types as terminals of a grammar: what a value looks like in a canonical script.

Integers and decimals are exact in their ranges. A pattern that is no regular expression of ours
becomes a post-check, told by name.
"""

from __future__ import annotations

import math
from fractions import Fraction

from idiolect.dialects.catalog import Catalog, ValueType
from idiolect.dialects.catalog_json import split_unit
from idiolect.dialects.tcl.pick import as_word
from idiolect.grammar.form import (
    NOTHING,
    Node,
    PostCheck,
    Terminal,
    both,
    chars,
    choice,
    many,
    not_chars,
    optional,
    ref,
    seq,
    times,
)
from idiolect.grammar.json_schema.numbers import fractions, integers
from idiolect.grammar.regex import UnsupportedRegex, whole_match

LONGEST = 64  # of a name or a bare word
LONGEST_TEXT = 200

FIRST = chars("A-Za-z0-9_./:")
REST = chars("A-Za-z0-9_./:%+@=,", "-")

NAME = seq(chars("A-Za-z_"), times(chars("A-Za-z0-9_"), 0, LONGEST - 1))
BARE = seq(FIRST, times(REST, 0, LONGEST - 1))
QUOTED = seq('"', times(not_chars('"\\\\$[]{}\n\r'), 1, LONGEST_TEXT), '"')
# Inside a DSL block nothing is quoted for Tcl: braces would unbalance the block.
TOKEN = times(not_chars(' \t\n\r"{}\\\\'), 1, LONGEST)
PHRASE = times(not_chars('"{}\\\\\n\r'), 1, LONGEST_TEXT)
BYTE = integers(0, 255)


class Lexemes:
    """The terminals for the types of one catalog, each made once."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.terminals: dict[str, Terminal] = {}
        self.post_checks: dict[str, PostCheck] = {}
        self._known: dict[tuple[str, str], str] = {}

    def word(self, value: ValueType, *, is_list: bool = False) -> Node:
        """A value as one Tcl word."""
        if not is_list:
            return self._ref(value, "word")
        item = self._ref(value, "item")
        return seq("{", item, many(" ", item), "}")

    def item(self, value: ValueType) -> Node:
        """A value as one element of a braced list."""
        return self._ref(value, "item")

    def slot(self, value: ValueType, *, quoted: bool) -> Node:
        """A value in a DSL statement, as it stands there."""
        return self._ref(value, "phrase" if quoted else "token")

    def _ref(self, value: ValueType, form: str) -> Node:
        resolved = self.catalog.resolve(value)
        key = (repr(resolved), form)
        if key not in self._known:
            name = f"V{len(self._known)}_{form.upper()}"
            self._known[key] = name
            self.terminals[name] = Terminal(
                self._node(resolved, form, value.type), _hint(resolved, value.type)
            )
        return ref(self._known[key])

    def _node(self, value: ValueType, form: str, type_name: str) -> Node:
        base, _ = split_unit(value.type)
        if value.values:
            tcl = form in ("word", "item")
            return choice(*(as_word(word) if tcl else word for word in value.words))
        unit = value.unit if value.unit and value.unit_written else ""
        if base in ("int", "float", "port"):
            return seq(_number(base, value.range), unit)
        if base == "bool":
            return choice("true", "false")
        if base in ("ip", "cidr"):
            address = seq(BYTE, ".", BYTE, ".", BYTE, ".", BYTE)
            return address if base == "ip" else seq(address, "/", integers(0, 32))
        plain = {"word": choice(BARE, QUOTED), "item": BARE, "token": TOKEN, "phrase": PHRASE}[form]
        node = NAME if base == "identifier" else plain
        if value.pattern is None:
            return node
        try:
            # Where a pattern holds, the value stands bare or it is not of this grammar.
            return both(
                NAME if base == "identifier" else TOKEN if form == "token" else BARE,
                whole_match(value.pattern),
            )
        except UnsupportedRegex as error:
            self.post_checks[type_name] = PostCheck("pattern", type_name, f"{value.pattern}: {error}")
            return node


def _number(base: str, limits: tuple[float | None, float | None] | None) -> Node:
    low, high = limits or ((1, 65535) if base == "port" else (None, None))
    whole = integers(None if low is None else math.ceil(low), None if high is None else math.floor(high))
    if base != "float":
        return whole
    parts = fractions(_exact(low), _exact(high))
    return choice(*(node for node in (whole, parts) if node != NOTHING))


def _exact(number: float | None) -> Fraction | None:
    # As it is written: the binary value of 0.05 lies a little above it.
    return None if number is None else Fraction(repr(number))


def _hint(value: ValueType, type_name: str) -> str:
    if value.values:
        return f"one of {', '.join(value.words[:6])}" + (", ..." if len(value.words) > 6 else "")
    unit = f" in {value.unit}" if value.unit else ""
    return f"a {type_name}{unit}"


def comment_line() -> Node:
    """A comment that upsets no brace count, without blanks at its end."""
    inner = not_chars('\n\r\\\\{}"')
    last = not_chars(' \t\n\r\\\\{}"')
    return seq("#", optional(times(inner, 0, LONGEST_TEXT), last))
