"""Schemas as grammars: what is enforced, what is refused by its path, and the one way to write a value."""

from __future__ import annotations

import datetime
import itertools
import json
import random
import time
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from grammar_engines import corrupted
from grammar_probes import PROBES, closed
from hypothesis import given, settings
from hypothesis import strategies as st

from idiolect.grammar.automaton import compile_node
from idiolect.grammar.checks import problems_of
from idiolect.grammar.from_json_schema import NotEnforceable, lower_schema
from idiolect.grammar.json_schema import formats
from idiolect.grammar.json_schema.numbers import NoRegularForm, Numbers
from idiolect.grammar.json_schema.values import TooManyDigits, exact, key_of, write_number, write_string
from idiolect.grammar.recognize import accepts
from idiolect.grammar.replay import replay
from idiolect.grammar.walk import walk


def plain(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def read(text: str) -> tuple[Any, bool]:
    """A text's value with exact numbers, and whether an object in it has a key twice."""
    repeated: list[bool] = []

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        repeated.append(len(dict(pairs)) < len(pairs))
        return dict(pairs)

    return json.loads(text, object_pairs_hook=keep, parse_float=Decimal), any(repeated)


def test_there_is_a_probe_for_every_keyword():
    assert len(PROBES) == 32


@pytest.mark.parametrize(
    ("schema", "good", "bad"), [probe[1:] for probe in PROBES], ids=[p[0] for p in PROBES]
)
def test_every_probe_is_enforced_both_ways(schema: dict[str, Any], good: list[Any], bad: list[Any]):
    lowered = lower_schema(schema)
    assert problems_of(lowered.grammar) == []
    for value in good:
        assert replay(lowered.grammar, lowered.write(value)).accepted, value
    for value in bad:
        with pytest.raises(ValueError, match="does not fit"):
            lowered.write(value)
        assert not replay(lowered.grammar, plain(value)).accepted, value


@pytest.mark.parametrize("schema", [probe[1] for probe in PROBES], ids=[p[0] for p in PROBES])
def test_what_the_grammar_writes_fits_the_schema_and_is_written_back_the_same(schema: dict[str, Any]):
    validator = pytest.importorskip("jsonschema_rs").validator_for(schema, validate_formats=True)
    lowered = lower_schema(schema)
    rng = random.Random(5)
    for _ in range(25):
        text = walk(lowered.grammar, rng, budget=60).text
        value, repeated = read(text)
        if repeated:
            assert "distinct_keys" in {check.name for check in lowered.post_checks}
            continue
        assert validator.is_valid(json.loads(text)), text
        assert lowered.write(value) == text
        broken = corrupted(text, rng)
        if replay(lowered.grammar, broken).accepted:
            assert validator.is_valid(json.loads(broken)), broken


# (schema, pointer, keyword)
REFUSED: list[tuple[Any, str, str]] = [
    ({"properties": {"a": {"type": "string", "pattern": r"(a)\1"}}}, "/properties/a", "pattern"),
    ({"type": "array", "uniqueItems": True}, "", "uniqueItems"),
    ({"items": {"type": "integer", "multipleOf": 7}}, "/items", "multipleOf"),
    ({"type": "string", "format": "iri"}, "", "format"),
    ({"$ref": "#/$defs/lost"}, "", "$ref"),
    ({"$ref": "https://example.com/other.json"}, "", "$ref"),
    ({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "/$defs/a", "$ref"),
    ({"type": "text"}, "", "type"),
    ({"properties": {"a": 3}}, "/properties/a", "properties"),
    ([], "", "schema"),
    ({"not": {"type": "array", "uniqueItems": True}}, "", "not"),
    (
        {"oneOf": [{"type": "object"}, {"type": "object", "additionalProperties": {"type": "null"}}]},
        "",
        "oneOf",
    ),
    (False, "", "schema"),
    ({"allOf": [{"type": "string"}, {"type": "number"}]}, "", "schema"),
    ({"properties": {"a": closed({})}, "required": ["a"], "not": {}}, "", "schema"),
    ({"multipleOf": 0, "type": "number"}, "", "multipleOf"),
    ({"patternProperties": True}, "", "patternProperties"),
    ({"items": {"minLength": "3"}}, "/items", "minLength"),
    ({"maxItems": -1}, "", "maxItems"),
    ({"required": "name"}, "", "required"),
    ({"oneOf": {"a": 1}}, "", "oneOf"),
    ({"not": 3}, "", "not"),
    ({"dependentRequired": {"a": "b"}}, "", "dependentRequired"),
    ({"minimum": "low"}, "", "minimum"),
    ({"enum": [float("nan")]}, "", "enum"),
    ({"const": "\ud800"}, "", "const"),
    ({"type": "string", "pattern": "^(a{1000}){1000}$", "maxLength": 5}, "", "pattern"),
]


@pytest.mark.parametrize(("schema", "path", "keyword"), REFUSED)
def test_what_can_not_be_enforced_is_refused_by_its_path(schema: Any, path: str, keyword: str):
    with pytest.raises(NotEnforceable) as caught:
        lower_schema(schema)
    assert (caught.value.path, caught.value.keyword) == (path, keyword)
    assert caught.value.reason
    assert caught.value.instead
    assert str(caught.value).startswith(f'{path or "/"}: "{keyword}"')


@pytest.mark.parametrize(
    ("schema", "name", "value"),
    [
        ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, "uniqueItems", [1, 1]),
        ({"type": "string", "pattern": r"(a)\1"}, "pattern", "ab"),
        ({"type": "string", "format": "iri"}, "format", "no"),
        ({"type": "integer", "multipleOf": 7}, "multipleOf", 7),
        ({"not": {"type": "array", "uniqueItems": True}}, "not", [1, 2]),
    ],
)
def test_it_becomes_a_named_post_check_where_that_is_asked_for(schema, name: str, value: Any):
    lowered = lower_schema(schema, post_check=True)
    assert name in {check.name for check in lowered.post_checks}
    assert lowered.post_checks == lowered.grammar.post_checks
    assert replay(lowered.grammar, lowered.write(value)).accepted


def test_open_objects_list_what_a_grammar_can_not_see():
    lowered = lower_schema({"type": "object"})
    assert [check.name for check in lowered.post_checks] == ["distinct_keys"]
    assert lower_schema(closed({"a": {"type": "null"}})).post_checks == ()


def test_unknown_formats_are_noted():
    lowered = lower_schema({"type": "string", "format": "colour"})
    assert lowered.grammar.notes == ('/: "format": "colour" is no format that validators check',)


def test_canonical_text():
    schema = {
        "type": "object",
        "properties": {"b": {}, "a": {"type": "object"}},
        "allOf": [{"properties": {"c": {"type": "number"}}}],
    }
    value = {"zz": None, "c": 1.0, "x": [1e-7, 1e3, -0.0], "a": {"k": 'q"\\\n\x01é\x7f'}, "b": True}
    lowered = lower_schema(schema)
    expected = '{"b":true,"a":{"k":"q\\"\\\\\\n\\u0001é\x7f"},"c":1,"zz":null,"x":[0.0000001,1000,0]}'
    assert lowered.write(value) == expected
    assert replay(lowered.grammar, expected).accepted


def test_a_value_that_does_not_fit_is_told_by_its_pointer():
    lowered = lower_schema({"properties": {"a/b": {"items": {"properties": {"n": {"type": "integer"}}}}}})
    with pytest.raises(ValueError, match="/a~1b/1/n"):
        lowered.write({"a/b": [{"n": 1}, {"n": "x"}]})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {1: 2}, {"a": {3}}, 10**50, 1e-60])
def test_what_is_no_json_value_is_a_value_error(value: Any):
    with pytest.raises((ValueError, TypeError), match=r".+"):
        lower_schema({}).write(value)


def test_deep_values_and_schemas_are_refused_not_crashed():
    value: Any = []
    for _ in range(5_000):
        value = [value]
    with pytest.raises(ValueError, match="nested deeper"):
        lower_schema({}).write(value)
    schema: Any = {}
    for _ in range(400):
        schema = {"allOf": [schema]}
    with pytest.raises(NotEnforceable, match="nested deeper"):
        lower_schema(schema)
    for _ in range(5_000):
        schema = {"not": schema}
    with pytest.raises(NotEnforceable, match="nested too deeply"):
        lower_schema(schema)
    wide: Any = {"type": "integer"}
    for _ in range(300):
        wide = {"type": "array", "items": wide, "minItems": 1}
    assert lower_schema(wide).grammar.rules


def test_alternatives_that_multiply_are_refused():
    names = [f"p{number}" for number in range(24)]
    schema = closed(
        {name: {"type": "null"} for name in names},
        allOf=[
            {"anyOf": [{"required": [one]}, {"required": [two]}]} for one, two in itertools.pairwise(names)
        ],
    )
    start = time.process_time()
    with pytest.raises(NotEnforceable, match="multiply to more than"):
        lower_schema(schema)
    assert time.process_time() - start < 15


def test_two_hundred_fields_told_by_rules_lower_in_a_moment():
    fields = [f"f{number}" for number in range(200)]
    rules = [
        {"if": {"properties": {"field": {"const": name}}}, "then": {"properties": {"value": {"const": name}}}}
        for name in fields
    ]
    schema = closed({"field": {"enum": fields}, "value": {}}, ("field", "value"), allOf=rules)
    start = time.process_time()
    lowered = lower_schema(schema)
    assert time.process_time() - start < 6
    assert replay(lowered.grammar, '{"field":"f7","value":"f7"}').accepted
    assert not replay(lowered.grammar, '{"field":"f7","value":"f8"}').accepted


def test_old_drafts_keep_their_own_meaning():
    draft4 = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "integer"}
    lowered = lower_schema({**draft4, "minimum": 3, "exclusiveMinimum": True})
    assert not replay(lowered.grammar, "3").accepted
    assert replay(lowered.grammar, "4").accepted
    lone = {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {"type": "null"}}}
    lowered = lower_schema({**lone, "properties": {"x": {"$ref": "#/definitions/a", "type": "string"}}})
    assert replay(lowered.grammar, '{"x":null}').accepted


def test_references_are_found_in_the_store():
    store = {"https://example.com/point": {"type": "array", "items": {"type": "integer"}, "maxItems": 2}}
    lowered = lower_schema({"$ref": "https://example.com/point"}, store=store)
    assert replay(lowered.grammar, "[1,2]").accepted
    assert not replay(lowered.grammar, "[1,2,3]").accepted


EDGES = st.one_of(
    st.none(),
    st.fractions(-300, 300, max_denominator=1),
    st.sampled_from([Fraction(5, 4), Fraction(-7, 100)]),
)


@given(
    st.booleans(),
    EDGES,
    EDGES,
    st.booleans(),
    st.booleans(),
    st.sampled_from(
        [(), (Fraction(1, 4),), (Fraction(5),), (Fraction(1, 100),), (Fraction(20),), (Fraction(3),)]
    ),
    st.lists(st.fractions(-400, 400, max_denominator=8), min_size=20, max_size=40),
)
@settings(max_examples=40, deadline=None)
def test_sets_of_numbers_are_exact(integer, low, high, low_open, high_open, steps, tried):
    numbers = Numbers(None, integer, low, high, low_open, high_open, frozenset(steps))
    if numbers.empty:
        assert not any(numbers.holds(number) for number in tried)
        return
    try:
        automaton = compile_node(numbers.node())
    except NoRegularForm:
        assert steps == (Fraction(3),)
        return
    edges = [one for one in (low, high) if one is not None]
    for number in [*tried, *edges]:
        try:
            text = write_number(number)
        except ValueError:
            continue
        assert automaton.matches(text) == numbers.holds(number), text
    for other in ("-0", "01", "1.0", "1.10", ".5", "5.", "-", "", "1e3", "+1"):
        assert not automaton.matches(other)


def test_dates_agree_with_python():
    automaton = compile_node(formats.date())
    years = [*range(10), 100, 400, 1600, 1900, 2000, 2023, 2024, 2100, 9999]
    for year in years:
        for month in range(14):
            for day in range(33):
                text = f"{year:04d}-{month:02d}-{day:02d}"
                assert automaton.matches(text) == exists(text), text


def exists(text: str) -> bool:
    try:
        return bool(datetime.date.fromisoformat(text))
    except ValueError:
        return False


def test_times_are_ones_that_python_reads():
    automaton = compile_node(formats.time())
    lowered = lower_schema({"type": "string", "format": "time"})
    rng = random.Random(1)
    for _ in range(60):
        text = json.loads(walk(lowered.grammar, rng, budget=30).text)
        assert datetime.time.fromisoformat(text).tzinfo is not None
    for wrong in ("24:00:00Z", "12:60:00Z", "12:00:60Z", "12:00Z", "12:00:00", "12:00:00+24:00", "1:00:00Z"):
        assert not automaton.matches(wrong)


JSON_VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(-1e20, 1e20), st.text(max_size=8)
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(JSON_VALUES)
@settings(max_examples=150, deadline=None)
def test_any_value_is_written_and_taken_by_the_grammar_of_all_values(value: Any):
    lowered = lower_schema(True)
    with suppress(TooManyDigits):
        text = lowered.write(value)
        assert key_of(json.loads(text)) == key_of(value)
        assert replay(lowered.grammar, text).accepted


@given(st.text(max_size=20))
def test_strings_are_written_as_json_reads_them(text: str):
    assert json.loads(write_string(text)) == text


@given(st.floats(-1e30, 1e30))
def test_numbers_are_written_exactly(number: float):
    with suppress(TooManyDigits):
        assert float(write_number(exact(number))) == number


@given(JSON_VALUES, st.text(alphabet='{}[],:"0123456789.-eE truefalsn\\ \n', max_size=12))
@settings(max_examples=60, deadline=None)
def test_recognizer_and_engine_agree_on_any_json(value: Any, noise: str):
    made = lower_schema(True).grammar
    for text in (noise, plain(value)[:30]):
        assert replay(made, text).accepted == accepts(made, text)
