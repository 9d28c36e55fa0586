"""Mixes datasets as the block DATASET says: weights that add up to 100, or all examples alike.

- `weighted`: the mix is as large as it can be without using an example twice, and its shares are the
  weights, to the nearest example. A source of weight 0 gives nothing.
- `random`: all examples of all sources together; weights must still add up to 100.
- `shuffle` shuffles each source before examples are taken from it; otherwise the first ones are taken.
- `percent` is the share of the mix that is used; a mix with examples never shrinks to none.

The order of the result is mixed evenly, and the seed alone decides it. It does **not** read files.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Record = TypeVar("Record")
Sampling = Literal["weighted", "random"]


class BadMix(Exception):
    """Weights or shares that the language does not allow."""


@dataclass(frozen=True, slots=True)
class Source(Generic[Record]):
    """One source of a mix: its name, its weight in percent, and its records."""

    name: str
    weight: int
    records: Sequence[Record]


def mix(
    sources: Sequence[Source[Record]],
    *,
    sampling: Sampling = "weighted",
    shuffle: bool = True,
    percent: int = 100,
    seed: int = 0,
) -> list[Record]:
    """The records of a mix, in the order in which they are to be used."""
    _check(sources, percent)
    ordered = [_ordered(source, shuffle, seed) for source in sources]
    if sampling == "weighted":
        counts = _weighted_counts(
            [len(records) for records in ordered], [one.weight for one in sources], percent
        )
        taken = [records[:count] for records, count in zip(ordered, counts, strict=True)]
        return _interleaved(taken)
    pooled = [record for records in ordered for record in records]
    if shuffle:
        _rng(seed, "pool").shuffle(pooled)
        return pooled[: share_of(len(pooled), percent)]
    # Without a shuffle the draw is still uniform over all examples; what is drawn stays in its order.
    drawn = _rng(seed, "pool").sample(range(len(pooled)), share_of(len(pooled), percent))
    return [pooled[at] for at in sorted(drawn)]


def share_of(count: int, percent: int) -> int:
    """So many of so many percent, to the nearest; at least one where there is any."""
    return max(1, (count * percent + 50) // 100) if count else 0


def _check(sources: Sequence[Source[Record]], percent: int) -> None:
    total = sum(source.weight for source in sources)
    if not sources:
        raise BadMix("mix_datasets names no source")
    if any(source.weight < 0 for source in sources) or total != 100:
        given = ", ".join(f"{source.name}: {source.weight}" for source in sources)
        raise BadMix(f"the weights of mix_datasets add up to {total}, not 100 ({given})")
    if not 1 <= percent <= 100:
        raise BadMix(f"dataset_percent is {percent}; it is 1 to 100")
    for source in sources:
        if source.weight and not source.records:
            raise BadMix(f"{source.name} has the weight {source.weight} and no example")


def _ordered(source: Source[Record], shuffle: bool, seed: int) -> list[Record]:
    records = list(source.records)
    if shuffle:
        _rng(seed, source.name).shuffle(records)
    return records


def _weighted_counts(sizes: Sequence[int], weights: Sequence[int], percent: int) -> list[int]:
    """How many of each source: the largest mix with these shares in which nothing is used twice."""
    # In hundredths of an example, so that no rounding of floats decides.
    total = min(size * 100 // weight for size, weight in zip(sizes, weights, strict=True) if weight)
    total = share_of(total, percent)
    exact = [total * weight for weight in weights]
    counts = [part // 100 for part in exact]
    rest = sorted(range(len(weights)), key=lambda at: (-(exact[at] % 100), at))
    for at in rest[: total - sum(counts)]:
        counts[at] += 1
    return [min(count, size) for count, size in zip(counts, sizes, strict=True)]


def _interleaved(taken: Sequence[Sequence[Record]]) -> list[Record]:
    """Each source spread evenly over the whole, so that every stretch has about the same shares."""
    places = [
        ((2 * number + 1) / (2 * len(records)), at, number)
        for at, records in enumerate(taken)
        for number in range(len(records))
    ]
    return [taken[at][number] for _, at, number in sorted(places)]


def _rng(seed: int, name: str) -> random.Random:
    return random.Random(hashlib.sha256(f"{seed}:{name}".encode("utf-8", "surrogatepass")).hexdigest())
