"""Tcl's word rules: what is taken, what is refused, and where the finger points."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idiolect.dialects.contract import Context
from idiolect.dialects.tcl.dialect import Tcl, demo_catalog
from idiolect.dialects.tcl.values import value_of
from idiolect.dialects.tcl.walk import walk
from idiolect.dialects.verdict import Severity

TCL = Tcl()


def errors(text: str) -> list[str]:
    return [fault.code for fault in TCL.verify(text).faults if fault.severity is Severity.ERROR]


def words(text: str) -> list[list[str]]:
    """The commands of a text as the source of their words."""
    return [[text[word.start : word.end] for word in command.words] for command in walk(text).top.commands]


GOOD = [
    "",
    "\n;;\n ; ",
    "puts a;puts b",
    "puts {a {b} c}",
    "puts {a \\{ b}",
    "puts {a\\\nb}",
    'puts "a $b [c d] e"',
    'puts "a\\"b"',
    "puts a\\ b\\;c",
    "puts a\\\n  b",
    "puts $a(b$c,[d])",
    "puts $a($b($c))",
    "puts ${a b}c",
    "puts $a::b::c",
    "list $ $. a$",
    "puts {*}$args {*}{a b}",
    "puts {*}",
    "puts a{b}c",
    "puts #a",
    "puts a ;# note {",
    "# a comment \\\n still one {\nputs a",
    "set a [b [c [d]]]",
    'set a [b "x]y" {]}]',
    "[a] b",
    "puts [# comment ]\nlist a\n]",
    "puts \\[a\\]",
    "a\r\nb {\r\n c\r\n}\r\n",
    "puts [list a \\\r\n b]",
    "puts $a(x y)",
    "puts $(x)",
    "\ufeffputs a",
    "puts a\x1athis is { never read",
    "puts a$b\\$c",
]


@pytest.mark.parametrize("text", GOOD)
def test_good_words_are_taken(text: str) -> None:
    assert errors(text) == []


BAD = [
    ("puts {a", "tcl.parse.brace", "{"),
    ("puts {a \\}", "tcl.parse.brace", "{"),
    ('puts "a', "tcl.parse.quote", '"a'),
    ("set a [b", "tcl.parse.bracket", "["),
    ("set a [b {x]}", "tcl.parse.bracket", "["),
    ("puts ${a", "tcl.parse.brace", "${"),
    ("puts $a(b", "tcl.parse.paren", "$a("),
    ("puts {a}b", "tcl.parse.extra_after_brace", "b"),
    ("puts {a}{b}", "tcl.parse.extra_after_brace", "{b}"),
    ("if {1}{puts a}", "tcl.parse.extra_after_brace", "{puts"),
    ('puts "a"b', "tcl.parse.extra_after_quote", "b"),
    ("if {1} {\nputs a\n}\n}", "tcl.parse.stray_brace", "}"),
    ("puts a\n]", "tcl.parse.stray_bracket", "]"),
    ("if {1} {puts a}\nelse {puts b}", "tcl.parse.clause", "else"),
    ("if{$a} {puts b}", "tcl.parse.space", "if{"),
    ("foreach {a {b} {} {}", "tcl.parse.brace", "{"),
    ("foreach {a} {} {}; foreach {{a}b} {} {}", "tcl.parse.list", "b"),
]


@pytest.mark.parametrize(("text", "code", "at"), BAD)
def test_bad_words_are_refused_with_code_and_place(text: str, code: str, at: str) -> None:
    verdict = TCL.verify(text)
    assert not verdict.ok
    fault = next(fault for fault in verdict.faults if fault.code == code)
    assert fault.span is not None
    assert text[fault.span.start : fault.span.end].startswith(at) or at.startswith(
        text[fault.span.start : fault.span.end]
    )


def test_words_keep_their_source() -> None:
    assert words('set a "b c"; puts {d e} [f g]$h') == [["set", "a", '"b c"'], ["puts", "{d e}", "[f g]$h"]]
    assert words("{*}$a {*}{b c} {*} d") == [["{*}$a", "{*}{b c}", "{*}", "d"]]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("a\\tb", "a\tb"),
        ("\\x41\\u00e9\\101", "A\u00e9A"),
        ("{a\\tb}", "a\\tb"),
        ("{a\\\n   b}", "a b"),
        ('"a\\\n  b"', "a b"),
        ("a\\ b", "a b"),
        ("$a", None),
        ('"a[b]"', None),
    ],
)
def test_values_of_words(source: str, value: str | None) -> None:
    command = walk(f"x {source}").top.commands[0]
    assert value_of(command.words[1], f"x {source}") == value


def test_a_missing_close_brace_points_at_the_block_that_lacks_it() -> None:
    text = "proc a {} {\n    if {1} {\n        puts b\n}\n\nproc c {} {\n    puts d\n}\n"
    fault = TCL.verify(text).faults[0]
    assert fault.code == "tcl.parse.brace"
    assert fault.span is not None
    assert fault.span.start == text.index("{\n        puts b")
    assert "line 1" in (fault.hint or "")


def test_a_stray_close_brace_names_the_block_that_ended_too_early() -> None:
    text = "proc a {} {\n    if {1} {\n        puts b\n    }\n    }\n    puts c\n}\n"
    fault = TCL.verify(text).faults[0]
    assert fault.code == "tcl.parse.stray_brace"
    assert "line 1" in (fault.hint or "")


def test_all_independent_faults_are_told_in_one_go() -> None:
    text = "puts {a}b\nif {1 +} {}\nset\nproc f {} {\n set a b c\n}\n"
    assert errors(text) == [
        "tcl.parse.extra_after_brace",
        "tcl.expr.operand",
        "tcl.args.count",
        "tcl.args.count",
    ]


TCLISH = st.text(alphabet=st.sampled_from('{}[]"$\\();# \n\tab0-+*:?&|=<>!,exprif{}{}'), max_size=60)
PIECES = (
    "if", "{", "}",
    "[", "]", '"', "$a", "expr", "{1 + $b}", "\n", " ", ";", "\\", "switch", "foreach", "proc",
    "dsl {", "my::route", "-net", "{*}",
    "eval", "namespace eval a", "$a(", ")", "else", "oo::class create A", "#",
)  # fmt: skip
WORDS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@given(st.one_of(TCLISH, WORDS, st.text(max_size=40)))
@settings(max_examples=250, deadline=None)
def test_no_text_makes_the_verifier_raise_and_spans_lie_inside(text: str) -> None:
    for context in (Context(), Context(catalog=demo_catalog())):
        verdict = TCL.verify(text, context)
        assert verdict.judged
        for fault in verdict.faults:
            if fault.span is not None:
                assert 0 <= fault.span.start <= fault.span.end <= len(text)


@given(st.one_of(TCLISH, WORDS))
@settings(max_examples=250, deadline=None)
def test_what_parses_has_a_canonical_form_that_stays_and_parses(text: str) -> None:
    verdict = TCL.verify(text)
    if verdict.parsed:
        once = TCL.canonical(text)
        assert TCL.canonical(once) == once
        assert TCL.verify(once).parsed
        assert TCL.verify(once).valid == verdict.valid
    else:
        with pytest.raises(ValueError, match="not a Tcl script"):
            TCL.canonical(text)
