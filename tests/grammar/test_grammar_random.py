"""Random small grammars: every rewrite keeps the language, and the engine's longest match changes nothing."""

from __future__ import annotations

import random
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idiolect.grammar.form import (
    AnyOrder,
    Choice,
    Grammar,
    GrammarError,
    Node,
    Ref,
    Repeat,
    Seq,
    Slot,
    Terminal,
    Text,
    chars,
    grammar,
    minus,
)
from idiolect.grammar.left_recursion import drop_left_recursion
from idiolect.grammar.lexemes import part_lexemes
from idiolect.grammar.nonempty import loop_without_empty
from idiolect.grammar.recognize import accepts
from idiolect.grammar.replay import replay
from idiolect.grammar.rewrite import expand_any_order, spell_terminals
from idiolect.grammar.walk import shortest, walk

ALPHABET = "ab"
TERMINALS = {
    "SOME": Terminal(Repeat(chars("a-b"), 1, None)),
    "TWO": Terminal(Repeat(chars("a"), 1, 2)),
    "NOTA": Terminal(minus(Repeat(chars("a-b"), 1, 3), "a", "ab")),
    "MAYBE": Terminal(Repeat(chars("b"), 0, 2)),
}
LEAVES = st.one_of(
    st.sampled_from(["a", "b", "ab", "ba", "aab", ""]).map(Text),
    st.sampled_from(["SOME", "TWO", "NOTA", "MAYBE", "one", "two", "three"]).map(Ref),
    st.just(chars("a-b")),
)


def inner(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    pairs = st.lists(children, min_size=2, max_size=3).map(tuple)
    slots = st.lists(st.tuples(children, st.booleans()), min_size=2, max_size=3)
    return st.one_of(
        pairs.map(Seq),
        pairs.map(Choice),
        st.tuples(children, st.sampled_from([(0, 1), (0, None), (1, None), (1, 2), (0, 3)])).map(
            lambda one: Repeat(one[0], *one[1])
        ),
        st.tuples(slots, st.sampled_from(["", "a"])).map(
            lambda one: AnyOrder(
                tuple(Slot(Seq((Text("ab"), node)), needed) for node, needed in one[0]), Text(one[1])
            )
        ),
    )


NODES = st.recursive(LEAVES, inner, max_leaves=6)


@st.composite
def grammars(draw: st.DrawFn) -> Grammar:
    """A small grammar of up to three rules, whatever their shape, as long as it is sound."""
    bodies = {name: draw(NODES) for name in ("one", "two", "three")}
    try:
        return grammar("one", _reached(bodies), TERMINALS)
    except GrammarError:
        return grammar("one", {"one": Choice((Text("a"), Seq((Ref("one"), Text("b")))))}, TERMINALS)


def _reached(bodies: dict[str, Node]) -> dict[str, Node]:
    from idiolect.grammar.checks import reachable

    seen = reachable(bodies, ["one"])
    return {name: body for name, body in bodies.items() if name in seen}


TEXTS = [""] + [
    "".join(ALPHABET[number >> bit & 1] for bit in range(size))
    for size in range(1, 6)
    for number in range(2**size)
]
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def language(made: Grammar) -> list[str]:
    return [text for text in TEXTS if accepts(made, text)]


@QUICK
@given(grammars())
def test_rewrites_for_printers_keep_the_language(made: Grammar):
    expected = language(made)
    expanded = expand_any_order(made)
    assert language(expanded) == expected
    spelled = spell_terminals(expanded)
    assert not spelled.terminals
    assert language(spelled) == expected
    looped = loop_without_empty(spelled)
    assert language(looped) == expected
    with suppress(GrammarError):  # left recursion behind items that may be empty is refused
        assert language(drop_left_recursion(looped)) == expected


@QUICK
@given(grammars())
def test_spelling_out_lexemes_in_danger_keeps_the_language(made: Grammar):
    assert language(part_lexemes(made)) == language(made)


@QUICK
@given(grammars())
def test_replay_and_recognizer_agree_on_every_short_text(made: Grammar):
    expected = language(made)
    assert [text for text in TEXTS if replay(made, text).accepted] == expected


@QUICK
@given(grammars(), st.integers(0, 1000))
def test_walks_are_in_the_language_and_end(made: Grammar, seed: int):
    for budget in (0, 5, 30):
        text = walk(made, random.Random(seed), budget=budget).text
        assert accepts(made, text)
    least = min(map(len, language(made)), default=None)
    if least is not None:
        assert len(shortest(made).text) >= least
