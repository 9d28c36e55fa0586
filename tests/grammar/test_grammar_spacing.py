"""White space woven into rules: required where tokens run together, and how left recursion survives it."""

from __future__ import annotations

import random

import pytest
from grammar_samples import ARITHMETIC, MEMBERS

from idiolect.grammar.adjacency import followers
from idiolect.grammar.form import (
    GrammarError,
    Text,
    any_order,
    chars,
    choice,
    grammar,
    many,
    optional,
    ref,
    seq,
    some,
    times,
)
from idiolect.grammar.left_recursion import drop_left_recursion
from idiolect.grammar.recognize import accepts
from idiolect.grammar.spacing import Style, canonical_variant, loose_variant, styled_variant
from idiolect.grammar.walk import productions, shortest, walk

WORDS = {"W": some(chars("a-z")), "SPACE": some(" ")}


def test_a_grammar_without_ignored_text_is_its_own_variant():
    assert canonical_variant(MEMBERS) is MEMBERS
    assert loose_variant(MEMBERS) is MEMBERS


@pytest.mark.parametrize(
    ("text", "canonical", "loose"),
    [
        ("print a;", True, True),
        ("printa;", False, False),
        ("print-a;", True, True),
        ("print -a;", False, True),
        ("x=a+ +b;", False, False),
        (" x = a ; ", False, True),
        ("x=a++b;", True, True),
    ],
)
def test_space_is_needed_between_words_and_free_elsewhere(text: str, canonical: bool, loose: bool):
    assert accepts(canonical_variant(ARITHMETIC), text) == canonical
    assert accepts(loose_variant(ARITHMETIC), text) == loose


@pytest.mark.parametrize(
    "body",
    [
        seq(optional(ref("W")), optional("("), optional(ref("W")), ")"),
        seq(many(choice(ref("W"), "(")), ")"),
        seq(times(choice(ref("W"), "("), 1, 3), ref("W")),
        seq(some(ref("W"), optional("(")), ref("W")),
        seq(any_order(required=[ref("W")], optional=["(", "if"]), ")"),
    ],
)
def test_every_shape_of_rule_keeps_its_tokens_apart(body):
    made = grammar("start", {"start": body}, WORDS, ignore=["SPACE"])
    canonical, loose = canonical_variant(made), loose_variant(made)
    rng = random.Random(1)
    for _ in range(40):
        text = walk(made, rng, budget=25).text
        assert accepts(canonical, text)
        assert accepts(loose, text)
        assert "  " not in text
        assert not text.startswith(" ")
        spread = walk(loose, rng, budget=25).text
        # The same tokens with other space between them: dropping what is not needed gives the canonical text.
        assert accepts(loose, spread)


def test_a_style_writes_what_it_is_asked_for():
    space = Text(" ")
    made = styled_variant(ARITHMETIC, Style(lambda left, right, joined: space, usual=space, end=Text("\n")))
    assert accepts(made, "x = a + b ;\n")
    assert not accepts(made, "x=a+b;\n")


def test_tokens_that_nothing_can_part_are_an_error():
    made = grammar(
        "start",
        {"start": seq(ref("W"), ref("W"))},
        {"W": some(chars("a-z ")), "SPACE": " "},
        ignore=["SPACE"],
    )
    with pytest.raises(GrammarError, match="white space is laid out"):
        canonical_variant(made)


def test_followers_see_through_empty_items_and_loops():
    made = grammar("s", {"s": seq(many(choice("a", ref("t"))), "c"), "t": seq("b", optional("d"))})
    after = {
        one.text: {two.text for two in found}
        for one, found in followers(made).items()
        if isinstance(one, Text)
    }
    assert after == {"a": {"a", "b", "c"}, "b": {"a", "b", "c", "d"}, "d": {"a", "b", "c"}, "c": set()}


def test_left_recursion_through_other_rules_is_rewritten():
    straight = drop_left_recursion(MEMBERS)
    rng = random.Random(4)
    for _ in range(60):
        text = walk(MEMBERS, rng, budget=30).text
        cut = text[: rng.randrange(len(text))]
        assert accepts(straight, text)
        assert accepts(straight, cut) == accepts(MEMBERS, cut)


def test_left_recursion_behind_items_that_may_be_empty_is_refused_by_name():
    made = grammar("s", {"s": choice("a", seq(ref("maybe"), ref("s"), "b")), "maybe": optional("c")})
    with pytest.raises(GrammarError, match='rule "s" begins with itself'):
        drop_left_recursion(made)


def test_walks_pay_for_their_length_and_shortest_is_shortest():
    assert shortest(ARITHMETIC).text == ""
    assert shortest(MEMBERS).text in {chr(code) for code in range(97, 123)}
    rng = random.Random(0)
    for budget in (10, 100, 1_000):
        lengths = [len(walk(ARITHMETIC, rng, budget=budget).text) for _ in range(30)]
        assert max(lengths) <= budget
    assert max(lengths) > 100


def test_the_same_seed_gives_the_same_walk():
    first, second = (walk(ARITHMETIC, random.Random(8), budget=90) for _ in range(2))
    assert first == second


def test_walks_name_the_productions_they_use():
    names = productions(MEMBERS)
    assert names == ("start", "member/1", "member/2", "member/3", "call", "index")
    assert set(walk(MEMBERS, random.Random(1), budget=60).productions) <= set(names)


def test_deep_recursion_is_walked_without_recursing():
    nested = grammar("s", {"s": choice("x", seq("(", ref("s"), ")"))})
    texts = [walk(nested, random.Random(seed), budget=20_000).text for seed in range(40)]
    assert all(text.count("(") == text.count(")") for text in texts)
