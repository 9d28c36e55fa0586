"""From domains to schemas: which domains a run has, and what is built from a teacher's spec.

Which operators and features a schema gets, its id and the seed decide, so that a spec can be judged by
building its schema. It does **not** ask a teacher.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from idiolect.data.example import Rejected
from idiolect.data.jsonl import read_rows
from idiolect.dialects.contract import Context
from idiolect.dialects.verdict import Fault, Verdict, verdict_of
from idiolect.files import Unreadable
from idiolect.teachers.recipes.gate import Gate
from idiolect.teachers.recipes.job import RecipeJob, RecipeProblem
from idiolect.teachers.recipes.schema_ast.drawing import draw_features
from idiolect.teachers.recipes.schema_ast.lexicon import built_in_domains, describe
from idiolect.teachers.recipes.schema_ast.operators import Bounds, read_operators, sample_operators
from idiolect.teachers.recipes.schema_ast.records import Domain, Field, Offer, Spec, field_of
from idiolect.teachers.recipes.schema_ast.requests import compact, spec_faults
from idiolect.teachers.recipes.schema_ast.template import build_schema, layout_of, named, read_template


@dataclass(frozen=True, slots=True)
class BuiltSchema:
    """One schema of the run, and what it was built from."""

    id: str
    domain: Domain
    spec: Spec
    offer: Offer
    schema: Mapping[str, Any]

    @property
    def context(self) -> Context:
        """What its trees are judged against."""
        return Context(schema=self.schema)

    @property
    def text(self) -> str:
        """The schema as prompts show it."""
        return compact(self.schema)

    @property
    def dated(self) -> bool:
        """Whether its queries are seen from a current day."""
        return any(one.type == "date" for one in self.spec.fields)


class SchemaMaker:
    """Builds the schemas of one run."""

    def __init__(self, job: RecipeJob, gate: Gate) -> None:
        self._job = job
        self._gate = gate
        self._template = read_template(job.files.get("template"))
        self._catalogue = read_operators(job.files.get("operators"))
        self._bounds = Bounds(job.settings.min_operators, job.settings.max_operators)
        self.layout = layout_of(self._template)

    def build(self, schema_id: str, domain: Domain, answer: Mapping[str, Any]) -> BuiltSchema:
        """The schema of a teacher's spec."""
        return self._built(schema_id, domain, spec_of(answer))

    def judge(self, schema_id: str, domain: Domain, answer: Mapping[str, Any]) -> Verdict:
        """What is wrong with a teacher's spec; nothing, if its schema has a grammar."""
        spec = spec_of(answer)
        faults = [Fault(code, message) for code, message in spec_faults(spec)]
        if not faults:
            built = self._built(schema_id, domain, spec)
            reason = self._gate.trouble(built.text, built.context)
            if reason is not None:
                faults.append(Fault("spec.schema", reason))
        return verdict_of(faults, policy_asked=False)

    def _built(self, schema_id: str, domain: Domain, spec: Spec) -> BuiltSchema:
        rng = self._job.rng("schema", schema_id)
        operators = sample_operators(self._catalogue, rng, self._bounds)
        features, functions = draw_features(rng)
        features -= {
            name
            for name, what in (("sort", "sortable"), ("group", "groupable"), ("aggregate", "numeric"))
            if not named(what, spec)
        }
        offer = Offer(operators, features, functions)
        return BuiltSchema(schema_id, domain, spec, offer, build_schema(self._template, spec, offer))


def domains_of(job: RecipeJob) -> list[tuple[str, Domain]]:
    """The domains of a run with the ids of their schemas; SYNTHESIZE.count takes them in turn."""
    path = job.files.get("domains")
    domains = _read(path) if path else built_in_domains()
    count = job.settings.count or len(domains)
    width = max(2, len(str(count)))
    chosen = [domains[at % len(domains)] for at in range(count)]
    return [(f"s{number:0{width}d}_{_slug(one.domain)}", one) for number, one in enumerate(chosen, 1)]


def _read(path: Path) -> tuple[Domain, ...]:
    found = []
    try:
        for number, row in read_rows(path):
            name = None if isinstance(row, Rejected) else row.get("domain")
            about = None if isinstance(row, Rejected) else row.get("description", "")
            if not isinstance(name, str) or not name.strip() or not isinstance(about, str):
                raise RecipeProblem(
                    f"SYNTHESIZE.domains: {path}:{number} is no domain",
                    'write {"domain": "shop orders", "description": "Orders of a small shop."}',
                )
            found.append(Domain(name, about))
    except Unreadable as reason:
        raise RecipeProblem(f"SYNTHESIZE.domains: {path} {reason}") from reason
    if not found:
        raise RecipeProblem(f"SYNTHESIZE.domains: {path} holds no domain")
    return tuple(found)


def _slug(name: str) -> str:
    return re.sub(r"\W+", "_", name.casefold()).strip("_")[:40] or "domain"


def spec_of(answer: Mapping[str, Any]) -> Spec:
    """The spec that a teacher's answer is."""
    return Spec(answer["entity"], tuple(_described(field_of(row)) for row in answer["fields"]))


def _described(one: Field) -> Field:
    """A field with the description that the schema shows: its other names, then the teacher's own words."""
    said, own = describe(one), one.description
    return replace(one, description=said if own in ("", said) else f"{said}; {own}" if said else own)
