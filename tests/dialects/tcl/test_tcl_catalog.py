"""Scripts against a catalog and a policy: every fault with its code, and repairs that repair."""

from __future__ import annotations

import pytest

from idiolect.dialects.catalog import Arg, Catalog, Proc, Variable
from idiolect.dialects.contract import Context
from idiolect.dialects.policy import parse_policy
from idiolect.dialects.tcl.dialect import Tcl, demo_catalog
from idiolect.dialects.verdict import Fault, Severity

TCL = Tcl()
DEMO = Context(catalog=demo_catalog())

GOOD = """#!/usr/bin/env tclsh
# route it
set ::tech::corner tt
my::route -net CLK -layer M3
proc twice {net} {
    my::route -net $net -layer M2 -shielded
    my::keepout -width 0.4 -net $net
}
twice CLK
if {[my::is_routed -net CLK] && $::tech::corner eq "tt"} {
    my::rename_net CLK clk2
} else {
    my::note "not routed"
}
foreach net {CLK RST} {my::route -net $net -layer $::tech::layer}
my::power_ring -nets {VDD VSS} -layer M6 -width 2.5
dsl {
    rule "SR2" apply_to: CLK spacing: 0.12um
}
"""
GOOD = GOOD.replace("$::tech::layer", "M1")


def applied(text: str, fault: Fault) -> str:
    assert fault.fix is not None
    return text[: fault.fix.span.start] + fault.fix.text + text[fault.fix.span.end :]


def first_error(text: str, context: Context = DEMO) -> Fault:
    return next(fault for fault in TCL.verify(text, context).faults if fault.severity is Severity.ERROR)


def test_a_good_script_verifies_at_every_level() -> None:
    verdict = TCL.verify(GOOD, DEMO)
    assert verdict.faults == ()
    assert (verdict.parsed, verdict.valid, verdict.policy) == (True, True, True)
    assert verdict.details["valid_DSL_blocks"] is True
    assert verdict.details["dsl_blocks"] == {"found": 1, "valid": 1, "invalid": 0, "not_judged": 0}


# what is replaced, by what, the fault's code, and whether its repair makes the script good again
BROKEN = [
    ("my::route -net CLK", "my::rout -net CLK", "tcl.proc.unknown", True),
    ("my::route -net CLK", "route -net CLK", "tcl.proc.unknown", True),
    ("my::note", "notes", "tcl.proc.unknown", False),
    ("twice CLK", "twise CLK", "tcl.proc.unknown", False),
    ("-layer M3", "-layr M3", "tcl.args.unknown", True),
    ("-layer M3", "", "tcl.args.missing", False),
    ("-layer M3", "-layer", "tcl.args.no_value", False),
    ("-layer M3", "-layer M3 -layer M4", "tcl.args.duplicate", False),
    ("-net CLK -layer M3", "CLK M3", "tcl.args.positional", True),
    ("-net CLK -layer M3", "net CLK layer M3", "tcl.args.positional", True),
    ("-layer M3", "-layer M3 M4", "tcl.args.positional", False),
    ("my::rename_net CLK clk2", "my::rename_net CLK", "tcl.args.missing", False),
    ("my::rename_net CLK clk2", "my::rename_net CLK clk2 more", "tcl.args.extra", False),
    ("-layer M3", "-layer M33", "tcl.value.enum", True),
    ("-layer M3", "-layer metal", "tcl.value.enum", False),
    ("-width 0.4", "-width wide", "tcl.value.type", False),
    ("-width 0.4", "-width 44", "tcl.value.range", False),
    ("-width 0.4", "-width 0.4um", "tcl.value.unit", True),
    ("-net CLK", "-net {a b}", "tcl.value.type", False),
    ("{VDD VSS}", "{VDD GND}", "tcl.value.enum", False),
    ("corner tt", "corner ttt", "tcl.value.enum", True),
    ("set ::tech::corner", "set ::tech::cornr", "tcl.var.unknown", True),
    ("$::tech::corner", "$::tech::cornr", "tcl.var.undefined", True),
    ("-net $net -layer M1", "-net $nte -layer M1", "tcl.var.undefined", True),
    ("apply_to:", "aply_to:", "tcl.dsl.parse.keyword", True),
    ("rule ", "rul ", "tcl.dsl.parse.statement", True),
    ("0.12um", "0.12", "tcl.dsl.value.unit", True),
    ("0.12um", "9um", "tcl.dsl.value.range", False),
    ('"SR2"', "SR2", "tcl.dsl.parse.token", False),
    (" spacing: 0.12um", "", "tcl.dsl.parse.missing", False),
    ("0.12um", "0.12um now", "tcl.dsl.parse.extra", True),
    ("dsl {", "dsl x {", "tcl.dsl.form", False),
    ("#!/usr/bin/env tclsh\n", "", "tcl.policy.header", True),
    ("my::note", "exec rm x; my::note", "tcl.policy.forbidden", False),
    ("my::note", "eval exec rm x; my::note", "tcl.policy.forbidden", False),
    ("my::note", "puts [exec rm x]; my::note", "tcl.policy.forbidden", False),
    ("my::note", "file delete x; my::note", "tcl.policy.forbidden", False),
    ("my::note", "interp alias {} run {} exec; my::note", "tcl.policy.forbidden", False),
    ("my::note", "::exec rm x; my::note", "tcl.policy.forbidden", False),
    ("my::note", "dict getnull x; my::note", "tcl.args.subcommand", False),
    ("my::note", "set x a]; my::note", "tcl.parse.stray_bracket", False),
    ("eq \"tt\"", "== tt", "tcl.expr.bareword", False),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "repaired"), BROKEN)
def test_each_break_has_its_code_and_known_repairs_repair(
    old: str, new: str, code: str, repaired: bool
) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    verdict = TCL.verify(text, DEMO)
    assert not verdict.ok
    found = [fault for fault in verdict.faults if fault.severity is Severity.ERROR]
    assert code in [fault.code for fault in found]
    fault = next(fault for fault in found if fault.code == code)
    if repaired:
        assert TCL.verify(applied(text, fault), DEMO).ok
    if fault.span is not None and new and code != "tcl.policy.header":
        at = text.index(new)
        line = text.count("\n", 0, at)
        assert line <= text.count("\n", 0, fault.span.start) <= line + 1


def test_broken_dsl_blocks_are_counted_apart_from_the_tcl_around_them() -> None:
    verdict = TCL.verify(GOOD.replace("0.12um", "0.12"), DEMO)
    assert (verdict.parsed, verdict.valid) == (True, False)
    assert verdict.details["valid_DSL_blocks"] is False


def test_substituted_words_are_not_judged() -> None:
    text = (
        GOOD
        + "set any 1\nmy::route -net $any -layer $any\nmy::route {*}$any\nmy::route $any x -layer M9x$any\n"
    )
    assert TCL.verify(text, DEMO).ok


def test_computed_commands_are_counted_not_judged() -> None:
    verdict = TCL.verify(GOOD + "set any 1\n$any x\n", DEMO)
    assert verdict.ok
    assert verdict.details["calls_not_judged"] == 1


def test_commands_that_the_script_makes_are_known() -> None:
    text = GOOD + (
        "oo::class create Box {method m {} {}}\nset b [Box new]\nBox create box\nbox m\n"
        "interp alias {} short {} my::note\nshort x\n"
        "namespace eval n {proc inner {} {}; inner}\nn::inner\n"
    )
    assert [fault.message for fault in TCL.verify(text, DEMO).faults] == []


def test_deprecated_symbols_are_a_warning_with_the_replacement() -> None:
    text = GOOD.replace("my::route -net CLK", "my::wire -net CLK", 1)
    verdict = TCL.verify(text, DEMO)
    assert verdict.ok
    fault = verdict.faults[0]
    assert (fault.code, fault.severity) == ("tcl.policy.deprecated", Severity.WARNING)
    assert applied(text, fault) == GOOD
    deny = Context(catalog=demo_catalog(), policy=parse_policy("deny_deprecated = true"))
    assert TCL.verify(text, deny).policy is False


def test_required_packages_and_limits_are_policy() -> None:
    policy = parse_policy('[required]\npackages = ["tech"]\n[limits]\nmax_statements = 4\nmax_blocks = 0')
    context = Context(catalog=demo_catalog(), policy=policy)
    verdict = TCL.verify(GOOD, context)
    codes = {fault.code for fault in verdict.faults}
    assert {"tcl.policy.package", "tcl.policy.limit"} <= codes
    package = next(fault for fault in verdict.faults if fault.code == "tcl.policy.package")
    again = TCL.verify(applied(GOOD, package), context)
    assert "tcl.policy.package" not in {fault.code for fault in again.faults}


def test_relative_and_absolute_names_find_the_same_proc() -> None:
    catalog = Catalog(procs=(Proc(name="a::b::c", args=(Arg(name="x", type="int", passed="positional"),)),))
    context = Context(catalog=catalog)
    for text in ("a::b::c 1", "::a::b::c 1", "namespace eval a {b::c 1}", "namespace eval ::a::b {c 1}"):
        assert TCL.verify(text, context).ok, text
    assert first_error("namespace eval a {c 1}", context).code == "tcl.proc.unknown"


def test_subcommands_and_variadic_and_negative_numbers() -> None:
    number = Arg(name="n", type="int", passed="positional")
    rest = Arg(name="rest", passed="positional", variadic=True, type="int")
    catalog = Catalog(
        procs=(
            Proc(name="net add", args=(number,)),
            Proc(name="net drop", args=(number, rest)),
            Proc(name="shift", args=(Arg(name="by", type="int"), Arg(name="v", passed="switch"))),
        )
    )
    context = Context(catalog=catalog)
    assert TCL.verify("net add 1\nnet drop 1 2 3\nnet drop 1\nshift -by -3 -v", context).ok
    assert first_error("net ad 1", context).code == "tcl.proc.unknown"
    assert first_error("net drop 1 2 x", context).code == "tcl.value.type"


def test_values_of_a_variable_are_judged_only_for_that_variable() -> None:
    catalog = Catalog(variables=(Variable(name="::t::v", values=(1, 2)),))
    context = Context(catalog=catalog)
    assert TCL.verify("set ::t::v 1\nset other 9", context).ok
    assert first_error("set ::t::v 3", context).code == "tcl.value.enum"
    assert first_error("namespace eval t {variable v 3}", context).code == "tcl.value.enum"


def test_patterns_and_long_numbers_cost_no_time_and_no_crash() -> None:
    args = (Arg(name="p", pattern="(a+)+b"), Arg(name="n", type="int", range=(0, 9), required=False))
    context = Context(catalog=Catalog(procs=(Proc(name="p", args=args),)))
    assert TCL.verify("p -p aaab", context).ok
    assert first_error(f"p -p {'a' * 5000}", context).code == "tcl.value.pattern"
    assert first_error(f"p -p ab -n {'9' * 240}", context).code == "tcl.value.range"
    assert first_error(f"p -p ab -n 0x{'F' * 240}", context).code == "tcl.value.range"
    assert first_error(f"p -p ab -n {'9' * 400}", context).code == "tcl.value.type"


def test_only_ascii_blanks_part_words() -> None:
    context = Context(catalog=Catalog(procs=(Proc(name="p", args=(Arg(name="x"),)),)))
    assert TCL.verify("p -x a\u00a0b\u2028c", context).ok


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        ("int", ("0", "-3", "0x1F"), ("1.5", "a", "")),
        ("float", ("1", "1.5", "-.5e3"), ("1,5", "x")),
        ("bool", ("1", "yes", "FALSE"), ("2", "maybe")),
        ("identifier", ("a_1",), ("1a", "a-b")),
        ("port", ("1", "65535"), ("0", "65536", "http")),
        ("ip", ("10.0.0.1", "::1"), ("10.0.0.256", "host")),
        ("cidr", ("10.0.0.0/8", "10.1.2.3/8"), ("10.0.0.0/33",)),
        ("float_um", ("0.4",), ("0.4um",)),
    ],
)
def test_base_types(type_: str, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    context = Context(catalog=Catalog(procs=(Proc(name="p", args=(Arg(name="x", type=type_),)),)))
    for value in good:
        assert TCL.verify(f"p -x {value}", context).ok, value
    for value in bad:
        assert not TCL.verify(f"p -x {{{value}}}", context).ok, value
