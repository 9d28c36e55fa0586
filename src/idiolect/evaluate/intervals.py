"""Intervals of means by the percentile bootstrap over tasks, seeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_DRAWS = 2_000
_COVERED = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and the interval in which 95 in 100 resamplings of its tasks have theirs."""

    value: float
    low: float
    high: float


def mean_interval(values: Sequence[float], *, seed: int = 0) -> Interval:
    """The mean of at least one value with its interval; of one value, that value."""
    data = np.asarray(values, dtype=np.float64)
    if not len(data):
        raise ValueError("no values to take the mean of")
    rng = np.random.default_rng(seed)
    # One row a draw is drawn at a time: 2,000 draws of 100,000 tasks would not fit in memory.
    means = np.fromiter(
        (data[rng.integers(0, len(data), len(data))].mean() for _ in range(_DRAWS)), np.float64, _DRAWS
    )
    low, high = np.quantile(means, [(1 - _COVERED) / 2, (1 + _COVERED) / 2])
    return Interval(float(data.mean()), float(low), float(high))
