"""The recipe schema_ast by rules: its files, its examples, and that they are what they say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from schema_jobs import job, made

from idiolect.data.contexts import context_of
from idiolect.data.forms import form_named, form_of, from_example, to_example
from idiolect.dialects.contract import Context
from idiolect.dialects.gates.dialect import Gates
from idiolect.dialects.json_ast.dialect import JsonAst
from idiolect.grammar.replay import replay
from idiolect.teachers.recipes.job import RecipeProblem
from idiolect.teachers.recipes.schema_ast.artefacts import NAMES
from idiolect.teachers.recipes.schema_ast.lexicon import built_in_domains
from idiolect.teachers.recipes.schema_ast.recipe import make


def rows(folder: Path, name: str) -> list[dict]:
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines()]


def test_every_positive_verifies_is_canonical_and_could_be_written_by_decoding(tmp_path):
    dialect = JsonAst()
    examples, rejected = made(tmp_path, count=17, positives_per_schema=8, include_invalid=False)
    positives = [one for one in examples if one.valid]
    assert len(positives) == 17 * 8
    assert not rejected
    for one in positives:
        context = context_of(one)
        assert context.schema is not None
        assert dialect.verify(one.target, context).ok
        assert dialect.canonical(one.target, context) == one.target
        assert replay(dialect.constraint(context), one.target).accepted


def test_there_are_seventeen_domains_of_our_own_words():
    domains = built_in_domains()
    assert len({one.domain for one in domains}) == 17
    assert all(len(one.description) > 30 for one in domains)


def test_negatives_are_refused_by_the_verifier_and_say_what_is_broken(tmp_path):
    dialect = JsonAst()
    examples, _ = made(tmp_path, positives_per_schema=20)
    negatives = [one for one in examples if not one.valid]
    assert len(negatives) == 2 * round(20 * 0.6)
    for one in negatives:
        verdict = dialect.verify(one.target, context_of(one))
        assert not verdict.ok
        assert one.metadata["kind"]
        assert list(one.metadata["codes"]) == list(dict.fromkeys(f.code for f in verdict.faults))
    assert len({one.metadata["kind"] for one in negatives}) > 5


def test_negatives_become_repairs_that_lead_back_and_refusals_that_name_the_fault(tmp_path):
    examples, _ = made(tmp_path, count=5, positives_per_schema=30)
    by_id = {one.id: one for one in examples}
    repairs = [one for one in examples if one.task == "repair"]
    refusals = [one for one in examples if one.task == "refusal"]
    assert len(repairs) + len(refusals) == 5 * 18
    assert len(refusals) >= 3
    for one in repairs:
        assert one.valid
        assert one.target == by_id[one.provenance.parent].target
        assert by_id[one.provenance.parent].instruction in one.instruction
    for one in refusals:
        assert json.loads(one.target).keys() == {"refusal"}


def test_without_include_invalid_negatives_stay_in_the_dataset_and_give_no_tasks(tmp_path):
    examples, _ = made(tmp_path, include_invalid=False)
    assert {one.task for one in examples if one.valid} == {"schema_ast"}
    assert sum(not one.valid for one in examples) == sum(
        not row["is_valid"] for row in rows(tmp_path, NAMES[3])
    )


def test_the_five_files_have_the_fields_of_the_pipeline_and_pretty_copies(tmp_path):
    examples, _ = made(tmp_path)
    specs, schemas, queries, dataset, corpus = (rows(tmp_path, name) for name in NAMES)
    assert len(specs) == len(schemas) == 2
    assert specs[0].keys() >= {"schema_id", "domain", "description", "fields", "examples"}
    assert all(len(one["examples"]) == 4 for one in specs)
    assert schemas[0].keys() >= {"schema_id", "domain", "schema"}
    assert len(queries) == 2 * 4
    assert dataset[0].keys() >= {"schema_id", "schema", "query", "ast_json", "is_valid"}
    assert Counter(row["is_valid"] for row in dataset)[True] == 24
    assert len(corpus) == sum(one.valid for one in examples)
    assert corpus[0]["prompt"].startswith('{"$schema"')
    assert {row["completion"] for row in corpus} == {one.target for one in examples if one.valid}
    for name, found in zip(NAMES, (specs, schemas, queries, dataset, corpus), strict=True):
        pretty = json.loads((tmp_path / "pretty" / f"{name}.json").read_text("utf-8"))
        assert pretty == (found if name in NAMES[:3] else [row for row in found if row in pretty])
        assert pretty


def test_rows_of_the_dataset_are_of_a_form_that_can_be_imported(tmp_path):
    examples, _ = made(tmp_path)
    for row in rows(tmp_path, NAMES[3]):
        example = to_example(row, form_of(tuple(row)))
        assert example.valid == row["is_valid"]
        again = from_example(example, form_named("schema_ast"))
        assert {name: row[name] for name in again} == again
    contexts = {one.context for one in examples}
    assert {to_example(row, form_named("schema_ast")).context for row in rows(tmp_path, NAMES[3])} == contexts


def test_every_schema_has_its_operators_within_the_bounds_and_always_equality(tmp_path):
    made(tmp_path, count=17, positives_per_schema=1, min_operators=4, max_operators=7)
    found = [tuple(row["operators"]) for row in rows(tmp_path, NAMES[1])]
    assert all(4 <= len(one) <= 7 for one in found)
    assert all({"eq", "is", "equals", "="} & set(one) for one in found)
    assert len(set(found)) > 10


def test_schemas_are_varied_in_names_types_and_parts(tmp_path):
    made(tmp_path, count=34, positives_per_schema=1)
    schemas = rows(tmp_path, NAMES[1])
    assert len({json.dumps(row["schema"]) for row in schemas}) == 34
    kinds = {field["type"] for row in rows(tmp_path, NAMES[0]) for field in row["fields"]}
    assert kinds == {"enum", "string", "integer", "number", "boolean", "date"}
    features = {feature for row in schemas for feature in row["features"]}
    assert features >= {"and", "or", "not", "sort", "limit", "count", "aggregate", "group", "show"}


def test_examples_put_the_schema_first_and_never_straddle_one(tmp_path):
    examples, _ = made(tmp_path, system="You write trees.")
    for one in examples:
        head = one.context.split("\n")[0]
        assert json.loads(head)
        assert one.context in (head, f"{head}\nToday: {one.metadata['today']}")
        assert one.system == "You write trees."
        assert one.provenance.teacher == "rules"
    assert len({(one.group, one.context.split("\n")[0]) for one in examples}) == 2


def test_some_requests_can_not_be_answered_and_the_reason_names_what_lacks(tmp_path):
    examples, _ = made(tmp_path, count=6, positives_per_schema=40, refusals=0.3)
    asked = [one for one in examples if one.task == "schema_ast" and one.valid]
    refused = [json.loads(one.target)["refusal"] for one in asked if "refusal" in json.loads(one.target)]
    assert 0.15 < len(refused) / len(asked) < 0.45
    assert len({reason.split()[0] for reason in refused}) > 2


def test_no_request_is_refused_where_none_shall_be(tmp_path):
    examples, _ = made(tmp_path, positives_per_schema=40, refusals=0.0)
    assert not any('"refusal"' in one.target for one in examples if one.valid)


def test_levels_and_languages_are_those_asked_for(tmp_path):
    examples, _ = made(tmp_path, levels=["micro"], languages=["fr"], include_invalid=False)
    assert {one.level for one in examples} == {"micro"}
    assert {one.metadata["language"] for one in examples} == {"fr"}


def test_the_largest_number_is_shared_among_the_schemas(tmp_path):
    examples, rejected = made(tmp_path, count=3, max_samples=20)
    assert len(examples) == 20
    assert Counter(one.group for one in examples).most_common()[-1][1] >= 6
    assert {one.reason for one in rejected} <= {"beyond max_samples"}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    def contents(name: str, seed: int) -> dict[str, bytes]:
        examples, _ = made(tmp_path / name, seed=seed)
        assert examples
        found = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        return {path.relative_to(tmp_path / name).as_posix(): path.read_bytes() for path in found}

    first = contents("first", 11)
    assert len(first) == 10
    assert contents("second", 11) == first
    assert contents("third", 12) != first


def test_a_run_over_more_schemas_leaves_those_before_as_they_were(tmp_path):
    few, _ = made(tmp_path / "few", count=2)
    many, _ = made(tmp_path / "many", count=3)
    assert [one.id for one in few] == [one.id for one in many[: len(few)]]


def test_faults_that_are_aimed_at_become_more_frequent(tmp_path):
    code = "json.schema.format"

    def share(name: str, targets: dict[str, int]) -> float:
        examples, _ = made(tmp_path / name, positives_per_schema=60, targets=targets)
        negatives = [one for one in examples if not one.valid]
        return sum(code in one.metadata["codes"] for one in negatives) / len(negatives)

    assert share("aimed", {code: 30}) > 4 * share("plain", {})


def test_domains_of_the_users_own_get_fields_too(tmp_path):
    path = tmp_path / "domains.jsonl"
    path.write_text('{"domain": "bee hives", "description": "Hives and their honey."}\n')
    examples, rejected = made(tmp_path, count=None, files={"domains": path})
    assert not rejected
    assert {one.group for one in examples} == {"s01_bee_hives"}
    assert '"entity":"bee_hives"' in examples[0].target or "refusal" in examples[0].target


@pytest.mark.parametrize(
    ("values", "files", "said"),
    [
        ({"languages": ["de"]}, {}, 'not "de"'),
        ({"languages": []}, {}, "languages is empty"),
        ({"dialect": Gates()}, {}, "the dialect is gates"),
        ({"project": Context(schema={})}, {}, "DIALECT.schema sets one"),
        ({}, {"domains": '{"name": "x"}\n'}, "domains.txt:1 is no domain"),
        ({}, {"domains": "\n"}, "holds no domain"),
        ({}, {"operators": "[]"}, "no operators in it"),
        ({}, {"operators": '[{"name": "eq"}]'}, "row 1 is no operator"),
        ({}, {"operators": "{"}, "SYNTHESIZE.operators"),
        ({}, {"template": "[]"}, "an object"),
        ({}, {"template": "{"}, "SYNTHESIZE.template"),
        ({}, {"template": '{"type": "object"}'}, "no field names are put into it"),
        ({}, {"template": '{"x-put": "fieds"}'}, 'nothing is put for "x-put": "fieds"'),
        ({}, {"template": '{"x-when": "sorted", "x-put": "fields"}'}, 'no feature "sorted"'),
    ],
)
def test_what_the_recipe_can_not_do_is_said_with_its_place(tmp_path, values, files, said):
    paths = {}
    for name, text in files.items():
        paths[name] = tmp_path / f"{name}.txt"
        paths[name].write_text(text)
    with pytest.raises(RecipeProblem) as caught:
        list(make(job(tmp_path, files=paths, **values)))
    assert said in str(caught.value)
