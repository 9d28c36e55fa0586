"""Small JSON Schemas of query trees, made up at random: filters, groups, date ranges, sort, limit.

For samples and tests where no schema is given. The domains, fields and operators are the table
`families.json`; two styles of the same language are made, one by `oneOf`, one by `if`/`then`.
"""

from __future__ import annotations

import json
import random
from functools import cache
from importlib.resources import files
from typing import Any

DATE = {"type": "string", "format": "date"}


@cache
def _table() -> dict[str, Any]:
    text = files("idiolect.dialects.json_ast").joinpath("families.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def sample_schema(rng: random.Random, level: str) -> dict[str, Any]:
    """A random schema of a query language over one domain; groups and ranges from level "multi" on."""
    table = _table()
    domain = rng.choice(table["domains"])
    names = sorted(rng.sample(sorted(domain["fields"]), rng.randint(3, min(6, len(domain["fields"])))))
    operators = {"eq", *rng.sample(sorted(table["operators"]), rng.randint(4, 7))}
    fields = {name: domain["fields"][name] for name in names}
    filters = _by_branches(fields, operators) if rng.random() < 0.5 else _by_conditions(fields, operators)
    properties: dict[str, Any] = {
        "type": {"const": "query"},
        "target": {"const": domain["name"]},
        "filters": {"type": "array", "items": {"$ref": "#/$defs/filter"}, "minItems": 1, "maxItems": 4},
    }
    if level != "micro":
        properties["date_range"] = _closed({"start": dict(DATE), "end": dict(DATE)})
        properties["sort"] = _sort(sorted(fields))
        properties["limit"] = {"type": "integer", "minimum": 1, "maximum": 100}
    if level == "scenario":
        properties["combine"] = {"enum": ["all", "any"]}
        properties["select"] = {
            "type": "array",
            "items": {"enum": sorted(fields)},
            "minItems": 1,
            "uniqueItems": True,
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"query over {domain['name']}",
        "type": "object",
        "properties": properties,
        "required": ["type", "target", "filters"],
        "additionalProperties": False,
        "$defs": {"filter": filters},
    }


def _kind(field: dict[str, Any]) -> str:
    kind = next(iter(field))
    return "number" if kind == "integer" else kind


def _value(field: dict[str, Any]) -> dict[str, Any]:
    if "choice" in field:
        return {"enum": field["choice"]}
    if "flag" in field:
        return {"type": "boolean"}
    if "date" in field:
        return dict(DATE)
    if "text" in field:
        return {"type": "string", "minLength": 1, "maxLength": field["text"]}
    kind = next(iter(field))
    low, high = field[kind]
    return {"type": kind, "minimum": low, "maximum": high}


def _operand(field: dict[str, Any], takes: str) -> dict[str, Any]:
    if takes == "one":
        return _value(field)
    if takes == "many":
        return {"type": "array", "items": _value(field), "minItems": 1, "maxItems": 3, "uniqueItems": True}
    return {"type": "array", "items": _value(field), "minItems": 2, "maxItems": 2}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _usable(field: dict[str, Any], operators: set[str], takes: str) -> list[str]:
    known = _table()["operators"]
    return sorted(
        name for name in operators if _kind(field) in known[name]["takes"] and known[name]["value"] == takes
    )


def _by_branches(fields: dict[str, Any], operators: set[str]) -> dict[str, Any]:
    branches = []
    for name, field in fields.items():
        for takes in ("one", "many", "range"):
            usable = _usable(field, operators, takes)
            if usable:
                branches.append(
                    _closed(
                        {"field": {"const": name}, "op": {"enum": usable}, "value": _operand(field, takes)}
                    )
                )
    return {"oneOf": branches}


def _by_conditions(fields: dict[str, Any], operators: set[str]) -> dict[str, Any]:
    """One object, whose operators and value follow from its field."""
    conditions = []
    used: set[str] = set()
    for name, field in fields.items():
        usable = _usable(field, operators, "one")
        used |= {*usable}
        then = {"properties": {"op": {"enum": usable}, "value": _value(field)}}
        conditions.append({"if": {"properties": {"field": {"const": name}}}, "then": then})
    whole = _closed({"field": {"enum": sorted(fields)}, "op": {"enum": sorted(used)}, "value": {}})
    whole["properties"]["value"] = {"type": ["string", "number", "boolean"]}
    return {**whole, "allOf": conditions}


def _sort(names: list[str]) -> dict[str, Any]:
    return _closed({"by": {"enum": names}, "order": {"enum": ["asc", "desc"]}})
