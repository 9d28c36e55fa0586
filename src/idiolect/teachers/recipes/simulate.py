"""The recipe simulate: specifications with test vectors, and the text that passes them.

What a dialect samples comes with tests that are computed apart from the text; simulation judges it. Where a
dialect has families of samples they are gone through in turn, so that all are seen alike. Negatives are of
two kinds: texts of broken form, and texts of good form that fail the tests (kind "tests").
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from idiolect.data.example import Example, Rejected
from idiolect.dialects.contract import Context, Sample, offers
from idiolect.teachers.recipes.breaking import Break
from idiolect.teachers.recipes.catalog_tasks import wanted
from idiolect.teachers.recipes.job import RecipeJob, RecipeProblem
from idiolect.teachers.recipes.lessons import TESTS, Lessons

NAME = "simulate"
_INVENTED = 0.35  # of names: the usual ones are learned as well
_DRY = 400  # samples in a row that were made before
_TRIES = 6  # of a text that fails the tests

Alter = Callable[[str, random.Random], str | None]


def make(job: RecipeJob) -> Iterator[Example | Rejected]:
    """Examples of the recipe, levels and families in turn."""
    if not offers(job.dialect, "sample"):
        raise RecipeProblem(
            f"the dialect {job.dialect.name} makes no samples to simulate",
            "give its folder a grammar and a simulator.py, or take another recipe",
        )
    if "en" not in job.settings.languages:
        raise RecipeProblem("the rules describe what is simulated in English only", 'write languages: ["en"]')
    yield from _Simulated(job).run()


@dataclass(frozen=True, slots=True)
class _Family:
    """One kind of sample; an empty name stands for whatever the dialect samples."""

    level: str
    name: str


class _Simulated:
    """One run of the recipe."""

    def __init__(self, job: RecipeJob) -> None:
        self.job = job
        self.lessons = Lessons(job, NAME)
        self.alter: Alter | None = getattr(job.dialect, "alter", None)
        self.targets: set[str] = set()
        self.made = 0
        self.broken = 0

    def run(self) -> Iterator[Example | Rejected]:
        yield from self.left_out()
        count = wanted(self.job)
        by_level = self.families()
        dry = number = 0
        while self.made < count and dry < _DRY:
            self.job.stop_if_asked()
            rng = self.job.rng("sample", number)
            levels = self.job.settings.levels
            kinds = by_level[levels[number % len(levels)]]
            kind = kinds[(number // len(levels)) % len(kinds)]
            number += 1
            sample = self.sample(kind, rng)
            if not sample.context.tests:
                raise RecipeProblem(
                    f"what the dialect {self.job.dialect.name} samples has no tests to run",
                    "take the recipe grammar_tasks",
                )
            if sample.text in self.targets:
                dry += 1
                yield Rejected(reason="near repeat", detail="the text was made before", text=sample.text)
                continue
            self.targets.add(sample.text)
            dry = 0
            self.made += 1
            self.job.progress(self.made, count, kind.name or NAME)
            example = self.example(sample, kind)
            yield example
            yield from self.broken_versions(example, rng)
        if self.made < count:
            yield Rejected(
                reason="nothing new",
                detail=f"the dialect gave {self.made} samples of {count}, and then only repeats",
                source=NAME,
            )

    def left_out(self) -> Iterator[Rejected]:
        """What the script asks for and this recipe has not."""
        for language in self.job.settings.languages:
            if language != "en":
                yield Rejected(
                    reason=f"no requests in {language}", detail="simulate speaks English only", source=NAME
                )

    def families(self) -> Mapping[str, Sequence[_Family]]:
        """The families of each level that is asked for."""
        known = getattr(self.job.dialect, "families", None)
        table: Mapping[str, Sequence[str]] = known() if known is not None else {}
        return {
            level: [_Family(level, name) for name in table.get(level, ())] or [_Family(level, "")]
            for level in self.job.settings.levels
        }

    def sample(self, kind: _Family, rng: random.Random) -> Sample:
        if kind.name:
            drawn: Sample = self.job.dialect.sample_family(  # type: ignore[attr-defined]
                rng, kind.level, kind.name, _INVENTED
            )
            return drawn
        return self.job.dialect.sample(rng, replace(self.job.project, level=kind.level))

    def example(self, sample: Sample, kind: _Family) -> Example:
        family = str(sample.details.get("family", kind.name))
        metadata = {"language": "en", "productions": list(sample.productions)}
        return Example(
            instruction=sample.description,
            target=sample.text,
            task=NAME,
            level=sample.level,
            group=f"{family or NAME}-{self.made:06d}",
            tests=tuple(sample.context.tests),
            provenance=self.lessons.provenance(),
            metadata={**metadata, "family": family} if family else metadata,
        )

    def broken_versions(self, example: Example, rng: random.Random) -> Iterator[Example | Rejected]:
        """The broken versions that are due; every other one does something else, if it can."""
        due = self.lessons.due()
        seen: set[str] = set()
        for _ in range(due):
            self.broken += 1
            broken = self.failing(example, rng) if self.broken % 2 == 0 else None
            if broken is not None and broken.text not in seen:
                seen.add(broken.text)
                yield from self.lessons.from_break(example, broken, rng)
            else:
                yield from self.lessons.broken(example, rng, seen)

    def failing(self, example: Example, rng: random.Random) -> Break | None:
        """A text that is right by all rules and fails the example's tests."""
        if self.alter is None:
            return None
        context = replace(self.job.project, tests=example.tests, level=example.level)
        for _ in range(_TRIES):
            text = self.alter(example.target, rng)
            if text is None:
                return None
            broken = self.judged(text, context)
            if broken is not None:
                return broken
        return None

    def judged(self, text: str, context: Context) -> Break | None:
        verdict = self.job.dialect.verify(text, context)
        if not (verdict.judged and verdict.valid and verdict.tests_passed < verdict.tests_total):
            return None
        note = f"{verdict.tests_total - verdict.tests_passed} of {verdict.tests_total} tests fail"
        return Break(text, TESTS, note, verdict)
