"""Say in plain English what a JSON tree asks for, by rules and no model.

Filters, groups of them, ranges, sort and limit are said as a person would; any other part is said
as "name: value". The wording is the table `phrases.json`. It does not look at schemas.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from idiolect.dialects.json_ast.document import Node

DATED = re.compile(r"\d{4}-\d\d-\d\d")
LONGEST = 4_000


@cache
def _table() -> dict[str, Any]:
    text = files("idiolect.dialects.json_ast").joinpath("phrases.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def describe_tree(root: Node) -> str:
    """What a tree asks for, as one sentence."""
    said: dict[int, str] = {}
    # Children before parents, so that no nesting is walked by recursion.
    for node in reversed(list(root.walk())):
        said[id(node)] = _said(node, said)[:LONGEST]
    text = said[id(root)]
    return text[:1].upper() + text[1:] + "." if text else "Nothing."


def words(name: str) -> str:
    """A key as words: order_date and orderDate are "order date"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").replace("-", " ").lower().strip()


def _said(node: Node, said: dict[int, str]) -> str:
    if node.items is not None:
        return _row([said[id(item)] for item in node.items], " and ") or "nothing"
    if node.members is None:
        return _scalar(node.value)
    compared = _comparison(node, said)
    roles = {*member_names("field"), *member_names("operator"), *member_names("value")}
    others = {name: child for name, child in node.members.items() if name not in roles}
    if compared:
        rest = _clauses(others, said)
        return f"{compared}; {rest}" if rest else compared
    for form in (_range, _sort, _group):
        text = form(node, said)
        if text:
            return text
    return _clauses(node.members, said)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value)


def _row(parts: list[str], join: str) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + ("," if len(parts) > 2 else "") + join + parts[-1]


def member_names(role: str) -> list[str]:
    """The keys under which a part of a filter is usually found: its field, its operator, its value."""
    names: list[str] = _table()["keys"][role]
    return names


def _member(node: Node, role: str) -> Node | None:
    members = node.members or {}
    return next((members[name] for name in member_names(role) if name in members), None)


def _comparison(node: Node, said: dict[int, str]) -> str:
    field, operator, value = (_member(node, role) for role in ("field", "operator", "value"))
    if field is None or operator is None or not isinstance(field.value, str):
        return ""
    shown = said[id(value)] if value is not None else ""
    table = _table()
    kinds = table["comparisons"]
    if value is not None and isinstance(value.value, str) and DATED.match(value.value):
        kinds = {**kinds, **table["dated"]}
    template = kinds.get(str(operator.value), "{field} " + words(str(operator.value)) + " {value}")
    if "{range}" in template:
        ends = [said[id(item)] for item in value.items] if value is not None and value.items else []
        shown = _row(ends, " and ") or shown
    elif value is not None and value.items:
        shown = _row([said[id(item)] for item in value.items], " or ")
    pieces = re.split(r"\{(\w+)\}", template)
    filled = {"field": words(field.value), "value": shown, "range": shown}
    return "".join(filled[piece] if index % 2 else piece for index, piece in enumerate(pieces)).strip()


def _range(node: Node, said: dict[int, str]) -> str:
    low, high = _member(node, "low"), _member(node, "high")
    if not node.members or len(node.members) > 2 or (low is None and high is None):
        return ""
    if low is not None and high is not None:
        return f"from {said[id(low)]} to {said[id(high)]}"
    if low is not None and len(node.members) == 1:
        return f"from {said[id(low)]} on"
    return f"up to {said[id(high)]}" if high is not None and len(node.members) == 1 else ""


def _sort(node: Node, said: dict[int, str]) -> str:
    by, order = _member(node, "sort_by"), _member(node, "sort_order")
    orders = _table()["orders"]
    if by is None or order is None or len(node.members or ()) != 2 or str(order.value) not in orders:
        return ""
    return f"{words(str(by.value))} {orders[str(order.value)]}"


def _group(node: Node, said: dict[int, str]) -> str:
    """{"op": "and", "args": [...]} and {"and": [...]}."""
    joins = _table()["joins"]
    assert node.members is not None
    operator, parts = _member(node, "operator"), _member(node, "parts")
    if len(node.members) == 1:
        name, only = next(iter(node.members.items()))
        operator_name, parts = name, only
    elif operator is not None and parts is not None and len(node.members) == 2:
        operator_name = str(operator.value)
    else:
        return ""
    if operator_name not in joins:
        return ""
    if operator_name == "not":
        return f"not ({said[id(parts)]})"
    if not parts.items:
        return ""
    row = _row([said[id(item)] for item in parts.items], joins[operator_name])
    return f"({row})" if len(parts.items) > 1 else row


def _clauses(given: dict[str, Node], said: dict[int, str]) -> str:
    members = dict(given)
    plain = [key for key in ("type", "target") if key in members and isinstance(members[key].value, str)]
    head = " ".join(members.pop(key).value for key in plain)
    combine = members.pop("combine", None)
    clauses = []
    for name, child in members.items():
        text = said[id(child)]
        if name in ("filters", "filter", "where", "conditions") and (child.items or child.members):
            if combine is not None and combine.value == "any" and child.items:
                text = _row([said[id(item)] for item in child.items], " or ")
            clauses.append(f"where {text}")
        elif name in ("sort", "order_by", "sort_by"):
            clauses.append(f"sorted by {text}")
        elif name == "limit":
            clauses.append(f"at most {text}")
        elif name in ("date_range", "range", "period"):
            clauses.append(text)
        elif child.value is True:
            clauses.append(words(name))
        else:
            clauses.append(f"{words(name)}: {text}")
    return ": ".join(part for part in (head, "; ".join(clauses)) if part)
