"""What else a good example teaches: broken versions of its target, labelled, and the task to mend them.

For every recipe whose targets are scripts. How many there are, `negative_ratio` says; whether broken texts
are mended as well, `include_invalid`. It does **not** break texts itself; the dialect does (`breaking.py`).
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from idiolect.data.contexts import context_of
from idiolect.data.example import Example, Provenance, Rejected
from idiolect.data.tasks import wording_for
from idiolect.dialects.contract import offers
from idiolect.dialects.verdict import Fault, Level
from idiolect.source import SourceText
from idiolect.teachers.recipes.breaking import Break, break_text
from idiolect.teachers.recipes.job import RecipeJob
from idiolect.text_hints import shortened

_MOST_FAULTS = 2  # told of a broken text
TESTS = "tests"  # the kind of a text that is right in its form and does not do what was asked


class Lessons:
    """Makes the further examples of one recipe's positives."""

    def __init__(self, job: RecipeJob, recipe: str) -> None:
        self._job, self._recipe = job, recipe
        self._language = wording_for(job.dialect.name).language
        self._positives = 0
        self._can_break = offers(job.dialect, "mutate")

    def provenance(self, parent: str | None = None, teacher: str = "rules") -> Provenance:
        """Where examples of the recipe come from."""
        return Provenance(recipe=self._recipe, teacher=teacher, seed=self._job.settings.seed, parent=parent)

    def due(self) -> int:
        """How many broken versions the next positive is to have, so that the ratio is kept all along."""
        ratio = self._job.settings.negative_ratio
        self._positives += 1
        return int(self._positives * ratio) - int((self._positives - 1) * ratio)

    def of(self, positive: Example, rng: random.Random) -> Iterator[Example | Rejected]:
        """The negatives of a positive that are due, each with the task to mend it."""
        seen: set[str] = set()
        for _ in range(self.due()):
            yield from self.broken(positive, rng, seen)

    def broken(self, positive: Example, rng: random.Random, seen: set[str]) -> Iterator[Example | Rejected]:
        """One broken version that is not among those seen, as a negative and as a task to mend it."""
        self._job.stop_if_asked()
        # Tests are run on texts of good form only, and breaks of the form need none.
        context = replace(context_of(positive, self._job.project), tests=())
        found = (
            break_text(self._job.dialect, positive.target, context, rng, targets=self._job.targets, seen=seen)
            if self._can_break
            else None
        )
        if found is not None:
            yield from self.from_break(positive, found, rng)
            return
        why = "found nothing else to break" if self._can_break else "makes no broken versions"
        yield Rejected(
            reason="no broken version",
            detail=f"the dialect {self._job.dialect.name} {why}",
            source=self._recipe,
            text=positive.target,
        )

    def from_break(self, positive: Example, broken: Break, rng: random.Random) -> Iterator[Example]:
        """The negative that a break is, and the task to mend it where the script wants it."""
        yield self.negative(positive, broken)
        if self._job.settings.include_invalid:
            yield self.repair(positive, broken, rng)

    def negative(self, positive: Example, broken: Break) -> Example:
        """The same request with a text that is wrong, and is labelled so."""
        return replace(
            positive,
            target=broken.text,
            valid=False,
            verdict=None,
            provenance=self._child_of(positive),
            metadata={**positive.metadata, **told(broken)},
        )

    def repair(self, positive: Example, broken: Break, rng: random.Random) -> Example:
        """Mend the broken text, so that the named fault goes away."""
        words = _words(str(positive.metadata.get("language", "en")))
        wordings = words[TESTS if broken.kind == TESTS else "repair"]
        instruction = rng.choice(wordings).format_map(
            {
                "language": self._language,
                "faults": faults_told(broken),
                "request": positive.instruction,
            }
        )
        shown = f"{words['broken']}\n{broken.text.rstrip()}"
        return replace(
            positive,
            instruction=instruction,
            context=f"{positive.context}\n\n{shown}" if positive.context else shown,
            task="repair",
            verdict=None,
            provenance=self._child_of(positive),
            metadata={**positive.metadata, **told(broken)},
        )

    def _child_of(self, positive: Example) -> Provenance:
        return replace(positive.provenance, parent=positive.id)


def told(broken: Break) -> Mapping[str, Any]:
    """What an example's metadata says of a break."""
    return {"kind": broken.kind, "note": broken.note, "codes": list(broken.codes)}


def faults_told(broken: Break) -> str:
    """The first faults of a broken text, in one line."""
    source = SourceText(broken.text)
    said = [_told(fault, source) for fault in list(broken.errors())[:_MOST_FAULTS]]
    return shortened("; ".join(dict.fromkeys(said)), 300)


def _told(fault: Fault, source: SourceText) -> str:
    if fault.span is None or fault.level is Level.TESTS:
        return fault.message
    return f"line {source.place(fault.span.start).line}: {fault.message}"


@cache
def _table() -> Mapping[str, Any]:
    text = files("idiolect.teachers.recipes").joinpath("lessons.toml").read_text("utf-8")
    return tomllib.loads(text)


def _words(language: str) -> Mapping[str, Any]:
    """The instructions in a language; English ones where there are none."""
    found: Mapping[str, Any] = _table().get(language, _table()["en"])
    return found
