"""The shortest ending of every beginning: it is in the language, and none is shorter."""

from __future__ import annotations

import itertools
import random

import pytest

from idiolect.dialects.contract import EMPTY
from idiolect.dialects.registry import load_dialect
from idiolect.grammar.completion import Completer, Machine, NoWay
from idiolect.grammar.form import (
    any_order,
    chars,
    choice,
    grammar,
    many,
    minus,
    optional,
    ref,
    seq,
    some,
    times,
)
from idiolect.grammar.recognize import accepts
from idiolect.grammar.replay import replay


def arithmetic():
    return grammar(
        "start",
        rules={
            "start": seq(ref("sum"), ";"),
            "sum": choice(ref("product"), seq(ref("sum"), "+", ref("product"))),
            "product": choice(ref("NUMBER"), seq("(", ref("sum"), ")")),
        },
        terminals={"NUMBER": some(chars("0-9"))},
    )


def flags():
    return grammar(
        "start",
        rules={
            "start": seq(
                "go", any_order(required=[" -net n", " -to m"], optional=[" -v"], least=2), ref("rest")
            ),
            "rest": seq(many(optional("x")), ".", optional(ref("NAME"))),
        },
        terminals={"NAME": minus(times(chars("a-c"), 1, 3), "abc")},
    )


@pytest.mark.parametrize("made", [arithmetic(), flags()])
def test_no_ending_is_shorter(made):
    letters = "".join(sorted({one for text in ("go -net n -to m -v x.abc", "0(+);") for one in text}))
    rng = random.Random(1)
    machine = Machine(made)
    texts = [
        "",
        "(",
        "((1+",
        "1",
        "1+(2",
        "go",
        "go -to m",
        "go -v",
        "go -v -net n -to m",
        "go -net n -to mxx.",
    ]
    checked = 0
    for text in texts:
        completer = Completer(machine)
        try:
            completer.read(text)
        except NoWay:
            continue
        ending = completer.closing()
        assert accepts(made, text + ending), (text, ending)
        for length in range(min(len(ending), 3)):
            tried = itertools.product(letters, repeat=length)
            assert not any(accepts(made, text + "".join(one)) for one in tried)
        checked += 1
    assert checked >= 5
    assert rng


def test_it_answers_for_any_place_passed_and_can_go_back():
    completer = Completer(arithmetic())
    completer.read("((1+2)+(3")
    assert completer.closing() == "));"
    assert completer.closing(4) == "0));"
    completer.back_to(2)
    assert completer.position == 2
    completer.read("7)")
    assert completer.closing() == ");"


def test_where_no_text_leads_is_told():
    completer = Completer(arithmetic())
    with pytest.raises(NoWay, match="character 2"):
        completer.read("1+;")
    assert completer.closing() == "0;"


@pytest.mark.parametrize("name", ["json_ast", "gates", "ahk2"])
def test_every_beginning_of_a_sample_can_be_ended(name):
    dialect, rng = load_dialect(name), random.Random(3)
    for _ in range(6):
        sample = dialect.sample(rng, EMPTY)
        made = dialect.constraint(sample.context)
        text = dialect.canonical(sample.text, sample.context)
        completer = Completer(Machine(made))
        completer.read(text)
        assert completer.closing() == ""
        for place in rng.sample(range(len(text) + 1), 8):
            assert replay(made, text[:place] + completer.closing(place)).accepted
