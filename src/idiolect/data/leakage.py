"""What a test set shares with training data: the same example, near repeats, the same structure.

Each test example is reported once, for the plainest thing that it shares. Only targets and requests are
compared; it does **not** judge whether what is shared gives an answer away.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from idiolect.data.cleaning import normalized
from idiolect.data.example import WORDS, Example
from idiolect.data.near import candidates, jaccard, signatures
from idiolect.data.structure import structures

_Key = TypeVar("_Key", bound=Hashable)

KINDS = ("same example", "same target", "near target", "same structure")


@dataclass(frozen=True, slots=True)
class Leak:
    """A test example, and a training example that it shares something with; both by id."""

    kind: str
    test: str
    train: str
    likeness: float


def find_leaks(train: Sequence[Example], test: Sequence[Example], *, near: float = 0.8) -> list[Leak]:
    """The leaks, in the order of the test set."""
    both = [*train, *test]
    targets = [normalized(example.target) for example in both]
    asked = [normalized(f"{example.instruction}\n{example.context}") for example in both]
    codes: list[str | None] = [
        None if example.task in WORDS else key for example, key in zip(both, structures(targets), strict=True)
    ]
    requests = list(zip(asked, targets, strict=True))
    by_example = _first(requests[: len(train)])
    by_target = _first(targets[: len(train)])
    by_code = _first(codes[: len(train)])
    alike = _nearest(targets, len(train), near)
    leaks = []
    for at in range(len(train), len(both)):
        found = (
            by_example.get(requests[at]),
            by_target.get(targets[at]),
            alike.get(at),
            by_code.get(codes[at]) if codes[at] else None,
        )
        for kind, where in zip(KINDS, found, strict=True):
            if where is not None:
                likeness = round(jaccard(targets[where], targets[at]), 4)
                leaks.append(Leak(kind, both[at].id, train[where].id, likeness))
                break
    return leaks


def _first(keys: Sequence[_Key]) -> dict[_Key, int]:
    first: dict[_Key, int] = {}
    for at, key in enumerate(keys):
        first.setdefault(key, at)
    return first


def _nearest(texts: Sequence[str], trained: int, near: float) -> dict[int, int]:
    """Each test text's most alike training text at or above the threshold."""
    best: dict[int, tuple[float, int]] = {}
    for early, late in candidates(signatures(texts), near).tolist():
        if early < trained <= late:
            likeness = jaccard(texts[early], texts[late])
            if likeness >= near and likeness > best.get(late, (0.0, 0))[0]:
                best[late] = (likeness, early)
    return {late: early for late, (_, early) in best.items()}
