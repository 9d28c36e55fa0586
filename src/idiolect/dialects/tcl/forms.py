"""The small DSLs that a catalog describes by statement forms: one statement a line, slots typed.

A form is written as people show a statement: `rule "<id>" apply_to: <net> spacing: <spacing>`;
`?tolerance: <t>?` may be left out. Lines that start with `#` are comments. What a form can't
say needs a Lark grammar or a dialect of its own.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from idiolect.dialects.catalog import Arg, Catalog, Dsl, Statement
from idiolect.dialects.tcl.typed import misfit
from idiolect.dialects.verdict import Fault, Fix, Level
from idiolect.source import Span

TOKEN = re.compile(r'"[^"\n]*"|\S+')
PIECE = re.compile(r"(?P<open>\?(?=\S))|(?P<word>(?:<[^<>\s]+>|\"[^\"]*\"|[^\s?<\"])+)(?P<close>\?)?")
SLOT = re.compile(r"<([^<>\s]+)>")


@dataclass(frozen=True, slots=True)
class Piece:
    """One token of a form: literal text, or a slot between a prefix and a suffix."""

    before: str
    slot: Arg | None = None
    after: str = ""
    group: int = 0  # tokens of one optional group share a number; 0 is required

    @property
    def shown(self) -> str:
        return self.before if self.slot is None else f"{self.before}<{self.slot.name}>{self.after}"


@lru_cache(maxsize=512)
def pieces_of(statement: Statement) -> tuple[Piece, ...]:
    """The tokens of a statement's form."""
    slots = {slot.name: slot for slot in statement.slots}
    found: list[Piece] = []
    group = groups = 0
    for match in PIECE.finditer(statement.form):
        if match.group("open"):
            groups += 1
            group = groups
            continue
        word = match.group("word")
        slot = SLOT.search(word)
        if slot is None:
            found.append(Piece(word, group=group))
        else:
            before, after = word[: slot.start()], word[slot.end() :]
            found.append(Piece(before, slots[slot.group(1)], after, group))
        if match.group("close"):
            group = 0
    return tuple(found)


def form_faults(dsl: Dsl, catalog: Catalog, text: str, start: int, end: int) -> Iterator[Fault]:
    """Faults of the statements that stand in a region of a text."""
    at = start
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        tokens = list(TOKEN.finditer(text, at, stop))
        if tokens and not tokens[0].group().startswith("#"):
            yield from _line_faults(dsl, catalog, tokens)
        at = stop + 1


def _line_faults(dsl: Dsl, catalog: Catalog, tokens: list[re.Match[str]]) -> Iterator[Fault]:
    first = tokens[0]
    fitting = [item for item in dsl.statements if _fits_first(item, first.group())]
    if not fitting:
        words = [pieces_of(item)[0].before for item in dsl.statements]
        near = get_close_matches(first.group(), words, n=1) if len(first.group()) < 40 else []
        span = Span(first.start(), first.end())
        hint = f'did you mean "{near[0]}"?' if near else f"a statement begins with {', '.join(words)}"
        yield Fault(
            "parse.statement",
            f'unknown statement "{first.group()[:40]}"',
            span,
            hint,
            fix=Fix(span, near[0]) if near else None,
        )
        return
    # Several forms may begin alike; the one that comes nearest is meant.
    yield from min((list(_match(item, catalog, tokens)) for item in fitting), key=len)


def _fits_first(statement: Statement, word: str) -> bool:
    first = pieces_of(statement)[0]
    return first.before == word if first.slot is None else word.startswith(first.before)


def _match(statement: Statement, catalog: Catalog, tokens: list[re.Match[str]]) -> Iterator[Fault]:
    at = 0
    begun = skipped = 0  # the optional group that is being read, and the one that is left out
    last = tokens[-1]
    usage = f"write: {statement.form}"
    for piece in pieces_of(statement):
        if piece.group and piece.group == skipped:
            continue
        optional = piece.group and piece.group != begun
        if at >= len(tokens):
            if optional:
                skipped = piece.group
                continue
            span = Span(last.start(), last.end())
            yield Fault("parse.missing", f'missing {piece.shown} in "{statement.name}"', span, usage)
            return
        token = tokens[at]
        word, span = token.group(), Span(token.start(), token.end())
        if piece.slot is None:
            if word != piece.before:
                if optional:
                    skipped = piece.group
                    continue
                fix = Fix(span, piece.before) if _near(word, piece.before) else None
                yield Fault(
                    "parse.keyword", f'expected "{piece.before}", found "{word[:40]}"', span, usage, fix=fix
                )
                return
        elif not _framed(word, piece):
            yield Fault("parse.token", f'expected {piece.shown}, found "{word[:40]}"', span, usage)
            return
        else:
            yield from _slot_faults(piece, catalog, word, span)
        at, begun = at + 1, piece.group
    if at < len(tokens):
        span = Span(tokens[at].start(), last.end())
        yield Fault("parse.extra", f'extra text after "{statement.name}"', span, usage, fix=Fix(span, ""))


def _near(word: str, wanted: str) -> bool:
    return len(word) < 40 and bool(get_close_matches(word, [wanted], n=1))


def _framed(word: str, piece: Piece) -> bool:
    """Whether a token has the quotes or marks that its slot stands between."""
    inner = len(piece.before) + len(piece.after)
    if len(word) <= inner or not (word.startswith(piece.before) and word.endswith(piece.after)):
        return False
    return '"' not in word[len(piece.before) : len(word) - len(piece.after)]


def _slot_faults(piece: Piece, catalog: Catalog, word: str, span: Span) -> Iterator[Fault]:
    assert piece.slot is not None
    start = span.start + len(piece.before)
    value = word[len(piece.before) : len(word) - len(piece.after)]
    wrong = misfit(catalog, piece.slot, value)
    if wrong is not None:
        inner = Span(start, start + len(value))
        fix = Fix(inner, wrong.instead) if wrong.instead else None
        message = f"<{piece.slot.name}>: {wrong.message}"
        yield Fault(f"value.{wrong.code}", message, inner, wrong.hint, Level.VALID, fix=fix)


def canonical_lines(text: str) -> list[str]:
    """The statements of a block, one space between tokens, blank lines left out, comments as they are."""
    lines = []
    for line in text.splitlines():
        tokens = TOKEN.findall(line)
        if tokens:
            lines.append(line.strip() if tokens[0].startswith("#") else " ".join(tokens))
    return lines


def sample_statement(statement: Statement, rng: random.Random, value: Callable[[Arg], str]) -> str:
    """A random statement of a form, its slots filled by `value`."""
    words = []
    left_out: dict[int, bool] = {0: False}
    for piece in pieces_of(statement):
        if left_out.setdefault(piece.group, rng.random() < 0.5):
            continue
        words.append(piece.before + (value(piece.slot) + piece.after if piece.slot else ""))
    return " ".join(words)
