"""The recipe describe: real scripts of the corpus, each with the requirement that it fulfils.

The requirement is the teacher's: a model's, or by rules, which speak English. Rules take what the dialect
says of a script, else what the corpus found in its head or its metadata. It must not be empty, long or a copy
of the code. The script stays as it is. Where the project has a catalog, the context
shows the symbols that the script uses and no others. A model's rationale stays in the metadata.
"""

from __future__ import annotations

import json
import random
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import islice
from string import Template
from typing import Any

from idiolect.data.contexts import CATALOG
from idiolect.data.example import WORDS, Example, Rejected, summary_of
from idiolect.data.tasks import wording_for
from idiolect.dialects.catalog_json import dump_catalog
from idiolect.dialects.context_pack import ContextPack, make_pack
from idiolect.dialects.contract import offers
from idiolect.dialects.verdict import Fault, Verdict, verdict_of
from idiolect.teachers.recipes.catalog_tasks import described, sample_key, used_names, wanted
from idiolect.teachers.recipes.job import RecipeJob, RecipeProblem
from idiolect.teachers.recipes.lessons import Lessons
from idiolect.teachers.records import Answer, Message, Request
from idiolect.teachers.records import Rejected as Unanswered

NAME = "describe"
_ALL = 1 << 40  # scripts, where the script does not say
_BATCH = 64  # requests handed to the teacher at once
_LONGEST = 4_000  # characters of a requirement
_FEWEST_WORDS = 3
_COPIED = 16  # characters of a line of code that a requirement must not hold
_MICRO, _MULTI = 4, 15  # lines of the longest scripts of these levels

_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"requirement": {"type": "string"}, "rationale": {"type": "string"}},
    "required": ["requirement", "rationale"],
    "additionalProperties": False,
}


def make(job: RecipeJob) -> Iterator[Example | Rejected]:
    """Examples of the recipe, in the order of the corpus."""
    if job.offline and "en" not in job.settings.languages:
        raise RecipeProblem("the rules describe scripts in English only", 'write languages: ["en"]')
    yield from _Describing(job).run()


@dataclass(frozen=True, slots=True)
class _Script:
    """A script of the corpus, and what is asked about it."""

    source: Example
    level: str
    language: str
    pack: ContextPack | None


class _Describing:
    """One run of the recipe."""

    def __init__(self, job: RecipeJob) -> None:
        self.job = job
        self.lessons = Lessons(job, NAME)
        self.teacher = job.teacher({NAME: self.rule})
        self.languages = ["en"] if job.offline else list(job.settings.languages)
        self.shown = wording_for(job.dialect.name).language
        self.left: list[Rejected] = []
        self.told = self._told() if job.offline and not offers(job.dialect, "describe") else {}

    def _told(self) -> dict[str, str]:
        """The requests that the corpus made of authors' own descriptions, by their scripts' keys."""
        found = (one for one in self.job.corpus() if one.task == NAME)
        told = {sample_key(one.target): one.instruction for one in found}
        if not told:
            raise RecipeProblem(
                f"nothing describes the scripts: the dialect {self.job.dialect.name} has no rules for it, "
                "and the corpus found no descriptions",
                'ask a model (TEACHER without offline), or let CORPUS.tasks have "describe"',
            )
        return told

    def run(self) -> Iterator[Example | Rejected]:
        for language in self.job.settings.languages:
            if language not in self.languages:
                yield Rejected(
                    reason=f"no requirements in {language}",
                    detail="the rules speak English only; a model speaks others",
                    source=NAME,
                )
        scripts = self.scripts()
        made = 0
        while batch := list(islice(scripts, _BATCH)):
            yield from self._left()
            requests = [self.request(script, made + at) for at, script in enumerate(batch)]
            endings = self.teacher.answer(requests, self.verify)
            for script, ending in zip(batch, endings, strict=True):
                self.job.stop_if_asked()
                made += 1
                self.job.progress(made, None, script.source.provenance.source or NAME)
                if isinstance(ending, Unanswered):
                    yield _unanswered(ending, script)
                    continue
                example = self.example(script, ending)
                yield example
                yield from self.lessons.of(example, self.job.rng("lessons", example.id))
        yield from self._left()
        if not made:
            raise RecipeProblem(
                "the recipe describe found no script in the corpus",
                'add CORPUS { sources: ["scripts/**/*"] }, whose stage runs before',
            )

    def _left(self) -> Iterator[Rejected]:
        """What was left out while scripts were read."""
        yield from self.left
        self.left.clear()

    # Scripts

    def scripts(self) -> Iterator[_Script]:
        """The different scripts of the corpus, of the levels that are asked for."""
        seen: set[str] = set()
        most = wanted(self.job, _ALL)
        for source in self.job.corpus():
            if source.task in WORDS or not source.valid or source.target in seen:
                continue  # further tasks of a script, or none of its own
            seen.add(source.target)
            level = level_of(source.target)
            if level not in self.job.settings.levels:
                self.left.append(
                    Rejected(
                        reason=f"level {level}",
                        detail="SYNTHESIZE.levels leaves it out",
                        source=source.provenance.source or NAME,
                    )
                )
                continue
            number = len(seen)
            yield _Script(
                source, level, self.languages[number % len(self.languages)], self.pack(source.target)
            )
            most -= 1
            if not most:
                return

    def pack(self, text: str) -> ContextPack | None:
        """The symbols that a script uses, and no others."""
        catalog = self.job.project.catalog
        names = used_names(text, catalog) if catalog is not None else []
        return make_pack(catalog, names) if catalog is not None and names else None

    # Asking

    def request(self, script: _Script, number: int) -> Request:
        prompts = _prompts()
        tongue = prompts["tongues"].get(script.language, script.language)
        user = Template(prompts["user"]).substitute(
            language=self.shown,
            tongue=tongue,
            context=f"\n{script.pack.text}\n" if script.pack else "",
            script=script.source.target.rstrip(),
        )
        return Request(
            NAME,
            (Message("system", prompts["system"].strip()), Message("user", user.strip())),
            schema=_SCHEMA,
            seed=self.job.rng("request", number).randrange(1 << 31),
            facts={"script": script.source.target},
        )

    def rule(self, request: Request, _: random.Random) -> Mapping[str, Any] | None:
        """What the dialect's rules say of a script."""
        script = request.facts["script"]
        said = described(self.job.dialect, script, replace(self.job.project, tests=()))
        said = said or self.told.get(sample_key(script), "")
        return {"requirement": said, "rationale": ""} if said else None

    def verify(self, request: Request, answer: Answer) -> Verdict:
        faults = list(faults_of(answer.parsed["requirement"], request.facts["script"]))
        return verdict_of(faults, policy_asked=False)

    # Examples

    def example(self, script: _Script, answer: Answer) -> Example:
        source = script.source
        metadata: dict[str, Any] = {"language": script.language}
        if rationale := answer.parsed["rationale"].strip():
            metadata["rationale"] = rationale
        for key in ("title", "category", CATALOG):
            if key in source.metadata:
                metadata[key] = source.metadata[key]
        if script.pack is not None:
            metadata[CATALOG] = json.loads(dump_catalog(script.pack.catalog))
        origin = source.provenance
        return Example(
            instruction=answer.parsed["requirement"].strip(),
            target=source.target,
            context=script.pack.text if script.pack else "",
            task=NAME,
            level=script.level,
            group=source.group or origin.source or source.id,
            provenance=replace(
                self.lessons.provenance(source.id, answer.teacher),
                source=origin.source,
                line=origin.line,
                last_line=origin.last_line,
            ),
            metadata=metadata,
        )


def level_of(text: str) -> str:
    """The level of a real script, by its lines of code."""
    lines = sum(1 for line in text.splitlines() if line.strip())
    return "micro" if lines <= _MICRO else "multi" if lines <= _MULTI else "scenario"


def faults_of(requirement: str, script: str) -> Iterator[Fault]:
    """Why a text is no requirement for a script: empty, long, or a copy of code."""
    if len(requirement.split()) < _FEWEST_WORDS:
        yield Fault("describe.empty", "a requirement has at least three words")
    if len(requirement) > _LONGEST:
        yield Fault("describe.long", f"{len(requirement):,} characters; at most {_LONGEST:,}")
    if "```" in requirement or (copied := _copied(requirement, script)):
        shown = "a block of code" if "```" in requirement else f'"{copied}"'
        yield Fault("describe.code", f"it quotes the script: {shown}")


def _copied(requirement: str, script: str) -> str:
    """A line of code that stands in a requirement as it is; words alone are no code."""
    said = " ".join(requirement.split())
    for line in script.splitlines():
        code = " ".join(line.split())
        if len(code) >= _COPIED and re.search(r"[^\w\s.,'-]", code) and code in said:
            return code
    return ""


def _unanswered(ending: Unanswered, script: _Script) -> Rejected:
    origin = script.source.provenance
    return Rejected(
        reason=f"{NAME}: {ending.reason}",
        detail=f"{ending.outcome}: {ending.detail}",
        source=origin.source or NAME,
        line=origin.line,
        verdict=summary_of(ending.verdict) if ending.verdict else None,
        text=script.source.target,
    )


@cache
def _prompts() -> Mapping[str, Any]:
    text = files("idiolect.teachers.recipes").joinpath("describe.toml").read_text("utf-8")
    return tomllib.loads(text)
