"""Faults of judged answers are counted by class and kind, and the report aims synthesis."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from idiolect.cli.app import app
from idiolect.data.example import Example, VerdictSummary
from idiolect.data.jsonl import row_of
from idiolect.data.taxonomy import kind_of, taxonomy_data, taxonomy_of

OK = VerdictSummary(parsed=True, valid=True)


@pytest.mark.parametrize(
    ("verdict", "semantic", "kind"),
    [
        (OK, None, "right"),
        (OK, True, "right"),
        (OK, False, "meaning"),
        (VerdictSummary(parsed=False, errors=("a.b",)), None, "syntax"),
        (VerdictSummary(parsed=True, valid=False), None, "rules"),
        (VerdictSummary(parsed=True, valid=True, policy=False), None, "policy"),
        (VerdictSummary(parsed=True, valid=True, tests_passed=1, tests_total=2), None, "tests"),
        (VerdictSummary(not_judged="time"), None, "not judged"),
    ],
)
def test_kinds(verdict, semantic, kind):
    assert kind_of(verdict, semantic) == kind


def answers(path):
    broken = VerdictSummary(parsed=False, errors=("gates.parse.end", "gates.parse.name"))
    rule = VerdictSummary(parsed=True, valid=False, errors=("gates.width",))
    rows = [
        row_of(Example(instruction="a", target="MODULE", valid=False, verdict=broken, level="micro")),
        row_of(Example(instruction="b", target="MODULE", valid=False, verdict=broken, level="multi")),
        row_of(Example(instruction="c", target="x", valid=False, verdict=rule)),
        row_of(Example(instruction="d", target="y", verdict=OK)),
        row_of(Example(instruction="e", target="y")),
        {
            "suite": "unit",
            "task": "1",
            "student_output": "z",
            "semantic_pass": False,
            "verdict": {"parsed": True},
        },
        {"verdict": {"parsed": "yes"}},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n")


def test_classes_count_answers_and_show_some(tmp_path):
    answers(tmp_path / "a.jsonl")
    data = taxonomy_data(taxonomy_of([tmp_path / "a.jsonl"]))
    assert data["classes"] == {"gates.parse.end": 2, "gates.parse.name": 2, "gates.width": 1}
    assert data["families"] == {"gates.parse": 4, "gates": 1}
    assert data["kinds"] == {
        "right": 1, "syntax": 2, "rules": 1, "policy": 0, "tests": 0, "meaning": 1, "not judged": 0
    }  # fmt: skip
    assert (data["read"], data["wrong"]) == (8, 4)
    assert data["left_out"] == {"broken row": 1, "no verdict": 1, "unknown verdict": 1}
    assert data["by"]["level"] == {
        "micro": {"gates.parse.end": 1, "gates.parse.name": 1},
        "multi": {"gates.parse.end": 1, "gates.parse.name": 1},
    }
    assert data["by"]["suite"] == {"unit": {"(meaning)": 1}}
    assert [one["place"] for one in data["examples"]["gates.parse.end"]] == ["a.jsonl:1", "a.jsonl:2"]
    assert data["examples"]["(meaning)"][0]["answer"] == "z"


def test_the_command_prints_a_table_and_writes_the_report_that_synthesis_reads(tmp_path):
    answers(tmp_path / "a.jsonl")
    out = tmp_path / "errors.json"
    done = CliRunner().invoke(app, ["data", "errors", str(tmp_path / "a.jsonl"), "--out", str(out)])
    assert done.exit_code == 0
    assert "gates.parse.end" in done.stdout
    assert json.loads(out.read_text())["classes"]["gates.width"] == 1


def test_rows_without_verdicts_are_an_error(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"input": "a", "output": "b"}\n')
    done = CliRunner().invoke(app, ["data", "errors", str(tmp_path / "a.jsonl")])
    assert done.exit_code == 1
    assert "no row carries a verdict" in done.stderr
