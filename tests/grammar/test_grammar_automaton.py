"""Automata and regular expressions, held to Python's own `re`."""

from __future__ import annotations

import random
import re
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idiolect.grammar import charset
from idiolect.grammar.automaton import (
    TooLarge,
    compile_node,
    distances,
    overlaps,
    runs_on,
    shortest_text,
    within,
)
from idiolect.grammar.form import ANY, both, chars, many, minus, one_of, seq, some, times
from idiolect.grammar.regex import Flavour, UnsupportedRegex, lexed, search, whole_match

RANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)), max_size=5).map(
    lambda pairs: charset.normal((low, low + size) for low, size in pairs)
)


def members(ranges: charset.Ranges) -> set[int]:
    return {code for low, high in ranges for code in range(low, min(high, 60) + 1)}


@given(RANGES, RANGES)
def test_sets_of_characters_behave_as_sets(one, two):
    everything = set(range(61))
    assert members(charset.union(one, two)) == members(one) | members(two)
    assert members(charset.intersect(one, two)) == members(one) & members(two)
    assert members(charset.minus(one, two)) == members(one) - members(two)
    assert members(charset.complement(one)) == everything - members(one)
    assert charset.overlap(one, two) == bool(members(one) & members(two))
    pieces = charset.split([one, two])
    assert sum(map(charset.size, pieces)) == charset.size(charset.union(one, two))
    for code in range(50):
        assert charset.holds(one, code) == (code in members(one))


def test_surrogates_are_in_no_set():
    assert charset.normal([(0xD700, 0xE000)]) == ((0xD700, 0xD7FF), (0xE000, 0xE000))


PATTERNS = [
    "^a+b?$",
    "foo|^bar$",
    "a{2,3}",
    "[^a-c]+",
    r"\d{2}-\w",
    "(?=.*x)ab.*",
    "^(?!foo)[a-z]+$",
    "a.c",
    "^(?:a|b)*$",
    "x(?=y)y",
    "",
    "^$",
    "(a|b)(c|d)?",
    "[]a]",
    "a{,2}",
    "^a|b$",
    "(^a|b)c",
    "a(b|c$)",
    "(?<!a)b",
    "a.*(?<=b)c",
    "(?<=x)b|c",
    "(?i:fO)o",
    r"[\w-]b",
    "a{",
    r"\x41|\u0062|\t",
    "(?P<name>a)b",
    "a(?#aside)b",
    "(?s:a.b)",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_match_what_pythons_re_matches(pattern: str):
    rng = random.Random(pattern)
    anywhere = compile_node(search(pattern, Flavour.PYTHON))
    whole = compile_node(whole_match(pattern, Flavour.PYTHON))
    strict = pattern.replace("$", r"\Z")
    for _ in range(600):
        text = "".join(rng.choice("aabbcfoOxyrzb1-2d\n\tA]{") for _ in range(rng.randrange(7)))
        assert anywhere.matches(text) == (re.search(strict, text) is not None), text
        assert whole.matches(text) == (re.fullmatch(strict, text) is not None), text


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"(a)\1", "back-references"),
        (r"\bfoo", "word boundaries"),
        ("(?>a)", "not supported"),
        ("a**?", "nothing to repeat"),
        ("(a", 'no ")"'),
        ("[a", 'no "]"'),
        ("a)", 'no "("'),
        ("*a", "nothing to repeat"),
        ("(?:a(?!b))*", "inside a repetition"),
        ("a{9999999}", "count"),
        ("(" * 100 + ")" * 100, "nested deeper"),
        (r"\p{Klingon}", "Unicode class"),
        ("[b-a]", "backwards"),
        (r"[^\s\S]", "matches nothing"),
        (r"\u12", "hexadecimal"),
        ("a^b", "anchor"),
        ("a++", "nothing to repeat"),
    ],
)
def test_what_is_not_regular_is_refused_with_a_reason(pattern: str, said: str):
    with pytest.raises(UnsupportedRegex, match=re.escape(said) if said.startswith("no") else said):
        search(pattern)


@given(st.text(alphabet=r"ab(|)[]^$*+?{1,2}\.-dwsbpu", max_size=12))
@settings(max_examples=300, deadline=None)
def test_any_pattern_is_read_or_refused(pattern: str):
    with suppress(UnsupportedRegex):
        compile_node(search(pattern))


def test_javascript_digits_are_ascii_and_pythons_are_not():
    assert not compile_node(search(r"^\d$")).matches("٢")
    assert compile_node(whole_match(r"\d")).matches("٢")


def test_a_lazy_token_is_the_shortest():
    string = compile_node(lexed(r'".*?(?<!\\)(\\\\)*?"'))
    for text, whole in (
        ('"a"', True),
        ('"a"b"', False),
        (r'"a\"b"', True),
        (r'"a\\"', True),
        (r'"a\\"b"', False),
    ):
        assert string.matches(text) == whole, text
    assert compile_node(lexed('".*"')).matches('"a"b"')


def test_differences_and_intersections():
    name = compile_node(minus(some(chars("a-z")), "print", "if"))
    assert [name.matches(text) for text in ("print", "prin", "printx", "if", "i")] == [
        False,
        True,
        True,
        False,
        True,
    ]
    even = both(many(times(one_of("ab"), 2)), seq(many(ANY), "b", many(ANY)))
    assert [compile_node(even).matches(text) for text in ("ab", "aa", "abb", "")] == [
        True,
        False,
        False,
        False,
    ]
    assert compile_node(minus("a", "a")).empty


def test_questions_about_two_languages():
    name, number = compile_node(some(chars("a-z"))), compile_node(some(chars("0-9")))
    short = compile_node(times(chars("a-z"), 2))
    assert overlaps(name, short)
    assert not overlaps(name, number)
    assert within(short, name)
    assert not within(name, short)
    assert runs_on(compile_node(chars("a")), name, charset.of("b"))
    assert not runs_on(compile_node(chars("a")), name, charset.of("1"))
    assert shortest_text(compile_node(minus(some(chars("a-b")), "a", "b"))) == "aa"
    assert distances(short) == [2, 1, 0]


def test_long_bounded_repeats_compile_in_a_moment_and_endless_ones_are_refused():
    start = time.process_time()
    assert len(compile_node(times(chars("a-z"), 0, 2_000)).edges) == 2_001
    assert time.process_time() - start < 15
    with pytest.raises(TooLarge):
        compile_node(times(times(chars("a-z"), 1_000), 1_000))
