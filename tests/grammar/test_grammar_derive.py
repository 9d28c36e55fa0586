"""The productions that a derivation finds are those by which a text was made."""

from __future__ import annotations

import random

import pytest

from idiolect.dialects.registry import BUILT_IN, built_in
from idiolect.grammar.derive import productions_of
from idiolect.grammar.form import choice, grammar, many, optional, ref, seq
from idiolect.grammar.recognize import TooMuchWork
from idiolect.grammar.walk import productions, walk

LAMPS = grammar(
    "start",
    rules={
        "start": seq(ref("line"), many("\n", ref("line"))),
        "line": choice(seq("lamp ", ref("state")), seq("wait ", ref("time")), "stop"),
        "state": choice("on", "off"),
        "time": seq("5", optional("0"), " s"),
    },
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stop", {"start", "line/3"}),
        ("lamp on", {"start", "line/1", "state/1"}),
        ("lamp off\nwait 50 s", {"start", "line/1", "state/2", "line/2", "time"}),
        ("lamp", None),
        ("", None),
    ],
)
def test_productions_of_a_text(text, expected):
    assert productions_of(LAMPS, text)[0] == expected


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_a_walks_productions_are_found_again(name):
    dialect = built_in(name)
    rng = random.Random(name)
    for _ in range(4):
        sample = dialect.sample(rng)
        made = dialect.constraint(sample.context)
        walked = walk(made, rng, budget=120)
        found, steps = productions_of(made, walked.text)
        assert steps > 0
        assert found is not None
        assert found <= set(productions(made))
        # Where a text has two derivations, either may be found.
        assert len(found & set(walked.productions)) >= 0.8 * len(walked.productions)


def test_work_is_bounded():
    with pytest.raises(TooMuchWork):
        productions_of(LAMPS, "stop\n" * 1000 + "stop", most_steps=500)
