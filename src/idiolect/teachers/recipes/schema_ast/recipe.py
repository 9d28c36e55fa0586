"""The pipeline: domain specs, schemas, queries, verified trees, and the corpus made from them.

The same steps for a model and for the rules: both are asked three kinds of question, and every answer is
verified before it counts. A tree counts if the dialect accepts it and its schema's grammar could write it.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from idiolect.data.example import Example, Rejected, summary_of
from idiolect.data.jsonl import read_rows
from idiolect.dialects.contract import Context
from idiolect.dialects.verdict import Fault, Verdict, verdict_of
from idiolect.files import Unreadable
from idiolect.teachers.recipes.breaking import break_text
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
from idiolect.teachers.recipes.schema_ast.dates import any_today
from idiolect.teachers.recipes.schema_ast.drawing import draw_features
from idiolect.teachers.recipes.schema_ast.lexicon import LANGUAGES, built_in_domains, describe
from idiolect.teachers.recipes.schema_ast.operators import Bounds, read_operators, sample_operators
from idiolect.teachers.recipes.schema_ast.query import level_of_tree
from idiolect.teachers.recipes.schema_ast.records import (
    Asked,
    Domain,
    Field,
    Offer,
    Spec,
    field_of,
    field_row,
)
from idiolect.teachers.recipes.schema_ast.requests import (
    compact,
    queries_request,
    spec_faults,
    spec_request,
    tree_request,
)
from idiolect.teachers.recipes.schema_ast.rules import RuleBook
from idiolect.teachers.recipes.schema_ast.template import build_schema, layout_of, named, read_template
from idiolect.teachers.records import Answer, Ending, Outcome, Request, Teacher
from idiolect.teachers.records import Rejected as Unanswered

_BATCH = 10  # queries in one request, all seen from one day
_MOST_ROUNDS = 12  # of asking for more queries while trees are missing
_REFUSED_SHARE = 0.25  # of broken trees of good form that become refusal tasks; the rest is to be mended

# Fields whose values are involved in a fault, by the last word of its code.
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


def make(job: RecipeJob) -> Iterator[Example | Rejected]:
    """Examples of the recipe, schema by schema."""
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
    with Artefacts(job.folder) as files:
        yield from _Pipeline(job, files).run()


@dataclass(frozen=True, slots=True)
class _Schema:
    """One schema of the run."""

    id: str
    domain: Domain
    spec: Spec
    offer: Offer
    schema: dict[str, Any]

    @property
    def context(self) -> Context:
        return Context(schema=self.schema)

    @property
    def dated(self) -> bool:
        return any(one.type == "date" for one in self.spec.fields)


@dataclass(slots=True)
class _Positive:
    """A verified tree with its query."""

    asked: Asked
    example: Example


@dataclass(slots=True)
class _Made:
    """What one schema gave."""

    positives: list[_Positive] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    queries: list[Asked] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    asked_for: int = 0  # requests for queries made so far
    exhausted: bool = False  # the teacher has no more to give


class _Pipeline:
    """One run of the recipe."""

    def __init__(self, job: RecipeJob, files: Artefacts) -> None:
        self.job = job
        self.settings = job.settings
        self.files = files
        self.template = read_template(job.files.get("template"))
        self.layout = layout_of(self.template)
        self.catalogue = read_operators(job.files.get("operators"))
        self.gate = Gate(job.dialect, job.project)
        self._check_languages()
        levels = tuple(self.settings.levels)
        book = RuleBook(self.layout, job.dialect, levels, _wanted(job))
        self.teacher: Teacher = job.teacher(book.rules())
        self.schemas = self._domains()
        self.quota = self._quota()

    def run(self) -> Iterator[Example | Rejected]:
        """All steps, the later ones for one schema after the other."""
        done = 0
        total = len(self.schemas) * self.quota
        self.job.progress(0, total, "domain specs")
        for number, (schema_id, domain, ending) in enumerate(self._specs()):
            if isinstance(ending, Unanswered):
                yield _unanswered(ending, schema_id)
                continue
            schema = self._schema(schema_id, domain, ending.parsed)
            assert schema is not None, "the spec was verified by building its schema"
            made = self._collected(schema, done, total)
            yield from made.rejected
            kept, left = self._chosen(self._examples(schema, made), number, schema.id)
            for example in kept:
                self._write_corpus(example)
            yield from kept
            yield from left
            done += len(made.positives)
            self.job.progress(done, total, schema.domain.domain)

    # What is to be made

    def _check_languages(self) -> None:
        strange = [one for one in self.settings.languages if one not in LANGUAGES]
        if not self.settings.languages:
            raise RecipeProblem("SYNTHESIZE.languages is empty", 'write languages: ["en"]')
        if self.job.offline and strange:
            raise RecipeProblem(
                f'the rules speak English and French, not "{strange[0]}"',
                "write languages: en, fr, or ask a model (TEACHER without offline)",
            )

    def _domains(self) -> list[tuple[str, Domain]]:
        path = self.job.files.get("domains")
        domains = _read_domains(path) if path else built_in_domains()
        count = self.settings.count or len(domains)
        width = max(2, len(str(count)))
        return [
            (f"s{number:0{width}d}_{_slug(domain.domain)}", domain)
            for number, domain in ((at + 1, domains[at % len(domains)]) for at in range(count))
        ]

    def _quota(self) -> int:
        """Positives a schema; fewer where not so many examples are wanted."""
        most = self.settings.max_samples
        if most is None:
            return self.settings.positives_per_schema
        each = 1 + self.settings.negative_ratio * (2 if self.settings.include_invalid else 1)
        return min(self.settings.positives_per_schema, max(1, ceil(most / len(self.schemas) / each)))

    # Specs and schemas

    def _specs(self) -> Iterator[tuple[str, Domain, Ending]]:
        requests = [
            spec_request(domain, schema_id, self.settings.languages, self._seed(schema_id, "spec"))
            for schema_id, domain in self.schemas
        ]
        endings = self.teacher.answer(requests, self._verify_spec)
        # All specs first: they are few, and a server answers them side by side.
        for (schema_id, domain), ending in zip(self.schemas, list(endings), strict=True):
            yield schema_id, domain, ending

    def _verify_spec(self, request: Request, answer: Answer) -> Verdict:
        self.job.stop_if_asked()
        spec = _spec_of(answer.parsed)
        faults = [Fault(code, message) for code, message in spec_faults(spec)]
        if not faults:
            domain = Domain(request.facts["domain"], request.facts["description"])
            built = self._built(request.facts["schema_id"], domain, spec)
            reason = self.gate.refusal("", compact(built.schema), built.context) or ""
            if reason.startswith("no grammar"):
                faults.append(Fault("spec.schema", reason))
        return verdict_of(faults, policy_asked=False)

    def _schema(self, schema_id: str, domain: Domain, answer: Any) -> _Schema:
        built = self._built(schema_id, domain, _spec_of(answer))
        operators = [one.const for one in built.offer.operators]
        self.files.write(
            SCHEMAS,
            {
                "schema_id": schema_id,
                "domain": domain.domain,
                "entity": built.spec.entity,
                "operators": operators,
                "features": sorted(built.offer.features),
                "schema": built.schema,
            },
        )
        return built

    def _built(self, schema_id: str, domain: Domain, spec: Spec) -> _Schema:
        """The schema of a spec; which operators it gets, its id and the seed decide."""
        rng = self.job.rng("schema", schema_id)
        bounds = Bounds(self.settings.min_operators, self.settings.max_operators)
        operators = sample_operators(self.catalogue, rng, bounds)
        features, functions = draw_features(rng)
        features -= {
            name
            for name, what in (("sort", "sortable"), ("group", "groupable"), ("aggregate", "numeric"))
            if not named(what, spec)
        }
        offer = Offer(operators, features, functions)
        return _Schema(schema_id, domain, spec, offer, build_schema(self.template, spec, offer))

    # Queries and trees

    def _collected(self, schema: _Schema, done: int, total: int) -> _Made:
        """Positives of a schema, from the queries that the teacher gives, until there are enough."""
        made = _Made()
        examples = self._more_queries(schema, made, min(self.settings.examples_per_schema, self.quota))
        self.files.write(SPECS, self._spec_row(schema, examples))
        further = self._more_queries(schema, made, min(self.settings.queries_per_schema, self.quota))
        for asked in further:
            self.files.write(QUERIES, {"schema_id": schema.id, **_asked_row(asked)})
        waiting = [*examples, *further]
        for _ in range(_MOST_ROUNDS):
            while waiting and len(made.positives) < self.quota:
                missing = self.quota - len(made.positives)
                batch, waiting = waiting[:missing], waiting[missing:]
                self._trees(schema, made, batch, lambda count: self._tell(done + count, total, schema))
            missing = self.quota - len(made.positives)
            if missing <= 0 or made.exhausted:
                break
            waiting = self._more_queries(schema, made, missing)
        return made

    def _tell(self, done: int, total: int, schema: _Schema) -> None:
        self.job.progress(done, total, schema.domain.domain)
        self.job.stop_if_asked()

    def _more_queries(self, schema: _Schema, made: _Made, count: int) -> list[Asked]:
        """New queries over a schema, as many as are wanted if the teacher has them."""
        found: list[Asked] = []
        for _ in range(_MOST_ROUNDS):
            missing = count - len(found)
            if missing <= 0 or made.exhausted:
                break
            requests = []
            for _ in range(ceil(missing / _BATCH)):
                requests.append(self._queries_request(schema, made.asked_for, min(_BATCH, missing)))
                made.asked_for += 1
            before = len(found)
            for ending in self.teacher.answer(requests, self._verify_queries):
                self.job.stop_if_asked()
                if isinstance(ending, Unanswered):
                    made.rejected.append(_unanswered(ending, schema.id))
                    made.exhausted |= ending.outcome is Outcome.NOT_ASKED
                    continue
                found += self._new(ending, made, count - len(found))
            if len(found) == before:
                made.exhausted = True
        return found

    def _new(self, ending: Answer, made: _Made, most: int) -> list[Asked]:
        """The queries of an answer that nobody asked before."""
        facts = ending.request.facts
        found: list[Asked] = []
        for text in ending.parsed["queries"]:
            query = text.strip()
            key = query.casefold()
            if not query or key in made.seen or len(found) >= most:
                continue
            made.seen.add(key)
            found.append(Asked(query, facts["language"], facts["today"]))
        return found

    def _queries_request(self, schema: _Schema, number: int, count: int) -> Request:
        languages = self.settings.languages
        rng = self.job.rng("queries", schema.id, number)
        return queries_request(
            schema.id,
            schema.schema,
            schema.offer,
            language=languages[number % len(languages)],
            today=any_today(rng).isoformat() if schema.dated else None,
            count=count,
            refusals=self.settings.refusals,
            levels=list(self.settings.levels),
            seed=self._seed(schema.id, "queries", number),
        )

    @staticmethod
    def _verify_queries(request: Request, answer: Answer) -> Verdict:
        good = any(text.strip() for text in answer.parsed["queries"])
        return verdict_of(() if good else [Fault("queries.empty", "there is no query in it")])

    def _trees(
        self, schema: _Schema, made: _Made, batch: Sequence[Asked], tell: Callable[[int], None]
    ) -> None:
        source = self._source(schema)
        requests = (
            tree_request(
                schema.id,
                schema.schema,
                asked.query,
                asked.today,
                self._seed(schema.id, "ast", asked.query, asked.today),
            )
            for asked in batch
        )

        def verify(_: Request, answer: Answer) -> Verdict:
            verdict = self.job.dialect.verify(answer.text, schema.context)
            if not verdict.ok:
                return verdict
            target = self.job.dialect.canonical(answer.text, schema.context)
            reason = self.gate.refusal(target, source.schema_text, schema.context)
            return verdict if reason is None else verdict_of([Fault("answer.not_writable", reason)])

        for asked, ending in zip(batch, self.teacher.answer(requests, verify), strict=True):
            if isinstance(ending, Unanswered):
                made.rejected.append(_unanswered(ending, schema.id, asked.query))
                made.exhausted |= ending.outcome is Outcome.NOT_ASKED
                self._write_row(schema, asked, ending.text or "", None, is_valid=False, reason=ending.reason)
                continue
            target = self.job.dialect.canonical(ending.text, schema.context)
            level = level_of_tree(json.loads(target), self.layout)
            example = source.example(asked, target, level)
            made.positives.append(_Positive(asked, example))
            self._write_row(schema, asked, target, level, is_valid=True)
            tell(len(made.positives))

    # Examples

    def _examples(self, schema: _Schema, made: _Made) -> list[Example]:
        """Positives, negatives, and the tasks that negatives give."""
        rng = self.job.rng("negatives", schema.id)
        source = self._source(schema)
        examples = [one.example for one in made.positives]
        negatives: list[Example] = []
        extra: list[Example] = []
        for positive, count in _shared_out(made.positives, self.settings.negative_ratio, rng):
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
                if broken is None:
                    break
                one = tasks.negative(source, positive.asked, positive.example, broken)
                negatives.append(one)
                self._write_row(schema, positive.asked, broken.text, one.level, is_valid=False, broken=one)
                if self.settings.include_invalid:
                    extra.append(self._task(source, positive, broken, rng))
        return examples + negatives + extra

    def _task(self, source: tasks.Source, positive: _Positive, broken: Any, rng: random.Random) -> Example:
        key = self._refusal_key()
        if key is not None and self.settings.refusals > 0 and rng.random() < _REFUSED_SHARE:
            made = tasks.refusal(source, positive.asked, positive.example, broken, key, rng)
            if made is not None:
                return made
        return tasks.repair(source, positive.asked, positive.example, broken, rng)

    def _refusal_key(self) -> str | None:
        """The key of a refusal's reason in the template."""
        form = self.layout.forms.get("refusal", {}) if self.layout else {}
        return next((key for key, part in form.items() if part.get("x-role") == "reason"), None)

    def _chosen(
        self, examples: list[Example], number: int, schema_id: str
    ) -> tuple[list[Example], list[Rejected]]:
        """The examples within max_samples, of which each schema gets the same share."""
        most = self.settings.max_samples
        if most is None:
            return examples, []
        count = len(self.schemas)
        share = most // count + (number < most % count)
        keep = set(self.job.rng("kept", schema_id).sample(range(len(examples)), min(share, len(examples))))
        left = [
            Rejected(
                reason="beyond max_samples",
                detail=f"SYNTHESIZE.max_samples is {most}",
                source=tasks.NAME,
                verdict=example.verdict,
                text=example.target,
            )
            for at, example in enumerate(examples)
            if at not in keep
        ]
        return [example for at, example in enumerate(examples) if at in keep], left

    # Rows of the files

    def _source(self, schema: _Schema) -> tasks.Source:
        return tasks.Source(
            schema_id=schema.id,
            domain=schema.domain.domain,
            schema_text=compact(schema.schema),
            system=self.job.system,
            teacher=self.teacher.name,
            seed=self.settings.seed,
        )

    def _spec_row(self, schema: _Schema, examples: Sequence[Asked]) -> dict[str, Any]:
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
        schema: _Schema,
        asked: Asked,
        tree: str,
        level: str | None,
        *,
        is_valid: bool,
        broken: Example | None = None,
        reason: str = "",
    ) -> None:
        row = {
            "schema_id": schema.id,
            "domain": schema.domain.domain,
            "schema": schema.schema,
            **_asked_row(asked),
            "ast_json": tree,
            "is_valid": is_valid,
            "level": level,
            "kind": broken.metadata["kind"] if broken else None,
            "codes": broken.metadata["codes"] if broken else [reason] if reason else [],
        }
        self.files.write(DATASET, row)

    def _write_corpus(self, example: Example) -> None:
        """A row of d_05; a negative is no completion to learn, and is left out."""
        if not example.valid:
            return
        parts = [part for part in (example.system, example.context, example.instruction) if part]
        self.files.write(
            CORPUS,
            {
                "schema_id": example.group,
                "prompt": "\n\n".join(parts),
                "completion": example.target,
                "task": example.task,
                "level": example.level,
                "language": example.metadata["language"],
                "id": example.id,
            },
        )

    def _seed(self, *parts: object) -> int:
        return self.job.rng("request", *parts).randrange(1 << 31)


def _wanted(job: RecipeJob) -> dict[str, float]:
    """How much likelier a type of field is asked for, by the faults that are aimed at."""
    total = sum(job.targets.values()) or 1
    wanted: dict[str, float] = {}
    for code, count in sorted(job.targets.items()):
        for kind in _INVOLVED.get(code.rpartition(".")[2], ()):
            wanted[kind] = wanted.get(kind, 1.0) + 4.0 * count / total
    return wanted


def _shared_out(
    positives: Sequence[_Positive], ratio: float, rng: random.Random
) -> list[tuple[_Positive, int]]:
    """How many broken versions of each positive make up the ratio."""
    whole = int(ratio)
    more = round(len(positives) * (ratio - whole))
    lucky = set(rng.sample(range(len(positives)), more))
    return [(one, whole + (at in lucky)) for at, one in enumerate(positives)]


def _spec_of(answer: Any) -> Spec:
    fields = tuple(_described(field_of(row)) for row in answer["fields"])
    return Spec(answer["entity"], fields)


def _described(one: Field) -> Field:
    """A field with the description that the schema shows: the teacher's own words behind the other names."""
    said = describe(one)
    own = one.description
    text = said if own in ("", said) else f"{own}; {said}" if said else own
    return Field(one.name, one.type, one.synonyms, text, one.values, one.minimum, one.maximum, one.unit)


def _asked_row(asked: Asked) -> dict[str, Any]:
    return {"query": asked.query, "language": asked.language, "today": asked.today}


def _unanswered(ending: Unanswered, schema_id: str, query: str = "") -> Rejected:
    """A request without an answer, as a record that is counted."""
    return Rejected(
        reason=f"{ending.request.purpose}: {ending.reason}",
        detail=f"{ending.outcome}: {ending.detail}" + (f" ({query})" if query else ""),
        source=schema_id,
        verdict=summary_of(ending.verdict) if ending.verdict else None,
        text=ending.text,
    )


def _read_domains(path: Path) -> tuple[Domain, ...]:
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
