"""The recipe describe: real scripts with requirements that quote no code."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from script_jobs import of_task, run, script_job

from idiolect.data.contexts import context_of
from idiolect.data.example import Example, Provenance
from idiolect.dialects.ahk2.dialect import Ahk2
from idiolect.dialects.context_pack import names_in
from idiolect.dialects.contract import Context
from idiolect.dialects.tcl.dialect import Tcl, demo_catalog
from idiolect.teachers.recipes.describe import faults_of, level_of, make
from idiolect.teachers.recipes.job import RecipeProblem
from idiolect.teachers.records import Request
from idiolect.teachers.rules import Rule, RuleTeacher

SCRIPT = "#!/usr/bin/env tclsh\nset ::tech::corner tt\nmy::route -net CLK -layer M3\n"
DSL = '#!/usr/bin/env tclsh\ndsl {\n    rule "SR2" apply_to: CLK spacing: 0.12um\n}\n'
PROJECT = Context(catalog=demo_catalog())
TCL = Tcl()


def corpus(*texts: str, task: str = "reference", told: str = "") -> list[Example]:
    return [
        Example(
            instruction=told or f"no. {number}",
            target=text,
            task=task,
            provenance=Provenance(source=f"{number}.tcl"),
        )
        for number, text in enumerate(texts)
    ]


def test_a_script_becomes_its_requirement_with_the_symbols_that_it_uses() -> None:
    kept, left = run("describe", TCL, project=PROJECT, corpus=corpus(SCRIPT, DSL), negative_ratio=0)
    one, other = kept
    assert not left
    assert one.target == SCRIPT
    assert "net CLK on layer M3" in one.instruction
    catalogs = [context_of(each).catalog for each in (one, other)]
    assert [names_in(each) for each in catalogs if each] == [("my::route", "::tech::corner"), ("rule",)]
    assert "my::route" in one.context
    assert "my::fill" not in one.context
    assert one.provenance.source == "0.tcl"
    assert one.provenance.teacher == "rules"


def test_tasks_of_one_script_give_one_requirement() -> None:
    kept, _ = run("describe", TCL, project=PROJECT, corpus=corpus(SCRIPT, SCRIPT), negative_ratio=1)
    assert len(of_task(kept, "describe")) == 1
    assert len(of_task(kept, "describe", valid=False)) == len(of_task(kept, "repair")) == 1


def test_scripts_of_levels_that_are_not_asked_for_are_counted() -> None:
    _, left = run("describe", TCL, project=PROJECT, corpus=corpus(SCRIPT, DSL * 5), levels=["micro"])
    assert [one.reason for one in left] == ["level scenario"]


def test_what_authors_say_is_taken_where_a_dialect_describes_nothing() -> None:
    text = 'MsgBox("Hello")\n'
    kept, _ = run("describe", Ahk2(), corpus=corpus(text, task="describe", told="Show a greeting in a box."))
    assert of_task(kept, "describe")[0].instruction == "Show a greeting in a box."


def test_a_corpus_without_scripts_or_words_is_refused() -> None:
    with pytest.raises(RecipeProblem, match="no script"):
        list(make(script_job("describe", TCL)))
    with pytest.raises(RecipeProblem, match="nothing describes"):
        list(make(script_job("describe", Ahk2(), corpus=corpus('MsgBox("Hello")\n'))))


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("", "describe.empty"),
        ("Route it.", "describe.empty"),
        ("Please write my::route -net CLK -layer M3 for me", "describe.code"),
        ("Do this:\n```\nputs 1\n```\nand nothing else", "describe.code"),
        ("word " * 2_000, "describe.long"),
        ("Route net CLK on layer M3 at the typical corner.", None),
    ],
)
def test_what_is_no_requirement_is_told_why(said: str, code: str | None) -> None:
    assert next((fault.code for fault in faults_of(said, SCRIPT)), None) == code


def test_a_model_s_rationale_stays_in_the_metadata() -> None:
    def answer(_: Request, __: random.Random) -> Mapping[str, Any]:
        return {"requirement": "Route the clock on the third layer.", "rationale": "The clock is long."}

    def teacher(_: Mapping[str, Rule]) -> RuleTeacher:
        return RuleTeacher({"describe": answer}, 1)

    kept, _ = run(
        "describe",
        TCL,
        project=PROJECT,
        corpus=corpus(SCRIPT),
        negative_ratio=0,
        teacher=teacher,
        offline=False,
    )
    assert kept[0].metadata["rationale"] == "The clock is long."
    assert "long" not in kept[0].target + kept[0].instruction


def test_a_model_that_copies_code_is_left_out() -> None:
    def teacher(_: Mapping[str, Rule]) -> RuleTeacher:
        return RuleTeacher({"describe": lambda *_: {"requirement": SCRIPT, "rationale": ""}}, 1)

    kept, left = run("describe", TCL, project=PROJECT, corpus=corpus(SCRIPT), teacher=teacher, offline=False)
    assert not kept
    assert [one.reason for one in left] == ["describe: describe.code"]


def test_levels_go_by_lines_of_code() -> None:
    assert [level_of("a\n" * lines) for lines in (1, 4, 5, 15, 16)] == [
        "micro", "micro", "multi", "multi", "scenario"
    ]  # fmt: skip
