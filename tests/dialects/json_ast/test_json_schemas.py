"""Compiling schemas: reuse, references, and what cannot be used."""

import json
import socket
import types

import pytest

from idiolect.dialects.contract import Context
from idiolect.dialects.json_ast.dialect import JsonAst
from idiolect.dialects.json_ast.schemas import SchemaShelf, SchemaUnusable, read_schema, read_store

UNUSABLE = [
    (None, "no JSON Schema"),
    ({"type": "strnig"}, "invalid at /type"),
    ({"properties": 5}, "invalid at /properties"),
    ({"pattern": "(("}, "invalid at /pattern"),
    ({"$ref": "#/$defs/gone"}, "can't be found"),
    ({"$ref": "http://example.org/other.json"}, "nothing is fetched from a network"),
    ({"$ref": "file:///etc/hostname"}, "not in the local store"),
    ({"$schema": "http://example.org/meta"}, "Unknown meta-schema"),
    ({"const": float("nan")}, "not JSON data"),
    ({"const": {1, 2}}, "not JSON data"),
    ([1], "not list"),
]


@pytest.mark.parametrize(("schema", "reason"), UNUSABLE, ids=[row[1] for row in UNUSABLE])
def test_a_schema_that_cannot_be_used_leaves_the_text_unjudged(schema, reason):
    for dialect, context in ((JsonAst(schema), Context()), (JsonAst(), Context(schema=schema))):
        verdict = dialect.verify("{}", context)
        assert (verdict.judged, verdict.ok, verdict.valid) == (False, False, None)
        assert reason in verdict.not_judged


def test_a_schema_nested_past_the_limit_is_unusable():
    schema = {"type": "object"}
    for _ in range(300):
        schema = {"not": schema}
    assert "nests deeper" in JsonAst(schema).verify("1").not_judged
    endless = {}
    endless["not"] = endless
    assert "not JSON data" in JsonAst(endless).verify("1").not_judged


def test_no_reference_reaches_for_the_network(monkeypatch):
    def refuse(*arguments, **settings):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    assert not JsonAst({"$ref": "http://127.0.0.1:9/x"}).verify("1").judged


def test_references_are_found_in_the_store():
    store = {"http://example.org/name": {"type": "string"}}
    dialect = JsonAst({"$ref": "http://example.org/name"}, store=store)
    assert dialect.verify('"a"').ok
    (fault,) = dialect.verify("1").faults
    assert fault.code == "json.schema.type"


def test_a_store_is_read_from_a_folder_by_path_and_by_id(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "name.json").write_text('{"$id": "http://example.org/n", "type": "string"}')
    store = read_store(tmp_path, "http://localhost/")
    assert set(store) == {"http://localhost/sub/name.json", "http://example.org/n"}


def test_a_compiled_schema_is_used_again_by_its_content():
    shelf = SchemaShelf()
    first = shelf.compiled({"type": "integer"})
    assert shelf.compiled({"type": "integer"}) is first
    assert shelf.compiled(types.MappingProxyType({"type": "integer"})) is first
    assert shelf.compiled({"type": "string"}) is not first


def test_a_schema_of_an_example_that_was_changed_in_place_is_compiled_anew():
    schema = {"enum": [1]}
    dialect = JsonAst()
    assert not dialect.verify("2", Context(schema=schema)).ok
    schema["enum"].append(2)
    assert dialect.verify("2", Context(schema=schema)).ok


def test_the_schema_of_a_project_stays_as_it_was_first_used():
    schema = {"enum": [1]}
    dialect = JsonAst(schema)
    assert not dialect.verify("2").ok
    schema["enum"].append(2)
    assert not dialect.verify("2").ok


def test_true_and_1_are_not_the_same_schema():
    shelf = SchemaShelf()
    assert shelf.compiled({"const": 1}).is_valid(1)
    assert not shelf.compiled({"const": True}).is_valid(1)


def test_the_default_draft_holds_where_a_schema_names_none():
    schema = {"maximum": 5, "exclusiveMaximum": True}
    assert not JsonAst(schema).verify("5").judged
    (fault,) = JsonAst(schema, default_draft="draft4").verify("5").faults
    assert fault.code == "json.schema.exclusiveMaximum"
    named = {"$schema": "http://json-schema.org/draft-04/schema#", **schema}
    assert not JsonAst(named).verify("5").ok


def test_an_unknown_draft_is_refused():
    with pytest.raises(ValueError, match="write one of draft4"):
        JsonAst(default_draft="draft3")


def test_a_schema_is_read_from_a_file_and_its_mistakes_are_placed(tmp_path):
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"type": "integer"}))
    assert JsonAst(path).verify("1").ok
    path.write_text('{"type": "integer",}')
    with pytest.raises(SchemaUnusable, match=r"s\.json:1:19: error\[json\.parse\.comma\.trailing\]"):
        read_schema(path)
    with pytest.raises(SchemaUnusable, match="No such file"):
        read_schema(tmp_path / "gone.json")
    path.write_bytes(b'"\xff"')
    with pytest.raises(SchemaUnusable, match="not UTF-8 at byte 1"):
        read_schema(path)
