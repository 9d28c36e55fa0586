"""Every code of the taxonomy: a text that has it, where, and the cure."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from idiolect.dialects.contract import Context
from idiolect.dialects.gates.dialect import Gates
from idiolect.dialects.gates.syntax import MAX_TEXT
from idiolect.dialects.gates.taxonomy import fault_kinds
from idiolect.dialects.verdict import Level, Severity, render_fault
from idiolect.source import SourceText

GATES = Gates()
KINDS = fault_kinds()
DOCS = Path(__file__).parents[3] / "docs" / "dialects" / "gates.md"


def _bad(kind):
    return kind.bad.replace("...50,000 characters", "." * MAX_TEXT)


def _context(kind):
    return Context(tests=[json.loads(kind.test)] if kind.test else [])


def _codes_in_source() -> set[str]:
    folder = files("idiolect.dialects.gates")
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in folder.iterdir() if path.name.endswith(".py")
    )
    codes = {f"gates.{code}" for code in re.findall(r'\.(?:add|misspelt|warn)\(\s*"([a-z.]+)"', source)}
    codes |= set(re.findall(r'Fault\(\s*"(gates\.[a-z.]+)"', source))
    codes |= {f"gates.test.{code}" for code in re.findall(r'_fault\(\s*"([a-z]+)"', source)}
    return codes | {"gates.clock.double", "gates.reset.double"}  # made from the kind of port


def test_the_table_lists_exactly_the_codes_that_the_checker_gives():
    assert {kind.code for kind in KINDS} == _codes_in_source()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_the_bad_text_has_that_fault_first(kind):
    verdict = GATES.verify(_bad(kind), _context(kind))
    fault = verdict.faults[0]
    assert fault.code == kind.code
    assert verdict.ok == (fault.severity is Severity.WARNING)
    assert verdict.parsed == (fault.level is not Level.PARSE)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_the_fault_points_at_what_is_wrong(kind):
    text = _bad(kind)
    span = GATES.verify(text, _context(kind)).faults[0].span
    if kind.at != "*":
        assert text[span.start : span.end] == kind.at
    assert 0 <= span.start <= span.end <= len(text)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_the_mended_text_has_no_fault(kind):
    verdict = GATES.verify(kind.good, _context(kind))
    assert verdict.ok
    assert verdict.faults == ()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_every_fault_but_a_failed_test_says_what_to_write(kind):
    for fault in GATES.verify(_bad(kind), _context(kind)).faults:
        assert fault.hint or fault.level is Level.TESTS


def test_known_repairs_repair():
    repaired = 0
    for kind in KINDS:
        text = _bad(kind)
        fix = GATES.verify(text, _context(kind)).faults[0].fix
        if fix is not None:
            mended = text[: fix.span.start] + fix.text + text[fix.span.end :]
            assert GATES.verify(mended, _context(kind)).ok, kind.code
            repaired += 1
    assert repaired >= 8


def test_the_documentation_lists_every_code():
    shown = re.findall(r"^\| `(gates\.[a-z.]+)` \| (.*?) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown == [(kind.code, kind.meaning) for kind in KINDS]


def test_all_missing_semicolons_are_told_at_once():
    text = "MODULE M(INPUT A, OUTPUT Y) {\n    WIRE T = ~A\n    WIRE S = ~T\n    Y = S\n}"
    verdict = GATES.verify(text)
    assert [fault.code for fault in verdict.faults] == ["gates.parse.semicolon"] * 3
    for fault in sorted(verdict.faults, key=lambda fault: -fault.fix.span.start):
        text = text[: fault.fix.span.start] + fault.fix.text + text[fault.fix.span.end :]
    assert GATES.verify(text).ok


def test_a_missing_semicolon_is_shown_where_it_belongs_even_before_a_comment():
    text = "MODULE M(INPUT A, OUTPUT Y) {\n    Y = A // the end\n}"
    fault = GATES.verify(text).faults[0]
    assert text[: fault.fix.span.start].endswith("Y = A")


def test_a_missing_semicolon_does_not_hide_what_is_wrong_behind_it():
    text = "MODULE M(CLOCK C, INPUT A, OUTPUT Y) { STAGE S1 { X <= A STAGE } Y = S1.X; }"
    codes = [fault.code for fault in GATES.verify(text).faults]
    assert codes[0] == "gates.parse.semicolon"
    assert len(codes) == 2


def test_a_loop_through_instances_is_named():
    text = (
        "MODULE INV(INPUT A, OUTPUT Y) { Y = ~A; }\n"
        "MODULE M(OUTPUT Y) { WIRE T; INV U1(T, Y); INV U2(Y, T); }"
    )
    fault = GATES.verify(text).faults[0]
    assert fault.code == "gates.loop.combinational"
    assert "T -> Y -> T" in fault.message or "Y -> T -> Y" in fault.message


def test_an_instance_with_a_register_inside_cuts_a_loop():
    text = (
        "MODULE FF(CLOCK CLK, INPUT D, OUTPUT Q) { REG R = 0; R <= D; Q = R; }\n"
        "MODULE M(CLOCK CLK, OUTPUT Y) { FF U1(CLK, ~Y, Y); }"
    )
    assert GATES.verify(text).ok


def test_bits_of_one_word_may_feed_each_other():
    text = "MODULE M(INPUT A[3], OUTPUT Y[3]) { Y[0] = A[0]; Y[1] = A[1] ^ Y[0]; Y[2] = A[2] ^ Y[1]; }"
    assert GATES.verify(text).ok


def test_a_fault_reads_like_one_of_a_compiler():
    text = "MODULE M(INPUT A[8], INPUT B[4], OUTPUT Y[8]) { Y = A + B; }"
    fault = GATES.verify(text).faults[0]
    assert render_fault(fault, SourceText(text, "m.gates")) == (
        "m.gates:1:57: error[gates.width.mismatch]: "
        'the operands of "+" want one width: A has 8 bits, B has 4 bits\n'
        "   1 | MODULE M(INPUT A[8], INPUT B[4], OUTPUT Y[8]) { Y = A + B; }\n"
        "     |                                                         ^\n"
        "   help: widen it with zeros: {4'd0, B}"
    )
