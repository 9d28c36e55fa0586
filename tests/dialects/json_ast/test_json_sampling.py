"""Samples verify; mutants do not; descriptions say what is asked."""

import json
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idiolect.dialects.contract import Context, offers
from idiolect.dialects.json_ast.dialect import JsonAst
from idiolect.dialects.json_ast.mutants import KINDS
from idiolect.dialects.json_ast.pattern_samples import NotSampled, sample_pattern
from idiolect.dialects.json_ast.rules import read_rules
from idiolect.dialects.json_ast.sampling import LEVELS, SampleFailed
from idiolect.dialects.verdict import Level

ORDERED = read_rules('[[rule]]\nname = "order"\nat = "/date_range"\nrequire = "start <= end"')
seeds = st.integers(0, 2**32)


@given(seeds, st.sampled_from(LEVELS))
def test_what_is_sampled_verifies_and_is_canonical(seed, level):
    dialect = JsonAst(rules=ORDERED)
    sample = dialect.sample(random.Random(seed), Context(level=level))
    assert sample.level == level
    assert sample.context.schema is not None
    assert dialect.verify(sample.text, sample.context).ok
    assert dialect.canonical(sample.text, sample.context) == sample.text
    assert sample.description.endswith(".")


def test_one_seed_makes_one_sample():
    made = [JsonAst().sample(random.Random(7)) for _ in range(2)]
    assert made[0] == made[1]
    assert JsonAst().sample(random.Random(8)) != made[0]


def test_levels_grow():
    dialect = JsonAst()
    lengths = {
        level: sum(len(dialect.sample(random.Random(seed), Context(level=level)).text) for seed in range(40))
        for level in LEVELS
    }
    assert lengths["micro"] < lengths["multi"] < lengths["scenario"]


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="write one of micro, multi, scenario"):
        JsonAst().sample(random.Random(1), Context(level="huge"))


BY_FIELD = {
    "type": "object",
    "properties": {
        "field": {"enum": ["price", "name", "day"]},
        "op": {"enum": ["eq", "lt", "like"]},
        "value": {},
        "unit": {"enum": ["eur", "usd"]},
    },
    "required": ["field", "op", "value"],
    "additionalProperties": False,
    "allOf": [
        {
            "if": {"properties": {"field": {"const": "price"}}},
            "then": {"properties": {"value": {"type": "number"}}, "required": ["unit"]},
            "else": {"properties": {"unit": False}},
        },
        {
            "if": {"properties": {"field": {"const": "name"}}},
            "then": {"properties": {"value": {"type": "string"}, "op": {"enum": ["eq", "like"]}}},
            "else": {"properties": {"op": {"enum": ["eq", "lt"]}}},
        },
        {
            "if": {"properties": {"field": {"const": "day"}}},
            "then": {"properties": {"value": {"type": "string", "format": "date"}}},
        },
    ],
}
TREE = {
    "$defs": {
        "node": {
            "oneOf": [
                {"type": "integer", "minimum": 3, "exclusiveMaximum": 9, "multipleOf": 2},
                {"type": "array", "items": {"$ref": "#/$defs/node"}, "minItems": 1},
                {"$ref": "#/$defs/pair"},
            ]
        },
        "pair": {
            "type": "object",
            "properties": {"left": {"$ref": "#/$defs/node"}, "right": {"$ref": "#/$defs/node"}},
            "required": ["left", "right"],
        },
    },
    "$ref": "#/$defs/node",
}
SCHEMAS = {
    "conditions": BY_FIELD,
    "recursion": TREE,
    "always deeper": {
        "$ref": "#/$defs/a",
        "$defs": {"a": {"anyOf": [{"items": {"$ref": "#/$defs/a"}}, {"const": 1}]}},
    },
    "presence": {
        "properties": {name: {"type": "integer"} for name in "abcd"},
        "required": ["a"],
        "dependentRequired": {"a": ["b"], "b": ["c"]},
        "not": {"required": ["d"]},
    },
    "patterns": {
        "type": "array",
        "prefixItems": [
            {"type": "string", "pattern": r"^[A-Z]{2}-\d{3,5}(?:/[a-f0-9]+)?$"},
            {"type": "string", "pattern": r"^(red|gr(e|a)y|[^a-zA-Z]x\.\w+)$"},
            {"type": "string", "pattern": "b+", "minLength": 4},
        ],
        "minItems": 3,
        "items": False,
    },
    "formats": {
        "properties": {
            name: {"type": "string", "format": name}
            for name in (
                *(
                    "date",
                    "time",
                    "date-time",
                    "duration",
                    "email",
                    "hostname",
                    "ipv4",
                    "ipv6",
                    "uuid",
                    "uri",
                ),
                *("uri-reference", "uri-template", "json-pointer", "relative-json-pointer", "regex", "iri"),
            )
        },
        "minProperties": 16,
        "additionalProperties": False,
    },
    "unique": {"items": {"enum": [1, 2, 3]}, "uniqueItems": True, "minItems": 3, "type": "array"},
    "contains": {"type": "array", "contains": {"const": "x"}, "minContains": 2, "items": {"type": "string"}},
    "numbers": {
        "properties": {
            "a": {"type": "number", "exclusiveMinimum": 0.1, "exclusiveMaximum": 0.2},
            "b": {"type": "number", "multipleOf": 0.25, "maximum": -1},
            "c": {"type": "integer", "minimum": 10**12},
        },
        "required": ["a", "b", "c"],
    },
    "keys": {
        "patternProperties": {"^x_": {"type": "boolean"}},
        "required": ["x_1"],
        "additionalProperties": False,
    },
    "open keys": {"type": "object", "minProperties": 3, "additionalProperties": {"type": "integer"}},
    "merged": {
        "allOf": [{"properties": {"a": {"minimum": 3}}}, {"properties": {"a": {"maximum": 3}}}],
        "required": ["a"],
    },
    "true": True,
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_samples_keep_schemas_of_every_kind(schema, level):
    dialect = JsonAst(schema)
    texts = set()
    for seed in range(12):
        sample = dialect.sample(random.Random(seed), Context(level=level))
        assert dialect.verify(sample.text).ok
        texts.add(sample.text)
    assert texts


def test_conditions_are_all_reached():
    dialect = JsonAst(BY_FIELD)
    fields = Counter(json.loads(dialect.sample(random.Random(seed)).text)["field"] for seed in range(60))
    assert set(fields) == {"price", "name", "day"}
    assert min(fields.values()) > 6


@pytest.mark.parametrize("schema", [False, {"not": {}}, {"type": "integer", "minimum": 3, "maximum": 2}])
def test_a_schema_that_admits_nothing_is_told(schema):
    with pytest.raises(SampleFailed, match="no valid sample in"):
        JsonAst(schema).sample(random.Random(1))


@pytest.mark.parametrize("pattern", ["(", "[a", r"(a)\1", "a)", "x" + "(" * 80 + ")" * 80])
def test_a_pattern_that_cannot_be_sampled_is_told(pattern):
    with pytest.raises(NotSampled):
        sample_pattern(pattern, random.Random(1))


@given(seeds)
def test_a_mutant_is_wrong_in_the_way_that_its_kind_says(seed):
    rng = random.Random(seed)
    dialect = JsonAst(rules=ORDERED)
    sample = dialect.sample(rng)
    mutant = dialect.mutate(sample.text, rng, sample.context)
    assert mutant is not None
    assert mutant.kind in KINDS
    assert mutant.note
    verdict = dialect.verify(mutant.text, sample.context)
    assert verdict.judged
    assert not verdict.ok
    assert verdict.faults
    if mutant.syntax:
        assert verdict.parsed is False
    for fault in verdict.faults:
        assert 0 <= fault.span.start <= fault.span.end <= len(mutant.text)


def test_every_kind_of_mutant_is_made():
    dialect = JsonAst(rules=ORDERED)
    rng = random.Random(11)
    made = Counter()
    for _ in range(160):
        sample = dialect.sample(rng)
        for _ in range(4):
            made[dialect.mutate(sample.text, rng, sample.context).kind] += 1
    assert set(made) == set(KINDS)
    assert len(KINDS) == 25


def test_a_condition_broken_on_purpose_is_labelled_so():
    dialect = JsonAst(BY_FIELD)
    text = '{"field":"name","op":"like","value":"x"}'
    kinds = {}
    for seed in range(200):
        mutant = dialect.mutate(text, random.Random(seed))
        kinds.setdefault(mutant.kind, mutant)
    assert "broken_condition" in kinds
    assert "wrong_branch" not in kinds  # there is no other branch, only conditions
    faults = dialect.verify(kinds["broken_condition"].text).faults
    assert any("because" in fault.message for fault in faults)


def test_without_a_schema_only_the_form_is_broken():
    for seed in range(40):
        mutant = JsonAst().mutate('{"a":[1,"b",true]}', random.Random(seed))
        assert mutant.syntax or mutant.kind == "duplicate_key"


def test_what_does_not_parse_has_no_mutant():
    assert JsonAst().mutate("[1,", random.Random(1)) is None


def test_mutants_break_every_level_of_a_verdict():
    dialect = JsonAst(rules=ORDERED)
    rng = random.Random(5)
    levels = set()
    for _ in range(40):
        sample = dialect.sample(rng)
        mutant = dialect.mutate(sample.text, rng, sample.context)
        levels |= {fault.level for fault in dialect.verify(mutant.text, sample.context).faults}
    assert levels == {Level.PARSE, Level.VALID}


DESCRIPTIONS = [
    ('{"field":"price","op":"lt","value":5}', "Price is less than 5."),
    ('{"field":"orderedOn","op":"lt","value":"2024-01-01"}', "Ordered on is before 2024-01-01."),
    ('{"field":"kind","operator":"in","value":["a","b","c"]}', "Kind is one of a, b, or c."),
    ('{"field":"n","op":"between","value":[1,2]}', "N is between 1 and 2."),
    ('{"field":"n","op":"divides","value":2}', "N divides 2."),
    ('{"field":"n","op":"eq","value":2,"limit":5}', "N is 2; at most 5."),
    (
        '{"or":[{"field":"a","op":"eq","value":1},{"not":{"field":"b","op":"eq","value":2}}]}',
        "(a is 1 or not (b is 2)).",
    ),
    ('{"op":"and","args":[{"field":"a","op":"eq","value":1}]}', "A is 1."),
    (
        '{"type":"query","target":"books","filters":[{"field":"a","op":"eq","value":true}],'
        '"date_range":{"start":"x","end":"y"},"sort":{"by":"page_count","order":"desc"},"limit":3,"all":true}',
        "Query books: where a is yes; from x to y; sorted by page count descending; at most 3; all.",
    ),
    ('{"refusal":"there is no such field"}', "A refusal: there is no such field"),
    ("[]", "Nothing."),
    ("{}", "Nothing."),
    ("5", "5."),
]


@pytest.mark.parametrize(("text", "words"), DESCRIPTIONS, ids=[row[1] for row in DESCRIPTIONS])
def test_a_tree_is_said_in_words(text, words):
    assert JsonAst().describe(text) == words


NAMES = (
    "field",
    "op",
    "value",
    "and",
    "not",
    "args",
    "sort",
    "by",
    "order",
    "start",
    "end",
    "filters",
    "type",
)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=10,
)


@given(trees)
def test_every_tree_can_be_described(value):
    assert JsonAst().describe(json.dumps(value))


def test_deep_trees_are_described_without_recursion():
    text = '{"not":' * 190 + "1" + "}" * 190
    assert JsonAst().describe(text).startswith("Not (not (")


def test_the_dialect_offers_what_it_does():
    dialect = JsonAst()
    offered = {what for what in ("sample", "mutate", "run", "extract", "describe") if offers(dialect, what)}
    assert offered == {"sample", "mutate", "extract", "describe"}
