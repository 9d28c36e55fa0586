"""The rule teacher's answers to the recipe's three questions: a spec, queries, and the tree of a query.

Queries are drawn as trees and put into words, so the tree of a query is remembered, not guessed. It is no
model, and no report says that it is one.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from idiolect.dialects.contract import Context, Dialect
from idiolect.teachers.recipes.schema_ast import noise
from idiolect.teachers.recipes.schema_ast.drawing import Drawing
from idiolect.teachers.recipes.schema_ast.lexicon import (
    Worded,
    WordedSpec,
    draw_spec,
    strangers,
)
from idiolect.teachers.recipes.schema_ast.query import Query, encoded
from idiolect.teachers.recipes.schema_ast.records import Domain, Offer, field_row
from idiolect.teachers.recipes.schema_ast.refusing import draw_refusal
from idiolect.teachers.recipes.schema_ast.template import Layout
from idiolect.teachers.recipes.schema_ast.wording import Wording
from idiolect.teachers.records import Request
from idiolect.teachers.rules import Rule

_REFUSAL_TRIES = 12


class RuleBook:
    """Answers by rules, over the schemas of one run."""

    def __init__(
        self,
        layout: Layout | None,
        dialect: Dialect,
        levels: tuple[str, ...],
        wanted: Mapping[str, float],
    ) -> None:
        self._layout = layout
        self._dialect = dialect
        self._levels = levels
        self._wanted = wanted
        self._specs: dict[str, WordedSpec] = {}
        self._trees: dict[tuple[str, str | None, str], str] = {}

    def rules(self) -> Mapping[str, Rule]:
        """The rule of each purpose."""
        return {"domain_spec": self.spec, "queries": self.queries, "ast": self.tree}

    def spec(self, request: Request, rng: random.Random) -> Mapping[str, Any]:
        """A domain's entity and fields."""
        facts = request.facts
        worded = draw_spec(Domain(facts["domain"], facts["description"]), rng)
        self._specs[facts["schema_id"]] = worded
        return {
            "entity": worded.spec.entity,
            "fields": [field_row(one.field) for one in worded.fields],
        }

    def queries(self, request: Request, rng: random.Random) -> Mapping[str, Any]:
        """Queries in one language, seen from one day."""
        facts = request.facts
        offer: Offer = facts["offer"]
        today = facts["today"]
        if self._layout is None:
            return self._sampled(facts, rng)
        worded = self._specs[facts["schema_id"]]
        day = date.fromisoformat(today) if today else date(2025, 1, 1)
        found: list[str] = []
        while len(found) < facts["count"]:
            drawing = Drawing(worded, offer, day, rng, self._levels, self._wanted)
            query, said = drawing.query(), (worded, offer)
            if "refusal" in self._layout.forms and rng.random() < facts["refusals"]:
                query, said = self._refused(drawing, facts["language"], query)
            wording = Wording(*said, facts["language"], rng)
            text = noise.typed(wording.say(query), rng)
            if query.reason:
                query = Query("refusal", reason=query.reason)
            tree = json.dumps(encoded(query, self._layout, offer, worded.spec.entity), ensure_ascii=False)
            # Said twice with two meanings would be a lie: the first stands.
            if self._trees.setdefault((facts["schema_id"], today, text), tree) == tree:
                found.append(text)
        return {"queries": found}

    def _refused(
        self, drawing: Drawing, language: str, query: Query
    ) -> tuple[Query, tuple[WordedSpec, Offer]]:
        for _ in range(_REFUSAL_TRIES):
            found = draw_refusal(drawing, self._others(drawing), language)
            if found is not None:
                return replace(found.query, reason=found.reason), (found.spec, found.offer)
        return query, (drawing.spec, drawing.offer)

    @staticmethod
    def _others(drawing: Drawing) -> tuple[Worded, ...]:
        return strangers(drawing.rng)

    def _sampled(self, facts: Mapping[str, Any], rng: random.Random) -> Mapping[str, Any]:
        """Trees of a template without roles: the dialect's own samples, in its own words."""
        context = Context(schema=facts["schema"])
        found = []
        for _ in range(facts["count"]):
            sample = self._dialect.sample(rng, context)
            text = self._dialect.describe(sample.text, context)
            if self._trees.setdefault((facts["schema_id"], facts["today"], text), sample.text) == sample.text:
                found.append(text)
        return {"queries": found}

    def tree(self, request: Request, rng: random.Random) -> str | None:
        """The tree that a query was drawn from."""
        facts = request.facts
        return self._trees.get((facts["schema_id"], facts["today"], facts["query"]))
