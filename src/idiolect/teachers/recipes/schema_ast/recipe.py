"""The pipeline: domain specs, schemas, queries, verified trees, and the corpus made from them.

The same steps for a model and for the rules: both are asked three kinds of question, and every answer is
verified before it counts. What stands in which file is `artefacts.py`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

from idiolect.data.example import Example, Rejected
from idiolect.dialects.verdict import Verdict
from idiolect.teachers.recipes.breaking import Break, break_text
from idiolect.teachers.recipes.gate import Gate
from idiolect.teachers.recipes.job import RecipeJob, RecipeProblem
from idiolect.teachers.recipes.schema_ast import tasks
from idiolect.teachers.recipes.schema_ast.artefacts import (
    CORPUS,
    DATASET,
    QUERIES,
    SCHEMAS,
    SPECS,
    Artefacts,
)
from idiolect.teachers.recipes.schema_ast.collecting import (
    Collected,
    Collector,
    Positive,
    seed_of,
    unanswered,
)
from idiolect.teachers.recipes.schema_ast.lexicon import LANGUAGES
from idiolect.teachers.recipes.schema_ast.records import Asked, Domain, field_row
from idiolect.teachers.recipes.schema_ast.requests import spec_request
from idiolect.teachers.recipes.schema_ast.rules import RuleBook
from idiolect.teachers.recipes.schema_ast.schemas import BuiltSchema, SchemaMaker, domains_of
from idiolect.teachers.records import Answer, Ending, Request
from idiolect.teachers.records import Rejected as Unanswered

_REFUSED_SHARE = 0.25  # of broken trees of good form that become refusal tasks; the rest is to be mended

# Types of field that a fault involves, by the last word of its code.
_INVOLVED = {
    "format": ("date",),
    "enum": ("enum",),
    "const": ("enum",),
    "type": ("integer", "number", "boolean"),
    "minimum": ("integer", "number"),
    "maximum": ("integer", "number"),
    "minLength": ("string",),
    "maxLength": ("string",),
    "minItems": ("enum", "date"),
    "maxItems": ("enum", "date"),
    "uniqueItems": ("enum",),
}
_MORE = 6.0  # how much likelier such a field is, if all failures were of that fault


def make(job: RecipeJob) -> Iterator[Example | Rejected]:
    """Examples of the recipe, schema by schema."""
    _check(job)
    with Artefacts(job.folder) as files:
        yield from _Pipeline(job, files).run()


def _check(job: RecipeJob) -> None:
    """RecipeProblem where the plan asks for what this recipe can't do."""
    languages = job.settings.languages
    if job.dialect.name != "json_ast":
        raise RecipeProblem(
            f"the recipe schema_ast makes JSON trees, and the dialect is {job.dialect.name}",
            'write DIALECT { name: "json_ast" }, or another recipe',
        )
    if job.project.schema is not None:
        raise RecipeProblem(
            "the recipe schema_ast makes schemas of its own, and DIALECT.schema sets one for all examples",
            "leave DIALECT.schema out",
        )
    if not languages:
        raise RecipeProblem("SYNTHESIZE.languages is empty", 'write languages: ["en"]')
    strange = [one for one in languages if one not in LANGUAGES]
    if job.offline and strange:
        raise RecipeProblem(
            f'the rules speak English and French, not "{strange[0]}"',
            'write languages: ["en", "fr"], or let a model answer: TEACHER without offline',
        )


class _Pipeline:
    """One run of the recipe."""

    def __init__(self, job: RecipeJob, files: Artefacts) -> None:
        self.job = job
        self.settings = job.settings
        self.files = files
        self.gate = Gate(job.dialect, job.project)
        self.maker = SchemaMaker(job, self.gate)
        book = RuleBook(self.maker.layout, job.dialect, tuple(job.settings.levels), _wanted(job))
        self.teacher = job.teacher(book.rules())
        self.domains = domains_of(job)
        self.quota = self._quota()

    def run(self) -> Iterator[Example | Rejected]:
        """All specs, for they are few; then the later steps for one schema after the other."""
        total = len(self.domains) * self.quota
        done = 0
        self.job.progress(0, total, "domain specs")
        for number, (schema_id, domain, ending) in enumerate(self._specs()):
            if isinstance(ending, Unanswered):
                yield unanswered(ending, schema_id)
                continue
            schema = self.maker.build(schema_id, domain, ending.parsed)
            made = self._collected(schema, done, total)
            yield from made.rejected
            kept, left = self._chosen(self._examples(schema, made), number, schema.id)
            for example in kept:
                self._write_corpus(example)
            yield from kept
            yield from left
            done += len(made.positives)
            self.job.progress(done, total, domain.domain)

    def _quota(self) -> int:
        """Positives a schema; fewer where not so many examples are wanted."""
        most = self.settings.max_samples
        if most is None:
            return self.settings.positives_per_schema
        each = 1 + self.settings.negative_ratio * (2 if self.settings.include_invalid else 1)
        return min(self.settings.positives_per_schema, max(1, ceil(most / len(self.domains) / each)))

    def _specs(self) -> Iterator[tuple[str, Domain, Ending]]:
        requests = [
            spec_request(domain, schema_id, self.settings.languages, seed_of(self.job, schema_id, "spec"))
            for schema_id, domain in self.domains
        ]
        endings = list(self.teacher.answer(requests, self._verify_spec))
        for (schema_id, domain), ending in zip(self.domains, endings, strict=True):
            yield schema_id, domain, ending

    def _verify_spec(self, request: Request, answer: Answer) -> Verdict:
        self.job.stop_if_asked()
        facts = request.facts
        domain = Domain(facts["domain"], facts["description"])
        return self.maker.judge(facts["schema_id"], domain, answer.parsed)

    def _collected(self, schema: BuiltSchema, done: int, total: int) -> Collected:
        """Queries and trees of a schema, written down as they are."""

        def tell(count: int) -> None:
            self.job.progress(done + count, total, schema.domain.domain)

        collector = Collector(self.job, self.teacher, self.gate, self.maker.layout, schema, tell)
        made = collector.collect(self._source(schema), self.quota)
        self.files.write(SPECS, self._spec_row(schema, made.examples))
        self.files.write(SCHEMAS, _schema_row(schema))
        for asked in made.further:
            self.files.write(QUERIES, {"schema_id": schema.id, **_asked_row(asked)})
        for positive in made.positives:
            one = positive.example
            self._write_row(schema, positive.asked, one.target, is_valid=True, level=one.level)
        for failure in made.failures:
            self._write_row(
                schema, failure.asked, failure.text, is_valid=False, kind="answer", codes=[failure.reason]
            )
        return made

    # Examples

    def _examples(self, schema: BuiltSchema, made: Collected) -> list[Example]:
        """Positives, negatives, and the tasks that negatives give."""
        rng = self.job.rng("negatives", schema.id)
        source = self._source(schema)
        negatives: list[Example] = []
        more: list[Example] = []
        for positive, broken in self._broken(schema, made.positives, rng):
            one = tasks.negative(source, positive.asked, positive.example, broken)
            negatives.append(one)
            self._write_row(
                schema,
                positive.asked,
                broken.text,
                is_valid=False,
                level=one.level,
                kind=broken.kind,
                codes=list(broken.codes),
            )
            if self.settings.include_invalid:
                more.append(self._task(source, positive, broken, rng))
        return [*(one.example for one in made.positives), *negatives, *more]

    def _broken(
        self, schema: BuiltSchema, positives: Sequence[Positive], rng: random.Random
    ) -> Iterator[tuple[Positive, Break]]:
        """Broken versions of positives, as many as the ratio says."""
        for positive, count in _shared_out(positives, self.settings.negative_ratio, rng):
            seen: set[str] = set()
            for _ in range(count):
                self.job.stop_if_asked()
                broken = break_text(
                    self.job.dialect,
                    positive.example.target,
                    schema.context,
                    rng,
                    targets=self.job.targets,
                    seen=seen,
                )
                if broken is not None:
                    yield positive, broken

    def _task(self, source: tasks.Source, positive: Positive, broken: Break, rng: random.Random) -> Example:
        layout = self.maker.layout
        key = layout.reason_key if layout else None
        if key is not None and self.settings.refusals > 0 and rng.random() < _REFUSED_SHARE:
            made = tasks.refusal(source, positive.asked, positive.example, broken, key, rng)
            if made is not None:
                return made
        return tasks.repair(source, positive.asked, positive.example, broken, rng)

    def _chosen(
        self, examples: list[Example], number: int, schema_id: str
    ) -> tuple[list[Example], list[Rejected]]:
        """The examples within max_samples, of which each schema gets the same share."""
        most = self.settings.max_samples
        if most is None:
            return examples, []
        count = len(self.domains)
        share = min(most // count + (number < most % count), len(examples))
        keep = set(self.job.rng("kept", schema_id).sample(range(len(examples)), share))
        left = [
            Rejected(
                reason="beyond max_samples",
                detail=f"SYNTHESIZE.max_samples is {most}",
                source=tasks.NAME,
                text=example.target,
            )
            for at, example in enumerate(examples)
            if at not in keep
        ]
        return [example for at, example in enumerate(examples) if at in keep], left

    # Rows of the files

    def _source(self, schema: BuiltSchema) -> tasks.Source:
        return tasks.Source(
            schema_id=schema.id,
            domain=schema.domain.domain,
            schema_text=schema.text,
            system=self.job.system,
            teacher=self.teacher.name,
            seed=self.settings.seed,
        )

    def _spec_row(self, schema: BuiltSchema, examples: Sequence[Asked]) -> dict[str, Any]:
        return {
            "schema_id": schema.id,
            "domain": schema.domain.domain,
            "description": schema.domain.description,
            "entity": schema.spec.entity,
            "fields": [field_row(one) for one in schema.spec.fields],
            "examples": [_asked_row(one) for one in examples],
            "teacher": self.teacher.name,
        }

    def _write_row(
        self,
        schema: BuiltSchema,
        asked: Asked,
        tree: str,
        *,
        is_valid: bool,
        level: str | None = None,
        kind: str | None = None,
        codes: Sequence[str] = (),
    ) -> None:
        row = {
            "schema_id": schema.id,
            "domain": schema.domain.domain,
            "schema": schema.schema,
            **_asked_row(asked),
            "ast_json": tree,
            "is_valid": is_valid,
            "level": level,
            "kind": kind,
            "codes": list(codes),
        }
        self.files.write(DATASET, row)

    def _write_corpus(self, example: Example) -> None:
        """A row of d_05; a negative is no completion to learn, and is left out."""
        if not example.valid:
            return
        parts = [part for part in (example.system, example.context, example.instruction) if part]
        row = {
            "schema_id": example.group,
            "prompt": "\n\n".join(parts),
            "completion": example.target,
            "task": example.task,
            "level": example.level,
            "language": example.metadata["language"],
            "id": example.id,
        }
        self.files.write(CORPUS, row)


def _wanted(job: RecipeJob) -> dict[str, float]:
    """How much likelier a type of field is asked for, by the faults that are aimed at."""
    total = sum(job.targets.values())
    wanted: dict[str, float] = {}
    for code, count in sorted(job.targets.items()):
        for kind in _INVOLVED.get(code.rpartition(".")[2], ()):
            wanted[kind] = wanted.get(kind, 1.0) + _MORE * count / total
    return wanted


def _shared_out(
    positives: Sequence[Positive], ratio: float, rng: random.Random
) -> list[tuple[Positive, int]]:
    """How many broken versions of each positive make up the ratio."""
    whole = int(ratio)
    more = round(len(positives) * (ratio - whole))
    lucky = set(rng.sample(range(len(positives)), more))
    return [(one, whole + (at in lucky)) for at, one in enumerate(positives)]


def _asked_row(asked: Asked) -> dict[str, Any]:
    return {"query": asked.query, "language": asked.language, "today": asked.today}


def _schema_row(schema: BuiltSchema) -> dict[str, Any]:
    return {
        "schema_id": schema.id,
        "domain": schema.domain.domain,
        "entity": schema.spec.entity,
        "operators": [one.const for one in schema.offer.operators],
        "features": sorted(schema.offer.features),
        "schema": schema.schema,
    }
