"""Grammars out of symbol tables: names as trees, exact values, flags in any order."""

from __future__ import annotations

import random
import time
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idiolect.grammar.automaton import compile_node
from idiolect.grammar.form import EMPTY, GrammarError, grammar, listed, ref
from idiolect.grammar.from_catalog import (
    Call,
    Flag,
    calls,
    cidr,
    decimal,
    enum,
    identifier,
    integer,
    ipv4,
    name_tree,
    names,
    port,
    quoted,
)
from idiolect.grammar.recognize import accepts
from idiolect.grammar.replay import replay
from idiolect.grammar.to_gbnf import print_gbnf
from idiolect.grammar.walk import walk


@given(st.sets(st.text(alphabet="ab:_", min_size=1, max_size=6), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_tree_of_names_holds_exactly_its_names(entries: set[str]):
    rules: dict[str, object] = {}
    root = name_tree(dict.fromkeys(entries, EMPTY), "name", rules)  # type: ignore[arg-type]
    made = grammar("start", {"start": root, **rules})  # type: ignore[arg-type]
    near = {one[:-1] for one in entries} | {one + "a" for one in entries} | {"", "abab"}
    for text in entries | near:
        assert accepts(made, text) == (text in entries)
        assert replay(made, text).accepted == (text in entries)


def test_a_short_tree_is_a_terminal():
    assert compile_node(names(["on", "off", "one"])).matches("one")


@pytest.mark.parametrize(
    ("node", "good", "bad"),
    [
        (integer(1, 4094), ["1", "9", "10", "999", "4094"], ["0", "01", "4095", "", "-1", "1.0"]),
        (integer(-12, 7), ["-12", "-1", "0", "7"], ["-13", "8", "-0"]),
        (integer(None, 5), ["-99999", "5"], ["6"]),
        (
            decimal(0, 2.5, places=3, unit="um"),
            ["0um", "0.125um", "2.5um"],
            ["2.501um", "0.1234um", "1", "-1um"],
        ),
        (decimal(-0.5, 0.5), ["-0.5", "0.25"], ["0.6", "-0.51", "0.50"]),
        (enum(["auto", "full"]), ["auto", "full"], ["aut", "half"]),
        (identifier(but=["all"], most=5), ["a", "_x1", "alls"], ["all", "1a", "toolong", ""]),
        (quoted(most=4), ['""', '"a b"', '"\\""', '"\\\\"'], ['"', '"a"b"', '"\\n"', '"abcde"', '"a\nb"']),
        (port(), ["1", "65535"], ["0", "65536", "080"]),
        (ipv4(), ["0.0.0.0", "255.255.255.255"], ["256.0.0.1", "1.2.3", "01.2.3.4"]),
        (cidr(), ["10.0.0.0/8", "1.2.3.4/32"], ["10.0.0.0/33", "10.0.0.0"]),
    ],
)
def test_values_are_exact(node, good: list[str], bad: list[str]):
    automaton = compile_node(node)
    assert [text for text in good if not automaton.matches(text)] == []
    assert [text for text in bad if automaton.matches(text)] == []


def one_call(call: Call, **more: bool):
    return grammar("start", {"start": ref("call"), **calls([call], **more)}, {"N": integer(0, 9)})


def test_flags_come_in_any_order_once_and_the_required_ones_always():
    made = one_call(Call("go", (), (Flag("-a", ref("N"), True), Flag("-b"), Flag("-c", "x"))))
    flags = [" -a 1", " -b", " -c x"]
    for size in range(4):
        for chosen in permutations(flags, size):
            text = "go" + "".join(chosen)
            assert replay(made, text).accepted == (" -a 1" in chosen), text
    assert not replay(made, "go -a 1 -a 2").accepted
    assert not replay(made, "go -a 1 -d").accepted


def test_more_flags_than_can_be_permuted_keep_their_order_in_plain_dialects():
    flags = tuple(Flag(f"-f{number}", None, number == 0) for number in range(9))
    printed = print_gbnf(one_call(Call("go", (), flags)))
    assert len(printed) < 5_000


def test_optional_positionals_are_left_out_from_the_right():
    made = one_call(Call("go", (ref("N"), "x", "y"), (Flag("-q"),), optional=2))
    for text in ("go 1", "go 1 x", "go 1 x y", "go 1 x -q"):
        assert replay(made, text).accepted, text
    for text in ("go", "go 1 y", "go x y", "go -q 1"):
        assert not replay(made, text).accepted, text
    assert replay(
        one_call(
            Call("go", (ref("N"),), (Flag("-q"),)),
        ),
        "go 1 -q",
    ).accepted
    assert replay(one_call(Call("go", (ref("N"),), (Flag("-q"),)), flags_first=True), "go -q 1").accepted


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: calls([]), "no names"),
        (lambda: calls([Call("a"), Call("a")]), '"a" is listed twice'),
        (lambda: integer(5, 4), "no integer from 5 to 4"),
        (lambda: decimal(2, 1), "no number from 2 to 1"),
    ],
)
def test_tables_that_can_not_work_say_why(build, said: str):
    with pytest.raises(GrammarError, match=said):
        build()


def test_five_thousand_procs_live():
    procs = [
        Call(f"lib{number % 7}::do_{number:04d}", (), (Flag("-n", ref("N"), True), Flag("-q")))
        for number in range(5_000)
    ]
    start = time.process_time()
    made = grammar("start", {"start": listed(ref("call"), "\n"), **calls(procs)}, {"N": integer(0, 9)})
    assert replay(made, "lib0::do_0000 -q -n 3\nlib3::do_4000 -n 1").accepted
    assert time.process_time() - start < 15
    assert not replay(made, "lib0::do_0001 -n 1").accepted
    rng = random.Random(0)
    assert all(replay(made, walk(made, rng, budget=120).text).accepted for _ in range(10))
