"""Values of a plan as a person would write or say them."""

from __future__ import annotations

import json
from typing import Any

from idiolect.okt.fields import Kind, render_literal
from idiolect.okt.language import BLOCKS, walk_blocks

_MEASURED = {
    f"{block.path}.{field.name}": field.kind
    for block in walk_blocks()
    for field in block.fields
    if field.kind in (Kind.SIZE, Kind.DURATION, Kind.COUNT)
}


def show_value(value: Any, path: str = "") -> str:
    """A value as a person reads it."""
    if value is None:
        return "-"
    kind = _MEASURED.get(path)
    if kind is Kind.SIZE:
        return f"{value / 1024**3:g}GB"
    if kind is Kind.DURATION:
        return f"{value:g}s"
    if kind is Kind.COUNT:
        return show_count(value)
    if isinstance(value, str):
        return value if path in BLOCKS else json.dumps(value, ensure_ascii=False)
    if isinstance(value, (bool, int, float)):
        return render_literal(value)
    if isinstance(value, dict):
        return _show_record(value)
    return _show_list(value)


def show_count(number: int) -> str:
    for suffix, factor in (("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if number >= factor and number % (factor // 1000 or 1) == 0:
            return f"{number / factor:g}{suffix}"
    return str(number)


def _show_list(value: Any) -> str:
    if value and all(isinstance(item, dict) and "weight" in item for item in value):
        return ", ".join(f"{item.get('path')} {item['weight']}%" for item in value)
    if value and all(isinstance(item, dict) and "do" in item for item in value):
        return " ".join(show_statement(item) for item in value)
    if value and all(isinstance(item, list) for item in value):
        return "; ".join(_show_condition(item) for item in value)
    return "[" + ", ".join(show_value(item) for item in value) + "]"


def _show_record(value: dict[str, Any]) -> str:
    if "do" in value:
        return show_statement(value)
    return ", ".join(f"{name}: {show_value(item)}" for name, item in value.items())


def _show_condition(comparisons: Any) -> str:
    return " AND ".join(
        f"{one['signal']} {one['operator']} {_show_measure(one['value'], one['unit'])}" for one in comparisons
    )


def _show_measure(value: Any, unit: str) -> str:
    if unit == "percent":
        return f"{value:g}%"
    return f"{value / 1024**3:g}GB" if unit == "bytes" else show_value(value)


def show_statement(statement: dict[str, Any]) -> str:
    """A CONTROL statement as a script writes it, on one line."""
    do = statement["do"]
    if do in ("IF", "WHEN"):
        return f"{do} {_show_condition(statement['conditions'])} {_show_body(statement)}"
    if do == "EVERY":
        return f"EVERY {statement['count']} {statement['unit']} {_show_body(statement)}"
    if do == "SET":
        return f"SET {statement['parameter']} = {show_value(statement['value'])}"
    if do in ("DECREASE", "INCREASE"):
        amount = statement["amount"]
        by = f"{amount * 100:g}%" if statement["relative"] else f"{amount:g}"
        return f"{do} {statement['parameter']} BY {by}"
    if do == "LOG":
        return f"LOG {statement['metric'] or show_value(statement['text'])}"
    if do == "SAVE":
        return f"SAVE {show_value(statement['name']) if statement['name'] else statement['what']}"
    if do in ("REPLACE", "RETURN"):
        return f"{do}{' WITH' if do == 'REPLACE' else ''} {show_value(statement['text'])}"
    return str(do)


def _show_body(statement: dict[str, Any]) -> str:
    return "{ " + " ".join(show_statement(inner) for inner in statement["body"]) + " }"
