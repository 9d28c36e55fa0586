"""The simulator against plain Python, which works on whole integers and shares nothing with it."""

from __future__ import annotations

import random

import pytest
from gates_expressions import SIGNALS, Expression, expressions, ones, rows
from hypothesis import given
from hypothesis import strategies as st

from idiolect.dialects.gates.checker import check
from idiolect.dialects.gates.netlist import build
from idiolect.dialects.gates.reader import read
from idiolect.dialects.gates.simulator import (
    CannotRun,
    Simulation,
    compiled,
    every_value,
    planes_of,
    run,
    values_of,
)

PORTS = ", ".join(f"INPUT {name}[{width}]" for name, width in SIGNALS.items())


def _netlist(expression: Expression):
    checked = check(read(f"MODULE M({PORTS}, OUTPUT Y[{expression.width}]) {{ Y = {expression.text}; }}"))
    assert checked.ok, checked.faults
    return build(checked)


@given(expressions(), st.lists(rows(), min_size=1, max_size=20))
def test_expressions_are_worth_what_python_says(expression, given_rows):
    simulation = Simulation(_netlist(expression), len(given_rows))
    planes = {name: planes_of([row[name] for row in given_rows], width) for name, width in SIGNALS.items()}
    seen = values_of(simulation.settle(planes)["Y"], len(given_rows))
    assert seen == [expression.value(row) for row in given_rows]


@given(expressions(), expressions(), st.lists(st.tuples(rows(), st.integers(0, 1)), min_size=1, max_size=12))
def test_clocked_circuits_step_as_python_says(update, shown, story):
    """A register of 8 bits that takes F(inputs, itself), with a reset; B stands for the register."""
    inputs = {name: width for name, width in SIGNALS.items() if name != "B"}
    ports = ", ".join(f"INPUT {name}[{width}]" for name, width in inputs.items())
    update_text = update.text if update.width == 8 else f"B ^ {{7'd0, ({update.text}) != {update.width}'d0}}"
    text = (
        f"MODULE M(CLOCK CLK, RESET RST, {ports}, OUTPUT Y[{shown.width}]) "
        f"{{ REG B[8] = 8'd77; B <= {update_text}; Y = {shown.text}; }}"
    )
    state, wanted = 77, []
    for row, reset in story:
        values = row | {"B": state}
        wanted.append(shown.value(values))
        found = update.value(values)
        following = found if update.width == 8 else state ^ int(found != 0)
        state = 77 if reset else following
    given_inputs = {name: [row[name] for row, _ in story] for name in inputs}
    assert run(text, given_inputs | {"RST": [reset for _, reset in story]}) == {"Y": wanted}


@given(st.lists(st.integers(0, ones(24)), min_size=1, max_size=40))
def test_planes_and_values_are_the_same_thing(values):
    assert values_of(planes_of(values, 24), len(values)) == values


def test_all_values_of_two_inputs_are_all_combinations():
    a, b = every_value(0, 2, 5), every_value(2, 3, 5)
    pairs = set(zip(values_of(a, 32), values_of(b, 32), strict=True))
    assert pairs == {(x, y) for x in range(4) for y in range(8)}


@pytest.mark.parametrize("width", [1, 2, 7, 8, 32, 64])
def test_arithmetic_of_wide_words(width):
    rng = random.Random(width)
    text = (
        f"MODULE M(INPUT A[{width}], INPUT B[{width}], OUTPUT S[{width}], OUTPUT D[{width}], "
        f"OUTPUT P[{2 * width}], OUTPUT L) {{ S = A + B; D = A - B; P = A * B; L = A < B; }}"
    )
    for _ in range(20):
        a, b = rng.getrandbits(width), rng.getrandbits(width)
        assert run(text, {"A": a, "B": b}) == {
            "S": (a + b) & ones(width), "D": (a - b) & ones(width), "P": a * b, "L": int(a < b),
        }  # fmt: skip


def test_plain_numbers_take_the_width_they_meet():
    text = "MODULE M(INPUT A[8], OUTPUT Y[8], OUTPUT Z) { Y = A > 250 ? 3 - 5 : ~0; Z = 1 ? A[0] : 0; }"
    assert run(text, {"A": 255}) == {"Y": 254, "Z": 1}
    assert run(text, {"A": 4}) == {"Y": 255, "Z": 0}


def test_all_registers_step_at_once():
    text = (
        "MODULE M(CLOCK CLK, OUTPUT X[2], OUTPUT Y[2]) "
        "{ REG A[2] = 2'd1; REG B[2] = 2'd2; A <= B; B <= A; X = A; Y = B; }"
    )
    assert run(text, {"CLK": 4}) == {"X": [1, 2, 1, 2], "Y": [2, 1, 2, 1]}


def test_a_reset_reaches_registers_of_instances():
    text = (
        "MODULE C(CLOCK CLK, RESET R, OUTPUT Q[3]) { REG N[3] = 3'd5; N <= N + 1; Q = N; } "
        "MODULE M(CLOCK CLK, RESET RST, INPUT HOLD, OUTPUT X[3], OUTPUT Y[3]) "
        "{ C U1(CLK, RST, X); C U2(CLK = CLK, R = RST | HOLD, Q = Y); }"
    )
    seen = run(text, {"RST": [0, 0, 1, 0, 0], "HOLD": [0, 0, 0, 1, 0]})
    assert seen == {"X": [5, 6, 7, 5, 6], "Y": [5, 6, 7, 5, 5]}


def test_modules_nest_in_any_order():
    text = (
        "MODULE A(INPUT X, OUTPUT Y) { B U(X, Y); } MODULE B(INPUT X, OUTPUT Y) { C U(X, Y); } "
        "MODULE C(INPUT X, OUTPUT Y) { Y = ~X; } MODULE TOP(INPUT X, OUTPUT Y) { A U(X = X, Y = Y); }"
    )
    assert run(text, {"X": 0}) == {"Y": 1}


G1 = "MODULE G1(INPUT A, INPUT B, OUTPUT Y) { Y = A & B; }"
FF = "MODULE FF(CLOCK CLK, INPUT D[2], OUTPUT Q[2]) { REG R[2] = 0; R <= D; Q = R; }"


@pytest.mark.parametrize(
    ("text", "inputs", "message"),
    [
        ("MODULE", {}, "does not parse"),
        (G1.replace("B;", "C;"), {}, "not valid: C is not declared"),
        (G1, {"A": 2}, "2 does not fit input A"),
        (G1, {"A": -1}, "does not fit"),
        (G1, {"A": "1"}, "whole number"),
        (G1, {"C": 1}, "has no input C"),
        (G1, {"A": [0, 1]}, "has no clock"),
        (FF, {"D": [1, 2], "CLK": 3}, "different numbers of cycles"),
        (FF, {"D": []}, "cycles"),
        (FF, {"CLK": 10**9}, "cycles"),
        (FF, {"CLK": "x"}, "cycles"),
        (
            "MODULE M(INPUT A[128], OUTPUT Y[256]) { Y = A * A ^ (A + 1) * A; }",
            {"A": 1},
            "more than 150000 gates",
        ),
    ],
)
def test_what_cannot_run_says_why(text, inputs, message):
    with pytest.raises(CannotRun, match=message):
        run(text, inputs)


def test_inputs_left_out_are_zero():
    assert run(G1, {"A": 1}) == {"Y": 0}


def test_equal_gates_are_built_once():
    one = len(compiled("MODULE M(INPUT A[8], INPUT B[8], OUTPUT Y[8]) { Y = A + B; }").network.gates)
    two = compiled("MODULE M(INPUT A[8], INPUT B[8], OUTPUT Y[8], OUTPUT Z[8]) { Y = A + B; Z = A + B; }")
    assert len(two.network.gates) == one
