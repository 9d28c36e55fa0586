"""The outline of a script and what can be folded, from its tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol import types as lsp

from idiolect.okt.lexer import Comment
from idiolect.okt.lsp.analysis import Analysis
from idiolect.okt.lsp.positions import Positions
from idiolect.okt.syntax import (
    BlockNode,
    Body,
    Entry,
    Field,
    Item,
    List,
    Number,
    Scalar,
    StatementNode,
    String,
    Value,
    Word,
)
from idiolect.source import Span

_SHOWN = 60  # characters of a value beside its name


def symbols(analysis: Analysis) -> list[lsp.DocumentSymbol]:
    """Blocks, nested blocks, statements with a body, and fields with their values."""
    return list(_symbols(analysis.checked.script.items, analysis.positions))


def _symbols(items: Iterable[Item | Entry], positions: Positions) -> Iterator[lsp.DocumentSymbol]:
    for item in items:
        if isinstance(item, BlockNode):
            detail = item.label.text if item.label else None
            kind = lsp.SymbolKind.Module if item.keyword.isupper() else lsp.SymbolKind.Struct
            yield _symbol(positions, item.keyword, kind, item.span, item.keyword_span, detail, item.body)
        elif isinstance(item, Scalar):
            detail = _shown(item.value)
            yield _symbol(
                positions, item.keyword, lsp.SymbolKind.Constant, item.span, item.keyword_span, detail
            )
        elif isinstance(item, Field):
            body = item.value if isinstance(item.value, Body) else None
            detail = _shown(item.value)
            yield _symbol(
                positions, item.name, lsp.SymbolKind.Property, item.span, item.name_span, detail, body
            )
        elif isinstance(item, StatementNode) and item.body is not None:
            yield _symbol(
                positions, item.keyword, lsp.SymbolKind.Event, item.span, item.keyword_span, None, item.body
            )


def _symbol(
    positions: Positions,
    name: str,
    kind: lsp.SymbolKind,
    span: Span,
    name_span: Span,
    detail: str | None,
    body: Body | None = None,
) -> lsp.DocumentSymbol:
    children = list(_symbols(body.entries, positions)) if body is not None else []
    whole, chosen = positions.range(span), positions.range(name_span)
    return lsp.DocumentSymbol(name or "?", kind, whole, chosen, detail=detail, children=children or None)


def _shown(value: Value) -> str | None:
    """A value in short."""
    if isinstance(value, String):
        return value.text[:_SHOWN]
    if isinstance(value, Number):
        return value.raw[:_SHOWN]
    if isinstance(value, Word):
        return value.text[:_SHOWN]
    if isinstance(value, List):
        shown = ", ".join(_shown(item) or "..." for item in value.items[:8])
        return f"[{shown}]"[:_SHOWN]
    return None


def folds(analysis: Analysis) -> list[lsp.FoldingRange]:
    """Braces and brackets over several lines, and comments on lines that follow one another."""
    lines = [(first, last, None) for first, last in _brackets(analysis)]
    comments = [
        (first, last, lsp.FoldingRangeKind.Comment)
        for first, last in _comment_groups(analysis.checked.script.comments)
    ]
    return [lsp.FoldingRange(first - 1, last - 1, kind=kind) for first, last, kind in [*lines, *comments]]


def _brackets(analysis: Analysis) -> Iterator[tuple[int, int]]:
    opened: list[int] = []
    for token in analysis.checked.script.tokens:
        if token.text in ("{", "["):
            opened.append(token.line)
        elif token.text in ("}", "]") and opened:
            first = opened.pop()
            # The closing bracket stays in sight.
            if token.line - 1 > first:
                yield first, token.line - 1


def _comment_groups(comments: list[Comment]) -> Iterator[tuple[int, int]]:
    first = last = 0
    for comment in (*comments, None):
        if comment is not None and comment.own_line and comment.line == last + 1 and first:
            last = comment.line
            continue
        if last > first:
            yield first, last
        first = last = comment.line if comment is not None and comment.own_line else 0
