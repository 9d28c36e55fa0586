"""No text, however hostile, takes long or raises."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idiolect.dialects.ahk2.dialect import Ahk2

N = 100_000
HOSTILE = {
    "parentheses": "x := " + "(" * N,
    "pairs": "x := " + "(" * (N // 2) + "1" + ")" * (N // 2),
    "braces": "{\n" * (N // 2),
    "objects": "x := " + "{a: " * (N // 8) + "1" + "}" * (N // 8),
    "ifs": "if x\n" * (N // 5),
    "elses": "if x\n" * (N // 10) + "y\n" + "else\n" * (N // 10),
    "tries": "try " * (N // 4),
    "quotes": '"' * N,
    "ticks": 'x := "' + "`" * N,
    "signs": "x := " + "-" * N,
    "choices": "x := " + "a ? " * (N // 4) + "b" + " : c" * (N // 8),
    "arrows": "x := " + "() => " * (N // 6) + "1",
    "percents": "x := " + "%a" * (N // 2),
    "calls": "f(" * (N // 2) + ")" * (N // 2),
    "statements": "x\n" * (N // 2),
    "continued": "x := 1\n" + "+ 1\n" * (N // 4),
    "sections": 'x := "\n' + "(\na\n)\n" * (N // 6) + '"',
    "spaces": "a" + " " * N + "::",
    "hotkeys": "a::\n" * (N // 4),
    "classes": "class A {\n" * (N // 10),
    "members": "class A {\n" + "f() {\n}\n" * (N // 8) + "}",
    "functions": "f() {\n" * (N // 14) + "x := 1\n" * (N // 14),
    "jumps": "{\n" * (N // 8) + "goto a\n" * (N // 16),
    "commas": "f(" + "," * N + ")",
    "controls": "".join(chr(number % 32) for number in range(N)),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_text_is_judged_in_bounded_time(name):
    begun = time.process_time()
    verdict = Ahk2().verify(HOSTILE[name][: N + 8])
    assert time.process_time() - begun < 7.5  # 0.8 s at most where it was measured; room for slow machines
    assert verdict.judged


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ax1 \t\n\r\"'`;:=(){}[]%&,.?!+-*/<>|^~#@_é\x00", max_size=80))
def test_no_text_raises(text):
    assert Ahk2().verify(text).judged


LINES = [
    "if x",
    "{",
    "}",
    "else",
    "try",
    "catch",
    "class A {",
    "f() {",
    "x := (",
    ")",
    "^a::",
    "::b::",
    "(",
    "case 1:",
    "switch x {",
    "=> 1",
    "x {",
    "get {",
    "static y",
    "/*",
    "*/",
    ", y",
    ". z",
    "#HotIf",
    "loop",
    "until x",
    "finally",
    "return 1",
    "y:",
    "super.z()",
    ", ",
    'x := "\n(',
]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=12))
def test_no_order_of_lines_raises(lines):
    assert Ahk2().verify("\n".join(lines)).judged
