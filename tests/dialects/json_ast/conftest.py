"""A small query schema that the tests of this dialect share."""

import pytest

from idiolect.dialects.json_ast.dialect import JsonAst

FILTER = {
    "oneOf": [
        {
            "type": "object",
            "properties": {
                "op": {"const": op},
                "args": {"type": "array", "items": {"$ref": "#/$defs/filter"}},
            },
            "required": ["op", "args"],
            "additionalProperties": False,
        }
        for op in ("and", "or")
    ]
    + [
        {
            "type": "object",
            "properties": {"op": {"const": "eq"}, "field": {"type": "string"}, "value": {"type": "number"}},
            "required": ["op", "field", "value"],
            "additionalProperties": False,
        }
    ]
}
SCHEMA = {
    "type": "object",
    "properties": {
        "type": {"const": "query"},
        "status": {"enum": ["open", "closed"]},
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
        "start": {"type": "string", "format": "date"},
        "end": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "filter": {"$ref": "#/$defs/filter"},
    },
    "required": ["type"],
    "additionalProperties": False,
    "allOf": [
        {
            "if": {"properties": {"status": {"const": "closed"}}, "required": ["status"]},
            "then": {"required": ["end"]},
        }
    ],
    "$defs": {"filter": FILTER},
}


@pytest.fixture(scope="session")
def query_schema():
    return SCHEMA


@pytest.fixture(scope="session")
def query_dialect():
    return JsonAst(SCHEMA)
