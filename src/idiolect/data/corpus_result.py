"""What building a corpus came to: examples, what was left out and why, and counts that close.

It does **not** print or write anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from idiolect.data.example import SPLITS, Example, Rejected
from idiolect.data.tasks import Missing
from idiolect.runs.stage import Counts


class NothingKept(Exception):
    """A corpus in which nothing is left: the message says what became of everything."""


@dataclass(frozen=True, slots=True)
class SecretHit:
    """A secret that was masked: what and where, never itself."""

    kind: str
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class CorpusResult:
    """A built corpus."""

    examples: tuple[Example, ...]
    rejected: tuple[Rejected, ...]
    missing: tuple[Missing, ...]
    secrets: tuple[SecretHit, ...]
    counts: tuple[Counts, ...]
    encodings: Counter[str]
    unresolved: tuple[tuple[str, str], ...]  # source, and an include that was not found
    notes: Counter[str]
    groups: int

    @property
    def by_split(self) -> dict[str, int]:
        """How many examples each split has."""
        held = Counter(example.split for example in self.examples)
        return {split: held[split] for split in SPLITS}

    @property
    def by_task(self) -> dict[str, int]:
        """How many examples each task has."""
        return dict(sorted(Counter(example.task for example in self.examples).items()))

    @property
    def negatives(self) -> int:
        """How many examples have a target that is labelled wrong."""
        return sum(not example.valid for example in self.examples)

    @property
    def codes(self) -> dict[str, int]:
        """How many rejected texts have each fault code, most frequent first."""
        counter = Counter(code for one in self.rejected if one.verdict for code in one.verdict.errors)
        return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))


@dataclass(slots=True)
class Tally:
    """Counts records of one kind while they are decided on."""

    of: str
    read: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def closed(self) -> Counts:
        """The counts: what was read and not rejected was kept."""
        kept = self.read - self.reasons.total()
        return Counts(self.of, self.read, kept, dict(sorted(self.reasons.items())))


def told_reasons(counts: Iterable[Counts]) -> str:
    """What became of the records, in one line each."""
    lines = []
    for one in counts:
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in one.rejected.items())
        lines.append(f"{one.of}: {one.read:,} read, {one.kept:,} kept" + (f", {reasons}" if reasons else ""))
    return "\n".join(lines)
