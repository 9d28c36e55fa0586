"""Prints a grammar as GBNF, llama.cpp's dialect; `to_xgrammar` prints its near twin.

Terminals become rules (differences by way of their automaton), items in any order one rule a set of
them (up to six; more keep the written order), left recursion goes, long repetitions are split.
"""

from __future__ import annotations

from dataclasses import dataclass

from idiolect.grammar import charset
from idiolect.grammar.charset import Ranges
from idiolect.grammar.form import (
    Chars,
    Choice,
    Grammar,
    GrammarError,
    Node,
    Problem,
    Ref,
    Repeat,
    Seq,
    Text,
)
from idiolect.grammar.left_recursion import drop_left_recursion
from idiolect.grammar.nonempty import loop_without_empty
from idiolect.grammar.rewrite import expand_any_order, fresh, map_nodes, spell_terminals, with_rules
from idiolect.grammar.spacing import loose_variant

# llama.cpp refuses a repetition that counts beyond this.
MOST_REPEATS = 2_000
# Elements after llama.cpp has unrolled every repetition; it keeps them all in memory for each request.
MOST_ELEMENTS = 500_000


@dataclass(frozen=True, slots=True)
class Dialect:
    """What tells the two dialects apart."""

    most_repeats: int | None
    left_recursion: bool


GBNF = Dialect(most_repeats=MOST_REPEATS, left_recursion=False)


def print_gbnf(grammar: Grammar) -> str:
    """The grammar as text for llama.cpp; the start rule is called `root`."""
    return print_bnf(grammar, GBNF)


def print_bnf(grammar: Grammar, dialect: Dialect) -> str:
    """The grammar in a dialect of plain BNF with repetitions."""
    made = spell_terminals(expand_any_order(loose_variant(grammar)))
    if not dialect.left_recursion:
        made = drop_left_recursion(loop_without_empty(made))
    if dialect.most_repeats is not None:
        made = _split_repeats(made, dialect.most_repeats)
        _check_size(made)
    names = _names(made)
    lines = [f"{names[name]} ::= {_written(body, names, False)}" for name, body in made.rules.items()]
    return "\n".join(lines) + "\n"


def _names(grammar: Grammar) -> dict[str, str]:
    names = {grammar.start: "root"}
    taken = {"root"}
    for name in grammar.rules:
        if name not in names:
            plain = name.replace("_", "-").strip("-") or "rule"
            wanted = plain if plain[0].isalpha() else f"r-{plain}"
            names[name] = fresh(wanted, taken).replace("_", "-")
            while names[name] in taken:
                names[name] += "-x"
            taken.add(names[name])
    return names


def _written(node: Node, names: dict[str, str], tight: bool) -> str:
    match node:
        case Text(literal):
            return quoted(literal)
        case Chars(ranges):
            return char_class(ranges)
        case Ref(name):
            return names[name]
        case Seq(items):
            inner = " ".join(_written(item, names, isinstance(item, Choice)) for item in items)
            return f"({inner})" if tight else inner
        case Choice(items):
            inner = " | ".join(_written(item, names, isinstance(item, Choice)) for item in items)
            return f"({inner})" if tight else inner
        case Repeat(item, least, most):
            suffix = _times(least, most)
            inner = f"{_written(item, names, True)}{suffix}"
            return f"({inner})" if tight else inner
        case _:
            raise TypeError(f"not plain: {type(node).__name__}")


def _times(least: int, most: int | None) -> str:
    simple: dict[tuple[int, int | None], str] = {(0, None): "*", (1, None): "+", (0, 1): "?"}
    if (least, most) in simple:
        return simple[least, most]
    return f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"


def quoted(literal: str) -> str:
    """A literal between double quotes."""
    return '"' + "".join(_escaped(ord(one), " !#$%&'()*+,-./:;<=>?@[]^_`{|}~") for one in literal) + '"'


def char_class(ranges: Ranges) -> str:
    """A set of characters in brackets."""
    written, inverse = _spans(ranges), _spans(charset.complement(ranges))
    return f"[^{inverse}]" if ranges == charset.ALL or len(inverse) < len(written) else f"[{written}]"


def _spans(ranges: Ranges) -> str:
    if ranges in (charset.ALL, charset.EMPTY):
        return ""
    return "".join(
        _escaped(low, "") if low == high else f"{_escaped(low, '')}-{_escaped(high, '')}"
        for low, high in ranges
    )


def _escaped(code: int, plain: str) -> str:
    one = chr(code)
    if one in plain or (one.isascii() and one.isalnum()):
        return one
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _split_repeats(grammar: Grammar, most_repeats: int) -> Grammar:
    """Repetitions beyond the limit as repetitions of repetitions."""

    def change(node: Node) -> Node:
        if not isinstance(node, Repeat) or max(node.least, node.most or 0) <= most_repeats:
            return node
        rows: list[Node] = [Repeat(node.item, most_repeats, most_repeats)] * (node.least // most_repeats)
        if node.least % most_repeats:
            rows.append(Repeat(node.item, node.least % most_repeats, node.least % most_repeats))
        if node.most is None:
            rows.append(Repeat(node.item, 0, None))
        else:
            spare = node.most - node.least
            rows += [Repeat(node.item, 0, most_repeats)] * (spare // most_repeats)
            if spare % most_repeats:
                rows.append(Repeat(node.item, 0, spare % most_repeats))
        return Seq(tuple(rows))

    return with_rules(grammar, {name: map_nodes(body, change) for name, body in grammar.rules.items()})


def _check_size(grammar: Grammar) -> None:
    total = 0
    for name, body in grammar.rules.items():
        size = _elements(body)
        total += size
        if total > MOST_ELEMENTS:
            message = (
                f'"{name}" takes the grammar past {MOST_ELEMENTS:,} elements, repetitions written out; '
                "lower its counts"
            )
            raise GrammarError([Problem("too_large", name, message)])


def _elements(node: Node) -> int:
    """Elements that llama.cpp makes of a node: repetitions are copies to it."""
    match node:
        case Text(literal):
            return len(literal)
        case Chars(ranges):
            return 2 * len(ranges)
        case Seq(items) | Choice(items):
            return sum(map(_elements, items)) + len(items)
        case Repeat(item, least, most):
            return _elements(item) * max(least, most or 0, 1) + 2
        case _:
            return 1
