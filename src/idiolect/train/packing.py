"""Rows → optimizer steps → micro-batches: what runs together, so that shared prefixes are run once.

    packer = Packer(rows, budget=16_384, rows_per_step=32, seed=7)
    for step in packer.epoch(0):            # the same for the same seed, wherever one starts again
        for batch in step.batches:          # positions in `rows`; trie_of(rows[at] for at in batch)

A **step** is a set of rows, chosen without a look at the budget or the number of processes: the same rows
meet in the same step whether they are run as one micro-batch or as eight. Rows that share a long prefix come
together in **pieces**; a step has several pieces, so that it does not see one schema only. A **micro-batch**
is as much of a step as the budget of trie tokens allows. `shares` deals the micro-batches of a step to
processes.

Position is plain data: (epoch, step). Nothing else is needed to go on exactly.
It does not build tries and does not know a model.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from idiolect.student.row import Pair, Row
from idiolect.train.trie import branches_of, build_trie, shared_length

_LOOK = 64  # pieces that are looked through for one of another family


class RowTooLong(ValueError):
    """A row that no micro-batch of the budget could hold."""

    def __init__(self, row: str, tokens: int, budget: int) -> None:
        super().__init__(f'row "{row}" has {tokens:,} tokens, and a batch holds {budget:,}')
        self.row = row
        self.tokens = tokens
        self.budget = budget


@dataclass(frozen=True, slots=True)
class Step:
    """What one optimizer step sees: micro-batches of positions of rows, and what they weigh together."""

    number: int  # in its epoch
    batches: tuple[tuple[int, ...], ...]
    weight: float  # of all supervised tokens: what the sum of the losses is divided by
    trie_tokens: int  # an upper bound of what is run
    row_tokens: int  # what separate rows would run

    @property
    def rows(self) -> tuple[int, ...]:
        return tuple(at for batch in self.batches for at in batch)


@dataclass(frozen=True, slots=True)
class PackingReport:
    """How much is shared in an epoch."""

    rows: int
    steps: int
    batches: int
    row_tokens: int
    trie_tokens: int
    largest_batch: int  # in trie tokens
    supervised_weight: float

    @property
    def sharing(self) -> float:
        """How many tokens of separate rows one token of the tries stands for."""
        return self.row_tokens / self.trie_tokens if self.trie_tokens else 1.0

    @property
    def saved(self) -> int:
        return self.row_tokens - self.trie_tokens

    def __str__(self) -> str:
        return (
            f"{self.rows:,} rows in {self.steps:,} steps of {self.batches:,} batches: {self.trie_tokens:,} "
            f"tokens run for {self.row_tokens:,} of separate rows ({self.sharing:.1f} times shared)"
        )


class Packer:
    """Deals rows to steps and micro-batches, the same way for the same seed and epoch.

    `budget` counts trie tokens of a micro-batch; with `shared=False` (for models that can't share) it counts
    the tokens of separate rows. A step is made of `groups_per_step` pieces at least, where there are so many.
    """

    def __init__(
        self,
        rows: Sequence[Row | Pair],
        *,
        budget: int,
        rows_per_step: int,
        seed: int,
        groups_per_step: int = 4,  # 2 cost loss at the start: benchmarks/results/train_vs_trl_curves.md
        shuffle: bool = True,
        shared: bool = True,
    ) -> None:
        if not rows:
            raise ValueError("there are no rows to train on")
        self.budget = budget
        self.rows_per_step = rows_per_step
        self._seed = seed
        self._piece = max(1, rows_per_step // max(1, groups_per_step))
        self._shuffle = shuffle
        self._shared = shared
        self._measure(rows)
        self.check(budget)

    def check(self, budget: int) -> None:
        """RowTooLong for the longest row, if it fits no micro-batch of this budget."""
        longest = int(self._alone.argmax())
        if self._alone[longest] > budget:
            raise RowTooLong(self._names[longest], int(self._alone[longest]), budget)

    def steps_per_epoch(self, rows: int | None = None) -> int:
        """How many steps an epoch has, of all rows or of so many."""
        return -(-(len(self._names) if rows is None else rows) // self.rows_per_step)

    def epoch(
        self, number: int, *, only: Sequence[int] | None = None, budget: int | None = None
    ) -> list[Step]:
        """The steps of an epoch, of all rows or of those at the positions `only`; each row comes once.

        A smaller `budget` (after memory ran out) cuts the same steps into more micro-batches.
        """
        if budget is not None:
            self.check(budget)
        kept = set(range(len(self._names)) if only is None else only)
        order = [at for at in self._order if at in kept]
        if self._shuffle:
            rng = random.Random(f"{self._seed}/{number}")
            pieces = _spread(self._pieces(order, rng), rng)
        else:
            pieces = [_Piece(at, [at]) for at in sorted(kept)]
        return [self._step(n, rows, budget or self.budget) for n, rows in enumerate(self._fill(pieces))]

    def report(self, number: int = 0) -> PackingReport:
        """What an epoch's sharing comes to."""
        steps = self.epoch(number)
        costs = [self._cost(batch) for step in steps for batch in step.batches]
        return PackingReport(
            rows=sum(len(step.rows) for step in steps),
            steps=len(steps),
            batches=len(costs),
            row_tokens=sum(step.row_tokens for step in steps),
            trie_tokens=sum(costs),
            largest_batch=max(costs, default=0),
            supervised_weight=sum(step.weight for step in steps),
        )

    def _measure(self, rows: Sequence[Row | Pair]) -> None:
        """What each row costs alone, what it weighs, and how much of it its neighbour in sorted order has."""
        keys = [np.asarray(_key(row), dtype=np.int64) for row in rows]
        self._names = [row.id for row in rows]
        self._order = sorted(range(len(rows)), key=lambda at: _key(rows[at]))
        self._rank = {at: rank for rank, at in enumerate(self._order)}
        self._alone = np.array([_tokens_alone(row, self._shared) for row in rows])
        self._separate = np.array([_tokens_alone(row, False) for row in rows])
        self._weights = [_supervised(row) * row.weight for row in rows]
        shared = [shared_length(keys[a], keys[b]) for a, b in pairwise(self._order)]
        self._least = _Least(np.array([0, *shared], dtype=np.int32))  # of the row of the rank before

    def _pieces(self, order: Sequence[int], rng: random.Random) -> list[_Piece]:
        """Runs of at most a piece's rows that share as much as they can, in random order inside."""
        ranks = [self._rank[at] for at in order]
        shared = np.array([0, *(self._least.between(a, b) for a, b in pairwise(ranks))], dtype=np.int64)
        pieces: list[_Piece] = []
        todo = [(0, len(order))] if order else []
        while todo:
            start, stop = todo.pop()
            children = _children(shared, start, stop) if stop - start > self._piece else [(start, stop)]
            todo += [(a, b) for a, b in children if b - a > self._piece]
            small = [(a, b) for a, b in children if b - a <= self._piece]
            for part in self._merged(small, rng):
                rows = [at for a, b in part for at in order[a:b]]
                rng.shuffle(rows)
                pieces.append(_Piece(start, rows))
        return pieces

    def _merged(self, small: list[tuple[int, int]], rng: random.Random) -> Iterator[list[tuple[int, int]]]:
        """Siblings in random order, put together up to a piece's rows, evenly."""
        rng.shuffle(small)
        rows = sum(b - a for a, b in small)
        even = -(-rows // max(1, -(-rows // self._piece)))  # 100 rows by 16 at most: seven pieces of 15 or 14
        part: list[tuple[int, int]] = []
        size = 0
        for child in small:
            width = child[1] - child[0]
            if part and (size >= even or size + width > self._piece):
                yield part
                part, size = [], 0
            part.append(child)
            size += width
        if part:
            yield part

    def _fill(self, pieces: list[_Piece]) -> Iterator[list[list[int]]]:
        """Steps of exactly `rows_per_step` rows; the last may have fewer. A piece with too many is cut."""
        waiting = deque(pieces)
        step: list[list[int]] = []
        room, seen = self.rows_per_step, set[int]()
        while waiting:
            at = next((n for n, piece in enumerate(islice(waiting, _LOOK)) if piece.family not in seen), 0)
            piece = waiting[at]
            del waiting[at]
            step.append(piece.rows[:room])
            seen.add(piece.family)
            if len(piece.rows) > room:
                waiting.appendleft(_Piece(piece.family, piece.rows[room:]))
            room -= len(step[-1])
            if not room:
                yield step
                step, room, seen = [], self.rows_per_step, set[int]()
        if step:
            yield step

    def _step(self, number: int, pieces: list[list[int]], budget: int) -> Step:
        batches = self._batches(pieces, budget)
        rows = [at for piece in pieces for at in piece]
        return Step(
            number,
            batches,
            weight=float(sum(self._weights[at] for at in rows)),
            trie_tokens=sum(self._cost(batch) for batch in batches),
            row_tokens=int(self._separate[rows].sum()),
        )

    def _batches(self, pieces: Sequence[Sequence[int]], budget: int) -> tuple[tuple[int, ...], ...]:
        """Pieces put together while they fit; a piece that is too large by itself is cut."""
        batches: list[tuple[int, ...]] = []
        batch: tuple[int, ...] = ()
        for piece in pieces:
            ordered = tuple(sorted(piece, key=self._rank.__getitem__)) if self._shuffle else tuple(piece)
            if batch and self._cost(batch + ordered) <= budget:
                batch += ordered
                continue
            if batch:
                batches.append(batch)
            *whole, batch = self._cut(ordered, budget)
            batches += whole
        return (*batches, batch)

    def _cut(self, piece: tuple[int, ...], budget: int) -> list[tuple[int, ...]]:
        if self._cost(piece) <= budget:
            return [piece]
        parts, part, cost = [], [piece[0]], int(self._alone[piece[0]])
        for before, at in pairwise(piece):
            more = int(self._alone[at]) - self._shared_by(before, at)
            if cost + more > budget:
                parts.append(tuple(part))
                part, cost = [], 0
                more = int(self._alone[at])
            part.append(at)
            cost += more
        return [*parts, tuple(part)]

    def _cost(self, batch: Sequence[int]) -> int:
        """The trie tokens of rows; a pair's answers count as if no other pair had them."""
        ordered = sorted(batch, key=self._rank.__getitem__)
        shared = sum(self._shared_by(a, b) for a, b in pairwise(ordered))
        return int(self._alone[ordered].sum()) - shared

    def _shared_by(self, a: int, b: int) -> int:
        return self._least.between(self._rank[a], self._rank[b]) if self._shared else 0


def shares(step: Step, processes: int) -> list[tuple[tuple[int, ...], ...]]:
    """The micro-batches of each process, equally many for each; an empty one where there are too few rows.

    The largest are halved until all processes have work, so a step keeps its rows and its gradient.
    """
    batches = [list(batch) for batch in step.batches]
    while len(batches) % processes:
        largest = max(range(len(batches)), key=lambda at: len(batches[at]))
        if len(batches[largest]) < 2:
            batches.append([])
            continue
        whole = batches[largest]
        middle = len(whole) // 2
        batches[largest : largest + 1] = [whole[:middle], whole[middle:]]
    return [tuple(tuple(batch) for batch in batches[rank::processes]) for rank in range(processes)]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Rows that come together, and the run of sorted rows that they were cut from."""

    family: int
    rows: list[int]


class _Least:
    """The smallest of any run of numbers, in constant time: how much rows share that are not neighbours."""

    def __init__(self, values: NDArray[np.int32]) -> None:
        self._levels = [values]  # level n: the smallest of 2**n from there on
        width = 1
        while 2 * width <= len(values):
            last = self._levels[-1]
            self._levels.append(np.minimum(last[:-width], last[width:]))
            width *= 2

    def between(self, a: int, b: int) -> int:
        """Of what stands after the first of two ranks, up to the second."""
        low, high = (a, b) if a < b else (b, a)
        level = (high - low).bit_length() - 1
        row = self._levels[level]
        return int(min(row[low + 1], row[high + 1 - (1 << level)]))


def _children(shared: NDArray[np.int64], start: int, stop: int) -> list[tuple[int, int]]:
    """Where the rows of a run part: at every place that shares as little as any place of the run."""
    inside = shared[start + 1 : stop]
    cuts = (np.flatnonzero(inside == inside.min()) + start + 1).tolist()
    return list(pairwise([start, *cuts, stop]))


def _spread(pieces: list[_Piece], rng: random.Random) -> list[_Piece]:
    """Pieces in random order, but so that those of each family come evenly over the epoch."""
    rng.shuffle(pieces)
    sizes = Counter(piece.family for piece in pieces)
    met: Counter[int] = Counter()
    placed = []
    for piece in pieces:
        placed.append(((met[piece.family] + rng.random()) / sizes[piece.family], piece))
        met[piece.family] += 1
    return [piece for _, piece in sorted(placed, key=lambda one: one[0])]


def _key(row: Row | Pair) -> tuple[int, ...]:
    """The tokens by which rows are neighbours: those that are run, of a pair only the prompt."""
    return row.prompt + row.answer[:-1] if isinstance(row, Row) else row.prompt


def _tokens_alone(row: Row | Pair, shared: bool) -> int:
    if isinstance(row, Row):
        return len(row.prompt) + len(row.answer) - 1
    if shared:
        return build_trie(branches_of(row)).tokens
    return 2 * len(row.prompt) + len(row.chosen) + len(row.rejected) - 2


def _supervised(row: Row | Pair) -> int:
    return len(row.answer) if isinstance(row, Row) else len(row.chosen) + len(row.rejected)
