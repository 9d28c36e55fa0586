"""Catalog types as terminals of a grammar: what a value looks like in a canonical script.

Integers and decimals are exact in their ranges. A pattern that is no regular expression of ours
becomes a post-check, told by name.
"""

from __future__ import annotations

import math

from idiolect.dialects.catalog import Catalog, ValueType
from idiolect.dialects.catalog_json import split_unit
from idiolect.dialects.tcl.pick import as_word
from idiolect.grammar.form import (
    Node,
    PostCheck,
    Terminal,
    both,
    chars,
    choice,
    many,
    not_chars,
    ref,
    seq,
    times,
)
from idiolect.grammar.from_catalog import cidr, decimal, identifier, integer, ipv4
from idiolect.grammar.regex import UnsupportedRegex, whole_match

LONGEST = 64  # of a name or a bare word
LONGEST_TEXT = 200
DECIMALS = 6

FIRST = chars("A-Za-z0-9_./:")
REST = chars("A-Za-z0-9_./:%+@=,", "-")

NAME = identifier(most=LONGEST)
BARE = seq(FIRST, times(REST, 0, LONGEST - 1))
# Tcl reads no further than a Ctrl-Z when it sources a file, so none is written.
END_OF_FILE = "\x1a"
QUOTED = seq('"', times(not_chars('"\\\\$[]{}\n\r', END_OF_FILE), 1, LONGEST_TEXT), '"')
# Inside a DSL block nothing is quoted for Tcl: braces would unbalance the block.
TOKEN = times(not_chars(' \t\n\r"{}\\\\', END_OF_FILE), 1, LONGEST)
PHRASE = times(not_chars('"{}\\\\\n\r', END_OF_FILE), 1, LONGEST_TEXT)


class Lexemes:
    """The terminals for the types of one catalog, each made once."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.terminals: dict[str, Terminal] = {}
        self.post_checks: dict[str, PostCheck] = {}
        self._known: dict[tuple[str, str, str, str], str] = {}

    def word(self, value: ValueType, *, is_list: bool = False, before: str = "") -> Node:
        """A value as one Tcl word, with what stands before it."""
        if not is_list:
            return self._ref(value, "word", before)
        item = self._ref(value, "item")
        return seq(before + "{", item, many(" ", item), "}")

    def item(self, value: ValueType) -> Node:
        """A value as one element of a braced list."""
        return self._ref(value, "item")

    def slot(self, value: ValueType, before: str, after: str) -> Node:
        """A value in a DSL statement, with the marks that touch it there."""
        return self._ref(value, "phrase" if before.endswith('"') else "token", before, after)

    def _ref(self, value: ValueType, form: str, before: str = "", after: str = "") -> Node:
        # What touches a value belongs to its terminal: so no lexeme can run on into the next.
        resolved = self.catalog.resolve(value)
        key = (repr(resolved), form, before, after)
        if key not in self._known:
            name = f"V{len(self._known)}_{form.upper()}"
            self._known[key] = name
            node = seq(before, self._node(resolved, form, value.type), after)
            self.terminals[name] = Terminal(node, _hint(resolved, value.type))
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
            return ipv4() if base == "ip" else cidr()
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
    if base == "float":
        return decimal(low, high, places=DECIMALS)
    return integer(None if low is None else math.ceil(low), None if high is None else math.floor(high))


def _hint(value: ValueType, type_name: str) -> str:
    if value.values:
        return f"one of {', '.join(value.words[:6])}" + (", ..." if len(value.words) > 6 else "")
    unit = f" in {value.unit}" if value.unit else ""
    return f"a {type_name}{unit}"


def comment_line() -> Node:
    """A comment that upsets no brace count.

    It may end in a blank, which the canonical form never does: to forbid that made a mask six times slower.
    """
    return seq("#", times(not_chars('\n\r\\\\{}"', END_OF_FILE), 0, LONGEST_TEXT))
