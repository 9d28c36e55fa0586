"""The manual, the grammar and the code say the same."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import pytest

from idiolect.dialects.contract import Context
from idiolect.dialects.gates.dialect import Gates
from idiolect.dialects.gates.printer import render
from idiolect.dialects.gates.reader import grammar_text, read
from idiolect.dialects.gates.simulator import run
from idiolect.dialects.gates.syntax import KEYWORDS, MAX_TEXT, PRECEDENCE

MANUAL = (files("idiolect.dialects.gates") / "manual.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```gates\n(.*?)```", MANUAL, re.DOTALL)
GATES = Gates()


def test_the_manual_has_examples():
    assert len(EXAMPLES) >= 11


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_of_the_manual_verifies_without_a_warning(text):
    verdict = GATES.verify(text)
    assert verdict.ok
    assert verdict.faults == ()


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_of_the_manual_is_laid_out_canonically(text):
    assert GATES.canonical(text) == text.strip()


def test_the_examples_use_every_keyword():
    used = set(re.findall(r"[A-Z]+", " ".join(EXAMPLES)))
    assert set(KEYWORDS) <= used


def test_the_manual_lists_exactly_the_keywords():
    listed = re.search(r"can't be names: `([A-Z\s]+)`", MANUAL)
    assert listed is not None
    assert set(listed.group(1).split()) == set(KEYWORDS)


def test_the_grammar_knows_exactly_the_keywords():
    assert set(re.findall(r'"([A-Z]+)"', grammar_text())) == set(KEYWORDS)


def test_the_manual_ranks_operators_as_the_reader_does():
    rows = re.findall(r"^\| `([^`]+)` \| .*? \| .*? \|$", MANUAL, re.MULTILINE)
    tables = [tuple(row.replace("\\|", "|").split()) for row in rows]
    assert [row for row in tables if row in PRECEDENCE] == list(PRECEDENCE)


def test_the_manual_states_the_limit_of_text():
    assert f"{MAX_TEXT:,} characters" in MANUAL


def test_the_tests_shown_in_the_manual_are_run_as_it_says():
    shown = re.findall(r"`(\{\"input\":\s.*?)`", MANUAL, re.DOTALL)
    tests = [json.loads(text.replace("\n", " ")) for text in shown]
    assert len(tests) == 2
    counter = next(text for text in EXAMPLES if "COUNTER" in text)
    assert GATES.verify(EXAMPLES[0], Context(tests=tests[:1])).tests_passed == 1
    assert GATES.verify(counter, Context(tests=tests[1:])).tests_passed == 1


def test_the_first_example_is_valid_with_its_truth_table():
    text = "MODULE G1(INPUT A, INPUT B, OUTPUT Y) { Y = A & B; }"
    tests = [{"input": {"A": a, "B": b}, "expected": {"Y": a & b}} for a in (0, 1) for b in (0, 1)]
    verdict = GATES.verify(text, Context(tests=tests))
    assert verdict.ok
    assert (verdict.tests_passed, verdict.tests_total) == (4, 4)
    assert GATES.canonical(text) == text


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("ADD8", {"A": 200, "B": 100}, {"SUM": 44, "CARRY": 1}),
        ("SPLIT", {"A": 0x2C}, {"Y": 0xC7}),
        ("LIMIT", {"A": 250}, {"BIG": 1, "Y": 200}),
        ("FLAGS", {"A": 7, "B": 7}, {"PARITY": 1, "SAME": 1, "ALL_ONES": 0, "LESS": 0}),
        ("MIN", {"A": 9, "B": 4, "C": 6}, {"Y": 4}),
        ("PARTS", {"A": 0x96, "S": 2}, {"PICKED": 1, "SWAPPED": 0x69, "WIDE": 0xFF96}),
        ("ALU", {"OP": 1, "A": 3, "B": 5}, {"Y": 254}),
        ("COUNTER", {"EN": [1, 1, 0, 1], "RST": [0, 0, 0, 0]}, {"VALUE": [0, 1, 2, 2]}),
        ("MAC", {"A": [1, 2, 3], "B": [4, 5, 6], "C": [100, 0, 0]}, {"Y": [0, 0, 104]}),
        ("FULL", {"A": 1, "B": 1, "CIN": 1}, {"SUM": 1, "COUT": 1}),
    ],
)
def test_the_examples_of_the_manual_do_what_it_says(name, inputs, outputs):
    text = next(text for text in EXAMPLES if read(text).top.name.text == name)
    assert run(text, inputs) == outputs


def test_layout_is_stable():
    for text in EXAMPLES:
        assert render(read(render(read(text)))) == render(read(text))
