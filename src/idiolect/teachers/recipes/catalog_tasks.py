"""The recipe catalog_tasks: requests over a catalog, each with the script that it determines.

For Tcl, scripts are drawn from slices of the project's catalog or of invented ones, and told in words by
their structure: single calls and statements, sweeps, several steps, whole flows. A request names every value,
in order, and nothing that is not in the script. For another dialect its own samples over the catalog do.
Besides: requests that the slice can't satisfy, with the reason as the answer; broken scripts; repairs.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from math import ceil
from typing import Any

from idiolect.data.contexts import CATALOG
from idiolect.data.example import Example, Rejected
from idiolect.dialects.catalog import Catalog, bare
from idiolect.dialects.catalog_json import dump_catalog
from idiolect.dialects.context_pack import ContextPack, make_pack, names_in
from idiolect.dialects.contract import Context, Dialect, NotOffered, Sample, offers
from idiolect.dialects.policy import Policy
from idiolect.dialects.refusal import refusal_mark, refusal_text
from idiolect.dialects.tcl.describe import request
from idiolect.dialects.tcl.dialect import Tcl
from idiolect.dialects.tcl.pick import NoValue
from idiolect.dialects.tcl.sample import NoSample, draw, preamble
from idiolect.dialects.tcl.wording import languages
from idiolect.teachers.recipes.catalog_refusals import refused_request
from idiolect.teachers.recipes.catalog_slices import TASKS, Slice, slices_of
from idiolect.teachers.recipes.job import RecipeJob, RecipeProblem
from idiolect.teachers.recipes.lessons import Lessons

NAME = "catalog_tasks"
COUNT = 1_000  # requests, where the script does not say
_TRIES = 8  # of a task that was not made before
_DRY = 40  # slices in a row that gave nothing: the catalog has no more to give
_SMALL_CATALOG = 24  # names
_DISTRACTORS = 4  # symbols in a pack of another dialect that the target does not use


def make(job: RecipeJob) -> Iterator[Example | Rejected]:
    """Examples of the recipe, slice by slice."""
    dialect = getattr(job.dialect, "inner", job.dialect)
    if isinstance(dialect, Tcl):
        strange = [one for one in job.settings.languages if one not in languages()]
        if strange or not job.settings.languages:
            raise RecipeProblem(
                f"the rules speak English and French, not {', '.join(strange) or 'nothing'}",
                'write languages: ["en", "fr"]',
            )
        yield from _TclTasks(job, dialect).run()
        return
    if job.project.catalog is None:
        raise RecipeProblem(
            f"the recipe catalog_tasks needs a catalog for the dialect {job.dialect.name}",
            'write DIALECT { catalog: "catalog.json" }, or take the recipe grammar_tasks',
        )
    if not offers(job.dialect, "sample"):
        raise RecipeProblem(
            f"the dialect {job.dialect.name} makes no samples, so nothing can be asked over its catalog",
            "give its folder a grammar, or take the recipe describe",
        )
    yield from _OtherTasks(job, job.project.catalog).run()


def wanted(job: RecipeJob, default: int = COUNT) -> int:
    """How many requests are to be made: `count`, or as many as `max_samples` leaves room for."""
    count = job.settings.count or default
    most = job.settings.max_samples
    if most is None:
        return count
    each = 1 + job.settings.negative_ratio * (2 if job.settings.include_invalid else 1)
    return min(count, max(1, ceil(most / each)))


class _Tasks:
    """What both kinds of tasks share: counting, levels in turn, and no target twice."""

    def __init__(self, job: RecipeJob) -> None:
        self.job = job
        self.lessons = Lessons(job, NAME)
        self.count = wanted(job)
        self.made = 0
        self.refused = 0
        self.targets: set[str] = set()
        self.requests: set[str] = set()

    def level(self) -> str:
        levels = self.job.settings.levels
        return levels[self.made % len(levels)]

    def refusal_due(self) -> bool:
        """Whether the next request is one to refuse, so that their share is kept all along."""
        return int((self.made + 1) * self.job.settings.refusals) > self.refused

    def is_new(self, target: str, asked: str) -> bool:
        """Whether neither the script nor the request was there before; both are remembered."""
        if target in self.targets or asked.casefold() in self.requests:
            return False
        self.targets.add(target)
        self.requests.add(asked.casefold())
        return True

    def kept(self, example: Example, rng: random.Random) -> Iterator[Example | Rejected]:
        """A task with what else it teaches."""
        self.made += 1
        self.job.progress(self.made, self.count, example.group or NAME)
        yield example
        yield from self.lessons.of(example, rng)


class _TclTasks(_Tasks):
    """Tasks over slices of Tcl catalogs."""

    def __init__(self, job: RecipeJob, dialect: Tcl) -> None:
        super().__init__(job)
        self.dialect = dialect
        self.mark: str | None = ""  # of refusals; "" until it was looked for

    def run(self) -> Iterator[Example | Rejected]:
        dry = 0
        for part in slices_of(self.job, self.dialect):
            before = self.made
            for number in range(TASKS):
                if self.made >= self.count:
                    return
                self.job.stop_if_asked()
                yield from self.task(part, self.job.rng("task", part.name, number))
            dry = 0 if self.made > before else dry + 1
            if dry >= _DRY:
                yield Rejected(
                    reason="nothing new",
                    detail=f"the catalog gave {self.made} requests of {self.count}, and then only repeats",
                    source=NAME,
                )
                return

    def task(self, part: Slice, rng: random.Random) -> Iterator[Example | Rejected]:
        """One request with what it teaches; a Rejected where it was a repeat."""
        context = part.context(self.job.project)
        if self.refusal_due() and (example := self.refusal(part, context, rng)) is not None:
            self.refused += 1
            self.made += 1
            yield example
            return
        for _ in range(_TRIES):
            try:
                drawn = draw(
                    self.dialect, rng, replace(context, level=self.level()), plain=True, pools=part.pools
                )
            except (NoSample, NoValue) as error:
                yield Rejected(reason="no script", detail=str(error), source=part.name)
                return
            text = drawn.found.text
            told = request(drawn.found, rng, part.language, noted=part.noted, other_words=part.other_words)
            if text in part.pack.examples or not self.is_new(text, told):
                yield Rejected(
                    reason="near repeat", detail="the script or the request was made before", text=text
                )
                continue
            metadata = {"productions": list(drawn.productions)}
            yield from self.kept(self.example(part, told, text, drawn.level, metadata), rng)
            return

    def refusal(self, part: Slice, context: Context, rng: random.Random) -> Example | None:
        """A request that the slice can't satisfy, with the reason as its answer."""
        before = preamble(self.dialect.settings(context).policy or Policy())
        if self.mark == "":
            self.mark = refusal_mark(self.job.dialect, context, before)
        mark = self.mark
        made = refused_request(self.dialect, part, context, self.level(), rng) if mark else None
        if made is None or mark is None or made.instruction.casefold() in self.requests:
            return None
        self.requests.add(made.instruction.casefold())
        target = refusal_text(made.reason, mark, before)
        return self.example(part, made.instruction, target, made.level, {"kind": made.kind}, task="refusal")

    def example(
        self, part: Slice, told: str, target: str, level: str, metadata: Mapping[str, Any], **more: Any
    ) -> Example:
        """An example over a slice."""
        return Example(
            instruction=told,
            target=target,
            context=part.pack.text,
            task=more.pop("task", NAME),
            level=level,
            # Tasks over one invented catalog belong together; over a real one, each stands for itself.
            group=part.name if part.invented else f"{part.name}-{self.made:05d}",
            provenance=self.lessons.provenance(),
            metadata={"language": part.language, **metadata, CATALOG: part.written},
            **more,
        )


class _OtherTasks(_Tasks):
    """Tasks by the samples that a dialect itself makes over the project's catalog."""

    def __init__(self, job: RecipeJob, catalog: Catalog) -> None:
        super().__init__(job)
        self.catalog = catalog

    def run(self) -> Iterator[Example | Rejected]:
        dry = number = 0
        while self.made < self.count and dry < _DRY * _TRIES:
            self.job.stop_if_asked()
            rng = self.job.rng("sample", number)
            number += 1
            sample = self.job.dialect.sample(rng, replace(self.job.project, level=self.level()))
            told = sample.description or described(self.job.dialect, sample.text, sample.context)
            if not told:
                yield Rejected(
                    reason="no words", detail="nothing says what the sample does", text=sample.text
                )
                dry += 1
                continue
            if not self.is_new(sample.text, told):
                yield Rejected(
                    reason="near repeat", detail="the text or the request was made before", text=sample.text
                )
                dry += 1
                continue
            dry = 0
            yield from self.kept(
                self.example(sample.text, told, sample.level, sample.context.tests, rng), rng
            )
        if self.made < self.count:
            yield Rejected(
                reason="nothing new",
                detail=f"the dialect gave {self.made} requests of {self.count}, and then only repeats",
                source=NAME,
            )

    def example(self, text: str, told: str, level: str, tests: Any, rng: random.Random) -> Example:
        """A sample with a pack of the symbols that it uses and some that it does not."""
        pack, written = pack_around(self.catalog, text, rng)
        return Example(
            instruction=told,
            target=text,
            context=pack.text,
            task=NAME,
            level=level,
            group=f"sample-{self.made:05d}",
            tests=tuple(tests),
            provenance=self.lessons.provenance(),
            metadata={"language": "en", CATALOG: written},
        )


def pack_around(catalog: Catalog, text: str, rng: random.Random) -> tuple[ContextPack, Mapping[str, Any]]:
    """A pack of the symbols that a text uses and some that it does not, and its catalog as JSON.

    A small catalog is shown whole, so that all tasks share one pack.
    """
    names = names_in(catalog)
    if len(names) <= _SMALL_CATALOG:
        return _whole(catalog)
    used = used_names(text, catalog)
    others = [name for name in names if name not in used]
    extra = rng.sample(others, min(_DISTRACTORS, len(others)))
    kept = {*used, *extra}
    pack = make_pack(catalog, [name for name in names if name in kept])
    return pack, json.loads(dump_catalog(pack.catalog))


@lru_cache(maxsize=4)
def _whole(catalog: Catalog) -> tuple[ContextPack, Mapping[str, Any]]:
    return make_pack(catalog), json.loads(dump_catalog(catalog))


def plain_sample(dialect: Tcl, rng: random.Random, context: Context) -> Sample:
    """A Tcl script with nothing in it that its description does not tell."""
    context = dialect.for_samples(context)
    drawn = draw(dialect, rng, context, plain=True)
    told = request(drawn.found, rng)
    return Sample(drawn.found.text, told, replace(context, level=drawn.level), drawn.level, drawn.productions)


def used_names(text: str, catalog: Catalog) -> list[str]:
    """The symbols, variables and statements of a catalog that a text uses, by their words.

    A statement is known by the word that its form begins with; a DSL without any by how its block opens.
    """
    words = set(re.findall(r"[\w:.$-]+", text))
    found = [
        name
        for name in [*(proc.name for proc in catalog.procs), *(item.name for item in catalog.variables)]
        if bare(name) in words
        or f"::{bare(name)}" in words
        or f"${name}" in words
        or set(name.split()) <= words
    ]
    for dsl in catalog.dsl:
        if dsl.embedding.open.strip().rstrip("{(<[").strip() not in text:
            continue
        found += [form.name for form in dsl.statements if form.form.split()[0] in words]
        found += [] if dsl.statements else [dsl.name]
    return found


def described(dialect: Dialect, text: str, context: Context) -> str:
    """What a text does, by the dialect's rules; "" where it has none."""
    if not offers(dialect, "describe"):
        return ""
    try:
        return dialect.describe(text, context).strip()
    except (NotOffered, ValueError):
        return ""


def sample_key(text: str) -> str:
    """A short key of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
