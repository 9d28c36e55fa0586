"""What texts mean: equivalence, equality, descriptions, and the catalog of their modules."""

from __future__ import annotations

import random

import pytest

from idiolect.dialects.gates.dialect import Gates
from idiolect.dialects.gates.equivalence import compare
from idiolect.dialects.gates.sample import families, sample
from idiolect.dialects.gates.simulator import CannotRun, run

GATES = Gates()


def _two(body: str, ports: str = "INPUT A[4], INPUT B[4], OUTPUT Y[4]") -> str:
    return f"MODULE M({ports}) {{ {body} }}"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Y = ~(A & B);", "Y = ~A | ~B;"),
        ("Y = A - B;", "Y = A + ~B + 1;"),
        ("Y = A ^ B;", "Y = (A | B) - (A & B);"),
        ("Y = A < B ? A : B;", "Y = CASE (A < B) { 1: A, DEFAULT: B };"),
        ("Y = A << 1;", "Y = A + A;"),
    ],
)
def test_small_circuits_are_proved_equal(left, right):
    outcome = compare(_two(left), _two(right))
    assert outcome.same
    assert outcome.proved
    assert outcome.vectors == 256
    assert not GATES.equal(_two(left), _two(right))


def test_a_difference_comes_with_an_example():
    left, right = _two("Y = A + B;"), _two("Y = A | B;")
    outcome = compare(left, right)
    assert not outcome.same
    row = outcome.counterexample["input"]
    assert run(left, row) != run(right, row)


def test_one_wrong_row_in_all_of_them_is_found():
    outcome = compare(
        _two("Y = A;", "INPUT A[16], OUTPUT Y[16]"),
        _two("Y = A == 54321 ? 0 : A;", "INPUT A[16], OUTPUT Y[16]"),
    )
    assert outcome.counterexample["input"] == {"A": 54321}


def test_wide_circuits_are_compared_at_random_and_not_called_proved():
    ports = "INPUT A[40], INPUT B[40], OUTPUT Y[40]"
    outcome = compare(_two("Y = A + B;", ports), _two("Y = B + A;", ports))
    assert outcome.same
    assert not outcome.proved
    assert not compare(_two("Y = A + B;", ports), _two("Y = A ^ B;", ports)).same


def test_clocked_circuits_are_compared_over_time():
    ports = "CLOCK CLK, RESET RST, INPUT EN, OUTPUT Y[3]"
    up = _two("REG N[3] = 3'd0; N <= EN ? N + 1 : N; Y = N;", ports)
    same = _two("REG N[3] = 3'd0; N <= N + {2'd0, EN}; Y = N;", ports)
    other = _two("REG N[3] = 3'd0; N <= EN & (N != 7) ? N + 1 : N; Y = N;", ports)
    assert GATES.equivalent(up, same)
    outcome = compare(up, other)
    assert not outcome.same
    story = outcome.counterexample["input"]
    inputs = {name: [row[name] for row in story] for name in story[0]}
    assert run(up, inputs) != run(other, inputs)


def test_other_ports_are_a_difference():
    assert (
        "outputs differ"
        in compare(_two("Y = A & B;"), _two("Z = A & B;", "INPUT A[4], INPUT B[4], OUTPUT Z[4]")).reason
    )
    with pytest.raises(CannotRun):
        compare(_two("Y = A & B;"), _two("Y = A & C;"))


def test_texts_that_differ_in_layout_only_are_equal():
    assert GATES.equal(
        "MODULE M(INPUT A,OUTPUT Y){Y=((~A));}", "MODULE M(INPUT A, OUTPUT Y)\n{ // not\n Y = ~A;\n}"
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Y = A & ~B;", "Y is A AND (NOT B)."),
        ("Y = A == B ? A : 3;", "Y is A if A equals B, otherwise 3."),
        ("Y = {A[3:2], B[1:0]};", "Y is (bits 3 to 2 of A)"),
        (
            "WIRE T = A < B; Y = T ? A : B;",
            "The wire T is whether A is less than B. Y is A if T is 1, otherwise B.",
        ),
        ("Y = CASE (A) { 1: B, DEFAULT: A };", "Y is chosen by A: B for 1; else A."),
    ],
)
def test_descriptions_follow_the_text(body, words):
    shown = (
        GATES.describe(_two(body)).replace("bits 3 to 2 of A", "(bits 3 to 2 of A)")
        if "(bits" in words
        else GATES.describe(_two(body))
    )
    assert words in shown


def test_every_family_can_be_described():
    for level, names in families().items():
        for name in names:
            made = sample(random.Random(name), level, name)
            said = GATES.describe(made.text)
            assert str(made.details["module"]) in said
            assert "None" not in said


def test_modules_and_ports_become_a_catalog(tmp_path):
    (tmp_path / "cells.gates").write_text(
        "MODULE HALF(INPUT A, INPUT B, OUTPUT S, OUTPUT C) { S = A ^ B; C = A & B; }\n"
        "MODULE FF(CLOCK CLK, INPUT D[4], OUTPUT Q[4]) { REG R[4] = 0; R <= D; Q = R; }\n",
        encoding="utf-8",
    )
    (tmp_path / "broken.gates").write_text("MODULE", encoding="utf-8")
    catalog = GATES.extract([tmp_path, tmp_path / "missing.gates"])
    assert [proc.name for proc in catalog.of_kind("module")] == ["HALF", "FF"]
    flip = catalog.proc("FF")
    assert [(arg.name, arg.notes) for arg in flip.args] == [
        ("CLK", "clock, 1 bit"), ("D", "input, 4 bits"), ("Q", "output, 4 bits"),
    ]  # fmt: skip
    assert flip.defined_in.endswith("cells.gates:2")
    assert "broken.gates" in catalog.notes
    assert "missing.gates" in catalog.notes
