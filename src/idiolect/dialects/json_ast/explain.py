"""Why a value does not match its schema: the faults, each at its place, by the nearest branch.

The validator's own error list is exponential in nesting (12 s at 14 levels of a recursive filter
schema); this walk looks at each pair of a subschema and a value once. It never overrules the
validator: each single keyword is judged by the same engine, and only combined here. It keeps its
own stack, and gives up after a fixed number of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from idiolect.dialects.json_ast import branches, members
from idiolect.dialects.json_ast.document import Node
from idiolect.dialects.json_ast.outcome import MAX_FAULTS, VALID, Finding, Gathered, Outcome, Request, Steps
from idiolect.dialects.json_ast.resources import OLD, joined
from idiolect.dialects.json_ast.schemas import CompiledSchema
from idiolect.dialects.json_ast.wording import LEAVES, always_wrong, leaf_finding, reference_fault
from idiolect.dialects.verdict import Fault

MAX_STEPS = 20_000  # some tenths of a second
REFERS = ("$ref", "$dynamicRef", "$recursiveRef")
Handler = Callable[["Explainer", Any, Node, Gathered], Steps]

HANDLERS: dict[str, Handler] = {
    "allOf": branches.all_of,
    "anyOf": branches.any_of,
    "oneOf": branches.one_of,
    "not": branches.not_,
    "if": branches.if_,
    "dependentSchemas": members.dependent_schemas,
    "dependencies": members.dependencies,
    "properties": members.properties,
    "items": members.items,
    "contains": members.contains,
    "propertyNames": members.property_names,
    # last, since they ask what the others spoke of
    "unevaluatedItems": members.unevaluated_items,
    "unevaluatedProperties": members.unevaluated_properties,
}
# The keyword families that one handler reads together.
FAMILY = {
    "patternProperties": "properties",
    "additionalProperties": "properties",
    "prefixItems": "items",
    "additionalItems": "items",
}
FLAGS = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}  # booleans in draft 4
# What a draft does not know yet.
LATER_THAN_7 = {"unevaluatedItems", "unevaluatedProperties", "dependentSchemas", "dependentRequired"}
UNKNOWN = {
    "draft4": {*LATER_THAN_7, "if", "contains", "propertyNames"},
    "draft6": {*LATER_THAN_7, "if"},
    "draft7": LATER_THAN_7,
}


class TooLarge(Exception):
    """The value and its schema are too large to say what is wrong where."""


class NotJudged(Exception):
    """A pattern ran into its step limit."""


class Explainer:
    """Holds values against one schema."""

    def __init__(self, compiled: CompiledSchema, *, annotate: bool = False) -> None:
        self.compiled = compiled
        self.draft = compiled.draft
        self.resources = compiled.resources
        self.annotate = annotate or compiled.speaks_of_unevaluated
        self.steps = 0
        self._memo: dict[tuple[int, int, tuple[str, ...]], Outcome] = {}
        self._scopes: list[tuple[str, ...]] = []

    def outcome(self, root: Node, schema: Any = None) -> Outcome:
        """Hold a value against the schema, or against a part of it."""
        schema = self.compiled.document if schema is None else schema
        stack: list[tuple[Any, Generator[Request, Outcome, Outcome]]] = []
        request: Request | None = (schema, root)
        result: Any = None
        self._scopes = [()]
        while True:
            if request is not None:
                key, result = self._enter(request, stack)
                if key is None:
                    request = None
            if not stack:
                return result if isinstance(result, Outcome) else VALID
            key, steps = stack[-1]
            try:
                request = steps.send(result)
                result = None
            except StopIteration as stop:
                result = self._memo[key] = stop.value
                request = None
                stack.pop()
                self._scopes.pop()

    def _enter(self, request: Request, stack: list[Any]) -> tuple[Any, Outcome | None]:
        """Start on a request, or answer it at once from memory: (None, outcome)."""
        schema, node = request
        scope = self._widened(schema)
        key = (id(schema), id(node), scope)
        known = VALID if schema is True else self._memo.get(key)
        if known is None and not self.annotate and self.compiled.part_holds(schema, node.value):
            known = VALID
        if known is not None:
            return None, known
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooLarge
        self._memo[key] = VALID  # a reference that comes back to the same value adds nothing
        self._scopes.append(scope)
        stack.append((key, self._evaluate(schema, node)))
        return key, None

    def _widened(self, schema: Any) -> tuple[str, ...]:
        scope = self._scopes[-1]
        base = self.resources.base(schema) if isinstance(schema, dict) else ""
        # Only the first way into each resource matters to a dynamic reference.
        return scope if base in scope else (*scope, base)

    def _evaluate(self, schema: Any, node: Node) -> Generator[Request, Outcome, Outcome]:
        gathered = Gathered()
        if schema is False:
            gathered.blame(node, "false", always_wrong, node)
            return gathered.done()
        old = self.draft in OLD
        if not (old and "$ref" in schema):
            self._leaves(schema, node, gathered)
        for keyword in REFERS:
            if isinstance(schema.get(keyword), str) and (not old or keyword == "$ref"):
                target = self.target(schema, keyword)
                if target is not None:
                    gathered.add((yield target, node))
                elif not self.draft_schema_holds(schema[keyword], schema, node):
                    gathered.blame(node, "ref", reference_fault, node, schema[keyword])
        if not (old and "$ref" in schema):
            present = {FAMILY.get(keyword, keyword) for keyword in schema}
            present -= UNKNOWN.get(self.draft, set())
            for keyword, handler in HANDLERS.items():
                if keyword in present and not gathered.full:
                    yield from handler(self, schema, node, gathered)
        return gathered.done()

    def _leaves(self, schema: dict[str, Any], node: Node, gathered: Gathered) -> None:
        leaves = {keyword: schema[keyword] for keyword in LEAVES if keyword in schema}
        if node.items is not None and schema.get("uniqueItems") is True:
            gathered.sets.add(id(node))
        if not leaves or self.compiled.piece(schema, "leaves", leaves).is_valid(node.value):
            return
        for keyword, value in leaves.items():
            flag = FLAGS.get(keyword, "")
            if isinstance(value, bool) and keyword in FLAGS.values():
                continue
            part = {keyword: value} | ({flag: schema[flag]} if isinstance(schema.get(flag), bool) else {})
            check = self.compiled.piece(schema, keyword, part)
            if check.is_valid(node.value):
                continue
            if not self.compiled.linear_patterns and keyword == "pattern":
                fault = next(iter(check.iter_errors(node.value)))
                if type(fault.kind).__name__ in ("BacktrackLimitExceeded", "RegexEngineFailure"):
                    raise NotJudged(f"the pattern {value!r} takes too many steps on {node.value[:20]!r}...")
            gathered.findings.append(leaf_finding(keyword, schema, node))

    # Asked by the handlers

    def target(self, schema: dict[str, Any], keyword: str) -> Any:
        """The schema that a reference leads to, by the way taken here where it is dynamic."""
        base = self.resources.base(schema)
        found = self.resources.resolve(schema[keyword], base)
        if keyword == "$dynamicRef" and isinstance(found, dict):
            name = schema[keyword].partition("#")[2]
            if found.get("$dynamicAnchor") == name:
                for outer in self._scopes[-1]:
                    if (outer, name) in self.resources.dynamic:
                        return self.resources.dynamic[outer, name]
        if keyword == "$recursiveRef" and isinstance(found, dict) and found.get("$recursiveAnchor") is True:
            for outer in self._scopes[-1]:
                root = self.resources.roots.get(outer)
                if isinstance(root, dict) and root.get("$recursiveAnchor") is True:
                    return root
        return found

    def draft_schema_holds(self, reference: str, schema: Any, node: Node) -> bool:
        """Whether a value keeps a schema that only the validator has: that of a JSON Schema draft."""
        uri = joined(self.resources.base(schema), reference)
        return bool(self.compiled.piece(schema, reference, {"$ref": uri}).is_valid(node.value))


def faults_of(findings: tuple[Finding, ...]) -> tuple[Fault, ...]:
    """The faults of findings: each once, in text order, each repair once."""
    listed: dict[Any, Fault] = {}
    for finding in findings[:MAX_FAULTS]:
        for fault in finding.say():
            listed.setdefault((fault.code, fault.span, fault.message), fault)
    ordered = sorted(listed.values(), key=lambda fault: fault.span or (0, 0))
    kept: list[Fault] = []
    repairs = set()
    for fault in ordered[:MAX_FAULTS]:
        if fault.fix is not None and fault.fix.span in repairs:
            fault = Fault(fault.code, fault.message, fault.span, fault.hint, fault.level, fault.severity)
        elif fault.fix is not None:
            repairs.add(fault.fix.span)
        kept.append(fault)
    return tuple(kept)
