"""The recipe simulate: every positive passes its tests, and half of the negatives fail only those."""

from __future__ import annotations

from collections import Counter

import pytest
from script_jobs import of_task, run, script_job

from idiolect.data.example import Example
from idiolect.data.forms import form_named, from_example
from idiolect.dialects.contract import Context
from idiolect.dialects.gates.dialect import Gates
from idiolect.dialects.gates.sample import families
from idiolect.dialects.tcl.dialect import Tcl
from idiolect.teachers.recipes.job import RecipeProblem
from idiolect.teachers.recipes.simulate import make

GATES = Gates()


@pytest.fixture(scope="module")
def circuits() -> list[Example]:
    kept, left = run("simulate", GATES, count=90)
    assert {one.reason for one in left} <= {"near repeat", "no broken version"}
    return kept


def test_every_positive_passes_its_own_tests(circuits: list[Example]) -> None:
    positives = of_task(circuits, "simulate")
    assert len(positives) == 90
    for one in positives:
        assert one.verdict is not None
        assert one.verdict.tests_total == one.verdict.tests_passed == len(one.tests) > 0


def test_families_take_turns(circuits: list[Example]) -> None:
    counts = Counter((one.level, one.metadata["family"]) for one in of_task(circuits, "simulate"))
    known = families()
    assert set(counts) <= {(level, name) for level, names in known.items() for name in names}
    assert max(counts.values()) <= 1 + 30 // min(len(names) for names in known.values())


def test_half_of_the_negatives_are_right_by_all_rules_and_fail_their_tests(circuits: list[Example]) -> None:
    negatives = of_task(circuits, "simulate", valid=False)
    wrong = [one for one in negatives if one.metadata["kind"] == "tests"]
    assert len(negatives) == 45
    assert len(wrong) >= 15
    for one in wrong:
        verdict = GATES.verify(one.target, Context(tests=one.tests))
        assert verdict.valid
        assert verdict.tests_passed < verdict.tests_total
    assert any(one.verdict and not one.verdict.parsed for one in negatives)


def test_repairs_of_wrong_circuits_tell_which_test_fails(circuits: list[Example]) -> None:
    repairs = [one for one in of_task(circuits, "repair") if one.metadata["kind"] == "tests"]
    assert repairs
    assert all("should be" in one.instruction for one in repairs)


def test_examples_are_written_in_the_form_of_test_vector_datasets(circuits: list[Example]) -> None:
    row = from_example(of_task(circuits, "simulate")[0], form_named("description_dsl"))
    assert {"description", "dsl_code", "tests", "valid"} <= set(row)
    assert row["valid"] is True
    assert {"input", "expected"} == set(row["tests"][0])


def test_names_that_nobody_could_guess_are_among_them(circuits: list[Example]) -> None:
    names = {one.target.split("(")[0].split()[-1] for one in of_task(circuits, "simulate")}
    assert len(names) > 60


def test_languages_that_are_not_spoken_are_told() -> None:
    _, left = run("simulate", GATES, count=2, languages=["en", "fr"], negative_ratio=0)
    assert [one.reason for one in left] == ["no requests in fr"]


def test_samples_without_tests_are_refused() -> None:
    with pytest.raises(RecipeProblem, match="no tests to run"):
        list(make(script_job("simulate", Tcl())))
