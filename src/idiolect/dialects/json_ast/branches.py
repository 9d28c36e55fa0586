"""The keywords that combine schemas over one value: allOf, anyOf, oneOf, not, if.

Where no branch matches, the nearest one says why; if every branch stumbles over the same value,
what they allow there is said together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from idiolect.dialects.json_ast.document import Node, show
from idiolect.dialects.json_ast.outcome import Finding, Gathered, Outcome, Steps
from idiolect.dialects.json_ast.wording import (
    condition_words,
    enum_fault,
    excluded_fault,
    several_fault,
    type_fault,
)
from idiolect.dialects.verdict import Fault

if TYPE_CHECKING:
    from idiolect.dialects.json_ast.explain import Explainer

BECAUSE = " (because "  # begins the reason of a fault that a condition called for


def all_of(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    for part in schema["allOf"]:
        gathered.add((yield part, node))


def any_of(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    outcomes = []
    for part in plausible(schema["anyOf"], node):
        outcomes.append((yield part, node))
    matching = [outcome for outcome in outcomes if outcome.ok]
    for outcome in matching:
        gathered.add(outcome)
    if not matching:
        gathered.findings.extend(nearest(outcomes, node))


def one_of(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    outcomes = []
    parts = plausible(schema["oneOf"], node)
    for part in parts:
        outcomes.append((yield part, node))
    matching = [index for index, outcome in enumerate(outcomes) if outcome.ok]
    if len(matching) == 1:
        gathered.add(outcomes[matching[0]])
    elif matching:
        names = ", ".join(_branch_name(parts[index], schema["oneOf"]) for index in matching)
        gathered.blame(node, "oneOf", several_fault, node, names, len(matching))
    else:
        gathered.findings.extend(nearest(outcomes, node))


def not_(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    outcome = yield schema["not"], node
    if outcome.ok:
        gathered.blame(node, "not", excluded_fault, schema["not"], node)


def if_(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    condition = yield schema["if"], node
    if condition.ok:
        gathered.add(condition)
    branch = "then" if condition.ok else "else"
    if branch not in schema:
        return
    outcome = yield schema[branch], node
    if outcome.ok:
        gathered.add(outcome)
        return
    for found in outcome.findings:
        say = partial(_with_reason, found, schema["if"], node, condition.ok)
        gathered.findings.append(replace(found, say=say))


def _with_reason(found: Finding, condition: Any, node: Node, holds: bool) -> list[Fault]:
    """The faults that a condition called for, with the reason that it gives."""
    because = condition_words(condition, node, holds)
    return [
        replace(fault, message=f"{fault.message}{BECAUSE}{because})")
        if because and BECAUSE not in fault.message
        else fault
        for fault in found.say()
    ]


def _branch_name(part: Any, parts: list[Any]) -> str:
    title = part.get("title") if isinstance(part, dict) else None
    number = next(index for index, one in enumerate(parts, 1) if one is part)
    return show(title) if isinstance(title, str) else f"number {number}"


def plausible(parts: list[Any], node: Node) -> list[Any]:
    """The branches that no member rules out by naming another kind; all of them if every one is ruled out."""
    if node.members is None:
        return parts
    return [part for part in parts if not _ruled_out(part, node.value)] or parts


def _ruled_out(part: Any, value: dict[str, Any]) -> bool:
    if not isinstance(part, dict) or "$ref" in part:
        return False
    for name, member in part.get("properties", {}).items():
        found = value.get(name)
        if isinstance(found, str) and isinstance(member, dict):
            allowed = [member["const"]] if "const" in member else member.get("enum", [found])
            if found not in allowed:
                return True
    return False


def nearest(outcomes: list[Outcome], node: Node) -> tuple[Finding, ...]:
    """Why no branch matches: what they all want at one place, else the faults of the nearest."""
    if not outcomes:
        return ()
    common = _common(outcomes, node)
    if common:
        return (common,)
    return min(outcomes, key=lambda outcome: _distance(outcome, node)).findings


def _distance(outcome: Outcome, node: Node) -> tuple[int, int, int, int]:
    depth = len(node.path)
    whole = kind = keys = 0
    for found in outcome.findings:
        near = len(found.node.path) - depth
        if near == 0 and found.keyword in ("type", "const", "enum", "false"):
            whole += 1
        elif near == 1 and found.keyword in ("const", "enum", "false"):
            kind += 1
        elif near <= 1:
            keys += found.weight
    return whole, kind, keys, len(outcome.findings)


def _in_list(word: Callable[..., Fault], *given: Any) -> list[Fault]:
    return [word(*given)]


def _common(outcomes: list[Outcome], node: Node) -> Finding | None:
    """One finding for a place where every branch wants another type or value."""
    depth = len(node.path)
    places: list[dict[int, Finding]] = []
    for outcome in outcomes:
        places.append(
            {
                id(found.node): found
                for found in outcome.findings
                if found.keyword in ("type", "const", "enum") and len(found.node.path) <= depth + 1
            }
        )
    for place in places[0]:
        here = [found[place] for found in places if place in found]
        if len(here) < len(outcomes):
            continue
        at = here[0].node
        types = [name for found in here if found.keyword == "type" for name in found.allowed]
        values = [value for found in here if found.keyword != "type" for value in found.allowed]
        if values and not (types and at is node):
            return Finding(at, "enum", partial(_in_list, enum_fault, at, values), values)
        if types and not values:
            types = list(dict.fromkeys(types))
            return Finding(at, "type", partial(_in_list, type_fault, at, types), types)
    return None
