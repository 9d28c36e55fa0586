"""Queries and their trees, asked of the teacher until a schema has enough of them.

A tree counts if the dialect accepts it and its schema's grammar could write it; until then the teacher is
asked again, with the faults. What ends without an answer is kept as a record. It does **not** make
negatives, and writes no file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from idiolect.data.example import Example, Rejected, summary_of
from idiolect.dialects.verdict import Fault, Verdict, verdict_of
from idiolect.teachers.recipes.gate import Gate
from idiolect.teachers.recipes.job import RecipeJob
from idiolect.teachers.recipes.schema_ast.dates import any_today
from idiolect.teachers.recipes.schema_ast.query import level_of_tree
from idiolect.teachers.recipes.schema_ast.records import Asked
from idiolect.teachers.recipes.schema_ast.requests import queries_request, tree_request
from idiolect.teachers.recipes.schema_ast.schemas import BuiltSchema
from idiolect.teachers.recipes.schema_ast.tasks import Source
from idiolect.teachers.recipes.schema_ast.template import Layout
from idiolect.teachers.records import Answer, Outcome, Request, Teacher
from idiolect.teachers.records import Rejected as Unanswered

_BATCH = 10  # queries in one request, all seen from one day
_MOST_ROUNDS = 12  # of asking for more queries while some are missing


@dataclass(frozen=True, slots=True)
class Positive:
    """A query with its verified tree."""

    asked: Asked
    example: Example


@dataclass(frozen=True, slots=True)
class Failure:
    """A query whose tree nobody could give."""

    asked: Asked
    text: str  # the last that was tried
    reason: str


@dataclass(slots=True)
class Collected:
    """What one schema gave."""

    examples: list[Asked] = field(default_factory=list)  # the queries that belong to the domain's spec
    further: list[Asked] = field(default_factory=list)
    positives: list[Positive] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


class Collector:
    """Asks for the queries and trees of one schema."""

    def __init__(
        self,
        job: RecipeJob,
        teacher: Teacher,
        gate: Gate,
        layout: Layout | None,
        schema: BuiltSchema,
        tell: Callable[[int], None],
    ) -> None:
        self._job = job
        self._teacher = teacher
        self._gate = gate
        self._layout = layout
        self._schema = schema
        self._tell = tell  # how many positives there are
        self._made = Collected()
        self._seen: set[str] = set()
        self._asked_for = 0  # requests for queries so far: each gets a seed of its own
        self._exhausted = False  # the teacher has no more to give

    def collect(self, source: Source, quota: int) -> Collected:
        """As many positives as wanted, as far as the teacher has queries for them."""
        settings, made = self._job.settings, self._made
        made.examples = self._queries(min(settings.examples_per_schema, quota))
        made.further = self._queries(min(settings.queries_per_schema, quota))
        waiting = [*made.examples, *made.further]
        for _ in range(_MOST_ROUNDS):
            while waiting and len(made.positives) < quota:
                missing = quota - len(made.positives)
                batch, waiting = waiting[:missing], waiting[missing:]
                self._trees(source, batch)
            if len(made.positives) >= quota or self._exhausted:
                break
            waiting = self._queries(quota - len(made.positives))
        return made

    # Queries

    def _queries(self, count: int) -> list[Asked]:
        """New queries, as many as are wanted if the teacher has them."""
        found: list[Asked] = []
        for _ in range(_MOST_ROUNDS):
            missing = count - len(found)
            if missing <= 0 or self._exhausted:
                break
            before = len(found)
            requests = [self._request(min(_BATCH, missing)) for _ in range(ceil(missing / _BATCH))]
            for ending in self._teacher.answer(requests, _verify_queries):
                self._job.stop_if_asked()
                if isinstance(ending, Unanswered):
                    self._unanswered(ending)
                else:
                    found += self._new(ending, count - len(found))
            self._exhausted |= len(found) == before
        return found

    def _request(self, count: int) -> Request:
        number, schema, settings = self._asked_for, self._schema, self._job.settings
        self._asked_for += 1
        today = any_today(self._job.rng("today", schema.id, number)).isoformat() if schema.dated else None
        return queries_request(
            schema.id,
            schema.schema,
            schema.offer,
            language=settings.languages[number % len(settings.languages)],
            today=today,
            count=count,
            refusals=settings.refusals,
            levels=list(settings.levels),
            seed=seed_of(self._job, schema.id, "queries", number),
        )

    def _new(self, ending: Answer, most: int) -> list[Asked]:
        """The queries of an answer that nobody asked before."""
        facts = ending.request.facts
        found: list[Asked] = []
        for text in ending.parsed["queries"]:
            query = text.strip()
            if query and query.casefold() not in self._seen and len(found) < most:
                self._seen.add(query.casefold())
                found.append(Asked(query, facts["language"], facts["today"]))
        return found

    # Trees

    def _trees(self, source: Source, batch: list[Asked]) -> None:
        schema, made = self._schema, self._made
        requests = (
            tree_request(
                schema.id,
                schema.schema,
                asked.query,
                asked.today,
                seed_of(self._job, schema.id, "ast", asked.query, asked.today),
            )
            for asked in batch
        )
        for asked, ending in zip(batch, self._teacher.answer(requests, self._verify_tree), strict=True):
            self._job.stop_if_asked()
            if isinstance(ending, Unanswered):
                self._unanswered(ending, asked.query)
                made.failures.append(Failure(asked, ending.text or "", ending.reason))
                continue
            target = self._job.dialect.canonical(ending.text, schema.context)
            level = level_of_tree(json.loads(target), self._layout)
            made.positives.append(Positive(asked, source.example(asked, target, level)))
            self._tell(len(made.positives))

    def _verify_tree(self, _: Request, answer: Answer) -> Verdict:
        dialect, schema = self._job.dialect, self._schema
        verdict = dialect.verify(answer.text, schema.context)
        if not verdict.ok:
            return verdict
        target = dialect.canonical(answer.text, schema.context)
        reason = self._gate.refusal(target, schema.text, schema.context)
        return verdict if reason is None else verdict_of([Fault("answer.not_writable", reason)])

    def _unanswered(self, ending: Unanswered, query: str = "") -> None:
        self._exhausted |= ending.outcome is Outcome.NOT_ASKED
        self._made.rejected.append(unanswered(ending, self._schema.id, query))


def _verify_queries(_: Request, answer: Answer) -> Verdict:
    good = any(text.strip() for text in answer.parsed["queries"])
    return verdict_of(() if good else [Fault("queries.empty", "there is no query in it")])


def unanswered(ending: Unanswered, schema_id: str, query: str = "") -> Rejected:
    """A request without an answer, as a record that is counted."""
    return Rejected(
        reason=f"{ending.request.purpose}: {ending.reason}",
        detail=f"{ending.outcome}: {ending.detail}" + (f" ({query})" if query else ""),
        source=schema_id,
        verdict=summary_of(ending.verdict) if ending.verdict else None,
        text=ending.text,
    )


def seed_of(job: RecipeJob, *parts: object) -> int:
    """The seed of one request."""
    return job.rng("request", *parts).randrange(1 << 31)
