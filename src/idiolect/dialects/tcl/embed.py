"""Finds the blocks of an embedded language in a Tcl text, and has each judged by its own rules.

Braced blocks (`dsl { ... }`) are ordinary Tcl commands. Heredocs (`dsl <<END` ... `END`) and marked
regions (`@dsl(...)`) are not Tcl: their text is replaced by a word of the same length before Tcl is
parsed, so that offsets stay true. A block whose language nobody described is found, not judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from idiolect.dialects.catalog import Catalog, Dsl, Embedding
from idiolect.dialects.contract import Dialect
from idiolect.dialects.tcl.forms import form_faults
from idiolect.dialects.tcl.walk import Walk
from idiolect.dialects.verdict import Fault, Fix, Level, Severity
from idiolect.source import Span

PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">"}
QUOTED = r'"(?:[^"\\]|\\.)*"'


@dataclass(slots=True)
class Block:
    """One embedded block: where it stands, and where its own text does."""

    dsl: Dsl
    span: Span
    start: int
    end: int
    faults: tuple[Fault, ...] = ()
    not_judged: str | None = None

    @property
    def valid(self) -> bool | None:
        """Whether the block is right; None if it could not be judged."""
        if self.not_judged is not None:
            return None
        return not any(fault.severity is Severity.ERROR for fault in self.faults)


def parse_embedding(text: str) -> Embedding:
    """The embedding that a text such as `dsl { ... }`, `@dsl(...)` or `dsl <<END ... END` shows."""
    shown = re.sub(r"^\s*tcl\s*:\s*", "", text).strip()
    opened, dots, close = shown.partition("...")
    if not dots or not opened.strip() or not close.strip():
        raise ValueError(f'embedding {text!r} is not of the form "open ... close", such as "dsl {{ ... }}"')
    return Embedding(open=opened.strip(), close=close.strip())


def is_braced(embedding: Embedding) -> bool:
    """Whether a block is a Tcl command with one braced word."""
    return embedding.open.rstrip().endswith("{") and embedding.close.strip() == "}"


def command_words(embedding: Embedding) -> list[str]:
    """The words of a braced embedding before its brace."""
    return embedding.open.rstrip()[:-1].split()


def cut_out(text: str, dsls: Iterable[Dsl]) -> tuple[str, list[Block], list[Fault]]:
    """The text with every block that is not Tcl replaced by one word, and those blocks."""
    blocks: list[Block] = []
    faults: list[Fault] = []
    for dsl in dsls:
        if is_braced(dsl.embedding):
            continue
        opened = dsl.embedding.open.rstrip()
        at = 0
        pattern = re.compile(r"^[ \t]*(" + re.escape(opened) + ")", re.MULTILINE)
        while match := pattern.search(text, at):
            close = _closer(text, match.end(), dsl.embedding)
            span = Span(match.start(1), match.end(1))
            if close is None:
                hint = f"close it with {dsl.embedding.close}"
                faults.append(Fault("tcl.dsl.unclosed", f'"{opened}" is never closed', span, hint))
                at = len(text)
                continue
            at = close[1]
            blocks.append(Block(dsl, Span(span.start, at), match.end(1), close[0]))
    for block in blocks:
        start, end = block.span.start, block.span.end
        text = text[:start] + "_" * (end - start) + text[end:]
    return text, blocks, faults


def _closer(text: str, at: int, embedding: Embedding) -> tuple[int, int] | None:
    """Where a block's own text ends, and where the block does."""
    close = embedding.close.strip()
    bracket = embedding.open.rstrip()[-1]
    if PAIRS.get(bracket) != close:
        found = re.compile(rf"^[ \t]*{re.escape(close)}[ \t]*$", re.MULTILINE).search(text, at)
        return (found.start(), found.end()) if found else None
    depth = 1
    for found in re.compile(f"{QUOTED}|[{re.escape(bracket + close)}]", re.DOTALL).finditer(text, at):
        depth += {bracket: 1, close: -1}.get(found.group(), 0)
        if depth == 0:
            return found.start(), found.end()
    return None


def braced_blocks(found: Walk, dsls: Iterable[Dsl]) -> tuple[list[Block], list[Fault]]:
    """The braced blocks among the commands, and those that have no block behind their name."""
    blocks: list[Block] = []
    faults: list[Fault] = []
    wanted = [(command_words(dsl.embedding), dsl) for dsl in dsls if is_braced(dsl.embedding)]
    for site in found.sites:
        for names, dsl in wanted:
            words = site.command.words
            if site.name != names[0] or site.where.kind != "script":
                continue
            if [found.value(word) for word in words[: len(names)]] != names:
                continue
            rest = words[len(names) :]
            span = Span(site.command.start, site.command.end)
            if len(rest) == 1 and rest[0].kind == "braced":
                blocks.append(Block(dsl, span, *rest[0].inner))
            else:
                message = f"{' '.join(names)} takes one block in braces"
                hint = f"write {dsl.embedding.open} ... {dsl.embedding.close}"
                faults.append(Fault("tcl.dsl.form", message, span, hint, Level.VALID))
    return sorted(blocks, key=lambda block: block.start), faults


Judge = Callable[[str, int, int], tuple[tuple[Fault, ...], str | None]]


def judge(block: Block, text: str, catalog: Catalog, dialect: Dialect | None) -> Block:
    """The block with the faults of its own language, in places of the host text."""
    faults: Iterable[Fault]
    not_judged = None
    if dialect is not None:
        faults, not_judged = _by_dialect(block, text, dialect)
    elif block.dsl.statements:
        faults = form_faults(block.dsl, catalog, text, block.start, block.end)
    elif block.dsl.grammar is not None:
        faults, not_judged = _by_grammar(block, text, block.dsl.grammar)
    else:
        faults, not_judged = (), f"nothing says what a {block.dsl.name} block may hold"
    return replace(block, faults=tuple(_hosted(fault) for fault in faults), not_judged=not_judged)


def _hosted(fault: Fault) -> Fault:
    """An inner fault as one of the host: the Tcl around it parses, so its level is at most `valid`."""
    level = Level.VALID if fault.level is Level.PARSE else fault.level
    return replace(fault, code=f"tcl.dsl.{fault.code}", level=level)


def _by_dialect(block: Block, text: str, dialect: Dialect) -> tuple[list[Fault], str | None]:
    start, end = _stripped(text, block)
    try:
        verdict = dialect.verify(text[start:end])
    except Exception as error:  # a user's dialect may do anything; that is not the script's fault
        return [], f"dialect {dialect.name} failed: {error!r}"
    moved = []
    for fault in verdict.faults:
        fix = fault.fix and Fix(_moved(fault.fix.span, start), fault.fix.text)
        moved.append(replace(fault, span=fault.span and _moved(fault.span, start), fix=fix))
    return moved, verdict.not_judged


def _by_grammar(block: Block, text: str, lark_text: str) -> tuple[list[Fault], str | None]:
    from idiolect.grammar.replay import NotCompiled, replay

    grammar, problem = _lowered(lark_text)
    if grammar is None:
        return [], problem
    start, end = _stripped(text, block)
    try:
        played = replay(grammar, text[start:end])  # type: ignore[arg-type]
    except NotCompiled as error:
        return [], f"the block's grammar can't be used: {error}"
    if played.accepted:
        return [], None
    at = end if played.refused_at is None else start + played.refused_at
    found = repr(text[at : at + 20].split("\n")[0]) if at < end else "the end of the block"
    span = Span(at, min(at + 1, max(end, at)))
    message = f"{found} can't stand here"
    return [Fault("parse.unexpected", message, span, f"expected {played.expected}")], None


@lru_cache(maxsize=32)
def _lowered(lark_text: str) -> tuple[object | None, str | None]:
    from idiolect.grammar.from_lark import lower_lark

    try:
        return lower_lark(lark_text), None
    except Exception as error:  # whatever is wrong with the catalog's grammar, the block can't be judged
        return None, f"the block's grammar can't be used: {error}"


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)


def _stripped(text: str, block: Block) -> tuple[int, int]:
    """The block's region without the white space around its text."""
    inner = text[block.start : block.end]
    start = block.start + len(inner) - len(inner.lstrip())
    return start, max(start, block.start + len(inner.rstrip()))
