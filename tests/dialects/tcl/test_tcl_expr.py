"""Tcl expressions: good ones, bad ones, and what is said of them."""

from __future__ import annotations

import pytest

from idiolect.dialects.tcl.dialect import Tcl
from idiolect.dialects.verdict import Level, Severity

TCL = Tcl()

GOOD = [
    "1",
    " 1 + 2 ",
    "$a",
    "-$a",
    "!!$a && ~$b",
    "$a ? $b : $c",
    "$a ? $b ? 1 : 2 : $c ? 3 : 4",
    "1 - -1",
    "1--1",
    "2 ** 3 ** 4",
    "$a eq {b c} || $a ne \"d $e\"",
    "$a in {x y} && $b ni [list a b]",
    "$a eq\"x\"",
    "[llength $x] == 0",
    "max(1, 2, [f {a b}])",
    "rand() * int(3.5e-2)",
    "rand ( )",
    "0x1F | 0b101 ^ 0o17 & 1 << 2 >> 1",
    ".5 + 5. + 1e5 + 1.5E+3",
    "true && off || Yes",
    "Inf > NaN",
    "((($a)))",
    "$a(b,$c) + ${d e}",
    "1 \\\n + 2",
    "my::func(1)",
    "tcl::mathfunc::max(1,2)",
    "$x<-1",
    "$a <= $b",
    "\"$a\" eq \"\"",
]  # fmt: skip


@pytest.mark.parametrize("expression", GOOD)
def test_good_expressions_are_taken(expression: str) -> None:
    verdict = TCL.verify(f"expr {{{expression}}}")
    assert [f.message for f in verdict.faults if f.severity is Severity.ERROR] == []


BAD = [
    ("", "tcl.expr.empty"),
    ("1 +", "tcl.expr.operand"),
    ("* 1", "tcl.expr.operand"),
    ("1 2", "tcl.expr.operator"),
    ("$a $b", "tcl.expr.operator"),
    ("abc", "tcl.expr.bareword"),
    ("$a == abc", "tcl.expr.bareword"),
    ("(1", "tcl.expr.paren"),
    ("1)", "tcl.expr.paren"),
    ("()", "tcl.expr.operand"),
    ("max(1,)", "tcl.expr.operand"),
    ("max(,1)", "tcl.expr.operand"),
    ("1, 2", "tcl.expr.operator"),
    ("$a = 1", "tcl.expr.operator"),
    ("$a ? 1", "tcl.expr.ternary"),
    ("$a : 1", "tcl.expr.ternary"),
    ("($a ? 1) : 2", "tcl.expr.ternary"),
    ("$a && && $b", "tcl.expr.operand"),
    ("1 @ 2", "tcl.expr.operator"),
    ("@", "tcl.expr.character"),
    ("$ + 1", "tcl.expr.character"),
    ("08 + 1", "tcl.expr.octal"),
    ("sin(1, 2)", "tcl.expr.function"),
    ("sin()", "tcl.expr.function"),
    ("rand(1)", "tcl.expr.function"),
    ("[f {a}", "tcl.parse.bracket"),
    ('"a', "tcl.parse.quote"),
    ("12abc", "tcl.expr.operator"),
]


@pytest.mark.parametrize(("expression", "code"), BAD)
def test_bad_expressions_are_refused(expression: str, code: str) -> None:
    verdict = TCL.verify(f"if {{{expression}}} {{puts a}}")
    assert not verdict.ok
    assert code in [fault.code for fault in verdict.faults]


def test_an_expression_is_checked_wherever_one_stands() -> None:
    for text in (
        "while {1 +} {}",
        "for {} {1 +} {} {}",
        "set a [expr {1 +}]",
        "proc f {} {if {1} {} elseif {1 +} {}}",
    ):
        assert [fault.code for fault in TCL.verify(text).faults] == ["tcl.expr.operand"], text


def test_substituted_expressions_are_not_judged() -> None:
    assert TCL.verify('if $a {puts b}\nexpr $a + \nexpr "$a +"').ok


def test_a_comment_block_by_if_0_is_not_read() -> None:
    assert TCL.verify('if 0 {\n set a b c d\n unbalanced ] ) " text\n}').ok


def test_unknown_functions_are_a_warning_in_plain_tcl() -> None:
    fault = TCL.verify("expr {sqr(2)}").faults[0]
    assert (fault.code, fault.severity, fault.level) == ("tcl.expr.function", Severity.WARNING, Level.VALID)
    assert fault.hint == 'did you mean "sqrt"?'
    assert TCL.verify("proc ::tcl::mathfunc::sqr {x} {}\nexpr {sqr(2)}").faults == ()


def test_a_single_equals_sign_comes_with_its_repair() -> None:
    text = "if {$a = 1} {}"
    fault = TCL.verify(text).faults[0]
    assert fault.fix is not None
    assert text[: fault.fix.span.start] + fault.fix.text + text[fault.fix.span.end :] == "if {$a == 1} {}"
