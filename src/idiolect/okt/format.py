"""Formatting of a script: the one layout, or the reason why there is none.

A file with syntax errors is refused. What comes out is parsed again and compared with what went in, so that
a layout that would change the meaning of a script is never handed out. It reads and writes no files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any

from idiolect.okt.check import KEYWORDS, check_text
from idiolect.okt.diagnostics import Diagnostic, Reporter, Severity, order
from idiolect.okt.layout import NoLayout, lay_out
from idiolect.okt.lexer import Token
from idiolect.okt.parser import NESTED_KEYWORDS, parse
from idiolect.okt.syntax import Script, Unread
from idiolect.source import SourceText, Span


@dataclass(frozen=True, slots=True)
class Formatted:
    """The text in the one layout, or None and the errors that stand in the way."""

    source: SourceText
    text: str | None
    errors: tuple[Diagnostic, ...] = ()

    @property
    def changed(self) -> bool:
        return self.text is not None and self.text != self.source.text


def format_text(text: str, name: str = "<input>") -> Formatted:
    """Lay a script out anew, keeping its meaning, its order and its comments."""
    script, errors = _parsed(text, name)
    if errors:
        return Formatted(script.source, None, errors)
    try:
        made = lay_out(script)
    except NoLayout as refusal:
        return Formatted(script.source, None, (_refusal(refusal.span, str(refusal)),))
    again, faults = _parsed(made, name)
    lost = _first_lost(script.tokens, again.tokens)
    if lost is None and not faults and shape(script) == shape(again):
        return Formatted(script.source, made)
    return Formatted(script.source, None, _why_not(script, lost))


def shape(node: Any) -> Any:
    """What a tree says, without the places where it says it and without needless commas."""
    if isinstance(node, tuple):
        return tuple(shape(part) for part in node if not isinstance(part, Unread))
    kind: Any = type(node)
    names = _telling(kind)
    return node if names is None else (kind, *[shape(getattr(node, name)) for name in names])


# Where something stands, and what serves other readers than the meaning.
_PLACES = {"span", "name_span", "keyword_span", "signal_span", "line", "source", "tokens", "comments"}


@cache
def _telling(kind: Any) -> tuple[str, ...] | None:
    """The fields of a kind of node that carry its meaning; None for what is no node."""
    if not is_dataclass(kind):
        return None
    return tuple(field.name for field in fields(kind) if field.name not in _PLACES)


def _parsed(text: str, name: str) -> tuple[Script, tuple[Diagnostic, ...]]:
    reporter = Reporter()
    script = parse(SourceText(text, name), reporter, KEYWORDS)
    return script, tuple(item for item in order(reporter.found) if item.severity is Severity.ERROR)


def _first_lost(before: list[Token], after: list[Token]) -> Span | None:
    """Where the first token stands that the tree does not hold, such as the rest of an unknown statement."""
    kept = "".join(token.text for token in _telling_tokens(after))
    at = 0
    for token in _telling_tokens(before):
        written = "AND" if token.text.upper() == "AND" else token.text
        if not kept.startswith(written, at):
            return token.span
        at += len(written)
    return None if at == len(kept) else before[-1].span


def _telling_tokens(tokens: list[Token]) -> Iterator[Token]:
    """The tokens without those that the layout may add or leave out."""
    return (token for token in tokens if token.text not in (",", ":", "WITH"))


def _why_not(script: Script, lost: Span | None) -> tuple[Diagnostic, ...]:
    """The errors that explain why a script that parses can't be laid out."""
    source = script.source
    if lost is None:
        keyword = _keyword_inside(script)
        why = (
            f"{keyword.text} opens a block of its own; on a line of its own it would end the block around it"
        )
        return (_refusal(keyword.span, why),)
    line = source.place(lost.start).line
    checked = check_text(source.text, source.name)
    near = [item for item in checked.errors if source.place(item.span.start).line == line]
    return tuple(near) or (_refusal(lost, "this is not understood, so its layout is not known"),)


def _keyword_inside(script: Script) -> Token:
    """The first keyword of a top-level block that stands inside another block; else the first token.

    The parser takes such a keyword for a new block only where it begins a line.
    """
    depth = 0
    for token in script.tokens:
        depth += (token.text in ("{", "[")) - (token.text in ("}", "]"))
        if depth > 0 and token.text in KEYWORDS and token.text not in NESTED_KEYWORDS:
            return token
    return script.tokens[0]


def _refusal(span: Span, why: str) -> Diagnostic:
    return Diagnostic("L017", Severity.ERROR, why, span, "the file is left as it is")
