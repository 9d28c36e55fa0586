"""Compares two evaluations of the same tasks, pair by pair: what became better, what worse, and by how much.

Only tasks that both have judged are compared; the others are counted. The test is exact: under the
hypothesis of no difference, a changed task is as likely better as worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

from idiolect.evaluate.intervals import Interval, mean_interval
from idiolect.evaluate.records import Judged, Mode
from idiolect.evaluate.summary import best_of, by_task

LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two students did on the same tasks of one suite, in one mode, at one temperature."""

    suite: str
    mode: Mode
    temperature: float
    tasks: int
    left_only: int  # tasks that the right one lacks or could not be judged on
    right_only: int
    left: float  # semantic pass rate over the shared tasks
    right: float
    difference: Interval  # right minus left, by task
    better: tuple[str, ...]  # tasks that only the right one passes
    worse: tuple[str, ...]
    p: float  # two-sided, of the sign test over changed tasks

    @property
    def significant(self) -> bool:
        return self.p < LEVEL


def compare(left: Sequence[Judged], right: Sequence[Judged], *, seed: int = 0) -> tuple[Comparison, ...]:
    """One comparison for each suite, mode and temperature that both sides have."""
    lefts, rights = _parts(left), _parts(right)
    return tuple(_compared(key, lefts[key], rights[key], seed) for key in lefts if key in rights)


def _parts(judged: Sequence[Judged]) -> dict[tuple[str, Mode, float], list[Judged]]:
    parts: dict[tuple[str, Mode, float], list[Judged]] = {}
    for one in judged:
        parts.setdefault((one.suite, one.mode, one.temperature), []).append(one)
    return parts


def _passes(judged: Sequence[Judged]) -> dict[str, bool]:
    """Whether the answer that would be delivered passes, for each task that could be judged."""
    chosen = {task: best_of(answers) for task, answers in by_task(judged).items()}
    return {task: one.semantic_pass for task, one in chosen.items() if one.semantic_pass is not None}


def _compared(
    key: tuple[str, Mode, float], left: Sequence[Judged], right: Sequence[Judged], seed: int
) -> Comparison:
    lefts, rights = _passes(left), _passes(right)
    shared = [task for task in lefts if task in rights]
    changes = [float(rights[task]) - float(lefts[task]) for task in shared]
    better = tuple(task for task in shared if rights[task] and not lefts[task])
    worse = tuple(task for task in shared if lefts[task] and not rights[task])
    count = max(1, len(shared))
    return Comparison(
        *key,
        tasks=len(shared),
        left_only=len(lefts) - len(shared),
        right_only=len(rights) - len(shared),
        left=sum(lefts[task] for task in shared) / count,
        right=sum(rights[task] for task in shared) / count,
        difference=mean_interval(changes or [0.0], seed=seed),
        better=better,
        worse=worse,
        p=sign_test(len(better), len(worse)),
    )


def sign_test(better: int, worse: int) -> float:
    """The chance of a split at least as uneven, were both ways equally likely."""
    changed = better + worse
    tail = sum(comb(changed, number) for number in range(min(better, worse) + 1))
    share: float = tail / 2 ** (changed - 1) if changed else 1.0
    return min(1.0, share)
