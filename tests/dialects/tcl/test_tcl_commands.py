"""Core commands: argument counts, options, subcommands, and the scripts inside them."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from idiolect.dialects.tcl.commands import Spec, core
from idiolect.dialects.tcl.dialect import Tcl
from idiolect.dialects.verdict import Level, Severity

TCL = Tcl()

GOOD = [
    "set a; set a 1",
    "lappend l",
    "foreach a {1 2} {puts $a}",
    "foreach {a b} {1 2} c {3} {puts $a}",
    "lmap x $l {expr {$x + 1}}",
    "if {$a} then {b} elseif {$c} then {d} else {e}",
    "if {$a} {b} {c}",
    "switch $a {x - y {puts 1} default {puts 2}}",
    "switch -glob -- $a a {puts 1} b -  c {puts 2}",
    "switch -regex -matchvar m -- $a {a.* {puts $m}}",
    "switch -- $a [list a {b}]",
    "try {a} on error {m o} {b} trap {X Y} {} {c} finally {d}",
    "try {a} on ok {} - on error {} {b}",
    "catch {a} m o",
    "dict for {k v} $d {puts $k}",
    "dict update d a b {puts $b}",
    "dict with d {puts $x}",
    "namespace eval a {variable b 1; proc c {} {}}",
    "proc f {a {b 1} args} {return $a}",
    "proc f args {}",
    "apply {{x y} {expr {$x + $y}}} 1 2",
    "after 100 {puts a}; after idle {puts b}; after cancel $id",
    "uplevel 1 {set a b}; uplevel #0 [list a b]",
    "eval {set a 1}; eval set a 1",
    "regexp -nocase -start 1 -- {a} $b c d",
    "regexp $opt a b",
    "lsort -integer -index 0 $l; lsort $opt $l",
    "string is integer -strict $a; string match -nocase a $b",
    "puts -nonewline stdout a",
    "read $f 10; read -nonewline $f",
    "return; return -code error -errorcode {A B} message",
    "oo::class create A {superclass B; constructor {x} {next}; method m {a {b 1}} {my n}; destructor {}}",
    "oo::define A method m {a} {puts $a}",
    "snit::type t {option -a; method m {x} {}; proc p {} {}; delegate method * to c}",
    "proc set {a b c d} {}\nset 1 2 3 4",
    "namespace eval n {proc list {a b c} {}; proc f {} {list 1 2 3}}",
    "namespace eval ::tcl::dict {proc merge2 {d} {for {k v} $d {set d $k $v}}}",
    "{*}$cmd",
    "set {*}$args",
    "string comp a b; info comm",
]


@pytest.mark.parametrize("text", GOOD)
def test_good_commands_are_taken(text: str) -> None:
    assert [fault.message for fault in TCL.verify(text).faults if fault.severity is Severity.ERROR] == []


BAD = [
    ("set", "tcl.args.count"),
    ("set a b c", "tcl.args.count"),
    ("foreach a {1 2}", "tcl.args.count"),
    ("foreach a {1} b {2 3}", "tcl.args.count"),
    ("foreach {} {1} {}", "tcl.args.varlist"),
    ("while {1}", "tcl.args.count"),
    ("for {} {1} {}", "tcl.args.count"),
    ("if", "tcl.args.count"),
    ("if {1}", "tcl.args.count"),
    ("if {1} {a} else", "tcl.args.count"),
    ("if {1} {a} elseif", "tcl.args.count"),
    ("if {1} {a} esle {b}", "tcl.args.count"),
    ("if {1} {a} else {b} {c}", "tcl.args.count"),
    ("switch $a {x {1} y}", "tcl.args.count"),
    ("switch $a {x {puts 1} y -}", "tcl.args.count"),
    ("switch -foo $a {x {}}", "tcl.args.option"),
    ("try {a} on error {m}", "tcl.args.count"),
    ("try {a} catch {m} {b}", "tcl.args.option"),
    ("proc f {}", "tcl.args.count"),
    ("proc f {{a b c}} {}", "tcl.args.formals"),
    ("proc f {{}} {}", "tcl.args.formals"),
    ("proc f {a(1)} {}", "tcl.args.formals"),
    ("string is -strict integer $a", "tcl.args.count"),
    ("string lenght $a", "tcl.args.subcommand"),
    ("string to $a", "tcl.args.subcommand"),
    ("dict set d k", "tcl.args.count"),
    ("lsort -foo $l", "tcl.args.option"),
    ("lsort -intger $l", "tcl.args.option"),
    ("regexp -all", "tcl.args.count"),
    ("array exists a b", "tcl.args.count"),
    ("after foo {a}", "tcl.args.option"),
    ("dict for {k} $d {}", "tcl.args.count"),
    ("oo::class create A {method m {a}}", "tcl.args.count"),
    ("oo::class create A {method m {a} {set a b c}}", "tcl.args.count"),
    ("snit::type t {method m {} {while 1}}", "tcl.args.count"),
    ("eval set a b c", "tcl.args.count"),
    ("after 1 {set a b c}", "tcl.args.count"),
    ("apply {x} 1", "tcl.args.count"),
    ("catch {set a [string lenght b]}", "tcl.args.subcommand"),
    ('puts "[set a b c]"', "tcl.args.count"),
    ("puts $a([set a b c])", "tcl.args.count"),
]


@pytest.mark.parametrize(("text", "code"), BAD)
def test_bad_commands_are_refused(text: str, code: str) -> None:
    verdict = TCL.verify(text)
    assert not verdict.ok
    assert code in [fault.code for fault in verdict.faults]
    if code.startswith("tcl.args"):
        assert (verdict.parsed, verdict.valid) == (True, False)
        assert {fault.level for fault in verdict.faults} == {Level.VALID}


def test_the_message_shows_the_usage() -> None:
    fault = TCL.verify("lindex").faults[0]
    assert fault.message == 'wrong # args: should be "lindex list ?index ...?"'


def test_a_misspelt_option_or_subcommand_comes_with_its_repair() -> None:
    for text, repaired in (
        ("lsort -intger $l", "lsort -integer $l"),
        ("string lenght $a", "string length $a"),
    ):
        fix = TCL.verify(text).faults[0].fix
        assert fix is not None
        assert text[: fix.span.start] + fix.text + text[fix.span.end :] == repaired


def test_what_a_package_may_have_added_is_only_a_warning() -> None:
    fault = TCL.verify("package require dicttool\ndict rmerge $a $b").faults[0]
    assert (fault.code, fault.severity) == ("tcl.args.subcommand", Severity.WARNING)
    assert TCL.verify("dict merger $a $b").faults[0].severity is Severity.ERROR


def test_a_comment_between_switch_patterns_is_named() -> None:
    odd = TCL.verify("switch $a {\n x {b}\n # one note\n y {c}\n}").faults[0]
    assert (odd.code, odd.severity) == ("tcl.args.count", Severity.ERROR)
    assert "comment" in (odd.hint or "")
    # An even number of words is legal Tcl, and seldom meant.
    even = TCL.verify("switch $a {\n x {b}\n # note\n y {c}\n}").faults[0]
    assert (even.code, even.severity) == ("tcl.args.switch_comment", Severity.WARNING)


# Commands that end, block or change the interpreter, or that count their arguments themselves.
NOT_TRIED = frozenset(
    (
        "exit", "vwait", "yield", "yieldto", "tailcall", "self", "next", "nextto", "my", "exec", "cd",
        "unknown",
        "history", "memory", "bgerror", "case", "timerate", "tcl_findLibrary", "oo::class", "oo::object",
        "oo::define", "oo::objdefine", "interp", "trace", "load", "unload", "source", "return", "break",
        "continue", "subst",
    )
)  # fmt: skip


def _wrong_counts() -> list[tuple[str, int, str]]:
    found: list[tuple[str, int, str]] = []

    def add(name: str, spec: Spec) -> None:
        if spec.extension or spec.free or spec.sub or name in NOT_TRIED:
            return
        if spec.low > 0:
            found.append((name, spec.low - 1, spec.usage))
        if spec.high is not None:
            found.append(
                (name, spec.high + 1 + sum(1 + count for count in spec.options.values()), spec.usage)
            )

    for name, spec in core().items():
        if name in NOT_TRIED:
            continue
        for sub, inner in spec.sub.items():
            add(f"{name} {sub}", inner)
        add(name, spec)
    return found


@pytest.mark.skipif(shutil.which("tclsh") is None, reason="needs tclsh")
def test_the_argument_counts_are_those_of_tclsh() -> None:
    tried = _wrong_counts()
    script = "".join(
        f"catch {{{name} {'x ' * count}}} message; puts [string map {{\\n {{ }}}} $message]\n"
        for name, count, _ in tried
    )
    run = subprocess.run(["tclsh"], input=script, capture_output=True, text=True, timeout=60, check=True)
    answers = run.stdout.splitlines()
    assert len(answers) == len(tried) > 300
    agreeing = [answer for answer in answers if "wrong # args" in answer]
    assert len(agreeing) == len(tried), [
        (case, answer) for case, answer in zip(tried, answers, strict=True) if "wrong # args" not in answer
    ]
    same_words = sum(usage in answer for (_, _, usage), answer in zip(tried, answers, strict=True))
    assert same_words / len(tried) > 0.9
