"""The JSON Schema of a plan, with the bounds and meanings of the block definitions."""

from __future__ import annotations

from typing import Any

from idiolect.plan.plan import Plan


def plan_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of what `plan --json` prints."""
    schema = Plan.model_json_schema(by_alias=True, mode="serialization")
    _tidy(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:idiolect:plan",
        **schema,
    }


def _tidy(node: Any) -> None:
    """Turn our own notes on fields into keywords that every validator knows."""
    if isinstance(node, list):
        for item in node:
            _tidy(item)
    if not isinstance(node, dict):
        return
    notes = node.pop("x-okt", None)
    if notes is not None:
        _apply(node, notes)
    for value in node.values():
        _tidy(value)


def _apply(node: dict[str, Any], notes: dict[str, Any]) -> None:
    low, above, high = notes["bounds"]
    bounds = {"minimum": low, "exclusiveMinimum": above, "maximum": high}
    for target in _numbers(node):
        target.update({name: limit for name, limit in bounds.items() if limit is not None})
    if notes["status"] != "stable":
        node["x-status"] = notes["status"]
    node["x-since"] = notes["since"]


def _numbers(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a field's schema that hold its number or its list's numbers."""
    options = [node, *node.get("anyOf", [])]
    items = [option["items"] for option in options if isinstance(option.get("items"), dict)]
    return [part for part in (*options, *items) if part.get("type") in ("integer", "number")]
