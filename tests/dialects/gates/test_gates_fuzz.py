"""Random texts: whatever is handed in, a verdict comes out, and texts that verify can be written and run."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from idiolect.dialects.contract import Context
from idiolect.dialects.gates.dialect import Gates
from idiolect.dialects.gates.sample import sample
from idiolect.dialects.gates.simulator import compiled
from idiolect.dialects.gates.syntax import KEYWORDS

GATES = Gates()
WORDS = [
    *KEYWORDS, "A", "B", "Y", "M", "S1", "U1", "CLK", *"()[]{};,.?:=~-*+&|^<>'", "<=", "<<", ">>>", "==",
    "~&", "0", "1", "8", "300", "99999999999999999999999", "4'b1010", "1'b1", "8'hFF", "0'd0",
    "99999999999'd1", "//", "/*", "*/", "\n", "\u00e9",
]  # fmt: skip
NUMBERS = ["0", "1", "2", "7", "255", "256", "257", "9" * 30, "9" * 500]


def _judge(text: str) -> None:
    verdict = GATES.verify(text, Context(tests=[{"input": {"A": 1}, "expected": {"Y": 1}}]))
    assert verdict.ok or verdict.faults or verdict.not_judged
    for fault in verdict.faults:
        assert fault.span is None or 0 <= fault.span.start <= fault.span.end <= len(text)
    if verdict.parsed:
        written = GATES.canonical(text)
        assert GATES.canonical(written) == written
        assert GATES.describe(text)
    if verdict.valid and verdict.judged:
        compiled(text)


@given(st.lists(st.sampled_from(WORDS), max_size=60))
def test_word_soup_is_judged(words):
    _judge(" ".join(words))


@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_word_soup_inside_a_module_is_judged(words):
    _judge(f"MODULE M(CLOCK CLK, INPUT A, INPUT B[8], OUTPUT Y) {{ {' '.join(words)} }}")


@given(st.integers(0, 300), st.data())
def test_samples_with_words_changed_are_judged(seed, data):
    words = sample(random.Random(seed)).text.split(" ")
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(words) - 1))
        words[place] = data.draw(st.sampled_from([*WORDS, *words]))
    _judge(" ".join(words))


@given(st.integers(0, 300), st.data())
def test_samples_with_other_numbers_are_judged(seed, data):
    """Widths, indices and counts that no circuit can have."""
    text = sample(random.Random(seed)).text
    places = [place for place, character in enumerate(text) if character.isdigit()]
    if places:
        place = data.draw(st.sampled_from(places))
        text = text[:place] + data.draw(st.sampled_from(NUMBERS)) + text[place + 1 :]
    _judge(text)


@given(st.text(max_size=80))
def test_any_text_is_judged(text):
    _judge(text)


def test_an_impossible_width_inside_an_instance_is_a_fault():
    verdict = GATES.verify(
        "MODULE A(OUTPUT Y[9999999999999]) { Y = 0; } MODULE B(OUTPUT Z) { A U1(); Z = U1.Y[0]; }"
    )
    assert verdict.faults[0].code == "gates.width.range"
