"""The lowered grammar against the reader: what decoding can write is what parses."""

from __future__ import annotations

import random

import pytest
from gates_expressions import expressions
from hypothesis import given, settings

from idiolect.dialects.gates.dialect import Gates
from idiolect.dialects.gates.mutate import BREAKS, mutate
from idiolect.dialects.gates.sample import families, sample
from idiolect.dialects.gates.syntax import KEYWORDS
from idiolect.grammar.replay import replay

GATES = Gates()
GRAMMAR = GATES.constraint()
SAMPLES = [
    sample(random.Random(f"constraint {name}"), level, name).text
    for level, names in families().items()
    for name in names
]


def _taken(text: str) -> bool:
    outcome = replay(GRAMMAR, text)
    return outcome.accepted and outcome.complete


def test_every_canonical_sample_can_be_written():
    assert len(SAMPLES) >= 80
    for text in SAMPLES:
        assert _taken(text), text


def test_no_mutant_with_broken_syntax_can_be_written():
    refused = 0
    for seed, text in enumerate(SAMPLES):
        for kind in random.Random(seed).sample(sorted(BREAKS), 8):
            mutant = mutate(text, random.Random(seed), kind)
            if mutant is not None and mutant.syntax:
                assert not _taken(mutant.text), mutant
                refused += 1
    assert refused > 150


@settings(max_examples=40)
@given(expressions())
def test_every_canonical_expression_can_be_written(expression):
    assert _taken(GATES.canonical(f"MODULE M() {{ Y = {expression.text}; }}"))


@pytest.mark.parametrize("word", KEYWORDS)
def test_no_keyword_can_be_written_as_a_name(word):
    for text in (
        f"MODULE {word}(OUTPUT Y) {{ Y = 1; }}",
        f"MODULE M(OUTPUT {word}) {{ {word} = 1; }}",
        f"MODULE M(OUTPUT Y) {{ Y = {word}; }}",
    ):
        assert not _taken(text)
        assert GATES.verify(text).parsed is False
    assert _taken(f"MODULE {word}S(OUTPUT Y{word}) {{ Y{word} = 1; }}")


@pytest.mark.parametrize(
    "text",
    [
        "MODULE M() { Y = A && B; }",
        "MODULE M() { Y = &A & B; }",
        "MODULEM() { }",
        "MODULE M(INPUTA) { }",
        "MODULE M() { Y = 4'b12; }",
    ],
)
def test_what_the_reader_refuses_can_not_be_written(text):
    assert GATES.verify(text).parsed is False
    assert not _taken(text)


def test_comments_can_not_be_written():
    assert GATES.verify("MODULE M() { /* a */ }").parsed
    assert not _taken("MODULE M() { /* a */ }")


def test_what_the_grammar_leaves_open_is_listed():
    assert {check.name for check in GRAMMAR.post_checks} == {"names", "widths", "drives", "loops", "stages"}
