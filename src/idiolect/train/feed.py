"""What training is fed: the steps of each epoch, where it stands in them, and how that changes on the way.

A feed deals rows to steps by a packer (`train/packing.py`) and remembers its place as plain data: the epoch,
the step in it, and where the number of rows a step was changed. The same seed and the same changes give the
same steps, wherever one starts again.

- With a curriculum an epoch's rows come by level: micro, then multi, then scenario; rows without a level
  first, since nothing says that they are hard.
- Weights of rows may change from one epoch to the next (hard examples).
- A smaller token budget cuts the same steps into more micro-batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from idiolect.student.row import LabelRow, Pair, Row
from idiolect.train.packing import Step, shares

AnyRow = Row | Pair | LabelRow
LEVELS = (None, "micro", "multi", "scenario")


class Dealer(Protocol):
    """Whoever deals rows to steps: `packing.Packer`, or `plain_batches.PlainDealer`."""

    budget: int

    def check(self, budget: int) -> None: ...

    def epoch(
        self, number: int, *, only: Sequence[int] | None = None, budget: int | None = None
    ) -> list[Step]: ...


@dataclass(frozen=True, slots=True)
class Work:
    """What one process does of one step."""

    batches: tuple[tuple[AnyRow, ...], ...]
    weight: float  # of the whole step, over all processes
    rows: int  # of the whole step
    filler: AnyRow  # for a process that has no row in a round
    step: Step


class Feed:
    """Steps in their order, and the place in them."""

    def __init__(
        self,
        rows: Sequence[AnyRow],
        make_dealer: Callable[[Sequence[AnyRow], int], Dealer],
        *,
        rows_per_step: int,
        budget: int,
        curriculum: bool = False,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        self._given = list(rows)
        self._make = make_dealer
        self._curriculum = curriculum
        self._process, self._processes = process, processes
        self._weights: dict[str, float] = {}
        self._next_weights: dict[str, float] | None = None
        self.budget = budget
        self.epoch = 0
        self.step = 0  # how many of the epoch's steps are done
        self._rows_done = 0
        self._cuts: list[tuple[int, int]] = [
            (0, rows_per_step)
        ]  # (step of the epoch, rows a step from there on)
        self._cut_finer = False  # since the steps at hand were dealt
        self._dealers: dict[int, Dealer] = {}
        self._dealer(rows_per_step).check(budget)

    @property
    def rows(self) -> int:
        return len(self._given)

    @property
    def rows_per_step(self) -> int:
        return self._cuts[-1][1]

    @property
    def progress(self) -> float:
        """Epochs done; a whole number exactly at an epoch's end."""
        return self.epoch + (self._rows_done / self.rows if self._rows_done < self.rows else 1.0)

    def steps_per_epoch(self, rows_per_step: int | None = None) -> int:
        """How many steps an epoch of so many rows a step has."""
        size = rows_per_step or self.rows_per_step
        return sum(-(-len(part) // size) for part in self._parts(range(self.rows)))

    def steps_left(self, epochs: int) -> int:
        """How many steps there are until so many epochs are done."""
        whole = max(0, epochs - self.epoch - 1) * self.steps_per_epoch()
        return whole + max(0, len(self._dealt()) - self.step)

    def __iter__(self) -> Iterator[Work]:
        """The rest of the epoch; the next one begins when it is used up and iterated again."""
        if self._rows_done >= self.rows:
            self._begin_epoch(self.epoch + 1)
        while self._rows_done < self.rows:
            before, self._cut_finer = self._cuts, False
            for step in self._dealt()[self.step :]:
                self.step += 1
                self._rows_done += len(step.rows)
                yield self._work(step)
                if self._cuts is not before or self._cut_finer:
                    break

    def set_rows_per_step(self, size: int) -> None:
        """From the next step on: what is left of the epoch is dealt anew."""
        if size == self.rows_per_step:
            return
        self._dealer(size).check(self.budget)
        self._cuts = [*(cut for cut in self._cuts if cut[0] < self.step or cut[0] == 0), (self.step, size)]
        if self.step == 0:
            self._cuts = [(0, size)]

    def halve_budget(self) -> Work | None:
        """The step at hand in smaller micro-batches, and all after it; None where rows are too long."""
        smaller = self.budget // 2
        try:
            self._dealer(self.rows_per_step).check(smaller)
        except ValueError:
            return None
        self.budget = smaller
        work = self._work(self._dealt()[self.step - 1])
        self._cut_finer = True
        return work

    def reweigh(self, weights: Mapping[str, float]) -> None:
        """From the next epoch on: factors of rows' weights by their ids; those that are not named have 1."""
        self._next_weights = dict(weights)

    def state(self) -> dict[str, Any]:
        """The place, as plain data."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "rows_done": self._rows_done,
            "cuts": [list(cut) for cut in self._cuts],
            "budget": self.budget,
            "weights": self._weights,
            "next_weights": self._next_weights,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken."""
        self.epoch, self.step, self._rows_done = state["epoch"], state["step"], state["rows_done"]
        self._cuts = [(int(at), int(size)) for at, size in state["cuts"]]
        self.budget = state["budget"]
        self._weights = dict(state["weights"])
        self._next_weights = state["next_weights"]

    def _begin_epoch(self, number: int) -> None:
        self.epoch, self.step, self._rows_done = number, 0, 0
        self._cuts = [(0, self.rows_per_step)]
        if self._next_weights is not None:
            self._weights, self._next_weights = self._next_weights, None

    def _dealt(self) -> list[Step]:
        """The steps of the epoch at hand: those that were done as they were, the rest by the last cut."""
        steps: list[Step] = []
        left = list(range(self.rows))
        for (start, size), end in zip(self._cuts, [*(cut[0] for cut in self._cuts[1:]), None], strict=True):
            dealt = [
                step
                for part in self._parts(left)
                for step in self._dealer(size).epoch(self.epoch, only=part, budget=self.budget)
            ]
            steps += dealt[: None if end is None else end - start]
            done = {at for step in steps for at in step.rows}
            left = [at for at in left if at not in done]
        return steps

    def _parts(self, rows: Sequence[int]) -> list[list[int]]:
        """Rows by level where there is a curriculum, else all together."""
        if not self._curriculum:
            return [list(rows)] if rows else []
        levels = [getattr(row, "level", None) for row in self._given]
        parts = [[at for at in rows if levels[at] == level] for level in LEVELS]
        others = [at for at in rows if levels[at] not in LEVELS]
        return [part for part in (*parts, others) if part]

    def _work(self, step: Step) -> Work:
        mine = shares(step, self._processes)[self._process] if self._processes > 1 else step.batches
        batches = tuple(tuple(self._weighed(at) for at in batch) for batch in mine)
        weight = sum(weight_of(self._weighed(at)) for at in step.rows)
        return Work(batches, weight, len(step.rows), self._given[step.rows[0]], step)

    def _weighed(self, at: int) -> AnyRow:
        row = self._given[at]
        factor = self._weights.get(row.id, 1.0)
        return row if factor == 1.0 else replace(row, weight=row.weight * factor)

    def _dealer(self, size: int) -> Dealer:
        if size not in self._dealers:
            self._dealers[size] = self._make(self._given, size)
        return self._dealers[size]


def weight_of(row: AnyRow) -> float:
    """What a row counts in the loss: its answer's tokens, or itself."""
    return row.weight * len(row.answer) if isinstance(row, Row) else row.weight
