"""Rows → steps of ordinary batches, padded: for encoder–decoders and classifiers, which share no prefixes.

The same contract as `packing.Packer`: a step is a set of rows, a micro-batch what the budget allows of it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from idiolect.student.row import LabelRow, Row
from idiolect.train.packing import RowTooLong, Step


class PlainDealer:
    """Deals rows in random order; a step's rows are batched by length, so that little is padding."""

    def __init__(self, rows: Sequence[Row | LabelRow], *, budget: int, rows_per_step: int, seed: int) -> None:
        if not rows:
            raise ValueError("there are no rows to train on")
        self.budget = budget
        self._rows = rows
        self._size = rows_per_step
        self._seed = seed

    def check(self, budget: int) -> None:
        """RowTooLong for the longest row, if it fits no micro-batch of this budget."""
        longest = max(self._rows, key=lambda row: row.length)
        if longest.length > budget:
            raise RowTooLong(longest.id, longest.length, budget)

    def epoch(
        self, number: int, *, only: Sequence[int] | None = None, budget: int | None = None
    ) -> list[Step]:
        """The steps of an epoch; each row comes once."""
        order = sorted(range(len(self._rows)) if only is None else only)
        random.Random(f"{self._seed}/{number}").shuffle(order)
        groups = [order[at : at + self._size] for at in range(0, len(order), self._size)]
        return [self._step(n, rows, budget or self.budget) for n, rows in enumerate(groups)]

    def _step(self, number: int, rows: list[int], budget: int) -> Step:
        batches: list[tuple[int, ...]] = []
        batch: tuple[int, ...] = ()
        for at in sorted(rows, key=lambda at: (self._rows[at].length, at)):
            if batch and (len(batch) + 1) * self._rows[at].length > budget:
                batches.append(batch)
                batch = ()
            batch += (at,)
        batches.append(batch)
        padded = sum(len(one) * self._rows[one[-1]].length for one in batches)
        tokens = sum(self._rows[at].length for at in rows)
        weight = sum(self._rows[at].weight for at in rows)
        return Step(number, tuple(batches), weight, padded, tokens)
