"""The base schema template: what is put into it for one domain, and how a query is written as its tree.

Marks in a template: `x-put` is replaced (entity, fields, sortable, groupable, numeric, functions, operators,
comparisons), a part with `x-when` stands only where the schema offers that feature, and `x-role` says what a
part means, so that rules can write trees. A template without roles still makes schemas; trees then come from
a teacher, or from the dialect's samples.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from idiolect.files import Unreadable, read_small
from idiolect.teachers.recipes.job import RecipeProblem
from idiolect.teachers.recipes.schema_ast.records import NUMERIC, Field, Offer, Operator, Spec
from idiolect.text_hints import did_you_mean

Json = Any
_LARGEST = 16 << 20
_LONGEST_TEXT = 80
DRAFT = "https://json-schema.org/draft/2020-12/schema"
FEATURES = ("count", "aggregate", "group", "show", "sort", "limit", "and", "or", "not")
PUTS = (
    *("entity", "fields", "sortable", "groupable", "numeric"),
    *("functions", "operators", "comparisons"),
)


def read_template(path: Path | None) -> Mapping[str, Json]:
    """The built-in template, or the user's; its marks are checked."""
    if path is None:
        return _built_in()
    try:
        found = json.loads(read_small(path, _LARGEST).decode("utf-8-sig"))
    except (Unreadable, UnicodeDecodeError, ValueError) as error:
        raise RecipeProblem(
            f"SYNTHESIZE.template: {path}: {error}", "name a file with a JSON Schema"
        ) from error
    if not isinstance(found, dict):
        raise RecipeProblem(f"SYNTHESIZE.template: {path}: a JSON Schema is an object here")
    marks = set(_marks(found, "x-put"))
    for mark in sorted(marks - {*PUTS}):
        raise RecipeProblem(
            f'SYNTHESIZE.template: {path}: nothing is put for "x-put": "{mark}"', did_you_mean(mark, PUTS)
        )
    for mark in sorted(set(_marks(found, "x-when")) - {*FEATURES}):
        raise RecipeProblem(
            f'SYNTHESIZE.template: {path}: no feature "{mark}" in x-when', did_you_mean(mark, FEATURES)
        )
    if not marks & {"fields", "comparisons"}:
        raise RecipeProblem(
            f"SYNTHESIZE.template: {path}: no field names are put into it",
            'write {"x-put": "fields"} where they shall stand, or {"x-put": "comparisons"} in a oneOf',
        )
    return found


@cache
def _built_in() -> Mapping[str, Json]:
    text = files("idiolect.teachers.recipes.schema_ast").joinpath("template.json").read_text("utf-8")
    found: dict[str, Json] = json.loads(text)
    return found


def _marks(part: Json, mark: str) -> list[str]:
    if isinstance(part, dict):
        own = [part[mark]] if isinstance(part.get(mark), str) else []
        return own + [name for child in part.values() for name in _marks(child, mark)]
    return [name for child in part for name in _marks(child, mark)] if isinstance(part, list) else []


def build_schema(template: Mapping[str, Json], spec: Spec, offer: Offer) -> dict[str, Json]:
    """The schema of one domain."""
    made = _filled(template, spec, offer)
    assert isinstance(made, dict)
    return {"$schema": DRAFT, **made} if "$schema" not in made else made


def _filled(part: Json, spec: Spec, offer: Offer) -> Json:
    if isinstance(part, list):
        made: list[Json] = []
        for item in part:
            if not _stands(item, offer):
                continue
            if isinstance(item, dict) and item.get("x-put") == "comparisons":
                made += _comparisons(item, spec, offer)
            else:
                made.append(_filled(item, spec, offer))
        return made
    if not isinstance(part, dict):
        return part
    own = {
        name: _filled(child, spec, offer)
        for name, child in part.items()
        if not name.startswith("x-") and _stands(child, offer)
    }
    put = part.get("x-put")
    if put == "comparisons":
        return {"oneOf": _comparisons(part, spec, offer)}
    return {**own, **_put(put, spec, offer)} if put else own


def _stands(part: Json, offer: Offer) -> bool:
    return not isinstance(part, dict) or part.get("x-when") in (None, *offer.features)


def _put(what: str, spec: Spec, offer: Offer) -> dict[str, Json]:
    if what == "entity":
        return {"const": spec.entity}
    if what == "operators":
        return {"enum": [one.const for one in offer.operators]}
    if what == "functions":
        return {"enum": list(offer.functions.values())}
    return {"enum": [one.name for one in named(what, spec)]}


def named(what: str, spec: Spec) -> tuple[Field, ...]:
    """The fields that a part of the template may name."""
    kinds = {
        "sortable": NUMERIC | {"date", "string"},
        "groupable": frozenset({"enum", "string"}),
        "numeric": NUMERIC,
    }
    return tuple(one for one in spec.fields if what == "fields" or one.type in kinds[what])


def _comparisons(part: Mapping[str, Json], spec: Spec, offer: Offer) -> list[Json]:
    """A closed object for each field and form of value."""
    keys = _keys(part)
    made = []
    for one in spec.fields:
        described = bool(one.description)
        for form in ("one", "many", "range"):
            usable = [operator for operator in offer.for_type(one.type) if operator.takes[1] == form]
            if not usable:
                continue
            field: dict[str, Json] = {"const": one.name}
            if described:
                field["description"], described = one.description, False
            properties = {
                keys[0]: field,
                keys[1]: _operators(usable),
                keys[2]: _operand(one, form),
            }
            made.append(
                {
                    "type": "object",
                    "properties": properties,
                    "required": list(keys),
                    "additionalProperties": False,
                }
            )
    return made


def _keys(part: Mapping[str, Json]) -> tuple[str, str, str]:
    return (
        str(part.get("field", "field")),
        str(part.get("operator", "op")),
        str(part.get("value", "value")),
    )


def _operators(usable: list[Operator]) -> dict[str, Json]:
    names = [one.const for one in usable]
    return {"const": names[0]} if len(names) == 1 else {"enum": names}


def _operand(one: Field, form: str) -> dict[str, Json]:
    value = _value(one)
    if form == "many":
        most = max(2, min(4, len(one.values) - 1))
        return {"type": "array", "items": value, "minItems": 2, "maxItems": most, "uniqueItems": True}
    if form == "range":
        return {"type": "array", "items": value, "minItems": 2, "maxItems": 2}
    return value


def _value(one: Field) -> dict[str, Json]:
    if one.type == "enum":
        return {"enum": [value.const for value in one.values]}
    if one.type == "date":
        return {"type": "string", "format": "date"}
    if one.type == "string":
        return {"type": "string", "minLength": 1, "maxLength": _LONGEST_TEXT}
    value: dict[str, Json] = {"type": one.type}
    if one.minimum is not None:
        value["minimum"] = one.minimum
    if one.maximum is not None:
        value["maximum"] = one.maximum
    return value


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a template wants the parts of a query: for each form its keys with what they hold."""

    forms: Mapping[str, Mapping[str, Json]]  # role of a form to its properties in the template
    comparison: tuple[str, str, str]  # keys of field, operator and value
    groups: Mapping[str, str]  # and, or, not to the key of their parts

    @property
    def reason_key(self) -> str | None:
        """The key of a refusal's reason, where the template has refusals."""
        form = self.forms.get("refusal", {})
        return next((key for key, part in form.items() if part.get("x-role") == "reason"), None)


def layout_of(template: Mapping[str, Json]) -> Layout | None:
    """The layout of a template with roles; None where a role that a query can't do without is missing."""
    forms: dict[str, Mapping[str, Json]] = {}
    groups: dict[str, str] = {}
    comparison: list[tuple[str, str, str]] = []
    waiting: list[Json] = [template]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
            continue
        if not isinstance(part, dict):
            continue
        waiting += part.values()
        role, properties = part.get("x-role"), part.get("properties")
        if part.get("x-put") == "comparisons":
            comparison.append(_keys(part))
        elif role in ("and", "or", "not") and isinstance(properties, dict) and len(properties) == 1:
            groups[role] = next(iter(properties))
        elif role in ("find", "count", "aggregate", "refusal") and isinstance(properties, dict):
            forms[role] = properties
    if not comparison or "find" not in forms or "where" not in _roles(forms["find"]):
        return None
    return Layout(forms, comparison[0], groups)


def _roles(properties: Mapping[str, Json]) -> set[str]:
    return {part["x-role"] for part in properties.values() if isinstance(part, dict) and "x-role" in part}
