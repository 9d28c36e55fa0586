"""The one formatting of a script, and catalogs read from scripts."""

from __future__ import annotations

import random

import pytest

from idiolect.dialects.catalog_json import dump_catalog, parse_catalog
from idiolect.dialects.contract import Context
from idiolect.dialects.tcl.dialect import Tcl, demo_catalog

TCL = Tcl()

FORMS = [
    ("set a 1;set b   2", "set a 1\nset b 2\n"),
    ("set a 1 ;# note  ", "set a 1 ;# note\n"),
    ("  # note  \n\n\n\nset a 1", "# note\n\nset a 1\n"),
    ("if {$a} {b} else {c;d}", "if {$a} {\n    b\n} else {\n    c\n    d\n}\n"),
    ("if {$a} {}", "if {$a} {}\n"),
    ("proc f {a  {b 1}} { return   $a }", "proc f {a  {b 1}} {\n    return $a\n}\n"),
    ("for {set i 0} {$i < 3} {incr   i} {puts $i}", "for {set i 0} {$i < 3} {incr i} {\n    puts $i\n}\n"),
    ("catch {a   b} r", "catch {a b} r\n"),
    ("switch $a { x - y {b;c} }", "switch $a {\n    x -\n    y {\n        b\n        c\n    }\n}\n"),
    ("puts {a   b\n  c}", "puts {a   b\n  c}\n"),
    ('puts "a   b"', 'puts "a   b"\n'),
    ("puts [a   b]", "puts [a   b]\n"),
    ("a \\\n   b", "a b\n"),
    ("a\r\nb\r\n", "a\nb\n"),
    ("\ufeffa", "a\n"),
    ("", ""),
    ("a\x1atail", "a\n\x1atail"),
    ("if 0 {\n  any   text\n}", "if 0 {\n  any   text\n}\n"),
    ("unknown {a   b} {c; d}", "unknown {a   b} {c; d}\n"),
    ("puts a\\ ", "puts a\\ \n"),
    ("# a\\ \nputs b", "# a\\ \nputs b\n"),
]


@pytest.mark.parametrize(("text", "form"), FORMS)
def test_scripts_take_their_one_form(text: str, form: str) -> None:
    assert TCL.canonical(text) == form
    assert TCL.canonical(form) == form


def test_blocks_of_statement_forms_are_formatted_and_others_left_alone() -> None:
    context = Context(catalog=demo_catalog())
    text = 'dsl {rule   "A"  apply_to: X   spacing: 1um\n\n  # note\n}'
    form = 'dsl {\n    rule "A" apply_to: X spacing: 1um\n    # note\n}\n'
    assert TCL.canonical(text, context) == form
    assert Tcl().canonical("dsl {a   b}") == "dsl {a   b}\n"


def test_what_does_not_parse_has_no_form() -> None:
    with pytest.raises(ValueError, match="missing close-brace"):
        TCL.canonical("if {1} {")


def test_very_deep_blocks_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="nested deeper than 100"):
        TCL.canonical("if {1} {" * 150 + "a" + "}" * 150)


def test_scripts_are_equal_whatever_their_spaces_and_comments() -> None:
    assert TCL.equal("set a 1\n# note\n\nif {1} {b}", "set  a 1; if {1} {\nb ;# why\n}")
    assert not TCL.equal("puts {# a}", "puts {}")
    assert not TCL.equal("puts {a  b}", "puts {a b}")


def test_formatting_keeps_samples_and_their_verdicts() -> None:
    for seed in range(40):
        sample = TCL.sample(random.Random(seed))
        squeezed = sample.text.replace("    ", "\t").replace("\n\n", "\n")
        assert TCL.canonical(squeezed, sample.context) == sample.text


SOURCE = """#!/usr/bin/env tclsh
package provide tools 1.2
package require Tcl 8.6

# Not about anything.

namespace eval ::tools {
    variable level 3
    variable names {a b}
    # Route a net.
    # The layer may be left out.
    proc route {net {layer M1} args} {
        set inner 1
    }
    namespace eval deep {
        proc f {} {}
    }
    proc ::absolute {x} {}
}
proc tools::later {{a {}}} {}
set ::tools::mode fast
oo::class create Box {
    constructor {w} {}
    # How wide.
    method width {{unit um}} {}
}
"""


def test_a_catalog_is_read_from_sources(tmp_path) -> None:
    (tmp_path / "tools.tcl").write_text(SOURCE)
    catalog = TCL.extract([tmp_path / "tools.tcl"])
    assert [proc.name for proc in catalog.procs] == [
        "tools::route",
        "tools::deep::f",
        "absolute",
        "tools::later",
        "Box",
        "Box::width",
    ]
    route = catalog.proc("tools::route")
    assert route is not None
    assert route.notes == "Route a net.\nThe layer may be left out."
    assert route.signature == "tools::route <net> ?<layer>? ?<args>...?"
    assert (route.args[1].default, route.parent, route.defined_in) == ("M1", "tools", "tools.tcl:12")
    assert catalog.proc("tools::deep::f").notes == ""
    assert {item.name: item.default for item in catalog.variables} == {
        "::tools::level": "3",
        "::tools::names": "a b",
        "::tools::mode": "fast",
    }
    assert catalog.packages == ("tools",)
    assert parse_catalog(dump_catalog(catalog)) == catalog


def test_calls_are_checked_against_an_extracted_catalog(tmp_path) -> None:
    (tmp_path / "tools.tcl").write_text(SOURCE)
    context = Context(catalog=TCL.extract([tmp_path / "tools.tcl"]))
    assert TCL.verify("tools::route CLK\ntools::route CLK M2 more words\nputs $::tools::mode", context).ok
    assert TCL.verify("tools::route", context).faults[0].code == "tcl.args.missing"
    assert TCL.verify("tools::rout x", context).faults[0].hint == 'did you mean "tools::route"?'


def test_sources_that_break_off_give_what_stands_before(tmp_path) -> None:
    (tmp_path / "a.tcl").write_bytes(b"proc a {x} {}\nproc b {y} {\n \xff")
    assert [proc.name for proc in TCL.extract([tmp_path / "a.tcl"]).procs] == ["a"]
