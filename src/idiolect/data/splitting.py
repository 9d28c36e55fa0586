"""Deals groups to train, validation and test, so that the shares come out and no group straddles.

The same groups, shares and seed give the same split. It does **not** find the groups.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from idiolect.data.example import SPLITS, Split


def split_groups(group_of: Sequence[str], shares: Sequence[float], seed: int) -> list[Split]:
    """The split of each unit, given the name of its group. Shares need not add up to 100."""
    total = sum(shares)
    if len(shares) != len(SPLITS) or total <= 0 or min(shares) < 0:
        raise ValueError(f"shares of train, validation and test are needed, not {list(shares)}")
    sizes = Counter(group_of)
    wanted = {split: len(group_of) * share / total for split, share in zip(SPLITS, shares, strict=True)}
    # Large groups first, while there is room for them; equal ones in an order that the seed decides.
    order = sorted(sizes, key=lambda group: (-sizes[group], _shuffled(group, seed)))
    given: dict[str, Split] = {}
    room = dict(wanted)
    for group in order:
        split = max(SPLITS, key=lambda name: room[name] if wanted[name] else float("-inf"))
        given[group] = split
        room[split] -= sizes[group]
    _fill_empty(given, order, wanted)
    return [given[group] for group in group_of]


def _fill_empty(given: dict[str, Split], order: Sequence[str], wanted: dict[Split, float]) -> None:
    """Give a split that is wanted and got nothing the smallest group of the split with most groups."""
    for split in SPLITS:
        held = Counter(given.values())
        if not wanted[split] or held[split] or not held:
            continue
        richest = max(SPLITS, key=lambda name: held[name])
        if held[richest] > 1:
            smallest = next(group for group in reversed(order) if given[group] == richest)
            given[smallest] = split


def _shuffled(group: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{group}".encode("utf-8", "surrogatepass")).digest()
