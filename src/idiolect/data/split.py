"""Deals examples of all origins to train, validation and test, and says what was left out and why.

- What has a split keeps it: rows of DATASET.validation and DATASET.test, and what the corpus dealt already.
- A training example that gives a held-out one away is dropped; one that was made from a held-out source moves
  to where that source is.
- The datasets are then mixed, and clusters of what is left are dealt by the shares: no group straddles.

The same examples, shares and seed give the same split. It reads and writes no files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from idiolect.data.clusters import Sides, cluster_names, compared, given_away
from idiolect.data.corpus_result import Tally
from idiolect.data.example import SPLITS, Example, Rejected, Split
from idiolect.data.mixing import Sampling, Source, mix
from idiolect.data.splitting import split_groups
from idiolect.runs.stage import Counts
from idiolect.text_hints import counted

Kind = Literal["test file", "validation file", "corpus", "synth", "dataset"]
# What is held out comes first: of two equal examples the first is kept.
KINDS: tuple[Kind, ...] = ("test file", "validation file", "corpus", "synth", "dataset")


@dataclass(slots=True)
class Origin:
    """Examples from one place, those of it that were left out so far, and its weight in a mix."""

    kind: Kind
    name: str  # what is counted: "rows of data/train.jsonl"
    examples: list[Example] = field(default_factory=list)
    tally: Tally = field(init=False)
    weight: int | None = None

    def __post_init__(self) -> None:
        self.tally = Tally(self.name)


@dataclass(frozen=True, slots=True)
class Settings:
    """How the datasets are mixed, and what is held out of what has no split."""

    validation: float = 0.0  # shares of 1
    test: float = 0.0
    sampling: Sampling = "weighted"
    shuffle: bool = True
    percent: int = 100
    seed: int = 0


@dataclass(frozen=True, slots=True)
class SplitResult:
    """The examples, each with its split, and what became of the others."""

    examples: tuple[Example, ...]
    rejected: tuple[Rejected, ...]
    counts: tuple[Counts, ...]
    moved: int  # made from held-out sources, and held out with them
    groups: dict[Split, int]
    warnings: tuple[str, ...] = ()

    def of(self, split: Split, *, valid: bool = True) -> list[Example]:
        """The examples of a split: those to learn and be asked, or the negatives."""
        return [one for one in self.examples if one.split == split and one.valid is valid]


def split_examples(
    origins: Sequence[Origin], settings: Settings, step: Callable[[str], None] = lambda doing: None
) -> SplitResult:
    """Deal the examples of all origins."""
    deal = _Deal(sorted(origins, key=lambda origin: KINDS.index(origin.kind)), settings)
    step("looking for repeats")
    deal.drop_repeats()
    step("comparing examples")
    deal.compare()
    deal.take_given()
    deal.drop_given_away(by_answer=True)
    deal.mix_datasets()
    step("dealing")
    deal.deal_rest()
    deal.drop_given_away(by_answer=deal.by_answer)  # what nobody could know before the deal
    return deal.result()


class _Deal:
    """A deal on its way: of each example its origin and, once it is known, its split."""

    def __init__(self, origins: Sequence[Origin], settings: Settings) -> None:
        self.origins = origins
        self.settings = settings
        self.examples: list[Example] = []
        self.origin: list[Origin] = []
        self.split: list[Split | None] = []
        self.alive: list[bool] = []
        self.rejected: list[Rejected] = []
        self.order: list[int] = []  # of the result
        self.moved = 0
        self.warnings: list[str] = []
        self.sides: Sides
        self.names: list[str] = []
        self.by_answer = True

    def drop_repeats(self) -> None:
        """All examples, each once: a held-out one is kept before one to learn from."""
        first: dict[str, str] = {}
        found = [(example, origin) for origin in self.origins for example in origin.examples]
        found.sort(
            key=lambda pair: pair[0].split not in ("validation", "test") and _held(pair[1].kind) is None
        )
        for example, origin in found:
            kept_in = first.get(example.id)
            if kept_in is None:
                split = _held(origin.kind) or example.split
                first[example.id] = split or "train"
                self.examples.append(example)
                self.origin.append(origin)
                self.split.append(split)
            else:
                where = "" if kept_in == "train" else f" in {kept_in}"
                self._leave_out(
                    example, origin, f"repeat{where}", "the same request and answer stands before"
                )
        self.alive = [True] * len(self.examples)

    def compare(self) -> None:
        self.sides = compared(self.examples)
        self.names, self.by_answer = cluster_names(self.sides)
        if not self.by_answer:
            self.warnings.append(
                "most answers are nearly alike: only examples of one group or request were kept together"
            )

    def take_given(self) -> None:
        """Give what was made from held-out sources the split of its cluster."""
        theirs: dict[str, set[Split]] = {}
        for at, split in enumerate(self.split):
            if split in ("validation", "test"):
                own = self.origin[at].kind in ("corpus", "synth")
                # Nothing is added to a file of the user's own: it says what is measured.
                theirs.setdefault(self.names[at], set()).add(split if own else "train")
        for at, split in enumerate(self.split):
            given = theirs.get(self.names[at])
            if split is None and given and self.origin[at].kind == "synth" and "train" not in given:
                self.split[at] = min(given)  # "test" before "validation"
                self.moved += 1

    def drop_given_away(self, *, by_answer: bool) -> None:
        """Leave out what would be learned and gives a held-out example away, or is of its group."""
        learned = [split not in ("validation", "test") for split in self.split]
        present = [at for at, alive in enumerate(self.alive) if alive]
        groups: dict[str, Split] = {}
        for at in present:
            group, split = self.examples[at].group, self.split[at]
            if group and not learned[at] and split:
                groups[group] = min(split, groups.get(group, split))
        train = [learned[at] or not self.alive[at] for at in range(len(learned))]
        found = given_away(self.sides, train, by_answer=by_answer)
        for at in present:
            if not learned[at]:
                continue
            group = groups.get(self.examples[at].group or "")
            if at in found:
                kind, other = found[at]
                detail = f"is like {self.examples[other].id}"
                self._drop(at, f"{kind} as in {self.split[other]}", detail)
            elif group:
                self._drop(at, f"group is in {group}", f"the group {self.examples[at].group}")

    def mix_datasets(self) -> None:
        """The share of each dataset that the mix takes, in the order of the mix."""
        sources = []
        for origin in self.origins:
            if origin.kind == "dataset":
                left = self._alive_of(origin)
                weight = 100 if origin.weight is None else origin.weight
                sources.append(Source(origin.name, weight, left))
        taken: list[int] = []
        if any(source.records for source in sources):
            settings = self.settings
            taken = mix(
                sources,
                sampling=settings.sampling,
                shuffle=settings.shuffle,
                percent=settings.percent,
                seed=settings.seed,
            )
        chosen = set(taken)
        for source in sources:
            for at in source.records:
                if at not in chosen:
                    self.alive[at] = False
                    self.origin[at].tally.reasons["not in the mix"] += 1
        mixed = {at for source in sources for at in source.records}
        self.order = [*(at for at, alive in enumerate(self.alive) if alive and at not in mixed), *taken]

    def _alive_of(self, origin: Origin) -> list[int]:
        return [at for at, alive in enumerate(self.alive) if alive and self.origin[at] is origin]

    def deal_rest(self) -> None:
        """Deal the clusters of what has no split yet."""
        rest = [at for at in self.order if self.split[at] is None]
        if not rest:
            return
        shares = (
            1 - self.settings.validation - self.settings.test,
            self.settings.validation,
            self.settings.test,
        )
        fixed = {self.names[at] for at in self.order if self.split[at] is not None}
        # What belongs with examples that are dealt already is learned; what it gives away was dropped.
        free = [at for at in rest if self.names[at] not in fixed]
        for at in rest:
            self.split[at] = "train"
        dealt = split_groups([self.names[at] for at in free], shares, self.settings.seed) if free else []
        for at, split in zip(free, dealt, strict=True):
            self.split[at] = split
        self._warn_of_few_groups({self.names[at] for at in free}, shares)

    def _warn_of_few_groups(self, names: set[str], shares: Sequence[float]) -> None:
        wanted = sum(share > 0 for share in shares)
        if len(names) < wanted:
            self.warnings.append(
                f"what has no split is {counted(len(names), 'group')}: too few to hold any out"
            )

    def _drop(self, at: int, reason: str, detail: str) -> None:
        self.alive[at] = False
        self._leave_out(self.examples[at], self.origin[at], reason, detail)

    def _leave_out(self, example: Example, origin: Origin, reason: str, detail: str) -> None:
        origin.tally.reasons[reason] += 1
        place = example.provenance
        self.rejected.append(
            Rejected(
                reason=reason, detail=detail, source=place.source or "", line=place.line, text=example.target
            )
        )

    def result(self) -> SplitResult:
        dealt = [
            replace(one, split=self.split[at], group=one.group or self.names[at])
            for at, one in ((at, self.examples[at]) for at in self.order if self.alive[at])
        ]
        groups = {split: len({one.group for one in dealt if one.split == split}) for split in SPLITS}
        return SplitResult(
            examples=tuple(dealt),
            rejected=tuple(self.rejected),
            counts=tuple(origin.tally.closed() for origin in self.origins if origin.tally.read),
            moved=self.moved,
            groups=groups,
            warnings=tuple(self.warnings),
        )


def _held(kind: Kind) -> Split | None:
    """The split that a file is named for."""
    names: dict[str, Split] = {"test file": "test", "validation file": "validation"}
    return names.get(kind)


def by_split(examples: Sequence[Example]) -> dict[str, int]:
    """How many examples each split has."""
    held = Counter(example.split for example in examples)
    return {split: held[split] for split in SPLITS}
