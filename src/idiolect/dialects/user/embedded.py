"""Blocks of another dialect inside a text: found by their terminal, judged by that dialect.

A block is one token of the host, `open`, the inner text, `close`. Faults come back with their spans in
the host's text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from idiolect.dialects.contract import Context, Dialect
from idiolect.dialects.user.outcome import Lexeme
from idiolect.dialects.user.settings import Settings
from idiolect.dialects.verdict import Fault, Fix, Level
from idiolect.source import Span


@dataclass(slots=True)
class Blocks:
    """What the inner dialect says of all blocks of a text."""

    faults: list[Fault] = field(default_factory=list)
    found: int = 0
    valid: int = 0
    not_judged: str | None = None

    @property
    def details(self) -> dict[str, Any]:
        return {"dsl_blocks": {"found": self.found, "valid": self.valid}} if self.found else {}


def judge(lexemes: Sequence[Lexeme], inner: Dialect | None, settings: Settings, context: Context) -> Blocks:
    """The verdicts of all blocks, as faults of the host's text."""
    blocks = Blocks()
    embed = settings.embed
    if inner is None or embed is None:
        return blocks
    inner_context = Context(schema=context.schema, folder=context.folder)
    for lexeme in lexemes:
        if lexeme.terminal != embed.terminal:
            continue
        blocks.found += 1
        text, start = inner_text(lexeme, embed.open, embed.close)
        verdict = inner.verify(text, inner_context)
        blocks.valid += verdict.ok
        blocks.not_judged = blocks.not_judged or verdict.not_judged
        blocks.faults += [_moved(fault, start, lexeme.span, settings.name) for fault in verdict.faults]
    return blocks


def canonical_blocks(lexemes: Sequence[Lexeme], inner: Dialect | None, settings: Settings) -> list[Lexeme]:
    """The tokens, with the inside of every block in the inner dialect's canonical form on its own lines."""
    embed = settings.embed
    if inner is None or embed is None:
        return list(lexemes)
    return [
        replace(lexeme, text=_canonical_block(lexeme, inner, embed.open, embed.close))
        if lexeme.terminal == embed.terminal
        else lexeme
        for lexeme in lexemes
    ]


def stands_on_lines(inner: Dialect) -> bool:
    """Whether a block is written on lines of its own: not where line ends mean something inside it."""
    return getattr(inner, "line_ends_are_space", True)


def _canonical_block(lexeme: Lexeme, inner: Dialect, opened: str, closed: str) -> str:
    try:
        text = inner.canonical(inner_text(lexeme, opened, closed)[0])
    except ValueError:  # a block that does not parse stays as it is
        return lexeme.text
    if stands_on_lines(inner):
        return f"{opened}\n{text}" + ("" if text.endswith("\n") else "\n") + closed
    return f"{opened}{text}{closed}"


def inner_text(lexeme: Lexeme, opened: str, closed: str) -> tuple[str, int]:
    """The text between the delimiters, and where it starts in the host's text."""
    text, start = lexeme.text, lexeme.span.start
    if text.startswith(opened):
        text, start = text[len(opened) :], start + len(opened)
    return text.removesuffix(closed), start


def _moved(fault: Fault, by: int, block: Span, name: str) -> Fault:
    """An inner fault as the host tells it. A broken block leaves the host's own form whole."""
    span = Span(fault.span.start + by, fault.span.end + by) if fault.span else block
    fix = fault.fix
    if fix is not None:
        fix = Fix(Span(fix.span.start + by, fix.span.end + by), fix.text)
    level = Level.VALID if fault.level is Level.PARSE else fault.level
    return replace(fault, code=f"{name}.dsl.{fault.code}", span=span, fix=fix, level=level)
