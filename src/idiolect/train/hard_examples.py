"""TRAIN.hard_examples: from time to time the student answers a dev set, and what it fails at weighs more.

Every so many steps some dev examples are answered and verified by the dialect. Training rows of the same
kind as the failed ones (their group, else their context, else task and level) weigh up to `weight` times as
much in the next epoch, by the share of their kind that failed. Without a dialect an answer must be the
target.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import TrainerCallback

from idiolect.data.example import WORDS, Example
from idiolect.okt.blocks.train import HardExamples
from idiolect.train.answering import Answerer

Judge = Callable[[Example, str], bool | None]  # None: could not be judged


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one round."""

    step: int
    asked: int
    failed: int
    not_judged: int
    heavier: int  # training rows that weigh more from the next epoch on


class HardExampleCallback(TrainerCallback):  # type: ignore[misc]
    """Asks, judges and weighs."""

    def __init__(
        self,
        settings: HardExamples,
        train: Sequence[Example],
        dev: Sequence[Example],
        answer: Answerer,
        judge: Judge,
        *,
        seed: int,
        agreed: Callable[[Any], Any] = lambda value: value,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._settings = settings
        self._dev = dev
        self._answer, self._judge = answer, judge
        self._seed = seed
        self._agreed = agreed
        self._say = say
        self._kinds: dict[str, list[str]] = defaultdict(list)  # ids of training rows by kind
        for example in train:
            for kind in kinds_of(example):
                self._kinds[kind].append(example.id)
        self.trainer: Any = None
        self.rounds: list[Round] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % self._settings.every == 0 and self._dev:
            self._round(state.global_step)

    def _round(self, step: int) -> None:
        rng = random.Random(f"{self._seed}/hard/{step}")
        asked = rng.sample(list(self._dev), min(self._settings.samples, len(self._dev)))
        answers = self._answer(asked)
        verdicts = [self._judge(example, text) for example, text in zip(asked, answers, strict=True)]
        weights = self._agreed(weights_of(asked, verdicts, self._kinds, self._settings.weight))
        self.trainer.parts.feed.reweigh(weights)
        failed = sum(verdict is False for verdict in verdicts)
        unknown = sum(verdict is None for verdict in verdicts)
        self.rounds.append(Round(step, len(asked), failed, unknown, len(weights)))
        self._say(
            f"hard examples at step {step}: {failed} of {len(asked)} answers failed"
            + (f", {unknown} could not be judged" if unknown else "")
            + f"; {len(weights):,} training rows weigh more in the next epoch"
        )


def kinds_of(example: Example) -> list[str]:
    """What an example is like, the nearest first."""
    found = [f"id {example.id}"]
    if example.group:
        found.append(f"group {example.group}")
    if example.context:
        found.append(f"context {example.context}")
    found.append(f"task {example.task} {example.level or ''}")
    return found


def weights_of(
    asked: Sequence[Example],
    verdicts: Sequence[bool | None],
    kinds: Mapping[str, Sequence[str]],
    weight: float,
) -> dict[str, float]:
    """Factors above 1 of training rows, by how much of their kind failed."""
    tried: dict[str, int] = defaultdict(int)
    failed: dict[str, int] = defaultdict(int)
    for example, verdict in zip(asked, verdicts, strict=True):
        if verdict is None:
            continue
        kind = next((one for one in kinds_of(example) if kinds.get(one)), None)
        if kind is not None:
            tried[kind] += 1
            failed[kind] += not verdict
    factors: dict[str, float] = {}
    for kind in sorted(tried):
        if failed[kind]:
            factor = 1.0 + (weight - 1.0) * failed[kind] / tried[kind]
            for name in kinds[kind]:
                factors[name] = max(factor, factors.get(name, 1.0))
    return factors


def judge_by(dialect: Any, context_of: Callable[[Example], Any]) -> Judge:
    """Valid by the dialect; answers in words, and all where there is no dialect, must be the target."""

    def judged(example: Example, text: str) -> bool | None:
        if dialect is None or example.task in WORDS:
            return text.strip() == example.target.strip()
        verdict = dialect.verify(text, context_of(example))
        return None if verdict.not_judged is not None else bool(verdict.ok)

    return judged
