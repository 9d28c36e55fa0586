"""The recipe grammar_tasks: small exercises, each on one production of the language.

Texts are sampled until every production has some; then productions take turns, those of few texts first, and
each gets the shortest text that is still free. What the text does is the request; where nothing says that,
its words in their order are, or the text in a loose layout. Productions that no sample uses are told.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from idiolect.data.contexts import CATALOG
from idiolect.data.example import Example, Rejected
from idiolect.data.tasks import wording_for
from idiolect.dialects.context_pack import names_in
from idiolect.dialects.contract import Context, Dialect, NotOffered, Sample, offers
from idiolect.dialects.tcl.dialect import Tcl
from idiolect.dialects.tcl.pick import NoValue
from idiolect.dialects.tcl.sample import NoSample
from idiolect.teachers.recipes.catalog_tasks import described, pack_around, plain_sample, sample_key, wanted
from idiolect.teachers.recipes.job import RecipeJob, RecipeProblem
from idiolect.teachers.recipes.lessons import Lessons
from idiolect.text_hints import shortened

NAME = "grammar_tasks"
_SPARE = 3  # texts drawn for one that is wanted, so that short ones can be chosen
_LEAST = 400  # draws, so that rare productions have a chance
_DRY = 200  # draws in a row that gave no new text
_WORD = re.compile(r"""\w[\w.%]*|"[^"\n]*"|'[^'\n]*'|[^\w\s{}()\[\];,:"']+""")  # no separators
_WALKS = 400  # of the bare grammar, to see why a production is in no sample
_LOOSE = 0.15  # of the exercises whose text nothing describes
_SHOWN = 100  # characters of a production in an instruction


def make(job: RecipeJob) -> Iterator[Example | Rejected]:
    """Exercises, productions in turn."""
    if not offers(job.dialect, "sample"):
        raise RecipeProblem(
            f"the dialect {job.dialect.name} makes no samples, so there is nothing to exercise",
            "give its folder a grammar, or take the recipe describe",
        )
    yield from _Exercises(job).run()


@dataclass(frozen=True, slots=True)
class _Text:
    """A sampled text and what it uses."""

    sample: Sample
    request: str
    productions: tuple[str, ...]


class _Exercises:
    """One run of the recipe."""

    def __init__(self, job: RecipeJob) -> None:
        self.job = job
        self.lessons = Lessons(job, NAME)
        self.language = wording_for(job.dialect.name).language
        own: Callable[[str], Iterable[str]] | None = getattr(job.dialect, "productions_of", None)
        self.own = own
        self.count = wanted(job)
        self.draws = 0
        self.repeats = 0
        self.failed = ""

    def run(self) -> Iterator[Example | Rejected]:
        for language in self.job.settings.languages:
            if language != "en":
                yield Rejected(
                    reason=f"no requests in {language}",
                    detail="exercises are worded in English only",
                    source=NAME,
                )
        bank = list(self.texts())
        by_production = _by_production(bank)
        yield from self.not_covered(by_production)
        if not bank:
            raise RecipeProblem(f"the dialect {self.job.dialect.name} made no sample: {self.failed}")
        made = 0
        for production, text in _in_turn(by_production, self.count):
            self.job.stop_if_asked()
            made += 1
            self.job.progress(made, self.count, shortened(production))
            rng = self.job.rng("exercise", made)
            example = self.example(text, production, rng)
            yield example
            yield from self.lessons.of(example, rng)
        if made < self.count:
            yield Rejected(
                reason="nothing new",
                detail=f"{self.draws} draws gave {made} different texts of {self.count}",
                source=NAME,
            )

    def texts(self) -> Iterator[_Text]:
        """Different texts, until there are enough or no new ones come."""
        seen: set[str] = set()
        dry = 0
        most = max(_LEAST, self.count * _SPARE)
        levels = self.job.settings.levels
        while self.draws < most and dry < _DRY:
            self.job.stop_if_asked()
            rng = self.job.rng("sample", self.draws)
            context = replace(self.job.project, level=levels[self.draws % len(levels)])
            self.draws += 1
            text = self.drawn(rng, context)
            if text is None or not text.sample.text.strip() or text.sample.text in seen:
                self.repeats += text is not None
                dry += 1
                continue
            dry = 0
            seen.add(text.sample.text)
            yield text

    def drawn(self, rng: random.Random, context: Context) -> _Text | None:
        """One sample, described; None where the dialect had none this time."""
        dialect = getattr(self.job.dialect, "inner", self.job.dialect)
        try:
            if isinstance(dialect, Tcl):
                sample = plain_sample(dialect, rng, context)
            else:
                sample = self.job.dialect.sample(rng, context)
        except (NotOffered, NoSample, NoValue) as error:
            self.failed = str(error)
            return None
        request = sample.description or described(self.job.dialect, sample.text, sample.context)
        used = tuple(self.own(sample.text)) if self.own is not None else sample.productions
        return _Text(sample, request, tuple(sorted(used)) or (sample.level,))

    def not_covered(self, found: Mapping[str, Sequence[_Text]]) -> Iterator[Rejected]:
        """The productions that the author wrote and no sample uses, each with a reason where one shows."""
        missing = [name for name in getattr(self.job.dialect, "productions", ()) if name not in found]
        why = self.reasons(missing) if missing else {}
        for name in missing:
            yield Rejected(
                reason="production not covered",
                detail=f"{name}: {why.get(name, 'no walk of the grammar came by')}",
                source=NAME,
            )

    def reasons(self, missing: Sequence[str]) -> dict[str, str]:
        """What the verifier says of texts of the bare grammar that use some productions."""
        from idiolect.grammar.walk import walk

        assert self.own is not None, "who lists productions finds them in texts"
        found: dict[str, str] = {}
        try:
            grammar = self.job.dialect.constraint(self.job.project)
        except (NotOffered, ValueError) as error:
            return dict.fromkeys(missing, f"the grammar could not be walked: {error}")
        for number in range(_WALKS):
            if len(found) == len(missing):
                break
            self.job.stop_if_asked()
            rng = self.job.rng("walk", number)
            text = walk(grammar, rng, budget=rng.choice((60, 150, 400))).text
            used = [name for name in self.own(text) if name in missing and name not in found]
            if not used:
                continue
            fault = next(iter(self.job.dialect.verify(text, self.job.project).faults), None)
            said = f"the verifier refuses what uses it: {fault.message}" if fault else "only samples lack it"
            found.update(dict.fromkeys(used, said))
        return found

    def example(self, text: _Text, production: str, rng: random.Random) -> Example:
        """An exercise on one production."""
        sample = text.sample
        context = ""
        metadata: dict[str, Any] = {"language": "en", "production": production}
        catalog = sample.context.catalog or self.job.project.catalog
        if catalog is not None and names_in(catalog):
            pack, written = pack_around(catalog, sample.text, rng)
            context, metadata[CATALOG] = pack.text, written
        return Example(
            instruction=self.instruction(text, production, rng),
            target=sample.text,
            context=context,
            task=NAME,
            level=sample.level,
            group=f"exercise-{sample_key(sample.text)}",
            tests=tuple(sample.context.tests),
            provenance=self.lessons.provenance(),
            metadata=metadata,
        )

    def instruction(self, text: _Text, production: str, rng: random.Random) -> str:
        shown = f"`{shortened(production, _SHOWN)}`"
        table = _table()
        words = " ".join(_WORD.findall(text.sample.text))
        if text.request and not self.tells_all(text):
            return str(rng.choice(table["hinted"])).format(
                request=text.request, production=shown, words=words
            )
        if text.request:
            return str(rng.choice(table["described"])).format(request=text.request, production=shown)
        if rng.random() < _LOOSE and (loose := loosened(self.job.dialect, text.sample, rng)):
            return str(rng.choice(table["loose"])).format(language=self.language, text=loose)
        return str(rng.choice(table["spelled"])).format(language=self.language, production=shown, words=words)

    def tells_all(self, text: _Text) -> bool:
        """Whether a request has every word of its text; built-in dialects see to that themselves.

        Templates of a dialect folder may say less than the text does.
        """
        if self.own is None:
            return True
        said = text.request.casefold()
        return all(word.casefold() in said for word in _WORD.findall(text.sample.text))


def loosened(dialect: Dialect, sample: Sample, rng: random.Random) -> str:
    """The text in a layout that means the same and is not canonical; "" where none was found."""
    pieces = re.split(r"(\s+)", sample.text.strip())
    loose = "".join(rng.choice((" ", "  ", "\n", piece)) if piece.isspace() else piece for piece in pieces)
    if loose == sample.text.strip():
        return ""
    try:
        same = dialect.equal(loose, sample.text, sample.context)
    except ValueError:
        return ""
    return loose if same else ""


def _by_production(bank: Sequence[_Text]) -> dict[str, list[_Text]]:
    """The texts that use each production, shortest first; productions of few texts first."""
    found: dict[str, list[_Text]] = {}
    for text in bank:
        for production in text.productions:
            found.setdefault(production, []).append(text)
    for texts in found.values():
        texts.sort(key=lambda text: (len(text.sample.text), text.sample.text))
    return dict(sorted(found.items(), key=lambda item: (len(item[1]), item[0])))


def _in_turn(found: Mapping[str, list[_Text]], count: int) -> Iterator[tuple[str, _Text]]:
    """Productions in turn, each with its shortest text that none took before."""
    queues = {production: iter(texts) for production, texts in found.items()}
    taken: set[str] = set()
    while queues and len(taken) < count:
        for production in list(queues):
            text = next((one for one in queues[production] if one.sample.text not in taken), None)
            if text is None:
                del queues[production]
                continue
            taken.add(text.sample.text)
            yield production, text
            if len(taken) >= count:
                return


@cache
def _table() -> Mapping[str, Any]:
    text = files("idiolect.teachers.recipes").joinpath("grammar_tasks.toml").read_text("utf-8")
    return tomllib.loads(text)
