"""Prints a grammar in llguidance's dialect of Lark.

Items in any order become parametric rules, differences and intersections its own operators, and
lexemes that could run on are spelled out first. It does **not** print for Lark itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from idiolect.grammar import charset
from idiolect.grammar.charset import Ranges
from idiolect.grammar.form import (
    EMPTY,
    AnyOrder,
    Both,
    Chars,
    Choice,
    Grammar,
    GrammarError,
    Minus,
    Node,
    Problem,
    Ref,
    Repeat,
    Seq,
    Text,
    children,
)
from idiolect.grammar.lexemes import part_lexemes
from idiolect.grammar.nullable import nullable_names
from idiolect.grammar.rewrite import fresh
from idiolect.grammar.spacing import loose_variant

# llguidance gives a rule 64 bits of state, one for each item in any order.
MOST_UNORDERED = 64
# Its reader takes 28 brackets inside one another; a difference writes two for one node.
_DEEPEST = 12
_HEADER = "%llguidance {}\n\n"
_LOOSEST, _SEQUENCE, _TIGHTEST = 0, 1, 2


def print_llguidance(grammar: Grammar) -> str:
    """The grammar as text for llguidance; the start rule is called `start`."""
    known = grammar.memo.get("llguidance")
    if not isinstance(known, str):
        known = _Printer(part_lexemes(loose_variant(grammar))).text()
        grammar.memo["llguidance"] = known
    return known


class _Printer:
    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.names = _names(grammar)
        self.nullable = nullable_names(grammar) & grammar.terminals.keys()
        self.taken = set(self.names.values())
        self.depth = 0
        self.lines: list[str] = []
        self.unordered: dict[AnyOrder, str] = {}

    def text(self) -> str:
        for name, body in self.grammar.rules.items():
            self.lines.append(f"{self.names[name]}: {self.rule(body, _LOOSEST)}")
        for name, terminal in self.grammar.terminals.items():
            written = self.regular(terminal.node, _LOOSEST)
            if name in self.nullable:  # an empty lexeme is no lexeme: where it is used it becomes optional
                written = f"({written}) & /(?s:.+)/"
            self.lines.append(f"{self.names[name]}: {written}")
        return _HEADER + "\n".join(self.lines) + "\n"

    def rule(self, node: Node, place: int) -> str:
        """A node of a rule; `place` says how tightly what is around it binds."""
        return self._nested(node, place, self._rule, "part")

    def regular(self, node: Node, place: int) -> str:
        """A node of a terminal: plain ones as one regex, differences by operators."""
        return self._nested(node, place, self._regular, "PART")

    def _nested(self, node: Node, place: int, write: Callable[[Node, int], str], wanted: str) -> str:
        """A node in place, or under a name of its own where brackets would nest too deeply."""
        outer, self.depth = self.depth, self.depth + 1
        try:
            if self.depth < _DEEPEST or not children(node):
                return write(node, place)
            self.depth = 0
            name = fresh(wanted, self.taken)
            self.taken.add(name)
            self.lines.append(f"{name}: {write(node, _LOOSEST)}")
            return name
        finally:
            self.depth = outer

    def _rule(self, node: Node, place: int) -> str:
        match node:
            case Text(literal):
                return quoted(literal)
            case Chars(ranges):
                return f"/{char_class(ranges)}/"
            case Ref(name):
                return f"{self.names[name]}?" if name in self.nullable else self.names[name]
            case Seq(items):
                return _bracketed(" ".join(self.rule(item, _SEQUENCE) for item in items), place > _LOOSEST)
            case Choice(items):
                return _bracketed(" | ".join(self.rule(item, _SEQUENCE) for item in items), place > _LOOSEST)
            case Repeat(item, least, most):
                inner = self.rule(item, _TIGHTEST)
                if isinstance(item, Ref) and item.name in self.nullable:
                    inner = f"({inner})"
                return _bracketed(inner + times(least, most), place == _TIGHTEST)
            case AnyOrder():
                return self._any_order(node)
            case _:
                raise TypeError(f"not for rules: {type(node).__name__}")

    def _any_order(self, node: AnyOrder) -> str:
        if len(node.slots) > MOST_UNORDERED:
            message = (
                f"at most {MOST_UNORDERED} items can be in any order, not {len(node.slots)}; order the rest"
            )
            raise GrammarError([Problem("too_many_unordered", self.grammar.start, message)])
        if node not in self.unordered:
            name = fresh(f"any_order_{len(self.unordered) + 1}", self.taken)
            self.taken.add(name)
            self.unordered[node] = name
            separated = node.separator != EMPTY
            if separated:
                self._states(node, f"{name}_first", EMPTY, f"{name}_more")
            self._states(node, f"{name}_more", node.separator, f"{name}_more")
            self.lines.append(f"{name}: {name}_{'first' if separated else 'more'}::0x0")
        return self.unordered[node]

    def _states(self, node: AnyOrder, name: str, before: Node, following: str) -> None:
        """One parametric rule: bit n of its state says that item n has been written."""
        size = len(node.slots)
        required = [number for number, slot in enumerate(node.slots) if slot.required]
        enough = [f"bit_count_ge([0:{size}], {node.least})"] if node.least > len(required) else []
        room = [] if node.most is None else [f"bit_count_lt([0:{size}], {node.most})"]
        ways = [f'""{_condition([*_all_set(required), *enough])}']
        for number, slot in enumerate(node.slots):
            parts = [self.rule(one, _SEQUENCE) for one in (before, slot.node) if one != EMPTY]
            allowed = _condition([f"bit_clear({number})", *room])
            ways.append(f"{' '.join(parts)} {following}::set_bit({number}){allowed}")
        self.lines.append(f"{name}::_: " + "\n    | ".join(ways))

    def _regular(self, node: Node, place: int) -> str:
        pattern = _known_regex(node)
        if pattern is not None:
            return f"/{pattern}/" if pattern else '""'
        match node:
            case Ref(name):
                return self.names[name] if name not in self.nullable else f"{self.names[name]}?"
            case Seq(items):
                return _bracketed(" ".join(self.regular(item, _SEQUENCE) for item in items), place > _LOOSEST)
            case Choice(items):
                return _bracketed(
                    " | ".join(self.regular(item, _SEQUENCE) for item in items), place > _LOOSEST
                )
            case Repeat(item, least, most):
                inner = self.regular(item, _TIGHTEST)
                if inner.endswith("?"):
                    inner = f"({inner})"
                return _bracketed(inner + times(least, most), place == _TIGHTEST)
            case Minus(base, removed):
                # "~" also matches bytes that are no text, so it never stands alone.
                return f"({self.regular(base, _TIGHTEST)} & ~({self.regular(removed, _LOOSEST)}))"
            case Both(left, right):
                return f"({self.regular(left, _TIGHTEST)} & {self.regular(right, _TIGHTEST)})"
            case _:
                raise TypeError(f"not regular: {type(node).__name__}")


def _bracketed(inner: str, needed: bool) -> str:
    return f"({inner})" if needed else inner


def _all_set(bits: list[int]) -> list[str]:
    if bits and bits == list(range(len(bits))):
        return [f"is_ones([0:{len(bits)}])"]
    return [f"bit_set({bit})" for bit in bits]


def _condition(parts: list[str]) -> str:
    if not parts:
        return ""
    joined = parts[-1]
    for part in reversed(parts[:-1]):
        joined = f"and({part}, {joined})"
    return f" %if {joined}"


def times(least: int, most: int | None) -> str:
    """A repetition's suffix."""
    match least, most:
        case 0, None:
            return "*"
        case 1, None:
            return "+"
        case 0, 1:
            return "?"
        case _:
            return f"{{{least},{'' if most is None else most}}}"


def _names(grammar: Grammar) -> dict[str, str]:
    """llguidance tells rules and terminals apart by case; the start rule must be called `start`."""
    names: dict[str, str] = {grammar.start: "start"}
    taken = {"start"}
    for name in grammar.rules:
        if name not in names:
            plain = name.lower().lstrip("_") or "r"
            names[name] = _free(plain if plain[0].isalpha() else f"r_{plain}", taken)
            taken.add(names[name])
    for name in grammar.terminals:
        plain = name.upper().lstrip("_") or "T"
        names[name] = _free(plain if plain[0].isalpha() else f"T_{plain}", taken)
        taken.add(names[name])
    return names


def _free(wanted: str, taken: set[str]) -> str:
    name = wanted
    number = 2
    while name in taken:
        name = f"{wanted}_{number}"
        number += 1
    return name


def quoted(literal: str) -> str:
    """A literal between double quotes, everything unusual as an escape."""
    return '"' + "".join(_in_quotes(one) for one in literal) + '"'


_SHORT: Mapping[str, str] = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _in_quotes(one: str) -> str:
    if one in _SHORT:
        return _SHORT[one]
    code = ord(one)
    return one if 0x20 <= code < 0x7F or code > 0x9F else f"\\u{code:04x}"


def regex(node: Node) -> str | None:
    """A node as one regex, or None where it has names or differences."""
    match node:
        case Text(literal):
            return "".join(_escaped(ord(one)) for one in literal)
        case Chars(ranges):
            return char_class(ranges)
        case Seq(items):
            found = [regex(item) for item in items]
            if None in found:
                return None
            return "".join(
                f"(?:{one})" if isinstance(item, Choice) else str(one)
                for item, one in zip(items, found, strict=True)
            )
        case Choice(items):
            return _joined(regex(item) for item in items)
        case Repeat(item, least, most):
            inner = regex(item)
            if inner is None:
                return None
            single = isinstance(item, Chars) or (isinstance(item, Text) and len(item.text) == 1)
            return (inner if single else f"(?:{inner})") + times(least, most)
        case _:
            return None


_known_regex = lru_cache(maxsize=1_024)(regex)  # formats and value types come back in every grammar


def _joined(found: Iterable[str | None]) -> str | None:
    ways = []
    for one in found:
        if one is None:
            return None
        ways.append(one)
    return "|".join(ways)


def char_class(ranges: Ranges) -> str:
    """A set of characters as a class of the regex syntax."""
    if ranges == charset.ALL:
        return "(?s:.)"
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _escaped(ranges[0][0])
    written, inverse = _spans(ranges), _spans(charset.complement(ranges))
    return f"[^{inverse}]" if len(inverse) + 1 < len(written) else f"[{written}]"


def _spans(ranges: Ranges) -> str:
    return "".join(
        _escaped(low) if low == high else f"{_escaped(low)}-{_escaped(high)}" for low, high in ranges
    )


def _escaped(code: int) -> str:
    one = chr(code)
    if one.isascii() and (one.isalnum() or one in " _,:;=<>@!%'\"`"):
        return one
    return f"\\x{{{code:x}}}"
