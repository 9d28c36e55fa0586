"""The keywords that combine schemas over one value: allOf, anyOf, oneOf, not, if.

Where no branch matches, the nearest one says why; if every branch stumbles over the same value,
what they allow there is said together.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from idiolect.dialects.json_ast.document import Node, show
from idiolect.dialects.json_ast.outcome import Finding, Gathered, Outcome, Steps
from idiolect.dialects.json_ast.wording import (
    condition_words,
    enum_finding,
    excluded_words,
    finding,
    subject,
    type_finding,
)

if TYPE_CHECKING:
    from idiolect.dialects.json_ast.explain import Explainer

BECAUSE = " (because "  # begins the reason of a fault that a condition called for


def all_of(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    for part in schema["allOf"]:
        gathered.add((yield part, node))


def any_of(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    outcomes = []
    for part in schema["anyOf"]:
        outcomes.append((yield part, node))
    matching = [outcome for outcome in outcomes if outcome.ok]
    for outcome in matching:
        gathered.add(outcome)
    if not matching:
        gathered.findings.extend(nearest(outcomes, node))


def one_of(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    outcomes = []
    for part in schema["oneOf"]:
        outcomes.append((yield part, node))
    matching = [index for index, outcome in enumerate(outcomes) if outcome.ok]
    if len(matching) == 1:
        gathered.add(outcomes[matching[0]])
    elif matching:
        names = ", ".join(_branch_name(schema["oneOf"][index], index) for index in matching)
        message = f"{subject(node)} matches {len(matching)} forms at once: {names}"
        gathered.findings.append(finding("oneOf.several", message, node, "write it so that only one fits"))
    else:
        gathered.findings.extend(nearest(outcomes, node))


def not_(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    outcome = yield schema["not"], node
    if outcome.ok:
        message, hint = excluded_words(schema["not"], node)
        gathered.findings.append(finding("not", message, node, hint))


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
    because = condition_words(schema["if"], node, condition.ok)
    for found in outcome.findings:
        fault = found.fault
        if because and BECAUSE not in fault.message:
            fault = replace(fault, message=f"{fault.message}{BECAUSE}{because})")
        gathered.findings.append(replace(found, fault=fault))


def _branch_name(schema: Any, index: int) -> str:
    title = schema.get("title") if isinstance(schema, dict) else None
    return show(title) if isinstance(title, str) else f"number {index + 1}"


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
            keys += 1
    return whole, kind, keys, len(outcome.findings)


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
            return enum_finding(at, values)
        if types and not values:
            return type_finding(at, list(dict.fromkeys(types)))
    return None
