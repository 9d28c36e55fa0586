"""Lowers the dialect's grammar for decoding: canonical white space, keywords kept out of names.

The decoder may choose between a space and a new line where the layout does, and writes no comments.
What the grammar can't say is listed as post-checks, which `verify` makes.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from idiolect.dialects.gates.reader import grammar_text
from idiolect.dialects.gates.syntax import KEYWORDS
from idiolect.grammar.form import (
    Grammar,
    Minus,
    Node,
    PostCheck,
    Ref,
    Terminal,
    choice,
    many,
    seq,
    text,
)
from idiolect.grammar.from_lark import lower_lark
from idiolect.grammar.naming import Naming
from idiolect.grammar.spacing import Spacing, Style, styled_variant

NOTHING, SPACE = text(""), text(" ")
LINE = seq("\n", many("    "))  # a new line and some indentation

_ANY_GAP = choice(NOTHING, SPACE, LINE)

_NO_SPACE_BEFORE = {"SEMICOLON", "COMMA", "RSQB", "LSQB", "DOT"}
_NO_SPACE_AFTER = {"LSQB", "DOT", "INVERT"}
_SPACE_AROUND = {"EQUAL", "AT_MOST", "JOIN", "LESS", "QMARK"}

_POST_CHECKS = (
    PostCheck("names", "start", "every name is declared once, and instances name modules of the text"),
    PostCheck("widths", "start", "words that meet have one width, and numbers fit theirs"),
    PostCheck("drives", "start", "every bit is driven exactly once, registers with <= and wires with ="),
    PostCheck("loops", "start", "no signal feeds itself without a register between"),
    PostCheck("stages", "start", "a stage reads only from its own moment of the pipeline"),
)


@cache
def constraint() -> Grammar:
    """The grammar of canonical texts."""
    from idiolect.dialects.gates.naming import names_after, names_apart

    lowered = lower_lark(grammar_text())
    lowered = replace(lowered, terminals=_reserved(lowered))
    apart, kinds = names_apart(lowered)
    naming = Naming(_woven(apart), kinds, names_after)
    return replace(_woven(lowered), naming=naming, memo={})


def _woven(lowered: Grammar) -> Grammar:
    """The grammar with its canonical white space."""
    spacing = Spacing(lowered)

    def between(before: Node, after: Node, joins: bool) -> Node:
        return _gap(_name(spacing.base(before)), _name(spacing.base(after)), joins)

    woven = styled_variant(lowered, Style(between, usual=_ANY_GAP))
    return replace(woven, post_checks=(*woven.post_checks, *_POST_CHECKS))


def _reserved(lowered: Grammar) -> dict[str, Terminal]:
    """All terminals, with no keyword among the names."""
    keywords = choice(*(text(word) for word in KEYWORDS))
    return {
        name: Terminal(Minus(terminal.node, keywords), "a name") if name.startswith("NAME") else terminal
        for name, terminal in lowered.terminals.items()
    }


def _name(token: Node) -> str:
    return token.name if isinstance(token, Ref) else ""


def _gap(before: str, after: str, joins: bool) -> Node:
    """What may stand between two tokens in a canonical text."""
    if before in ("SEMICOLON", "COMMA") and after != "RBRACE":
        return choice(SPACE, LINE)
    if after in _NO_SPACE_BEFORE or before in _NO_SPACE_AFTER:
        return NOTHING
    if joins or before in _SPACE_AROUND or after in _SPACE_AROUND:
        return SPACE
    return _ANY_GAP
