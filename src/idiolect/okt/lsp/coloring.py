"""Semantic tokens: what each word is, which a grammar of patterns can't tell."""

from __future__ import annotations

from lsprotocol import types as lsp

from idiolect.okt.lexer import TokenKind
from idiolect.okt.lsp.analysis import Analysis
from idiolect.okt.lsp.slots import Slot, What

# Strings, numbers, comments and brackets are left to the editor's own grammar.
_TYPES = {
    What.BLOCK: "namespace",
    What.NAME: "property",
    What.FLAG: "enumMember",
    What.METRIC: "enumMember",
    What.STATEMENT: "keyword",
    What.JOINER: "keyword",
    What.BY: "keyword",
    What.WITH: "keyword",
    What.UNIT: "keyword",
    What.SAVED: "enumMember",
    What.SIGNAL: "variable",
    What.LOGGED: "variable",
    What.PARAMETER: "variable",
}
NAMES = sorted(set(_TYPES.values()))
LEGEND = lsp.SemanticTokensLegend(token_types=NAMES, token_modifiers=["deprecated"])
_NUMBERS = {what: NAMES.index(name) for what, name in _TYPES.items()}


def semantic_tokens(analysis: Analysis) -> lsp.SemanticTokens:
    """Words by what they are, each relative to the one before, as the protocol wants it."""
    data: list[int] = []
    line = column = 0
    if analysis.too_large:
        return lsp.SemanticTokens(data=data)
    for slot, token in zip(analysis.slots.taken, analysis.slots.tokens, strict=True):
        if token.kind is not TokenKind.WORD or slot.what not in _NUMBERS:
            continue
        place = analysis.positions.position(token.span.start)
        if place.line != line:
            line, column, skipped = place.line, 0, place.line - line
        else:
            skipped = 0
        length = analysis.positions.units(token.text)
        data += [skipped, place.character - column, length, _NUMBERS[slot.what], int(_is_old(slot))]
        column = place.character
    return lsp.SemanticTokens(data=data)


def _is_old(slot: Slot) -> bool:
    return slot.what is What.NAME and slot.field is not None and slot.field.status == "legacy"
