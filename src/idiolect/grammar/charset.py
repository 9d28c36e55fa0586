"""Sets of code points as sorted, disjoint, inclusive ranges. Knows nothing of grammars."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]

LAST = 0x10FFFF
EMPTY: Ranges = ()
# Surrogates can't be written in UTF-8, so no set ever holds them.
_SURROGATES = (0xD800, 0xDFFF)
ALL: Ranges = ((0, _SURROGATES[0] - 1), (_SURROGATES[1] + 1, LAST))


def normal(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Sort, join what touches, and leave surrogates out."""
    joined: list[list[int]] = []
    for low, high in sorted(ranges):
        if low > high:
            raise ValueError(f"a range of characters must not run backwards: {low:#x} to {high:#x}")
        if joined and low <= joined[-1][1] + 1:
            joined[-1][1] = max(joined[-1][1], high)
        else:
            joined.append([low, high])
    kept: list[tuple[int, int]] = []
    for low, high in joined:
        if high < _SURROGATES[0] or low > _SURROGATES[1]:
            kept.append((low, high))
            continue
        if low < _SURROGATES[0]:
            kept.append((low, _SURROGATES[0] - 1))
        if high > _SURROGATES[1]:
            kept.append((_SURROGATES[1] + 1, high))
    return tuple(kept)


def of(characters: Iterable[str]) -> Ranges:
    """The set of the characters given."""
    return normal((ord(one), ord(one)) for one in characters)


def union(*sets: Ranges) -> Ranges:
    return normal(one for each in sets for one in each)


def complement(ranges: Ranges) -> Ranges:
    """Every other code point."""
    gaps: list[tuple[int, int]] = []
    position = 0
    for low, high in ranges:
        if low > position:
            gaps.append((position, low - 1))
        position = high + 1
    if position <= LAST:
        gaps.append((position, LAST))
    return normal(gaps)


def intersect(left: Ranges, right: Ranges) -> Ranges:
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        low = max(left[i][0], right[j][0])
        high = min(left[i][1], right[j][1])
        if low <= high:
            found.append((low, high))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def minus(left: Ranges, right: Ranges) -> Ranges:
    return intersect(left, complement(right))


def overlap(left: Ranges, right: Ranges) -> bool:
    """Whether two sets share a character, without building the intersection."""
    i = j = 0
    while i < len(left) and j < len(right):
        if max(left[i][0], right[j][0]) <= min(left[i][1], right[j][1]):
            return True
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return False


def holds(ranges: Ranges, code: int) -> bool:
    """Whether a set holds a code point."""
    index = bisect_right(ranges, (code, LAST + 1)) - 1
    return index >= 0 and code <= ranges[index][1]


def size(ranges: Ranges) -> int:
    return sum(high - low + 1 for low, high in ranges)


def nth(ranges: Ranges, index: int) -> int:
    """The code point at a position, counted over the ranges in order."""
    for low, high in ranges:
        if index <= high - low:
            return low + index
        index -= high - low + 1
    raise IndexError("the set has fewer characters")


def split(sets: Iterable[Ranges]) -> list[Ranges]:
    """The coarsest pieces such that each of the given sets is a union of some of them."""
    edges: set[int] = set()
    listed = list(sets)
    for ranges in listed:
        for low, high in ranges:
            edges.add(low)
            edges.add(high + 1)
    starts = sorted(edges)
    pieces: dict[frozenset[int], list[tuple[int, int]]] = {}
    opens: dict[int, list[int]] = {}
    closes: dict[int, list[int]] = {}
    for number, ranges in enumerate(listed):
        for low, high in ranges:
            opens.setdefault(low, []).append(number)
            closes.setdefault(high + 1, []).append(number)
    active: set[int] = set()
    for index, start in enumerate(starts):
        active.difference_update(closes.get(start, ()))
        active.update(opens.get(start, ()))
        if active and index + 1 < len(starts):
            pieces.setdefault(frozenset(active), []).append((start, starts[index + 1] - 1))
    return [normal(ranges) for ranges in pieces.values()]
