"""Every question at every place of scripts, whole, cut off and garbled: answers, never an exception."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types as lsp
from scripts import scripts, tokens_of_script, written

from idiolect.okt.diagnostics import Severity
from idiolect.okt.format import format_text
from idiolect.okt.lsp import coloring, edits, links, outline
from idiolect.okt.lsp.analysis import Analysis
from idiolect.okt.lsp.completion import complete
from idiolect.okt.lsp.hover import hover
from idiolect.okt.lsp.slots import What
from idiolect.okt.vocab import CONTROL_WORDS
from idiolect.source import Span

_WILD = 'MODEL {}[]:,"#\\n=>1AND IF on_nan😀\r\n'


def ask_everything(text: str, offsets: list[int]) -> None:
    analysis = Analysis("file:///nowhere/scripts/a.okt", text, 1)
    for somewhere in offsets:
        position = analysis.positions.position(somewhere)
        offset = analysis.positions.offset(position)  # there is none between the halves of a line end
        for item in complete(analysis, position).items:
            assert isinstance(item.text_edit, lsp.TextEdit)
            span = analysis.positions.span(item.text_edit.range)
            assert span.start <= offset <= span.end
            assert item.text_edit.range.start.line == item.text_edit.range.end.line
        hover(analysis, position)
        links.definition(analysis, position)
    outline.symbols(analysis)
    outline.folds(analysis)
    links.document_links(analysis)
    edits.layout_edits(analysis)
    numbers = coloring.semantic_tokens(analysis).data
    assert all(number >= 0 for number in numbers)
    whole = analysis.positions.range(Span(0, len(text)))
    edits.code_actions(analysis, whole)


@settings(max_examples=25, deadline=None)
@given(scripts(blocks=3), st.randoms(use_true_random=False))
def test_scripts_and_their_beginnings_can_be_asked_anything(text: str, rng: Random) -> None:
    cut = text[: rng.randint(0, len(text))]
    for one in (text, cut):
        ask_everything(one, [0, len(one), *(rng.randint(0, len(one)) for _ in range(6))])


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=_WILD, max_size=50))
def test_any_text_can_be_asked_anything_at_every_place(text: str) -> None:
    ask_everything(text, list(range(len(text) + 1)))


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="a😀é\n\r\u2028\x0c", max_size=30), st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_positions_lead_back_to_their_offsets(text: str, encoding: str) -> None:
    analysis = Analysis("untitled:1", text, 1, encoding)
    for offset in range(len(text) + 1):
        if text[offset - 1 : offset + 1] == "\r\n" and offset:
            continue  # between the halves of a line end there is no position
        assert analysis.positions.offset(analysis.positions.position(offset)) == offset


def test_whole_scripts_leave_no_word_without_a_meaning() -> None:
    rng = Random(7)
    for _ in range(20):
        text = written(tokens_of_script(rng, blocks=12, whole=True), rng, comments=False)
        slots = Analysis("untitled:1", text, 1).slots
        for slot, token in zip(slots.taken, slots.tokens, strict=True):
            if token.kind == "word":
                assert slot.what is not What.NOTHING, (token, text)
            if token.text in CONTROL_WORDS and token.text not in ("REPLACE", "STOP", "LOG"):
                assert slot.what in (What.STATEMENT, What.VALUE), (token, slot.what)


@settings(max_examples=25, deadline=None)
@given(scripts(blocks=3), st.randoms(use_true_random=False))
def test_fixing_all_leaves_no_more_errors_of_syntax(text: str, rng: Random) -> None:
    at = rng.randint(0, len(text))
    broken = text[:at] + text[at + 1 :]

    def errors(one: str) -> int:
        return sum(error.severity is Severity.ERROR for error in format_text(one).errors)

    assert errors(edits.fix_all(broken)) <= errors(broken)
