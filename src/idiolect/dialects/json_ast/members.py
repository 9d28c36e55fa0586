"""The keywords that reach into objects and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idiolect.dialects.json_ast.document import Node
from idiolect.dialects.json_ast.outcome import Gathered, Steps
from idiolect.dialects.json_ast.wording import (
    contains_fault,
    forbidden_item,
    name_fault,
    required_fault,
    unknown_fault,
)

if TYPE_CHECKING:
    from idiolect.dialects.json_ast.explain import Explainer


def properties(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    """properties, patternProperties and additionalProperties, which share out the members."""
    if node.members is None:
        return
    named = schema.get("properties", {})
    patterns = schema.get("patternProperties", {})
    rest = schema.get("additionalProperties", True)
    for name, child in node.members.items():
        if gathered.full:
            return
        applied = [named[name]] if name in named else []
        applied += [part for pattern, part in patterns.items() if _matches(explainer, schema, pattern, name)]
        if not applied and rest is False:
            gathered.blame(child, "additionalProperties", unknown_fault, child, name, node, named)
            continue
        if not applied and "additionalProperties" not in schema:
            continue
        gathered.members.add(name)
        for part in applied or [rest]:
            if part is False:
                gathered.blame(child, "false", unknown_fault, child, name, node, named)
            else:
                gathered.add_child((yield part, child))


def _matches(explainer: Explainer, schema: Any, pattern: str, name: str) -> bool:
    made = {"pattern": pattern}
    return bool(explainer.compiled.piece(schema, f"name {pattern}", made).is_valid(name))


def property_names(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    for name, child in (node.members or {}).items():
        key = Node(name, child.name_span, child.path)
        outcome = yield schema["propertyNames"], key
        if not outcome.ok:
            gathered.blame(child, "propertyNames", name_fault, child, name, key, outcome.findings[0])


def dependent_schemas(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    for name, part in schema["dependentSchemas"].items():
        if name in (node.members or {}):
            gathered.add((yield part, node))


def dependencies(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    """The old form of dependentRequired and dependentSchemas in one."""
    for name, wanted in schema["dependencies"].items():
        if name not in (node.members or {}):
            continue
        if isinstance(wanted, dict | bool):
            gathered.add((yield wanted, node))
            continue
        for key in [wanted] if isinstance(wanted, str) else wanted:
            if key not in node.value:
                gathered.blame(node, "dependentRequired", required_fault, schema, node, key, name)


def items(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    """items, prefixItems and additionalItems, which share out the items."""
    if node.items is None:
        return
    rest = schema.get("items", True)
    modern = explainer.draft == "2020-12"
    firsts = schema.get("prefixItems", []) if modern else []
    if isinstance(rest, list):
        firsts, rest = rest, schema.get("additionalItems", True)
        said = "additionalItems" in schema
    else:
        said = "items" in schema
    for index, child in enumerate(node.items):
        if gathered.full or (index >= len(firsts) and not said):
            return
        part = firsts[index] if index < len(firsts) else rest
        gathered.items.add(index)
        if part is False:
            keyword = "items" if not isinstance(schema.get("items"), list) else "additionalItems"
            gathered.blame(child, keyword, forbidden_item, child, index, node, len(firsts), keyword)
        else:
            gathered.add_child((yield part, child))


def contains(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    if node.items is None:
        return
    matching = []
    for index, child in enumerate(node.items):
        outcome = yield schema["contains"], child
        if outcome.ok:
            matching.append(index)
    counted = explainer.draft in ("2019-09", "2020-12")
    least = schema.get("minContains", 1) if counted else 1
    most = schema.get("maxContains") if counted else None
    if explainer.draft == "2020-12":
        gathered.items.update(matching)
    if len(matching) < least:
        _miscounted(gathered, schema, node, len(matching), f"at least {least}", "contains")
    elif most is not None and len(matching) > most:
        _miscounted(gathered, schema, node, len(matching), f"at most {most}", "maxContains")


def _miscounted(gathered: Gathered, schema: Any, node: Node, count: int, wanted: str, keyword: str) -> None:
    gathered.blame(node, keyword, contains_fault, node, schema["contains"], count, wanted, keyword)


def unevaluated_properties(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    code = "unevaluatedProperties"
    part = schema[code]
    for name, child in (node.members or {}).items():
        if name in gathered.members or (gathered.findings and part is False and _spoken_of(schema, name)):
            continue
        if part is False:
            known = schema.get("properties", {})
            gathered.blame(child, code, unknown_fault, child, name, node, known, code)
            continue
        gathered.members.add(name)
        gathered.add_child((yield part, child))


def _spoken_of(schema: Any, name: str) -> bool:
    """Whether a key is known somewhere below: a branch that failed for another reason spoke of it."""
    stack = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            if name in part.get("properties", ()):
                return True
            stack.extend(value for key, value in part.items() if key not in ("properties", "enum", "const"))
        elif isinstance(part, list):
            stack.extend(part)
    return False


def unevaluated_items(explainer: Explainer, schema: Any, node: Node, gathered: Gathered) -> Steps:
    code = "unevaluatedItems"
    part = schema[code]
    for index, child in enumerate(node.items or ()):
        if index in gathered.items:
            continue
        if part is False:
            gathered.blame(child, code, forbidden_item, child, index, node, index, code)
            continue
        gathered.items.add(index)
        gathered.add_child((yield part, child))
