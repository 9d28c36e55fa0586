"""Whatever is given as a schema or a Lark file: a grammar or one of our errors, in bounded time."""

from __future__ import annotations

import gc
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idiolect.grammar.form import GrammarError
from idiolect.grammar.from_json_schema import NotEnforceable, lower_schema
from idiolect.grammar.from_lark import lower_lark
from idiolect.grammar.json_schema.values import TooManyDigits
from idiolect.grammar.replay import replay
from idiolect.grammar.walk import shortest

KEYWORDS = [
    "$anchor", "$defs", "$dynamicRef", "$id", "$recursiveRef", "$ref", "$schema", "additionalItems",
    "additionalProperties", "allOf", "anyOf", "const", "contains", "definitions", "dependencies",
    "dependentRequired", "dependentSchemas", "else", "enum", "exclusiveMaximum", "exclusiveMinimum", "format",
    "id", "if", "items", "maxContains", "maxItems", "maxLength", "maxProperties", "maximum", "minContains",
    "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not", "oneOf", "pattern",
    "patternProperties", "prefixItems", "properties", "propertyNames", "required", "then", "type",
    "unevaluatedItems", "unevaluatedProperties", "uniqueItems",
]  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 9),
    st.sampled_from([0.5, 1e300, -0.0, 2.0]),
    st.sampled_from(
        ["", "a", "#", "#/$defs/a", "string", "object", "array", "date", "[", "^a$", "\ud800", "é"]
    ),
)


def inner(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    schemas = st.dictionaries(st.sampled_from(KEYWORDS), children, max_size=4)
    named = st.dictionaries(st.sampled_from(["a", "b", "^x", "["]), children, max_size=3)
    return st.one_of(schemas, named, st.lists(children, max_size=3))


SCHEMAS = st.recursive(SCALARS, inner, max_leaves=14)
# Shapes that are more often sound: every keyword with the kind of value that it takes.
SOUND = st.recursive(
    st.sampled_from([True, False, {}, {"type": "string"}, {"type": "integer"}, {"enum": ["a", 1, None]}]),
    lambda children: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", ["object", "array", "string"]]),
            "properties": st.dictionaries(st.sampled_from("abc"), children, max_size=3),
            "required": st.sets(st.sampled_from("abc"), max_size=2).map(sorted),
            "additionalProperties": children,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), children, max_size=1),
            "items": children,
            "contains": children,
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 3),
            "maxProperties": st.integers(0, 3),
            "uniqueItems": st.booleans(),
            "not": children,
            "if": children,
            "then": children,
            "else": children,
            "oneOf": st.lists(children, min_size=1, max_size=3),
            "anyOf": st.lists(children, min_size=1, max_size=3),
            "allOf": st.lists(children, min_size=1, max_size=2),
            "minLength": st.integers(0, 3),
            "pattern": st.sampled_from(["a", "^b*$", "^(?!a)"]),
        },
    ),
    max_leaves=8,
)
LOOSE = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@LOOSE
@given(SCHEMAS, st.booleans())
def test_any_json_is_a_schema_or_refused(schema: Any, post_check: bool):
    with suppress(NotEnforceable):
        made = lower_schema(schema, post_check=post_check)
        assert replay(made.grammar, shortest(made.grammar).text).accepted


@LOOSE
@given(
    SOUND,
    st.recursive(SCALARS, lambda c: st.lists(c, max_size=3) | st.dictionaries(st.sampled_from("abx"), c)),
)
def test_what_is_written_fits_by_the_validators_word(schema: Any, value: Any):
    rs = pytest.importorskip("jsonschema_rs")
    with suppress(NotEnforceable, UnicodeEncodeError):
        validator = rs.Draft202012Validator(schema, validate_formats=True)
        lowered = lower_schema(schema)
        try:
            text = lowered.write(value)
        except TooManyDigits:
            return
        except ValueError as error:
            if "surrogate" in str(error):
                return
            assert not validator.is_valid(value)
            return
        assert validator.is_valid(value)
        assert replay(lowered.grammar, text).accepted


@LOOSE
@given(st.text(alphabet='start: ABCx|()[]*+?~{},."/\\%ignoredclp_ \n01', max_size=60))
def test_any_text_is_a_lark_file_or_refused(text: str):
    for file in (text, f'start: "a" | {text}'):
        with suppress(GrammarError):
            lower_lark(file)


def flat(size: int, required: int) -> dict[str, Any]:
    names = [f"p{number}" for number in range(size)]
    return {
        "type": "object",
        "properties": {name: {"enum": [name, "x"]} for name in names},
        "required": names[:required],
        "additionalProperties": False,
    }


def test_large_schemas_take_time_in_proportion():
    def lowering(size: int) -> float:
        start = time.process_time()
        replay(lower_schema(flat(size, size)).grammar, "{}")
        return time.process_time() - start

    lowering(10)
    gc.collect()
    gc.freeze()  # what other tests of this process left is not looked through on this one's time
    try:
        small, large = lowering(200), lowering(1_600)
    finally:
        gc.unfreeze()
    assert large < max(small, 0.02) * 8 * 4


def test_more_optional_properties_than_engines_can_look_at_are_refused():
    made = lower_schema(flat(400, 0)).grammar
    assert replay(made, '{"p0":"x","p399":"p399"}').accepted
    with pytest.raises(NotEnforceable, match="more than 400"):
        lower_schema(flat(401, 0))
