"""The dialect as a whole: verdicts on any text, refusals, canonical texts, the constraint, catalogs."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idiolect.dialects.contract import Context
from idiolect.dialects.json_ast.dialect import JsonAst
from idiolect.dialects.json_ast.refusal import Refusal
from idiolect.dialects.json_ast.schemas import SchemaUnusable
from idiolect.dialects.registry import built_in
from idiolect.grammar.replay import replay

pieces = st.sampled_from(
    [
        *("{", "}", "[", "]", ",", ":", '"type"', '"query"', '"filter"', '"op"', '"and"', '"args"', '"eq"'),
        *('"limit"', "1", "-2.5e3", "true", "nul", '"', "\\", "\ud800", "\x00", " ", '"tags"', '"a"', "'"),
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(pieces, max_size=40).map("".join)))
def test_no_text_raises_and_every_fault_lies_in_the_text(query_dialect, text):
    verdict = query_dialect.verify(text)
    assert verdict.judged
    assert verdict.ok is (not verdict.faults)
    for fault in verdict.faults:
        assert 0 <= fault.span.start <= fault.span.end <= len(text)


KEYS = ("type", "status", "limit", "filter", "op", "args")
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.text("abq", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=10,
)


@given(values)
def test_every_fault_of_a_value_stands_at_a_value_or_key(query_dialect, value):
    text = json.dumps(value, indent=1)
    for fault in query_dialect.verify(text).faults:
        json.loads(text[fault.span.start : fault.span.end])


def test_the_registry_makes_the_dialect():
    assert isinstance(built_in("json_ast"), JsonAst)
    assert built_in("json_ast").verify("{}").not_judged.startswith("no JSON Schema")


# Refusals


def test_a_refusal_is_recognised_where_the_schema_has_a_branch_for_it():
    schema = {"anyOf": [{"type": "integer"}, {"required": ["refusal"]}]}
    verdict = JsonAst(schema).verify('{"refusal": "no such field"}')
    assert verdict.ok
    assert verdict.details == {"refusal": "no such field"}
    assert JsonAst(schema).verify("5").details == {}


def test_a_refusal_is_valid_beside_every_schema_only_where_that_is_asked(query_schema):
    text = '{"refusal":"no such field"}'
    assert not JsonAst(query_schema).verify(text).ok
    accepting = JsonAst(query_schema, refusal=Refusal(accept=True))
    assert accepting.verify(text).ok
    assert accepting.verify(text).details == {"refusal": "no such field"}
    for other in ('{"refusal":""}', '{"refusal":5}', '{"refusal":"x","type":"query"}'):
        assert not accepting.verify(other).ok
    assert accepting.canonical('{ "refusal" : "x" }') == '{"refusal":"x"}'


def test_the_key_of_a_refusal_can_be_chosen_or_none():
    dialect = JsonAst(True, refusal=Refusal(key="cannot"))
    assert dialect.verify('{"cannot":"x"}').details == {"refusal": "x"}
    assert dialect.verify('{"refusal":"x"}').details == {}
    assert JsonAst(True, refusal=None).verify('{"refusal":"x"}').details == {}


# Canonical texts and the constraint


def test_the_canonical_text_keeps_the_order_of_the_schema_and_is_its_own_canonical_text(query_dialect):
    text = '{ "filter": {"value": 1.0, "field": "a", "op": "eq"}, "limit": 5, "type": "query" }'
    canonical = query_dialect.canonical(text)
    assert canonical == '{"type":"query","limit":5,"filter":{"op":"eq","field":"a","value":1}}'
    assert query_dialect.canonical(canonical) == canonical
    assert query_dialect.equal(text, canonical)


def test_without_a_usable_schema_keys_are_sorted():
    for dialect in (JsonAst(), JsonAst({"type": "strnig"})):
        assert dialect.canonical('{"b": 1, "a": [1, "\\u00e9"]}') == '{"a":[1,"\u00e9"],"b":1}'


def test_a_text_that_breaks_its_schema_has_a_canonical_form_too(query_dialect):
    assert query_dialect.canonical('{"zzz": 1, "limit": "x"}') == '{"limit":"x","zzz":1}'


@given(st.integers(0, 2**32))
def test_the_constraint_takes_samples_and_refuses_what_breaks_the_form(seed):
    rng = random.Random(seed)
    dialect = JsonAst()
    sample = dialect.sample(rng)
    grammar = dialect.constraint(sample.context)
    assert replay(grammar, sample.text).accepted
    mutant = dialect.mutate(sample.text, rng, sample.context)
    if mutant.syntax:
        assert not replay(grammar, mutant.text).accepted


def test_the_constraint_takes_refusals_where_they_are_accepted(query_schema):
    refusal = '{"refusal":"no such field"}'
    assert not replay(JsonAst(query_schema).constraint(), refusal).accepted
    grammar = JsonAst(query_schema, refusal=Refusal(accept=True)).constraint()
    assert replay(grammar, refusal).accepted
    assert replay(grammar, '{"type":"query"}').accepted
    assert not replay(grammar, '{"refusal":""}').accepted


@pytest.mark.parametrize("schema", [None, {"type": "strnig"}])
def test_there_is_no_constraint_without_a_usable_schema(schema):
    with pytest.raises(SchemaUnusable, match=r"(?i)schema"):
        JsonAst(schema).constraint()


def test_what_the_grammar_cannot_say_is_named_as_a_post_check():
    schema = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    grammar = JsonAst(schema).constraint()
    assert [check.name for check in grammar.post_checks]


def test_the_constraint_follows_the_draft_and_the_store():
    store = {"http://example.org/name": {"type": "string"}}
    dialect = JsonAst({"$ref": "http://example.org/name"}, store=store, default_draft="draft7")
    assert replay(dialect.constraint(), '"a"').accepted
    assert not replay(dialect.constraint(), "1").accepted


# Catalogs


def test_a_catalog_names_the_fields_operators_and_enums_of_schemas(tmp_path):
    sample = JsonAst().sample(random.Random(4), Context(level="scenario"))
    (tmp_path / "query.json").write_text(json.dumps(sample.context.schema))
    catalog = JsonAst().extract([tmp_path])
    kinds = {proc.kind for proc in catalog.procs}
    assert kinds == {"object", "field", "operator"}
    query = json.loads(sample.text)
    for one in query["filters"]:
        assert catalog.proc(one["field"]).kind == "field"
        assert catalog.proc(one["op"]).kind == "operator"


def test_a_catalog_says_the_type_of_each_member(tmp_path):
    path = tmp_path / "order.json"
    path.write_text(
        json.dumps(
            {
                "title": "order",
                "type": "object",
                "properties": {
                    "state": {"enum": ["open", "closed"], "description": "where it stands"},
                    "total": {"type": "number", "minimum": 0},
                    "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
                    "op": {"oneOf": [{"const": "eq", "description": "is equal to"}, {"const": "ne"}]},
                },
                "required": ["state"],
                "$defs": {"tag": {"type": "string", "pattern": "^[a-z]+$"}},
            }
        )
    )
    catalog = JsonAst().extract([path])
    order = catalog.proc("order")
    state, total, tags = (order.arg(name) for name in ("state", "total", "tags"))
    assert (state.type, state.values, state.required) == ("enum", ("open", "closed"), True)
    assert state.notes == "where it stands"
    assert (total.type, total.range, total.required) == ("float", (0, None), False)
    assert (tags.type, tags.list, tags.pattern) == ("string", True, "^[a-z]+$")
    assert catalog.proc("eq").notes == "is equal to"
    assert {shared.name: shared.values for shared in catalog.types}["state"] == ("open", "closed")


def test_a_catalog_of_broken_files_says_which(tmp_path):
    (tmp_path / "bad.json").write_text('{"a":')
    with pytest.raises(SchemaUnusable, match=r"bad\.json:1:5"):
        JsonAst().extract([tmp_path])
