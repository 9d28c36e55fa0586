"""Broken versions of good texts, aimed at the faults that are to be learned: for negatives and repairs.

A break is the dialect's own (`mutate`), and counts only if the verifier refuses it. Where fault codes are
aimed at, several breaks are drawn and one that shows such a code is likelier to be kept.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from idiolect.dialects.contract import Context, Dialect
from idiolect.dialects.verdict import Fault, Severity, Verdict

_TRIES = 6  # to break a text in a way not seen yet
_AIMED = 12  # breaks among which one is chosen, where codes are aimed at


@dataclass(frozen=True, slots=True)
class Break:
    """A text broken on purpose, and what the verifier says of it."""

    text: str
    kind: str
    note: str
    verdict: Verdict

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of its errors, each once."""
        return tuple(dict.fromkeys(fault.code for fault in self.errors()))

    def errors(self) -> Iterator[Fault]:
        """Its faults that are errors."""
        return (fault for fault in self.verdict.faults if fault.severity is Severity.ERROR)


def break_text(
    dialect: Dialect,
    text: str,
    context: Context,
    rng: random.Random,
    *,
    targets: Mapping[str, int] | None = None,
    seen: set[str] | None = None,
) -> Break | None:
    """One broken version that is not among those seen, and joins them; None where none was found."""
    known = set() if seen is None else seen
    wanted = targets or {}
    found: list[Break] = []
    for _ in range(_AIMED if wanted else _TRIES):
        mutant = dialect.mutate(text, rng, context)
        if mutant is None:
            break
        if mutant.text in known or any(mutant.text == one.text for one in found):
            continue
        verdict = dialect.verify(mutant.text, context)
        if verdict.ok or not verdict.judged:
            continue
        found.append(Break(mutant.text, mutant.kind, mutant.note, verdict))
        if not wanted:
            break
    if not found:
        return None
    chosen = rng.choices(found, [weight_of(one.codes, wanted) for one in found])[0] if wanted else found[0]
    known.add(chosen.text)
    return chosen


def weight_of(codes: tuple[str, ...], targets: Mapping[str, int]) -> float:
    """How much likelier a text with these faults is chosen: by the share of failures that they stand for."""
    total = sum(targets.values()) or 1
    return 1.0 + 60.0 * sum(targets.get(code, 0) for code in codes) / total
