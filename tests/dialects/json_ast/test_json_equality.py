"""When two trees mean the same, and how the one form is written."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idiolect.dialects.contract import Context
from idiolect.dialects.json_ast.dialect import JsonAst
from idiolect.dialects.json_ast.equality import scalar_image
from idiolect.dialects.json_ast.rules import read_rules

PLAIN = JsonAst()
SAME = [
    ('{"a":1,"b":2}', '{ "b": 2, "a": 1 }'),
    ("1", "1.0"),
    ("100", "1e2"),
    ("0", "-0.0"),
    ('"\\u00e9"', '"\u00e9"'),
    ('[{"a":1,"b":[]}]', '[{"b":[],"a":1.0}]'),
]
DIFFERENT = [
    ("1", "true"),
    ("0", "false"),
    ("1", '"1"'),
    ("[1,2]", "[2,1]"),
    ("{}", "[]"),
    ('{"a":null}', "{}"),
    ("0.1", "0.10000000000000002"),
    ("9007199254740993", "9007199254740992"),
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_what_differs_only_in_writing_is_equal(left, right):
    assert PLAIN.equal(left, right)
    assert PLAIN.canonical(PLAIN.canonical(left)) == PLAIN.canonical(left)


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_what_differs_in_value_is_not_equal(left, right):
    assert not PLAIN.equal(left, right)


def test_the_order_of_an_array_counts_unless_its_schema_makes_it_a_set():
    schema = {
        "properties": {
            "tags": {"uniqueItems": True},
            "steps": {"type": "array"},
            "any": {"anyOf": [{"type": "string"}, {"type": "array", "uniqueItems": True}]},
        }
    }
    dialect = JsonAst(schema)
    assert dialect.equal('{"tags":[1,2]}', '{"tags":[2,1]}')
    assert dialect.equal('{"any":["b","a"]}', '{"any":["a","b"]}')
    assert not dialect.equal('{"steps":[1,2]}', '{"steps":[2,1]}')
    assert not dialect.equal('{"tags":[1,2]}', '{"tags":[1,3]}')
    assert JsonAst().equal("[1,2]", "[2,1]", Context(schema={"uniqueItems": True}))


def test_a_branch_that_does_not_match_makes_no_set():
    schema = {"anyOf": [{"uniqueItems": True, "maxItems": 1}, {"type": "array"}]}
    assert not JsonAst(schema).equal("[1,2]", "[2,1]")


def test_rules_can_make_an_array_a_set():
    dialect = JsonAst(rules=read_rules('[[set]]\nat = "/tags"'))
    assert dialect.equal('{"tags":[2,1,1]}', '{"tags":[1,2,1]}')
    assert not dialect.equal('{"tags":[2,1,1]}', '{"tags":[2,2,1]}')


@pytest.mark.parametrize("text", ["", "[1,]", '{"a":1,"a":1}'])
def test_what_does_not_parse_has_no_canonical_form(text):
    with pytest.raises(ValueError, match=r"\w"):
        PLAIN.canonical(text)
    with pytest.raises(ValueError, match=r"\w"):
        PLAIN.equal(text, "1")


numbers = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)


@given(numbers, numbers)
def test_numbers_have_one_image_exactly_if_what_they_write_is_equal(left, right):
    def written(number):
        return Decimal(repr(number))

    assert (scalar_image(left) == scalar_image(right)) is (written(left) == written(right))
    if isinstance(left, float) and left.is_integer():
        assert scalar_image(left) == scalar_image(int(written(left)))


items = st.lists(st.integers(0, 9), max_size=3)


@given(st.dictionaries(st.text(max_size=3), items, max_size=4), st.randoms(use_true_random=False))
def test_equality_does_not_see_the_order_of_keys(value, order):
    keys = list(value)
    order.shuffle(keys)
    shuffled = {key: value[key] for key in keys}
    assert PLAIN.equal(json.dumps(value), json.dumps(shuffled, indent=2))
