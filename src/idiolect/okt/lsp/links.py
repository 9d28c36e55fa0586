"""Where names lead: an inherited model to its block, a path to its file."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types as lsp
from pygls.uris import from_fs_path

from idiolect.okt.fields import Kind
from idiolect.okt.lexer import Token, TokenKind, decode_string
from idiolect.okt.lsp.analysis import Analysis
from idiolect.okt.lsp.slots import Slot, What
from idiolect.okt.syntax import BlockNode
from idiolect.plan.paths import locate
from idiolect.source import Span

_LEADING = {Kind.PATH, Kind.MODEL, Kind.HOOK}
MOST_LINKS = 500  # each one asks the file system


def definition(analysis: Analysis, position: lsp.Position) -> list[lsp.Location]:
    """Where the value at a position is defined."""
    if analysis.too_large:
        return []
    index = analysis.slots.under(analysis.positions.offset(position))
    if index is None:
        return []
    slot, token = analysis.slots.taken[index], analysis.slots.tokens[index]
    if slot.what is not What.VALUE or slot.field is None or token.kind is not TokenKind.STRING:
        return []
    text = decode_string(token.text[1:-1])[0]
    if slot.field.name == "inherit":
        return [
            lsp.Location(analysis.uri, analysis.positions.range(span)) for span in _parents(analysis, text)
        ]
    target = _file(analysis, slot, token)
    start = lsp.Range(lsp.Position(0, 0), lsp.Position(0, 0))
    return [lsp.Location(target, start)] if target else []


def _parents(analysis: Analysis, label: str) -> list[Span]:
    """The labels of the models that bear this name; the last one is what counts."""
    models = [
        item.label.span
        for item in analysis.checked.script.items
        if isinstance(item, BlockNode) and item.label is not None and item.label.text == label
    ]
    return models[-1:]


def document_links(analysis: Analysis) -> list[lsp.DocumentLink]:
    """All paths of existing files."""
    return [] if analysis.too_large else list(_links(analysis))


def _links(analysis: Analysis) -> Iterator[lsp.DocumentLink]:
    asked = 0
    for slot, token in zip(analysis.slots.taken, analysis.slots.tokens, strict=True):
        if asked >= MOST_LINKS:
            return
        if slot.what is not What.VALUE or token.kind is not TokenKind.STRING:
            continue
        asked += 1
        target = _file(analysis, slot, token)
        if target:
            inside = Span(token.span.start + 1, token.span.end - 1)
            yield lsp.DocumentLink(analysis.positions.range(inside), target)


def _file(analysis: Analysis, slot: Slot, token: Token) -> str | None:
    """The address of the file that a path names, if there is one."""
    field = slot.field
    if analysis.path is None or field is None or token.text == '""':
        return None
    names_dialect = (
        slot.frame.block is not None and slot.frame.block.path == "DIALECT" and field.name == "name"
    )
    if field.kind not in _LEADING and field.item not in _LEADING and not names_dialect:
        return None
    written = decode_string(token.text[1:-1])[0]
    try:
        located = locate(written, analysis.path)
    except (OSError, ValueError):
        return None
    if not located.exists:
        return None
    path = located.path / "dialect.toml" if names_dialect else located.path
    address: str | None = from_fs_path(str(path.absolute()))
    return address
