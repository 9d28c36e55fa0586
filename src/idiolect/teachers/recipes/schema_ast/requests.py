"""The three questions of the recipe as a model is asked them: a domain's fields, queries, a query's tree.

The words are `prompts.toml`. `facts` carry to the rule teacher what a model reads in the prompt.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from idiolect.teachers.recipes.schema_ast.records import NUMERIC, TYPES, Domain, Offer, Spec
from idiolect.teachers.records import Message, Request

LANGUAGE_NAMES = {
    "en": "English",
    "fr": "French",
    "de": "German",
    "es": "Spanish",
    "it": "Italian",
    "pt": "Portuguese",
    "nl": "Dutch",
}
_NAME = "^[A-Za-z][A-Za-z0-9_]{0,39}$"
_WORDS = {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 60}, "maxItems": 8}
SPEC_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "entity": {"type": "string", "pattern": _NAME},
        "fields": {
            "type": "array",
            "minItems": 3,
            "maxItems": 12,
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "pattern": _NAME},
                    "type": {"enum": list(TYPES)},
                    "synonyms": _WORDS,
                    "description": {"type": "string", "maxLength": 300},
                    "values": {
                        "type": "array",
                        "maxItems": 12,
                        "items": {
                            "type": "object",
                            "properties": {
                                "const": {"type": "string", "minLength": 1, "maxLength": 40},
                                "synonyms": _WORDS,
                            },
                            "required": ["const", "synonyms"],
                            "additionalProperties": False,
                        },
                    },
                    "minimum": {"type": "number"},
                    "maximum": {"type": "number"},
                    "unit": {"type": "string", "maxLength": 20},
                },
                "required": ["name", "type", "synonyms"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["entity", "fields"],
    "additionalProperties": False,
}
QUERIES_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "queries": {
            "type": "array",
            "minItems": 1,
            "maxItems": 40,
            "items": {"type": "string", "minLength": 3, "maxLength": 500},
        }
    },
    "required": ["queries"],
    "additionalProperties": False,
}


@cache
def _prompts() -> Mapping[str, Mapping[str, str]]:
    text = files("idiolect.teachers.recipes.schema_ast").joinpath("prompts.toml").read_text("utf-8")
    return tomllib.loads(text)


def _messages(name: str, **values: object) -> tuple[Message, ...]:
    prompt = _prompts()[name]
    filled = Template(prompt["user"]).substitute({key: str(value) for key, value in values.items()})
    return (Message("system", prompt["system"].strip()), Message("user", filled.strip()))


def spec_request(domain: Domain, schema_id: str, languages: list[str], seed: int) -> Request:
    """Ask for the fields of a domain."""
    messages = _messages(
        "domain_spec",
        domain=domain.domain,
        description=domain.description,
        languages=_named(languages),
    )
    facts = {"domain": domain.domain, "description": domain.description, "schema_id": schema_id}
    return Request("domain_spec", messages, schema=SPEC_SCHEMA, seed=seed, facts=facts)


def queries_request(
    schema_id: str,
    schema: Mapping[str, Any],
    offer: Offer,
    *,
    language: str,
    today: str | None,
    count: int,
    refusals: float,
    levels: list[str],
    seed: int,
) -> Request:
    """Ask for some queries over a schema in one language."""
    unanswerable = round(count * refusals)
    messages = _messages(
        "queries",
        schema=compact(schema),
        today=f"Today is {today}." if today else "",
        count=count,
        language=_named([language]),
        levels=", ".join(levels),
        unanswerable=f"{unanswerable} of them must ask for something that the schema does not offer."
        if unanswerable
        else "The schema must offer all that they ask for.",
        seed=seed,
    )
    facts = {
        "schema_id": schema_id,
        "schema": schema,
        "offer": offer,
        "language": language,
        "today": today,
        "count": count,
        "refusals": refusals,
    }
    return Request("queries", messages, schema=QUERIES_SCHEMA, seed=seed, facts=facts)


def tree_request(
    schema_id: str, schema: Mapping[str, Any], query: str, today: str | None, seed: int
) -> Request:
    """Ask for the tree of one query."""
    messages = _messages(
        "ast", schema=compact(schema), today=f"Today is {today}." if today else "", query=query
    )
    facts = {"schema_id": schema_id, "today": today, "query": query}
    return Request("ast", messages, schema=schema, seed=seed, facts=facts)


def compact(value: object) -> str:
    """JSON as models of this recipe read it: on one line, with no spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _named(languages: list[str]) -> str:
    return ", ".join(LANGUAGE_NAMES.get(one, one) for one in languages)


def spec_faults(spec: Spec) -> list[tuple[str, str]]:
    """What is wrong with a teacher's spec that a schema of answers can't say: code and message."""
    names = [one.name for one in spec.fields]
    found = [
        ("spec.repeat", f'two fields are called "{name}"')
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    for one in spec.fields:
        consts = [value.const for value in one.values]
        if one.type == "enum" and len(set(consts)) < 2:
            found.append(("spec.values", f'the enum "{one.name}" needs two values or more'))
        elif len(set(consts)) < len(consts):
            found.append(("spec.values", f'the enum "{one.name}" has a value twice'))
        if one.minimum is not None and one.maximum is not None and one.minimum >= one.maximum:
            found.append(("spec.range", f'"{one.name}" begins at {one.minimum} and ends at {one.maximum}'))
    kinds = {one.type for one in spec.fields}
    if not kinds & NUMERIC:
        found.append(("spec.kinds", "a spec needs an integer or number field"))
    for kind in ("enum", "string", "date"):
        if kind not in kinds:
            found.append(("spec.kinds", f"a spec needs a field of type {kind}"))
    return found
