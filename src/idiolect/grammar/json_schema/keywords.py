"""What kind of value each keyword takes: a keyword with another kind of value is refused, never skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from idiolect.grammar.json_schema.resolve import NotEnforceable, Place
from idiolect.grammar.json_schema.values import is_number


def _is_count(value: Any) -> bool:
    return is_number(value) and value >= 0 and value == int(value)


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict | bool)


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "object": (lambda value: isinstance(value, dict), "an object"),
    "list": (lambda value: isinstance(value, list), "a list"),
    "schemas": (lambda value: isinstance(value, list) and all(map(_is_schema, value)), "a list of schemas"),
    "schema": (_is_schema, "a schema"),
    "items": (lambda value: isinstance(value, dict | bool | list), "a schema or a list of schemas"),
    "words": (_is_words, "a list of names"),
    "string": (lambda value: isinstance(value, str), "a string"),
    "number": (is_number, "a number"),
    "bound": (lambda value: isinstance(value, bool) or is_number(value), "a number"),
    "count": (_is_count, "a whole number that is not negative"),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "named": (
        lambda value: (
            isinstance(value, dict) and all(_is_schema(one) or _is_words(one) for one in value.values())
        ),
        "an object of schemas or lists of names",
    ),
    "named words": (
        lambda value: isinstance(value, dict) and all(map(_is_words, value.values())),
        "an object of lists of names",
    ),
    "type": (lambda value: isinstance(value, str) or _is_words(value), "a type or a list of types"),
}

_KEYWORDS: dict[str, str] = {
    **dict.fromkeys(
        ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions"), "object"
    ),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), "schemas"),
    **dict.fromkeys(("additionalItems", "additionalProperties", "contains", "else", "if", "not"), "schema"),
    **dict.fromkeys(("propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"), "schema"),
    **dict.fromkeys(("minimum", "maximum", "multipleOf"), "number"),
    **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum"), "bound"),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"), "count"
    ),
    **dict.fromkeys(("minProperties", "maxProperties"), "count"),
    **dict.fromkeys(("pattern", "format", "$ref", "$dynamicRef", "$recursiveRef"), "string"),
    "items": "items",
    "enum": "list",
    "required": "words",
    "uniqueItems": "boolean",
    "type": "type",
    "dependencies": "named",
    "dependentRequired": "named words",
}


def misused(place: Place) -> Iterator[NotEnforceable]:
    """Every keyword of a schema whose value is of a kind that it can't take."""
    assert isinstance(place.schema, dict)
    for keyword, value in place.schema.items():
        kind = _KEYWORDS.get(keyword)
        if kind is not None:
            fits, told = _KINDS[kind]
            if not fits(value):
                yield NotEnforceable(place.path, keyword, f"its value must be {told}", f"write {told} here")
