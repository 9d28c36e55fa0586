"""One schema a keyword, with values that fit it and values that do not."""

from __future__ import annotations

from typing import Any

STRING = {"type": "string"}
INT = {"type": "integer"}


def closed(properties: dict[str, Any], required: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


# (name, schema, values that fit, values that do not)
PROBES: list[tuple[str, dict[str, Any], list[Any], list[Any]]] = [
    ("oneOf of consts", {"oneOf": [{"const": "a"}, {"const": "b"}]}, ["a", "b"], ["c", 1]),
    (
        "oneOf, overlapping objects",
        {"oneOf": [closed({"a": INT, "b": INT}), closed({"a": INT, "c": INT})]},
        [{"a": 1, "b": 2}, {"c": 1}],
        [{"a": 1}, {}, {"b": 1, "c": 1}],
    ),
    (
        "properties beside oneOf",
        {**closed({"a": INT, "b": INT, "c": INT}), "oneOf": [{"required": ["b"]}, {"required": ["c"]}]},
        [{"a": 1, "b": 1}, {"c": 2}],
        [{"a": 1}, {"b": 1, "c": 1}, [1]],
    ),
    ("anyOf", {"anyOf": [STRING, INT]}, ["x", 3], [None, 1.5]),
    (
        "allOf of objects",
        {
            "allOf": [
                {"type": "object", "properties": {"a": INT}, "required": ["a"]},
                {"properties": {"b": STRING}, "required": ["b"]},
            ],
            "unevaluatedProperties": False,
        },
        [{"a": 1, "b": "x"}],
        [{"a": 1}, {"a": "x", "b": "x"}, {"a": 1, "b": "b", "c": 1}],
    ),
    (
        "if/then/else",
        {
            **closed({"k": {"enum": ["x", "y"]}, "v": {}}, ("k", "v")),
            "if": {"properties": {"k": {"const": "x"}}},
            "then": {"properties": {"v": INT}},
            "else": {"properties": {"v": STRING}},
        },
        [{"k": "x", "v": 1}, {"k": "y", "v": "s"}],
        [{"k": "x", "v": "s"}, {"k": "y", "v": 1}],
    ),
    (
        "not required",
        {**closed({"a": INT, "b": INT}), "not": {"required": ["a", "b"]}},
        [{"a": 1}, {"b": 1}, {}],
        [{"a": 1, "b": 1}],
    ),
    ("not const", {"type": "string", "not": {"const": "x"}}, ["y", "xx", ""], ["x"]),
    ("format date, shape", {"format": "date", "type": "string"}, ["2024-12-31"], ["2024-13-01", "x"]),
    (
        "format date, 31 February",
        {"format": "date", "type": "string"},
        ["2023-02-28", "2024-02-29"],
        ["2023-02-29", "2023-02-31", "0000-01-01", "1900-02-29"],
    ),
    ("const string", {"const": 'a"b'}, ['a"b'], ["ab"]),
    ("const object", {"const": {"a": [1, None]}}, [{"a": [1, None]}], [{"a": [1]}, {"a": [1, None], "b": 1}]),
    (
        "enum of mixed types",
        {"enum": [1, "a", None, True, [1]]},
        [1, "a", None, True, [1]],
        [2, "b", False, [2]],
    ),
    ("additionalProperties false", closed({"a": INT}), [{"a": 1}, {}], [{"a": 1, "b": 1}]),
    (
        "additionalProperties open",
        {"type": "object", "properties": {"a": INT}},
        [{"a": 1, "b": {"c": [1]}}, {"z": 1}],
        [{"a": "x"}],
    ),
    (
        "additionalProperties schema",
        {"type": "object", "additionalProperties": INT},
        [{"z": 1}, {}],
        [{"z": "x"}],
    ),
    (
        "minLength, maxLength",
        {"type": "string", "minLength": 2, "maxLength": 3},
        ["ab", 'é\n"', "abc", "\t\x01"],
        ["a", "abcd"],
    ),
    (
        "minItems, maxItems",
        {"type": "array", "items": INT, "minItems": 2, "maxItems": 3},
        [[1, 2], [1, 2, 3]],
        [[1], [1, 2, 3, 4], ["a", "b"]],
    ),
    (
        "minProperties, maxProperties",
        {"type": "object", "additionalProperties": INT, "minProperties": 2, "maxProperties": 3},
        [{"a": 1, "b": 2}],
        [{"a": 1}, {}, {"a": 1, "b": 1, "c": 1, "d": 1}],
    ),
    (
        "uniqueItems",
        {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 1},
        [["a"], ["c", "a"], ["a", "b", "c"]],
        [["a", "a"], [], ["a", "b", "a"]],
    ),
    (
        "contains",
        {"type": "array", "items": {"type": ["integer", "string"]}, "contains": STRING},
        [["a"], [1, "b", 2]],
        [[1], []],
    ),
    (
        "dependentRequired",
        {**closed({"a": INT, "b": INT}), "dependentRequired": {"a": ["b"]}},
        [{"a": 1, "b": 1}, {"b": 1}, {}],
        [{"a": 1}],
    ),
    ("pattern", {"type": "string", "pattern": "^[a-z]+-\\d{2}$"}, ["ab-12"], ["ab-1", "AB-12", "ab-1٢"]),
    (
        "pattern with lookahead",
        {"type": "string", "pattern": "^(?=.*\\d)(?!.*x)[a-z0-9]{3,5}$"},
        ["a1b"],
        ["abc", "a1x"],
    ),
    (
        "integer range",
        {"type": "integer", "minimum": -5, "maximum": 4094},
        [-5, 0, 4094, 999],
        [-6, 4095, 1.5],
    ),
    (
        "number range",
        {"type": "number", "minimum": 0.5, "exclusiveMaximum": 2},
        [0.5, 1, 1.999],
        [0.4, 2, -1],
    ),
    ("multipleOf", {"type": "number", "multipleOf": 0.25}, [0.25, 1, -3.5, 0], [0.3, 1.1]),
    (
        "multipleOf, by list",
        {"type": "integer", "multipleOf": 7, "minimum": 0, "maximum": 100},
        [7, 98, 0],
        [8, 105],
    ),
    (
        "patternProperties",
        {"type": "object", "patternProperties": {"^x_": INT}, "additionalProperties": False},
        [{"x_a": 1}],
        [{"y": 1}, {"x_a": "s"}],
    ),
    (
        "recursive $ref",
        {
            "$defs": {
                "t": closed({"v": INT, "kids": {"type": "array", "items": {"$ref": "#/$defs/t"}}}, ("v",))
            },
            "$ref": "#/$defs/t",
        },
        [{"v": 1, "kids": [{"v": 2, "kids": []}]}],
        [{"kids": []}, {"v": 1, "kids": [{"x": 1}]}],
    ),
    (
        "unevaluatedProperties",
        {
            "type": "object",
            "properties": {"a": INT},
            "anyOf": [
                {"properties": {"b": INT}, "required": ["b"]},
                {"properties": {"c": INT}, "required": ["c"]},
            ],
            "unevaluatedProperties": False,
        },
        [{"a": 1, "b": 1}, {"c": 1}],
        [{"a": 1}, {"b": 1, "d": 1}],
    ),
    (
        "if required",
        {**closed({"a": INT, "b": INT}), "if": {"required": ["a"]}, "then": {"required": ["b"]}},
        [{"a": 1, "b": 1}, {"b": 1}, {}],
        [{"a": 1}],
    ),
]
