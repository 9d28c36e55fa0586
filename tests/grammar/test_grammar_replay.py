"""Replay says how far a text got, and what could have stood there."""

from __future__ import annotations

import time

import pytest
from grammar_samples import ARITHMETIC, FLAGS, TANGLED

from idiolect.grammar.form import any_order, chars, choice, grammar, many, not_chars, ref, seq, some, times
from idiolect.grammar.lexemes import part_lexemes
from idiolect.grammar.recognize import TooMuchWork, accepts
from idiolect.grammar.replay import NotCompiled, Replay, replay
from idiolect.grammar.spacing import canonical_variant
from idiolect.grammar.to_gbnf import print_gbnf
from idiolect.grammar.to_llguidance import print_llguidance

WORDS = grammar("s", {"s": seq("é", choice("on", "off"), ref("N"))}, {"N": some(chars("0-9"))})


def test_a_whole_text_is_accepted_and_complete():
    assert replay(WORDS, "éon12") == Replay(True, None, "'0' to '9' or the end of the text", True)


def test_a_cut_text_is_neither_refused_nor_accepted():
    found = replay(WORDS, "éo")
    assert (found.accepted, found.refused_at, found.complete) == (False, None, False)
    assert found.expected == "'f' or 'n'"


def test_the_place_of_refusal_counts_characters_not_bytes():
    found = replay(WORDS, "éox")
    assert (found.accepted, found.refused_at) == (False, 2)
    assert replay(WORDS, "e").refused_at == 0
    assert replay(WORDS, "éon1é") == Replay(False, 4, "'0' to '9' or the end of the text", True)


def test_forced_text_is_the_hint():
    assert replay(WORDS, "éof").expected == "'f'"
    assert replay(FLAGS, "do").expected == "' -'"


def test_half_a_surrogate_pair_is_refused_where_it_stands():
    anything = grammar("s", {"s": many(not_chars("x"))})
    assert replay(anything, "ab\ud800").refused_at == 2


def test_the_same_grammar_is_compiled_once():
    again = grammar("s", {"s": seq("é", choice("on", "off"), ref("N"))}, {"N": some(chars("0-9"))})
    assert print_llguidance(again) == print_llguidance(WORDS)
    replay(WORDS, "é")
    start = time.process_time()
    for _ in range(50):
        replay(again, "éon1")
    assert time.process_time() - start < 3


def test_lexemes_that_run_on_are_spelled_out_and_others_are_kept():
    assert "N" not in part_lexemes(TANGLED).terminals
    kept = part_lexemes(canonical_variant(ARITHMETIC))
    assert "NAME" in kept.terminals


def test_names_of_rules_and_terminals_may_clash_with_the_engines_own():
    made = grammar(
        "Start",
        {"Start": seq(ref("start"), ref("_"), ref("Root")), "start": "a", "_": "b", "Root": ref("root")},
        {"root": "c"},
    )
    assert replay(made, "abc").accepted
    assert accepts(made, "abc")
    assert print_gbnf(made).count("root ::=") == 1


@pytest.mark.parametrize(
    "literal", ['"', "\\", "/", "\n\t\r", "\x00\x01\x7f", "é\u2028😀", "'`#%{}[]()|&~<>", "//x"]
)
def test_every_character_can_be_a_literal_and_in_a_set(literal: str):
    made = grammar("s", {"s": seq(literal, ref("T"), "!")}, {"T": some(chars(*literal.replace("-", "")))})
    assert replay(made, f"{literal}{literal}!").accepted
    assert not replay(made, f"{literal}!").accepted
    assert accepts(made, f"{literal}{literal}!")


def test_more_items_in_any_order_than_an_engine_has_bits_are_refused_by_name():
    from idiolect.grammar.form import GrammarError

    made = grammar("s", {"s": any_order(optional=[f"<{number}>" for number in range(65)])})
    with pytest.raises(GrammarError, match="at most 64 items"):
        print_llguidance(made)


def test_an_engine_that_gives_up_says_so_in_a_line():
    made = grammar(
        "s", {"s": some(choice(*(seq(f"{number:05d}", ref("T")) for number in range(5_000))))}, {"T": "!"}
    )
    with pytest.raises(NotCompiled) as caught:
        replay(made, "00001!")
    assert "\n" not in str(caught.value)


def test_hostile_text_is_judged_in_time():
    nested = grammar("s", {"s": choice("x", seq("(", ref("s"), ")"))})
    start = time.process_time()
    for text in ("(" * 100_000, "x" * 100_000, "(" * 50_000 + "x" + ")" * 50_000):
        replay(nested, text)
    assert time.process_time() - start < 9


def test_the_recognizer_gives_up_instead_of_running_on():
    doubled = grammar("s", {"s": choice(times("a", 1, 2), seq(ref("s"), ref("s")))})
    with pytest.raises(TooMuchWork):
        accepts(doubled, "a" * 400, most_steps=20_000)
