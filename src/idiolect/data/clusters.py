"""Which examples give each other away, so that they may not stand on two sides of a split.

Two examples belong together where they are of one group, ask the same, or have one answer or nearly one.
A short answer gives nothing away, nor does one that many requests share. It deals nothing to splits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from idiolect.data.cleaning import normalized
from idiolect.data.example import Example
from idiolect.data.near import Groups, candidates, jaccard, signatures
from idiolect.data.structure import token_count

TELLING = 12  # tokens: a shorter answer is alike by chance
LONG = 60  # tokens: such an answer tells, whatever stands beside the request
ALIKE = 0.85  # of the shingles
_FEW = 8  # examples that may all be alike
_STOCK_SHARE, _STOCK_LEAST = 0.02, 10  # an answer that so many requests have: "sorry, I can't"

KINDS = ("same example", "same request", "same answer", "nearly the same answer")


@dataclass(frozen=True, slots=True)
class Sides:
    """Examples as they are compared."""

    examples: tuple[Example, ...]
    requests: tuple[tuple[str, str], ...]  # instruction and context
    targets: tuple[str, ...]
    sizes: tuple[int, ...]  # tokens; 0 where the answer gives nothing away
    alike: tuple[tuple[int, int], ...]  # nearly the same answers, earlier and later


def compared(examples: Sequence[Example]) -> Sides:
    """All that is looked at, worked out once."""
    targets = tuple(normalized(example.target) for example in examples)
    often = Counter(targets)
    stock = max(_STOCK_LEAST, _STOCK_SHARE * len(targets))
    sizes = tuple(token_count(target) if often[target] <= stock else 0 for target in targets)
    requests = tuple((normalized(one.instruction), normalized(one.context)) for one in examples)
    telling = [at for at, size in enumerate(sizes) if size >= TELLING]
    pairs = candidates(signatures(targets[at] for at in telling), ALIKE).tolist()
    near = ((telling[early], telling[late]) for early, late in pairs)
    alike = tuple(
        (early, late)
        for early, late in near
        if _tells(sizes, requests, early, late) and jaccard(targets[early], targets[late]) >= ALIKE
    )
    return Sides(tuple(examples), requests, targets, sizes, alike)


def _tells(sizes: Sequence[int], requests: Sequence[tuple[str, str]], one: int, other: int) -> bool:
    """Whether two like answers tell: long ones do, shorter ones below the same context."""
    return min(sizes[one], sizes[other]) >= LONG or requests[one][1] == requests[other][1]


def cluster_names(sides: Sides) -> tuple[list[str], bool]:
    """The cluster of each example, named by its first member: those of two clusters may be parted.

    Where likeness would chain most of the examples together, only groups and requests count; the second
    value says whether answers did.
    """
    names = _clusters(sides, by_answer=True)
    if _largest(names) > max(len(names) / 2, _FEW):
        told = _clusters(sides, by_answer=False)
        if _largest(told) < _largest(names):
            return told, False
    return names, True


def _largest(names: Sequence[str]) -> int:
    return max(Counter(names).values(), default=0)


def _clusters(sides: Sides, *, by_answer: bool) -> list[str]:
    examples = sides.examples
    groups = Groups(len(examples))
    groups.join_equal(example.group for example in examples)
    groups.join_equal(sides.requests)
    places = {example.id: at for at, example in enumerate(examples)}
    for at, example in enumerate(examples):
        parent = places.get(example.provenance.parent or "")
        if parent is not None:
            groups.join(parent, at)
    if by_answer:
        groups.join_equal(_long_key(sides, at) for at in range(len(examples)))
        groups.join_equal(_near_key(sides, at) for at in range(len(examples)))
        for early, late in sides.alike:
            groups.join(early, late)
    return [examples[groups.of(at)].id for at in range(len(examples))]


def _long_key(sides: Sides, at: int) -> str | None:
    return sides.targets[at] if sides.sizes[at] >= LONG else None


def _near_key(sides: Sides, at: int) -> tuple[str, str] | None:
    return (sides.requests[at][1], sides.targets[at]) if sides.sizes[at] >= TELLING else None


def given_away(sides: Sides, train: Sequence[bool], *, by_answer: bool = True) -> dict[int, tuple[str, int]]:
    """Of the training examples, those that give a held-out one away: what they share, and with which."""
    held = [at for at, learns in enumerate(train) if not learns]
    same: dict[object, int] = {}
    asked: dict[object, int] = {}
    answers: dict[object, int] = {}
    for at in held:
        same.setdefault((sides.requests[at], sides.targets[at]), at)
        asked.setdefault(sides.requests[at], at)
        for key in (_long_key(sides, at), _near_key(sides, at)):
            if key is not None:
                answers.setdefault(key, at)
    near: dict[int, int] = {}
    for early, late in sides.alike:
        if train[early] != train[late]:
            learned, other = (early, late) if train[early] else (late, early)
            near.setdefault(learned, other)
    found = {}
    for at, learns in enumerate(train):
        if not learns:
            continue
        shared = (
            same.get((sides.requests[at], sides.targets[at])),
            asked.get(sides.requests[at]),
            answers.get(_long_key(sides, at) or _near_key(sides, at)) if by_answer else None,
            near.get(at) if by_answer else None,
        )
        first = next(
            ((kind, other) for kind, other in zip(KINDS, shared, strict=True) if other is not None), None
        )
        if first is not None:
            found[at] = first
    return found
