"""Faults of the schema: their code, place, words and repair."""

import json
import time

import pytest

from idiolect.dialects.contract import Context
from idiolect.dialects.json_ast.dialect import JsonAst
from idiolect.dialects.verdict import Level, render_fault
from idiolect.source import SourceText

# text, code, text of the span, repaired text or None
QUERY_FAULTS = [
    ("[]", "type", "[]", None),
    ('{"typ":"query"}', "required", '{"typ":"query"}', '{"type":"query"}'),
    ("{}", "required", "{}", '{"type":"query"}'),
    ('{"type":"qeury"}', "const", '"qeury"', '{"type":"query"}'),
    ('{"type":"query","status":"opne"}', "enum", '"opne"', '{"type":"query","status":"open"}'),
    ('{"type":"query","status":"OPEN"}', "enum", '"OPEN"', '{"type":"query","status":"open"}'),
    ('{"type":"query","status":"purple"}', "enum", '"purple"', None),
    ('{"type":"query","limit":"10"}', "type", '"10"', '{"type":"query","limit":10}'),
    ('{"type":"query","limit":null}', "type", "null", None),
    ('{"type":"query","limit":0}', "minimum", "0", None),
    ('{"type":"query","limit":101}', "maximum", "101", None),
    ('{"type":"query","limt":5}', "additionalProperties", '"limt"', '{"type":"query","limit":5}'),
    ('{"type":"query","Limit":5}', "additionalProperties", '"Limit"', '{"type":"query","limit":5}'),
    ('{"type":"query","colour":5}', "additionalProperties", '"colour"', None),
    ('{"type":"query","start":"2024-02-30"}', "format", '"2024-02-30"', None),
    ('{"type":"query","start":"2024/2/3"}', "format", '"2024/2/3"', '{"type":"query","start":"2024-02-03"}'),
    ('{"type":"query","tags":["a","b","a"]}', "uniqueItems", '"a"', '{"type":"query","tags":["a","b"]}'),
    ('{"type":"query","tags":[1]}', "type", "1", '{"type":"query","tags":["1"]}'),
    ('{"type":"query","tags":"a"}', "type", '"a"', None),
    ('{"type":"query","filter":5}', "type", "5", None),
    (
        '{"type":"query","filter":{"op":"adn","args":[]}}',
        "enum",
        '"adn"',
        '{"type":"query","filter":{"op":"and","args":[]}}',
    ),
    (
        '{"type":"query","filter":{"op":"and","args":[{"op":"eq","field":"a","value":"1"}]}}',
        "type",
        '"1"',
        '{"type":"query","filter":{"op":"and","args":[{"op":"eq","field":"a","value":1}]}}',
    ),
]


@pytest.mark.parametrize(
    ("text", "code", "span", "mended"), QUERY_FAULTS, ids=[row[0] for row in QUERY_FAULTS]
)
def test_a_fault_has_its_code_place_and_repair(query_dialect, text, code, span, mended):
    verdict = query_dialect.verify(text)
    assert (verdict.parsed, verdict.valid, verdict.ok) == (True, False, False)
    fault = verdict.faults[0]
    assert fault.code == f"json.schema.{code}"
    assert fault.level is Level.VALID
    assert text[fault.span.start : fault.span.end] == span
    assert fault.hint
    if mended is None:
        assert fault.fix is None
    else:
        fix = fault.fix
        assert text[: fix.span.start] + fix.text + text[fix.span.end :] == mended
        assert query_dialect.verify(mended).ok


# schema, text, code, words of the message
OTHER_FAULTS = [
    ({"minLength": 3}, '"ab"', "minLength", "has 2 characters, fewer than 3"),
    ({"maxLength": 1}, '"ab"', "maxLength", "more than 1"),
    ({"pattern": "^a+$"}, '"b"', "pattern", 'does not match "^a+$"'),
    ({"multipleOf": 5}, "7", "multipleOf", "not a multiple of 5"),
    ({"exclusiveMinimum": 7}, "7", "exclusiveMinimum", "not more than 7"),
    ({"exclusiveMaximum": 7}, "7", "exclusiveMaximum", "not less than 7"),
    ({"minItems": 2}, "[1]", "minItems", "has 1 items, fewer than 2"),
    ({"maxItems": 0}, "[1]", "maxItems", "more than 0"),
    ({"minProperties": 1}, "{}", "minProperties", "has 0 keys"),
    ({"maxProperties": 0}, '{"a":1}', "maxProperties", "has 1 keys"),
    ({"contains": {"const": 1}}, "[2]", "contains", "not at least 1"),
    ({"contains": {"const": 1}, "maxContains": 1}, "[1,1]", "maxContains", "not at most 1"),
    ({"prefixItems": [True], "items": False}, "[1,2]", "items", "item 1 is one too many"),
    ({"prefixItems": [True], "unevaluatedItems": False}, "[1,2]", "unevaluatedItems", "one too many"),
    ({"propertyNames": {"pattern": "^a"}}, '{"b":1}', "propertyNames", 'the key "b"'),
    (
        {"dependentRequired": {"a": ["b"]}},
        '{"a":1}',
        "dependentRequired",
        'lacks the key "b", which "a" asks for',
    ),
    ({"not": {"required": ["a", "b"]}}, '{"a":1,"b":2}', "not", 'the keys "a", "b" together'),
    ({"not": {"required": ["a"]}}, '{"a":1}', "not", 'may not have the key "a"'),
    ({"not": {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}}, '{"b":1}', "not", 'the key "b"'),
    ({"not": {"enum": [1]}}, "1", "not", "may not be 1"),
    (
        {"properties": {"a": True}, "unevaluatedProperties": False},
        '{"b":1}',
        "unevaluatedProperties",
        'may not have the key "b"',
    ),
    (
        {"oneOf": [{"title": "small", "maximum": 5}, {"minimum": 3}]},
        "4",
        "oneOf.several",
        '"small", number 2',
    ),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "4", "type", "not a string or null"),
    ({"anyOf": [{"const": "red"}, {"const": "blue"}]}, '"grey"', "enum", 'not one of "red", "blue"'),
    ({"anyOf": [{"type": "null"}, {"minimum": 3, "type": "number"}]}, "1", "minimum", "less than 3"),
    (False, "1", "false", "may not stand here"),
    ({"properties": {"a": False}}, '{"a":1}', "additionalProperties", 'may not have the key "a"'),
    ({"$ref": "https://json-schema.org/draft/2020-12/schema"}, '{"type":3}', "ref", "does not match"),
]


@pytest.mark.parametrize(
    ("schema", "text", "code", "words"), OTHER_FAULTS, ids=[f"{row[2]}-{row[1]}" for row in OTHER_FAULTS]
)
def test_every_keyword_is_told_by_its_own_code(schema, text, code, words):
    (fault,) = JsonAst(schema).verify(text).faults
    assert fault.code == f"json.schema.{code}"
    assert words in fault.message


def test_the_last_day_of_a_month_is_told():
    dialect = JsonAst({"format": "date"})
    hints = [dialect.verify(f'"{day}"').faults[0].hint for day in ("2024-02-30", "2023-02-29", "2023-13-01")]
    assert hints == [
        *("that month ends on 2024-02-29", "that month ends on 2023-02-28"),
        'write it like "2024-02-29"',
    ]


def test_what_a_condition_calls_for_says_why(query_dialect):
    (fault,) = query_dialect.verify('{"type":"query","status":"closed"}').faults
    assert fault.code == "json.schema.required"
    assert fault.message == 'the value lacks the key "end" (because "status" is "closed")'


def test_all_faults_of_a_text_are_reported_in_text_order(query_dialect):
    text = '{"type":"qeury","limit":0,"start":"x","colour":1}'
    verdict = query_dialect.verify(text)
    assert [fault.code.rsplit(".")[-1] for fault in verdict.faults] == [
        *("const", "minimum", "format", "additionalProperties"),
    ]


def test_a_fault_prints_as_a_compiler_would(query_dialect):
    text = '{"type": "query",\n "status": "opne"}'
    (fault,) = query_dialect.verify(text).faults
    assert render_fault(fault, SourceText(text, "q.json")).splitlines() == [
        'q.json:2:12: error[json.schema.enum]: /status is "opne", not one of "open", "closed"',
        '   2 |  "status": "opne"}',
        "     |            ^^^^^^",
        '   help: did you mean "open"?',
    ]


def nested(depth, value):
    text = json.dumps({"op": "eq", "field": "a", "value": value})
    for _ in range(depth):
        text = f'{{"op":"and","args":[{text}]}}'
    return f'{{"type":"query","filter":{text}}}'


def test_a_fault_deep_in_nested_branches_is_found_in_linear_time(query_dialect):
    text = nested(80, "1")
    started = time.process_time()
    (fault,) = query_dialect.verify(text).faults
    assert time.process_time() - started < 2
    assert text[fault.span.start : fault.span.end] == '"1"'
    assert query_dialect.verify(nested(80, 1)).ok


def query(**members):
    return json.dumps({"type": "query", **members})


def conjunction(*filters):
    return query(filter={"op": "and", "args": list(filters)})


HOSTILE = {
    "wrong items": query(tags=[1] * 33_000),
    "repeated items": query(tags=["a"] * 20_000),
    "unknown keys": json.dumps({f"typ{number}": 1 for number in range(8_000)}),
    "wrong branches": conjunction(*[{"op": "eq", "field": 1}] * 3_600),
    "one wrong of many": conjunction(*[{"op": "and", "args": []}] * 3_600, 1),
    "a long key": json.dumps({"typ" * 33_000: 1}),
    "a long value": query(status="open" * 24_000),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_values_are_judged_and_explained_in_bounded_time(query_dialect, text):
    started = time.process_time()
    verdict = query_dialect.verify(text)
    assert time.process_time() - started < 4
    assert 1 <= len(verdict.faults) <= 50


def test_many_names_to_compare_do_not_cost_time_without_bound():
    names = [f"quantity_{number}" for number in range(400)]
    schema = {
        "properties": {name: {"enum": [f"value_{number}" for number in range(200)]} for name in names},
        "required": names,
        "additionalProperties": False,
    }
    dialect = JsonAst(schema)
    dialect.verify("{}")  # compiled once
    wrong = {f"quantiti_{number}": number for number in range(3_000)}
    misspelt = dict.fromkeys(names, "vaule_7")
    for value in (wrong, misspelt):
        text = json.dumps(value)
        started = time.process_time()
        assert len(dialect.verify(text).faults) == 50
        assert time.process_time() - started < 4


def test_a_keyword_that_a_draft_does_not_know_finds_no_fault():
    schema = {"properties": {"a": {"type": "string"}}, "if": True, "then": {"required": ["b"]}}
    (fault,) = JsonAst(schema, default_draft="draft6").verify('{"a":1}').faults
    assert fault.code == "json.schema.type"
    assert len(JsonAst(schema, default_draft="draft7").verify('{"a":1}').faults) == 2


def test_a_pattern_that_could_run_away_is_not_judged():
    schema = {"pattern": "(?=a)(a+)+c$"}
    started = time.process_time()
    verdict = JsonAst(schema).verify(json.dumps("a" * 60_000))
    assert time.process_time() - started < 4
    assert not verdict.judged
    assert "2000 characters" in verdict.not_judged
    assert not JsonAst(schema).verify('"aaab"').ok
    assert JsonAst(schema).verify('"aaac"').ok


def test_a_pattern_that_meets_its_step_limit_is_not_judged():
    verdict = JsonAst({"pattern": r"^(a|a)*?(?!b)c$"}).verify(json.dumps("a" * 500))
    assert not verdict.judged
    assert "too many steps" in verdict.not_judged


def test_linear_patterns_judge_long_strings():
    assert not JsonAst({"pattern": "(a+)+$"}).verify(json.dumps("a" * 90_000 + "b")).ok


def test_the_schema_of_the_example_goes_before_that_of_the_project(query_dialect):
    context = Context(schema={"type": "integer"})
    assert query_dialect.verify("5", context).ok
    assert not query_dialect.verify("5").ok
