"""Writing grammars by hand, and what is said of those that can't work."""

from __future__ import annotations

import pytest

from idiolect.grammar.form import (
    ANY,
    DEEPEST_NODE,
    NOTHING,
    AnyOrder,
    Choice,
    GrammarError,
    Node,
    Repeat,
    Seq,
    Slot,
    Text,
    any_order,
    both,
    chars,
    choice,
    grammar,
    listed,
    many,
    minus,
    not_chars,
    one_of,
    optional,
    ref,
    seq,
    some,
    times,
)


def test_sequences_join_neighbouring_literals_and_flatten():
    assert seq("a", seq("b", ref("X")), "c") == Seq((Text("ab"), ref("X"), Text("c")))
    assert seq() == Text("")
    assert seq("", "a", "") == Text("a")


def test_choices_flatten_and_keep_each_alternative_once():
    assert choice("a", choice("b", "a")) == Choice((Text("a"), Text("b")))
    assert choice("a", "a") == Text("a")


def test_character_sets_are_read_as_in_a_class():
    assert chars("a-c", "_").ranges == ((95, 95), (97, 99))
    assert chars("-").ranges == one_of("-").ranges == ((45, 45),)
    assert one_of("a-c").ranges == ((45, 45), (97, 97), (99, 99))
    assert not_chars("\x00-\U0010ffff").ranges == ()
    assert not any(low <= 0xD800 <= high for low, high in ANY.ranges)


def test_repeats_say_their_bounds():
    assert many("a") == Repeat(Text("a"), 0, None)
    assert some("a", "b") == Repeat(Text("ab"), 1, None)
    assert optional("a") == Repeat(Text("a"), 0, 1)
    assert times("a", 3) == Repeat(Text("a"), 3, 3)
    assert listed("a", ",", least=0) == optional(seq("a", many(",a")))


def test_any_order_knows_when_it_may_end_and_grow():
    node = any_order(required=["a"], optional=["b", "c"], least=2, most=2)
    assert [node.may_end(written) for written in (0b000, 0b001, 0b011, 0b110)] == [False, False, True, False]
    assert [node.may_grow(written) for written in (0b000, 0b001, 0b011)] == [True, True, False]


def nested(depth: int) -> Node:
    node: Node = chars("a")
    for _ in range(depth):
        node = Seq((node, Text("b")))
    return node


FAULTY = [
    ({"start": ref("nmae")}, {"name": "a"}, "undefined", '"nmae"', "did you mean"),
    ({"start": "a", "lost": "b"}, {}, "unreachable", '"lost"', "can't be reached"),
    ({"start": seq("a", ref("start"))}, {}, "unproductive", '"start"', "can never end"),
    ({"start": seq("a", NOTHING)}, {}, "unproductive", '"start"', "can never end"),
    ({"begin": "a"}, {}, "undefined", '"start"', "start rule"),
    ({"start": minus("a", "b")}, {}, "regular_only", '"start"', "only terminals"),
    ({"start": both("a", "b")}, {}, "regular_only", '"start"', "only terminals"),
    ({"start": ref("T")}, {"T": ref("start")}, "rule_in_terminal", '"T"', "terminals only"),
    ({"start": ref("T")}, {"T": seq("a", ref("T"))}, "recursive_terminal", '"T"', "make it a rule"),
    ({"start": ref("T")}, {"T": any_order(optional=["a"])}, "rule_only", '"T"', "make it a rule"),
    ({"start": "a", "2x": "b"}, {}, "bad_name", '"2x"', "letters"),
    ({"start": ref("T")}, {"T": "a", "start": "b"}, "name_twice", '"start"', "rename"),
    ({"start": Repeat(Text("a"), 3, 2)}, {}, "bad_repeat", '"start"', "3 to 2"),
    ({"start": chars()}, {}, "no_characters", '"start"', "empty set"),
    ({"start": "\ud800"}, {}, "surrogate", '"start"', "surrogate"),
    ({"start": nested(DEEPEST_NODE)}, {}, "too_deep", '"start"', "rules of their own"),
    ({"start": nested(100_000)}, {}, "too_deep", '"start"', "rules of their own"),
    ({"start": any_order(optional=["a"], least=2)}, {}, "bad_count", '"start"', "2 of 1"),
    ({"start": AnyOrder((Slot(many("a")),))}, {}, "empty_slot", '"start"', "optional instead"),
]


@pytest.mark.parametrize(("rules", "terminals", "code", "named", "said"), FAULTY)
def test_a_grammar_that_can_not_work_names_its_rule(rules, terminals, code, named, said):
    with pytest.raises(GrammarError) as caught:
        grammar("start", rules, terminals)
    problems = [problem for problem in caught.value.problems if problem.code == code]
    assert len(problems) == 1
    assert named in problems[0].message
    assert said in problems[0].message


def test_all_problems_are_told_at_once():
    with pytest.raises(GrammarError) as caught:
        grammar("start", {"start": seq(ref("one"), ref("two"))}, ignore=["SPACE"])
    assert [problem.code for problem in caught.value.problems] == ["undefined"] * 3


def test_the_deepest_node_allowed_is_walked_without_trouble():
    made = grammar("start", {"start": nested(DEEPEST_NODE - 2)})
    from idiolect.grammar.recognize import accepts
    from idiolect.grammar.replay import replay
    from idiolect.grammar.to_gbnf import print_gbnf

    text = "a" + "b" * (DEEPEST_NODE - 2)
    assert accepts(made, text)
    assert replay(made, text).accepted
    assert print_gbnf(made).startswith("root ::=")
