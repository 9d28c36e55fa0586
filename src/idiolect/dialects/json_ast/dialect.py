"""The dialect json_ast: syntax trees in JSON, judged against a JSON Schema and rules beyond it.

The schema comes with each example (`Context.schema`) or with the project. This is only the door:
reading, explaining, sampling and the rest are modules beside it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idiolect.dialects.contract import EMPTY, Context, Dialect, Mutant, Sample
from idiolect.dialects.json_ast.describe import describe_tree
from idiolect.dialects.json_ast.document import Node
from idiolect.dialects.json_ast.equality import image
from idiolect.dialects.json_ast.evaluation import OverBudget
from idiolect.dialects.json_ast.explain import Explainer, NotJudged, TooLarge, faults_of
from idiolect.dialects.json_ast.extraction import extract_catalog
from idiolect.dialects.json_ast.families import sample_schema
from idiolect.dialects.json_ast.lowering import either, lowered, write_canonical, write_sorted
from idiolect.dialects.json_ast.mutants import make_mutant
from idiolect.dialects.json_ast.mutation import SYNTAX, offered_values
from idiolect.dialects.json_ast.places import tree_of
from idiolect.dialects.json_ast.refusal import Refusal
from idiolect.dialects.json_ast.rules import Rules, load_rules
from idiolect.dialects.json_ast.sampling import LEVELS, SampleFailed, sample_value
from idiolect.dialects.json_ast.scan import scan
from idiolect.dialects.json_ast.schemas import (
    LONGEST_BACKTRACKED,
    CompiledSchema,
    Schema,
    SchemaShelf,
    SchemaUnusable,
    read_schema,
)
from idiolect.dialects.json_ast.strict import LookCloser, read_strict
from idiolect.dialects.verdict import Fault, Level, Verdict, could_not_judge, verdict_of

if TYPE_CHECKING:
    from idiolect.dialects.catalog import Catalog
    from idiolect.grammar.form import Grammar

RULE_TRIES = 60
NO_SCHEMA = "no JSON Schema: give one with the example, or one for the project"


class JsonAst(Dialect):
    """JSON syntax trees under a JSON Schema."""

    name = "json_ast"
    suffixes = (".json",)

    def __init__(
        self,
        schema: Schema | Path | None = None,
        *,
        rules: Rules | Path | None = None,
        store: Mapping[str, Any] | None = None,
        default_draft: str = "2020-12",
        refusal: Refusal | None = Refusal(),
    ) -> None:
        self.schema: Schema | None = read_schema(schema) if isinstance(schema, Path) else schema
        self._project: CompiledSchema | None = None  # of that schema, as it is when first used
        self.rules = load_rules(rules) if isinstance(rules, Path) else rules or Rules()
        self.refusal = refusal
        self._shelf = SchemaShelf(store, default_draft)

    # Judging

    def verify(self, text: str, context: Context = EMPTY) -> Verdict:
        try:
            compiled = self.compiled(context)
        except SchemaUnusable as fault:
            return could_not_judge(str(fault))
        try:
            value = read_strict(text)
        except LookCloser:
            return self._look_closer(text, compiled)
        if not self._judgeable(compiled, text):
            return could_not_judge(TOO_LONG)
        valid = compiled.is_valid(value)
        if valid and not self.rules.rules:
            return Verdict(True, True, details=self._details(value))
        return self._judged(tree_of(text, value), compiled, valid)

    def compiled(self, context: Context) -> CompiledSchema:
        """The schema that holds here, compiled; `SchemaUnusable` where there is none."""
        if context.schema is not None:
            return self._shelf.compiled(context.schema)
        if self._project is None:
            if self.schema is None:
                raise SchemaUnusable(NO_SCHEMA)
            self._project = self._shelf.compiled(self.schema)
        return self._project

    @staticmethod
    def _judgeable(compiled: CompiledSchema, text: str) -> bool:
        """Whether no pattern can run away: a backtracking engine gets no long strings."""
        return (
            compiled.linear_patterns
            or len(text) <= LONGEST_BACKTRACKED
            or longest_string(text) <= LONGEST_BACKTRACKED
        )

    def _details(self, value: Any) -> dict[str, Any]:
        reason = self.refusal.reason(value) if self.refusal else None
        return {} if reason is None else {"refusal": reason}

    def _look_closer(self, text: str, compiled: CompiledSchema) -> Verdict:
        scanned = scan(text)
        if scanned.faults or scanned.root is None:
            return verdict_of(scanned.faults, policy_asked=False)
        if not self._judgeable(compiled, text):
            return could_not_judge(TOO_LONG)
        return self._judged(scanned.root, compiled, compiled.is_valid(scanned.root.value))

    def _judged(self, root: Node, compiled: CompiledSchema, valid: bool) -> Verdict:
        details = self._details(root.value)
        if not valid and self.refusal and self.refusal.accepts(root.value):
            return Verdict(True, True, details=details)
        try:
            faults = list(self.rules.faults(root) if valid else why_invalid(root, compiled))
        except (NotJudged, OverBudget) as fault:
            return could_not_judge(str(fault))
        return verdict_of(sorted(faults, key=_place), policy_asked=False, details=details)

    # Writing

    def canonical(self, text: str, context: Context = EMPTY) -> str:
        value = self.parsed(text).value
        if self.refusal and self.refusal.accepts(value):
            return write_canonical(value, self._shelf.compiled(self.refusal.schema()))
        try:
            return write_canonical(value, self.compiled(context))
        except SchemaUnusable:
            return write_sorted(value)

    def constraint(self, context: Context = EMPTY) -> Grammar:
        grammar = lowered(self.compiled(context)).grammar
        if self.refusal and self.refusal.accept:
            return either(grammar, lowered(self._shelf.compiled(self.refusal.schema())).grammar)
        return grammar

    def equal(self, left: str, right: str, context: Context = EMPTY) -> bool:
        return self._image(left, context) == self._image(right, context)

    def _image(self, text: str, context: Context) -> str:
        """What a text means: its value, with sets in any order."""
        root = self.parsed(text)
        sets = self.rules.unordered(root)
        with suppress(SchemaUnusable, TooLarge, NotJudged):  # without its schema, an array is a list
            sets |= Explainer(self.compiled(context), annotate=True).outcome(root).sets
        return image(root, sets)

    # Making

    def sample(self, rng: random.Random, context: Context = EMPTY) -> Sample:
        level = context.level or rng.choice(LEVELS)
        if level not in LEVELS:
            raise ValueError(f"no level {level!r}: write one of {', '.join(LEVELS)}")
        if context.schema is None and self.schema is None:
            context = replace(context, schema=sample_schema(rng, level))
        compiled = self.compiled(context)
        for _ in range(RULE_TRIES):
            text = self.canonical(write_sorted(sample_value(compiled, rng, level)), context)
            if self.verify(text, context).ok:
                return Sample(text, self.describe(text, context), context, level)
        raise SampleFailed(f"no sample in {RULE_TRIES} tries keeps the rules")

    def mutate(self, text: str, rng: random.Random, context: Context = EMPTY) -> Mutant | None:
        scanned = scan(text)
        if scanned.faults or scanned.root is None:
            return None
        try:
            offered = offered_values(self.compiled(context).document)
        except SchemaUnusable:
            return make_mutant(text, scanned.root, rng, _judge_form, {}, tuple(SYNTAX))
        return make_mutant(text, scanned.root, rng, lambda broken: self.verify(broken, context), offered)

    def describe(self, text: str, context: Context = EMPTY) -> str:
        root = self.parsed(text)
        reason = self.refusal.reason(root.value) if self.refusal else None
        return f"A refusal: {reason}" if reason else describe_tree(root)

    def extract(self, sources: Sequence[Path]) -> Catalog:
        return extract_catalog(sources)

    def parsed(self, text: str) -> Node:
        """The tree of a text; ValueError with the first fault if it does not parse."""
        with suppress(LookCloser):
            return tree_of(text, read_strict(text))
        scanned = scan(text)
        if scanned.faults or scanned.root is None:
            raise ValueError(scanned.faults[0].message)
        return scanned.root


TOO_LONG = (
    f"a string is longer than {LONGEST_BACKTRACKED} characters, and the schema has patterns that look ahead "
    "or back, which can take unbounded time on it"
)


def _judge_form(text: str) -> Verdict:
    return verdict_of(scan(text).faults, policy_asked=False)


def longest_string(text: str) -> int:
    """At least the length of the longest string in a JSON text."""
    return max((len(piece) for piece in text.split('"')), default=0)


def why_invalid(root: Node, compiled: CompiledSchema) -> tuple[Fault, ...]:
    """The faults of an invalid document; at least one."""
    hint = None
    try:
        faults = faults_of(Explainer(compiled).outcome(root).findings)
        if faults:
            return faults
    except TooLarge:
        hint = "it is too large to say where; check its parts one by one"
    message = "the value does not match its schema"
    return (Fault("json.schema.unexplained", message, root.span, hint, Level.VALID),)


def _place(fault: Fault) -> tuple[int, int]:
    return (fault.span.start, fault.span.end) if fault.span else (0, 0)
