"""Says in words what a text does, by the templates of `[describe]` in dialect.toml.

A template stands at a rule (or an alias); `{other_rule}` and `{TERMINAL}` in it are the parts of
that rule, each in its own words where it has a template and as written where it has none.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from idiolect.dialects.user.outcome import Lexeme, Outcome, RuleSpan

_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A finished part of the description and the part of the text that it stands for."""

    rule: str
    start: int
    end: int
    words: str


def slots(template: str) -> list[str]:
    """The rules and terminals that a template names."""
    return _SLOT.findall(template)


def wanted_rules(templates: Mapping[str, str]) -> frozenset[str]:
    """The rules whose spans are needed to fill the templates."""
    named = {slot for template in templates.values() for slot in slots(template)}
    return frozenset(templates) | {name for name in named if not name.isupper()}


def describe(text: str, outcome: Outcome, templates: Mapping[str, str]) -> str:
    """The text in words; parts that no template covers are left out."""
    finished: list[_Piece] = []
    for span in outcome.spans:  # innermost first, so parts are finished before what holds them
        inside: list[_Piece] = []
        while finished and finished[-1].start >= span.span.start and finished[-1].end <= span.span.end:
            inside.append(finished.pop())
        finished.append(_piece(span, inside[::-1], text, outcome.lexemes, templates))
    told = [piece.words for piece in finished if piece.words]
    return " ".join(words[0].upper() + words[1:] + ("" if words.endswith(".") else ".") for words in told)


def _piece(
    span: RuleSpan, inside: list[_Piece], text: str, lexemes: Sequence[Lexeme], templates: Mapping[str, str]
) -> _Piece:
    start, end = span.span.start, span.span.end
    template = templates.get(span.rule)
    if template is None:
        own = [piece for piece in inside if piece.rule in templates]
        words = ", ".join(piece.words for piece in own) if own else text[start:end]
        return _Piece(span.rule, start, end, words)

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name.isupper():
            return ", ".join(_tokens(name, start, end, lexemes, inside))
        return ", ".join(piece.words for piece in inside if piece.rule == name)

    return _Piece(span.rule, start, end, _SLOT.sub(fill, template))


def _tokens(name: str, start: int, end: int, lexemes: Sequence[Lexeme], inside: list[_Piece]) -> list[str]:
    """The tokens of a terminal in a span that are in none of its parts."""
    at = bisect_left(lexemes, start, key=lambda lexeme: lexeme.span.start)
    found = []
    parts = iter(inside)
    part = next(parts, None)
    while at < len(lexemes) and lexemes[at].span.end <= end:
        place = lexemes[at].span.start
        while part is not None and part.end <= place:
            part = next(parts, None)
        if lexemes[at].terminal == name and not (part is not None and part.start <= place):
            found.append(lexemes[at].text)
        at += 1
    return found
