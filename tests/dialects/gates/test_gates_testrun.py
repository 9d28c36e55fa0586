"""Running the tests of a context: passed, failed, and what can't be judged."""

from __future__ import annotations

import pytest

from idiolect.dialects.contract import Context
from idiolect.dialects.gates.dialect import Gates

GATES = Gates()
AND = "MODULE G1(INPUT A, INPUT B, OUTPUT Y) { Y = A & B; }"
COUNTER = (
    "MODULE C(CLOCK CLK, RESET RST, INPUT EN, OUTPUT Q[4]) { REG N[4] = 4'd0; N <= EN ? N + 1 : N; Q = N; }"
)


def _verify(text, *tests):
    return GATES.verify(text, Context(tests=tests))


def test_passed_tests_are_counted_one_by_one():
    verdict = _verify(
        AND,
        {"input": {"A": 1, "B": 1}, "expected": {"Y": 1}},
        {"input": {"A": 1, "B": 0}, "expected": {"Y": 1}},
        {"input": {"A": True, "B": False}, "expected": {"Y": 0}},
    )
    assert (verdict.tests_passed, verdict.tests_total, verdict.ok) == (2, 3, False)
    assert verdict.parsed
    assert verdict.valid
    assert [fault.code for fault in verdict.faults] == ["gates.test.value"]
    assert verdict.faults[0].message == "test 2: with A=1, B=0, Y is 0 and should be 1"


def test_sequences_are_cycles_from_reset():
    test = {
        "input": [{"EN": 1}, {"EN": 1}, {"EN": 0}, {"EN": 0}],
        "expected": [{"Q": 0}, {"Q": 1}, {"Q": 2}, {"Q": 2}],
    }
    assert _verify(COUNTER, test, test).ok


def test_a_later_cycle_keeps_inputs_but_not_the_reset():
    rows = [{"EN": 1}, {}, {"RST": 1}, {}, {}]
    assert _verify(COUNTER, {"input": rows, "expected": [{"Q": q} for q in (0, 1, 2, 0, 1)]}).ok


def test_short_and_long_sequences_run_side_by_side():
    short = {"input": [{"EN": 1}], "expected": [{"Q": 0}]}
    long = {"input": [{"EN": 1}] * 5, "expected": [{}, {}, {}, {}, {"Q": 4}]}
    assert _verify(COUNTER, short, long).ok


def test_a_failing_cycle_is_named():
    verdict = _verify(COUNTER, {"input": [{"EN": 1}] * 3, "expected": [{"Q": 0}, {"Q": 1}, {"Q": 3}]})
    assert verdict.faults[0].message == "test 1 in cycle 3: with EN=1, Q is 2 and should be 3"


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ({"input": {"A": 1, "C": 1}, "expected": {"Y": 1}}, "the tests drive C"),
        ({"input": {"A": 1, "B": 1}, "expected": {"Z": 1}}, "the tests read Z"),
        ({"input": {"A": 1}, "expected": {"Y": 1}}, "input B that no test drives"),
        ({"input": {"A": 2, "B": 1}, "expected": {"Y": 1}}, "1 bits can't hold"),
        ({"input": {"A": -1, "B": 1}, "expected": {"Y": 1}}, "can't hold"),
        ({"input": [{"A": 1, "B": 1}] * 2, "expected": [{"Y": 1}] * 2}, "has no clock"),
    ],
)
def test_a_module_with_other_ports_than_the_tests_fails_them(test, message):
    verdict = _verify(AND, test)
    assert verdict.judged
    assert not verdict.ok
    assert verdict.tests_passed == 0
    assert any(fault.code == "gates.test.port" and message in fault.message for fault in verdict.faults)


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        ([{"input": {"A": 1, "B": 1}}], "no mapping with"),
        ([3], "no mapping with"),
        ([{"input": {"A": 1, "B": 1}, "expected": {}}], "expects nothing"),
        ([{"input": {"A": "x", "B": 1}, "expected": {"Y": 1}}], "whole numbers"),
        ([{"input": [{"A": 1, "B": 1}], "expected": {"Y": 1}}], "both mappings"),
        ([{"input": [{"A": 1, "B": 1}], "expected": []}], "1 inputs and 0 expectations"),
        (
            [{"input": {"A": 1, "B": 1}, "expected": {"Y": 1}}, {"input": {"A": 1}, "expected": {"Y": 1}}],
            "test 2 gives no value for input B",
        ),
    ],
)
def test_a_test_that_says_too_little_is_not_judged(tests, reason):
    verdict = _verify(AND, *tests)
    assert not verdict.ok
    assert verdict.not_judged is not None
    assert reason in verdict.not_judged
    assert verdict.valid


def test_giving_the_clock_a_value_is_not_judged():
    verdict = _verify(COUNTER, {"input": [{"EN": 1, "CLK": 1}], "expected": [{"Q": 0}]})
    assert "gives the clock CLK a value" in verdict.not_judged


def test_a_circuit_too_large_to_simulate_is_not_judged():
    text = "MODULE M(INPUT A[128], OUTPUT Y[256]) { Y = A * A ^ (A + 1) * A; }"
    verdict = _verify(text, {"input": {"A": 1}, "expected": {"Y": 1}})
    assert "more than 150000 gates" in verdict.not_judged
    assert verdict.valid


def test_too_many_cycles_are_not_judged():
    rows = [{"EN": 1}] * 20_000
    verdict = _verify(COUNTER, {"input": rows, "expected": [{"Q": 0}] * 20_000})
    assert "too much for one verdict" in verdict.not_judged


def test_tests_of_an_invalid_text_all_fail():
    verdict = _verify(AND.replace("B;", "C;"), {"input": {"A": 1, "B": 1}, "expected": {"Y": 1}})
    assert (verdict.tests_passed, verdict.tests_total, verdict.valid, verdict.ok) == (0, 1, False, False)
