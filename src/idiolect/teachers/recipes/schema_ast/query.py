"""Queries before they are written: what is asked for, apart from any wording and any layout of a tree."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from idiolect.teachers.recipes.schema_ast.records import Field, Offer
from idiolect.teachers.recipes.schema_ast.template import Layout


@dataclass(frozen=True, slots=True)
class Compared:
    """One field compared with a value."""

    field: Field
    means: str  # of the operator: a key of TAKES
    value: Any  # as the tree has it
    phrase: str = ""  # of a date: the expression's name in dates.toml, where it is one
    number: int = 0  # of that expression: three, in "three days ago"


@dataclass(frozen=True, slots=True)
class Period:
    """A field between two days where the schema has no operator for it: two comparisons, said as one."""

    low: Compared
    high: Compared


@dataclass(frozen=True, slots=True)
class Grouped:
    """Conditions joined, or one negated."""

    kind: Literal["and", "or", "not"]
    parts: tuple[Condition, ...]


Condition = Compared | Period | Grouped


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for."""

    action: Literal["find", "count", "aggregate", "refusal"]
    where: tuple[Condition, ...] = ()  # all of which hold
    show: tuple[Field, ...] = ()
    sort: tuple[Field, str] | None = None
    limit: int | None = None
    function: str = ""  # sum, average, min, max
    of: Field | None = None
    per: Field | None = None
    reason: str = ""  # of a refusal


def comparisons(conditions: tuple[Condition, ...]) -> Iterator[Compared]:
    """Every comparison in conditions, in order."""
    for one in conditions:
        if isinstance(one, Grouped):
            yield from comparisons(one.parts)
        elif isinstance(one, Period):
            yield from (one.low, one.high)
        else:
            yield one


def negates_plainly(one: Grouped, offer: Offer) -> bool:
    """Whether a negation is said within its clause ("does not contain"), not as an exception behind all."""
    inner = one.parts[0]
    if not isinstance(inner, Compared):
        return False
    if inner.means in ("contains", "starts_with", "ends_with"):
        return True
    instead = {"eq": "ne", "in": "not_in"}.get(inner.means)
    return instead is not None and offer.operator(instead) is None and inner.field.type in ("enum", "string")


def in_order(conditions: list[Condition], offer: Offer) -> tuple[Condition, ...]:
    """Conditions in an order whose words leave no doubt: alternatives behind the rest, exceptions last."""

    def place(one: Condition) -> int:
        if not isinstance(one, Grouped):
            return 0
        if one.kind == "not":
            return 0 if negates_plainly(one, offer) else 2
        return 1

    return tuple(sorted(conditions, key=place))


def level_of(query: Query) -> str:
    """How hard a query is: by its conditions, their nesting, and what is asked beside them."""
    beside = (query.show, query.sort, query.limit, query.per)
    score = sum(1 for _ in comparisons(query.where)) + sum(1 for one in beside if one)
    nested = any(isinstance(one, Grouped) for one in query.where)
    if score <= 1 and not nested:
        return "micro"
    return "multi" if score <= 3 and not _deep(query.where) else "scenario"


def _deep(conditions: tuple[Condition, ...]) -> bool:
    """Whether a group stands beside something, or in a group."""
    groups = [one for one in conditions if isinstance(one, Grouped)]
    return bool(groups) and (
        len(conditions) > 1 or any(not isinstance(part, Compared) for one in groups for part in one.parts)
    )


def encoded(query: Query, layout: Layout, offer: Offer, entity: str) -> dict[str, Any]:
    """The tree of a query, as the template lays it out."""
    values: dict[str, Any] = {"reason": query.reason or None, "limit": query.limit}
    if query.where:
        values["where"] = _where(query.where, layout, offer)
    if query.show:
        values["show"] = [one.name for one in query.show]
    if query.sort:
        values["by"], values["order"] = query.sort[0].name, query.sort[1]
    if query.of:
        values["of"], values["function"] = query.of.name, offer.functions[query.function]
    if query.per:
        values["per"] = query.per.name
    tree = _object(layout.forms[query.action], values, entity)
    assert tree is not None
    return tree


def _object(properties: Mapping[str, Any], values: Mapping[str, Any], entity: str) -> dict[str, Any] | None:
    """The members of one form; None where it has none of the values."""
    made: dict[str, Any] = {}
    for key, part in properties.items():
        role = part.get("x-role")
        if "properties" in part:
            inner = _object(part["properties"], values, entity)
            if inner is not None:
                made[key] = inner
        elif values.get(role) is not None:
            made[key] = values[role]
        elif part.get("x-put") == "entity":
            made[key] = entity
        elif "const" in part:
            made[key] = part["const"]
    return made or None


def _where(conditions: tuple[Condition, ...], layout: Layout, offer: Offer) -> Any:
    parts = [tree for one in conditions for tree in _trees(one, layout, offer)]
    return parts[0] if len(parts) == 1 else {layout.groups["and"]: parts}


def _trees(one: Condition, layout: Layout, offer: Offer) -> list[Any]:
    """The trees of one condition; more than one of a period, which joins the conditions around it."""
    if isinstance(one, Period):
        return [*_trees(one.low, layout, offer), *_trees(one.high, layout, offer)]
    if isinstance(one, Compared):
        operator = offer.operator(one.means)
        assert operator is not None, f"no operator means {one.means}"
        return [dict(zip(layout.comparison, (one.field.name, operator.const, one.value), strict=True))]
    if one.kind == "not":
        return [{layout.groups["not"]: _where(one.parts, layout, offer)}]
    if one.kind == "or":
        return [{layout.groups["or"]: [_where((part,), layout, offer) for part in one.parts]}]
    return [_where(one.parts, layout, offer)]


def level_of_tree(tree: Any, layout: Layout | None) -> str:
    """The level of a query of which only the tree is known; by its size where no roles tell its parts."""
    if layout is None:
        scalars = json.dumps(tree).count(",") + 1
        return "micro" if scalars <= 4 else "multi" if scalars <= 10 else "scenario"
    beside = {key for form in layout.forms.values() for key, part in form.items() if _beside(part)}
    score = sum(1 for key in tree if key in beside) if isinstance(tree, dict) else 0
    groups = deep = 0
    waiting: list[tuple[Any, bool]] = [(tree, True)]  # a part, and whether only the form stands above it
    while waiting:
        part, at_top = waiting.pop()
        if isinstance(part, list):
            waiting += [(item, False) for item in part]
        elif isinstance(part, dict):
            if layout.comparison[0] in part and layout.comparison[1] in part:
                score += 1
                continue
            kind = next((kind for kind, key in layout.groups.items() if [*part] == [key]), None)
            groups += kind in ("or", "not")
            deep += kind is not None and not at_top
            waiting += [(child, at_top and kind is None) for child in part.values()]
    if score <= 1 and not groups:
        return "micro"
    return "multi" if score <= 3 and not deep else "scenario"


def _beside(part: Any) -> bool:
    return isinstance(part, dict) and part.get("x-role") in ("show", "sort", "limit", "per")
