"""What the word under the cursor means, from the definitions."""

from __future__ import annotations

from lsprotocol import types as lsp

from idiolect.okt.fields import Kind
from idiolect.okt.language import block_named
from idiolect.okt.lsp import cards
from idiolect.okt.lsp.analysis import Analysis
from idiolect.okt.lsp.slots import Mode, Slot, What
from idiolect.okt.vocab import CONTROL_PARAMETERS, INFERENCE_SIGNALS, TRAINING_SIGNALS


def hover(analysis: Analysis, position: lsp.Position) -> lsp.Hover | None:
    """The card of what stands at a position."""
    offset = analysis.positions.offset(position)
    if analysis.too_large or analysis.in_comment(offset):
        return None
    index = analysis.slots.under(offset)
    if index is None:
        return None
    token = analysis.slots.tokens[index]
    card = _card(analysis.slots.taken[index], token.text)
    if card is None:
        return None
    return lsp.Hover(
        lsp.MarkupContent(lsp.MarkupKind.Markdown, card), range=analysis.positions.range(token.span)
    )


def _card(slot: Slot, text: str) -> str | None:
    match slot.what:
        case What.BLOCK:
            return _block(text)
        case What.NAME | What.FLAG | What.VALUE if slot.field is not None:
            card = cards.field_card(slot.field, slot.frame.block if slot.frame.mode is Mode.FIELDS else None)
            named = slot.what is What.VALUE and Kind.METRIC in (slot.field.kind, slot.field.item)
            metric = cards.metric_card(text.strip('"')) if named else None
            return f"{metric}\n\n---\n\n{card}" if metric else card
        case What.STATEMENT:
            return cards.statement_card(text)
        case What.METRIC:
            return cards.metric_card(text)
        case What.SIGNAL | What.LOGGED:
            return cards.metric_card(text) or _signal(text)
        case What.PARAMETER if text in CONTROL_PARAMETERS:
            return f"**{text}**\n\nParameter: `{CONTROL_PARAMETERS[text]}`."
    return None


def _block(keyword: str) -> str | None:
    block = block_named(keyword)
    if block is None:
        return None
    return cards.field_card(block.fields[0]) if block.form == "scalar" else cards.block_card(block)


def _signal(name: str) -> str | None:
    if name in TRAINING_SIGNALS:
        return f"**{name}**\n\nSignal of training."
    return f"**{name}**\n\nSignal of an answer." if name in INFERENCE_SIGNALS else None
