"""Scores held-out rows while training runs: the loss and what the same forward pass tells besides.

Metrics that need an answer to be written (exact match, BLEU, ROUGE) are no part of it: evaluation has them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from idiolect.train.feed import AnyRow, weight_of
from idiolect.train.objectives import Objective
from idiolect.train.processes import Processes


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows that are scored, and the prefix of their metrics."""

    prefix: str
    rows: tuple[AnyRow, ...]
    batches: tuple[tuple[int, ...], ...]


class Validation:
    """Called with the model; gives metrics with the prefix `eval_`."""

    def __init__(
        self,
        objective: Objective,
        parts: Sequence[Scored],
        processes: Processes,
        context: Callable[[], Any],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._objective = objective
        self._parts = parts
        self._processes = processes
        self._context = context
        self._clock = clock

    def __call__(self, model: Any) -> dict[str, float]:
        found: dict[str, float] = {}
        for part in self._parts:
            began = self._clock()
            metrics = self._score(model, part)
            seconds = max(self._clock() - began, 1e-9)
            found |= {f"{part.prefix}{name}": value for name, value in metrics.items()}
            if part.prefix == "eval_":
                found["eval_runtime"] = round(seconds, 4)
                found["eval_samples_per_second"] = round(len(part.rows) / seconds, 3)
                found["eval_steps_per_second"] = round(len(part.batches) / seconds, 3)
        return found

    def _score(self, model: Any, part: Scored) -> dict[str, float]:
        import torch

        sums: dict[str, float] = {}
        count, rank = self._processes.count, self._processes.rank
        rounds = -(-len(part.batches) // count)
        was_training = model.training
        model.eval()
        try:
            with torch.no_grad(), self._context():
                for number in range(rounds):
                    at = number * count + rank
                    mine = at < len(part.batches)
                    # A sharded model runs in all processes or in none.
                    batch = [part.rows[row] for row in part.batches[at if mine else 0]]
                    told = self._objective.told(model, batch)
                    if mine:
                        for name, value in {**told.sums, "loss": float(told.loss)}.items():
                            sums[name] = sums.get(name, 0.0) + value
        finally:
            model.train(was_training)
        weight = sum(weight_of(row) for row in part.rows)
        return self._objective.metrics(self._processes.summed(sums), weight)


def scored(
    prefix: str, rows: Sequence[AnyRow], objective: Objective, *, most: int, budget: int, seed: int
) -> Scored | None:
    """At most so many rows, the same for the same seed, in batches that share what they can."""
    if not rows:
        return None
    kept = list(rows)
    if len(kept) > most:
        kept = random.Random(f"{seed}/validation").sample(kept, most)
    longest = max(row.length for row in kept)
    dealer = objective.dealer(kept, max(budget, 2 * longest), len(kept), seed)
    batches = tuple(batch for step in dealer.epoch(0) for batch in step.batches)
    return Scored(prefix, tuple(kept), batches)
