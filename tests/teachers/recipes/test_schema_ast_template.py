"""Templates and operator catalogues, built in and of a user's own."""

from __future__ import annotations

import json
import random

import pytest
from schema_jobs import made

from idiolect.teachers.recipes.schema_ast.operators import Bounds, read_operators, sample_operators
from idiolect.teachers.recipes.schema_ast.records import TAKES, Field, Offer, Operator, Spec, Value
from idiolect.teachers.recipes.schema_ast.template import build_schema, layout_of, read_template

FIELDS = (
    Field("colour", "enum", ("hue",), "hue", (Value("red"), Value("blue"), Value("green"))),
    Field("watts", "integer", minimum=1, maximum=200),
    Field("room", "string"),
    Field("bought_on", "date"),
)
SPEC = Spec("lamps", FIELDS)
OFFER = Offer(
    (Operator("=", "eq"), Operator("any_of", "in"), Operator("range", "between")), frozenset({"and", "sort"})
)


def branches(schema: dict) -> dict[tuple[str, tuple[str, ...]], dict]:
    found = {}
    for one in schema["$defs"]["condition"]["oneOf"]:
        if "field" in one["properties"]:
            names = one["properties"]["op"]
            operators = tuple(names.get("enum", [names.get("const")]))
            found[one["properties"]["field"]["const"], operators] = one["properties"]["value"]
    return found


def test_fields_and_operators_are_put_in_by_type():
    schema = build_schema(read_template(None), SPEC, OFFER)
    found = branches(schema)
    assert found["colour", ("=",)] == {"enum": ["red", "blue", "green"]}
    assert found["colour", ("any_of",)]["items"] == {"enum": ["red", "blue", "green"]}
    assert found["watts", ("=",)] == {"type": "integer", "minimum": 1, "maximum": 200}
    assert found["watts", ("range",)]["minItems"] == 2
    assert found["bought_on", ("=",)] == {"type": "string", "format": "date"}
    assert ("room", ("range",)) not in found


def test_a_part_stands_only_where_it_is_offered_and_no_mark_is_left():
    schema = build_schema(read_template(None), SPEC, OFFER)
    assert "sort" in schema["$defs"]["find"]["properties"]
    assert "limit" not in schema["$defs"]["find"]["properties"]
    assert "count" not in schema["$defs"]
    assert {"$ref": "#/$defs/count"} not in schema["oneOf"]
    assert '"x-' not in json.dumps(schema)


def test_a_template_with_other_names_is_filled_and_its_trees_are_written_in_them(tmp_path):
    template = json.dumps(read_template(None))
    for old, new in (('"show"', '"columns"'), ('"per"', '"by_each"')):
        template = template.replace(f"{old}: {{", f"{new}: {{")
    template = template.replace(
        '"field": "field", "operator": "op"', '"field": "attribute", "operator": "is"'
    )
    path = tmp_path / "template.json"
    path.write_text(template)
    examples, rejected = made(tmp_path / "out", files={"template": path}, positives_per_schema=40)
    assert not rejected
    trees = [one.target for one in examples if one.task == "schema_ast" and one.valid]
    assert any('"attribute":' in one and '"is":' in one for one in trees)
    assert not any('"field":' in one or '"show":' in one for one in trees)


def test_a_template_without_roles_takes_the_dialects_own_samples(tmp_path):
    path = tmp_path / "template.json"
    template = {
        "type": "object",
        "properties": {
            "target": {"x-put": "entity"},
            "field": {"x-put": "fields"},
            "op": {"x-put": "operators"},
            "value": {"type": "integer", "minimum": 0, "maximum": 100000},
        },
        "required": ["target", "field", "op", "value"],
        "additionalProperties": False,
    }
    path.write_text(json.dumps(template))
    assert layout_of(read_template(path)) is None
    examples, rejected = made(tmp_path / "out", files={"template": path})
    assert not rejected
    positives = [one for one in examples if one.task == "schema_ast" and one.valid]
    assert len(positives) == 2 * 12
    assert json.loads(positives[0].target).keys() == {"target", "field", "op", "value"}


def test_the_catalogue_has_several_names_for_each_meaning():
    by_meaning: dict[str, set[str]] = {}
    for one in read_operators(None):
        by_meaning.setdefault(one.means, set()).add(one.const)
    assert by_meaning.keys() == TAKES.keys()
    assert all(len(names) >= 2 for names in by_meaning.values())


@pytest.mark.parametrize(
    ("row", "means"),
    [
        ({"const": "gte", "synonyms": []}, "ge"),
        ({"const": "GE", "synonyms": ["at least"]}, "ge"),
        ({"const": "minimum_of", "synonyms": ["no less than"]}, "ge"),
        ({"const": "equals", "synonyms": []}, "eq"),
        ({"const": "starts-with", "synonyms": []}, "starts_with"),
        ({"const": "sounds_like", "synonyms": ["resembles"]}, "sounds_like"),
    ],
)
def test_what_a_users_operator_means_is_read_from_its_names(tmp_path, row, means):
    path = tmp_path / "operators.json"
    path.write_text(json.dumps([row]))
    assert read_operators(path)[0].means == means


def test_a_catalogue_may_be_json_lines_and_its_strange_operators_are_used(tmp_path):
    path = tmp_path / "operators.jsonl"
    rows = [{"const": "eq", "synonyms": ["is"]}, {"const": "sounds_like", "synonyms": ["sounds like"]}]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    examples, rejected = made(tmp_path / "out", files={"operators": path}, positives_per_schema=40)
    assert not rejected
    asked = [one for one in examples if '"op":"sounds_like"' in one.target and one.task == "schema_ast"]
    assert asked
    assert any("sounds like" in one.instruction.casefold() for one in asked)


@pytest.mark.parametrize("seed", range(20))
def test_sampled_operators_differ_in_meaning(seed):
    chosen = sample_operators(read_operators(None), random.Random(seed), Bounds(4, 7))
    assert 4 <= len(chosen) <= 7
    assert len({one.means for one in chosen}) == len(chosen)
    assert "eq" in {one.means for one in chosen}
