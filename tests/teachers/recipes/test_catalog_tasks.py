"""The recipe catalog_tasks: requests that determine their scripts, over real and invented catalogs."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from script_jobs import of_task, run, script_job

from idiolect.data.contexts import context_of
from idiolect.data.example import Example
from idiolect.dialects.catalog import Arg, Catalog, Proc
from idiolect.dialects.catalog_json import dump_catalog, parse_catalog, read_catalog
from idiolect.dialects.context_pack import pack_text
from idiolect.dialects.contract import Context
from idiolect.dialects.gates.dialect import Gates
from idiolect.dialects.refusal import refusal_reason
from idiolect.dialects.tcl.dialect import Tcl
from idiolect.dialects.tcl.wording import action_in
from idiolect.teachers.recipes.catalog_tasks import make
from idiolect.teachers.recipes.catalogs import random_catalog
from idiolect.teachers.recipes.job import RecipeProblem

ROUTING = read_catalog(Path(__file__).parents[3] / "examples/tcl-routing/catalog.json")
TCL = Tcl()
EXPECTED_REASONS = {"near repeat", "no broken version"}


@pytest.fixture(scope="module")
def invented() -> list[Example]:
    kept, left = run("catalog_tasks", TCL, count=120)
    assert {one.reason for one in left} <= EXPECTED_REASONS
    return kept


@pytest.fixture(scope="module")
def routing() -> list[Example]:
    kept, left = run("catalog_tasks", TCL, count=120, project=Context(catalog=ROUTING))
    assert {one.reason for one in left} <= EXPECTED_REASONS
    return kept


def test_counts_are_those_of_the_script(invented: list[Example]) -> None:
    positives, refusals = of_task(invented, "catalog_tasks"), of_task(invented, "refusal")
    negatives, repairs = of_task(invented, "catalog_tasks", valid=False), of_task(invented, "repair")
    assert len(positives) + len(refusals) == 120
    assert len(refusals) == 12
    assert len(negatives) == len(repairs) == len(positives) // 2
    assert {one.level for one in positives} == {"micro", "multi", "scenario"}


def test_the_same_seed_makes_the_same_examples_and_another_seed_others(invented: list[Example]) -> None:
    again, _ = run("catalog_tasks", TCL, count=120)
    other, _ = run("catalog_tasks", TCL, count=120, seed=12)
    assert [one.id for one in again] == [one.id for one in invented]
    assert not {one.id for one in other} & {one.id for one in invented}


@pytest.mark.parametrize("which", ["invented", "routing"])
def test_requests_tell_every_value_of_their_scripts(which: str, request: pytest.FixtureRequest) -> None:
    positives = of_task(request.getfixturevalue(which), "catalog_tasks")
    looked_at = 0
    for one in positives:
        found = TCL.analyse(one.target, context_of(one))
        for call in found.calls:
            for word in call.values.values():
                value = found.walk.value(word)
                for part in (value or "").split():
                    looked_at += 1
                    assert part in one.instruction, (part, one.instruction, one.target)
    assert looked_at > 300


@pytest.mark.parametrize("which", ["invented", "routing"])
def test_no_request_and_no_script_stands_twice(which: str, request: pytest.FixtureRequest) -> None:
    positives = of_task(request.getfixturevalue(which), "catalog_tasks")
    assert len({one.instruction.casefold() for one in positives}) == len(positives)
    assert len({one.target for one in positives}) == len(positives)


def test_scripts_have_no_comments_and_flags_in_the_catalog_s_order(routing: list[Example]) -> None:
    for one in of_task(routing, "catalog_tasks"):
        assert "#" not in one.target
        for call in TCL.analyse(one.target, context_of(one)).calls:
            order = [arg.name for arg in call.proc.args if arg.name in call.values]
            assert sorted(call.values, key=lambda name: call.values[name].start) == order


def test_the_pack_shows_the_catalog_that_the_example_carries(routing: list[Example]) -> None:
    for one in of_task(routing, "catalog_tasks"):
        catalog = context_of(one).catalog
        assert catalog is not None
        assert one.context.startswith(pack_text(catalog))


def test_tasks_of_one_slice_share_their_pack(invented: list[Example]) -> None:
    packs = {one.context for one in of_task(invented, "catalog_tasks")}
    assert 1 < len(packs) <= 12


def test_what_is_made_of_a_task_stays_in_its_group(routing: list[Example]) -> None:
    groups = {one.id: one.group for one in routing}
    children = [one for one in routing if one.provenance.parent]
    assert children
    assert all(groups[one.provenance.parent or ""] == one.group for one in children)
    assert len(set(groups.values())) == 120


def test_refusals_give_a_reason_and_do_nothing(invented: list[Example], routing: list[Example]) -> None:
    refusals = of_task([*invented, *routing], "refusal")
    for one in refusals:
        assert refusal_reason(one.target)
        assert not TCL.analyse(one.target, context_of(one)).walk.top.commands
    assert {one.metadata["kind"] for one in refusals} >= {"missing", "enum", "range"}


def test_a_policy_s_header_stands_before_a_refusal_too() -> None:
    kept, _ = run("catalog_tasks", Tcl(), count=12, refusals=0.5, project=Context(catalog=_headed(ROUTING)))
    refusals = of_task(kept, "refusal")
    assert refusals
    assert all(one.target.startswith("#!/usr/bin/env tclsh\n# refusal: ") for one in refusals)


def _headed(catalog: Catalog) -> Catalog:
    raw = json.loads(dump_catalog(catalog))
    raw["constraints"] = {"required": {"first_line": "#!/usr/bin/env tclsh"}}
    return parse_catalog(json.dumps(raw))


def test_repairs_show_the_broken_script_and_its_fault(routing: list[Example]) -> None:
    repairs = of_task(routing, "repair")
    negatives = {one.target for one in of_task(routing, "catalog_tasks", valid=False)}
    for one in repairs:
        _, _, broken = one.context.partition("Script to mend:\n")
        assert any(broken.rstrip() == text.rstrip() for text in negatives)
        assert one.metadata["codes"]


def test_french_requests_are_french() -> None:
    kept, _ = run("catalog_tasks", TCL, count=40, languages=["fr"], refusals=0)
    told = " ".join(one.instruction for one in of_task(kept, "catalog_tasks"))
    assert " avec " in told or " sur " in told
    assert not {"the", "and"} & set(told.split())


def test_a_catalog_with_nothing_more_to_give_ends_the_recipe_and_says_so() -> None:
    tiny = Catalog(procs=(Proc(name="go", args=(Arg(name="to", type="enum", values=("a", "b")),)),))
    kept, left = run(
        "catalog_tasks", TCL, count=400, levels=["micro"], refusals=0, project=Context(catalog=tiny)
    )
    assert 2 <= len(of_task(kept, "catalog_tasks")) <= 4
    assert [one.detail for one in left if one.reason == "nothing new"]


def test_a_dialect_without_a_catalog_is_refused_with_a_way_out() -> None:
    with pytest.raises(RecipeProblem, match="needs a catalog") as caught:
        list(make(script_job("catalog_tasks", Gates())))
    assert "grammar_tasks" in caught.value.help


def test_another_dialect_s_samples_come_with_a_pack() -> None:
    catalog = Catalog(procs=(Proc(name="ADDER", kind="module"),))
    kept, left = run("catalog_tasks", Gates(), count=6, refusals=0, project=Context(catalog=catalog))
    assert len(of_task(kept, "catalog_tasks")) == 6
    assert not left
    assert all("- modules:\n- ADDER" in one.context for one in kept)


def test_a_language_that_nobody_speaks_is_refused() -> None:
    with pytest.raises(RecipeProblem, match="not de"):
        list(make(script_job("catalog_tasks", TCL, languages=["de"])))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_invented_catalogs_are_catalogs_whose_notes_name_actions(language: str) -> None:
    themes = set()
    for seed in range(60):
        made = random_catalog(random.Random(seed), f"c{seed}", language)
        assert parse_catalog(dump_catalog(made.catalog)) == made.catalog
        for proc in made.catalog.procs:
            if proc.returns != "bool":
                assert action_in(proc.notes, "", language), proc.notes
        for dsl in made.catalog.dsl:
            assert all(action_in(form.notes, "", language) for form in dsl.statements)
        themes.add(made.catalog.procs[0].notes.split()[0])
    assert len(themes) > 10
