"""Scores of predicted classes: accuracy, precision, recall and F1 with their averages, the confusion matrix.

A class that is never predicted has precision 0, and one that never occurs has recall 0, as scikit-learn
counts with `zero_division=0`. What was predicted and is no class of the references is a class of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Average = Literal["macro", "micro", "weighted", "positive"]
# Of two classes, the one that a score without an average speaks of.
_POSITIVE = frozenset({"1", "true", "yes", "y", "pos", "positive"})


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often each class was predicted for each class: rows are the references."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def total(self) -> int:
        return sum(map(sum, self.counts))

    @property
    def accuracy(self) -> float:
        """The share on the diagonal."""
        return sum(self.counts[at][at] for at in range(len(self.labels))) / self.total

    def support(self, at: int) -> int:
        """How often a class occurs."""
        return sum(self.counts[at])

    def scores(self, at: int) -> tuple[float, float, float]:
        """Precision, recall and F1 of one class."""
        right = self.counts[at][at]
        predicted = sum(row[at] for row in self.counts)
        occurring = self.support(at)
        precision = right / predicted if predicted else 0.0
        recall = right / occurring if occurring else 0.0
        both = predicted + occurring
        return precision, recall, 2 * right / both if both else 0.0


def confusion_of(predictions: Sequence[str], references: Sequence[str]) -> Confusion:
    """The confusion matrix, classes in the order of their names."""
    labels = tuple(sorted({*predictions, *references}))
    places = {label: at for at, label in enumerate(labels)}
    counts = [[0] * len(labels) for _ in labels]
    for predicted, wanted in zip(predictions, references, strict=True):
        counts[places[wanted]][places[predicted]] += 1
    return Confusion(labels, tuple(map(tuple, counts)))


def averaged(confusion: Confusion, average: Average) -> tuple[float, float, float]:
    """Precision, recall and F1 over the classes."""
    if average == "micro":
        return (confusion.accuracy,) * 3
    places = range(len(confusion.labels))
    if average == "positive":
        return confusion.scores(positive_of(confusion.labels) or 0)
    weights = [1.0 if average == "macro" else float(confusion.support(at)) for at in places]
    whole = sum(weights)
    means = [
        sum(weight * confusion.scores(at)[part] for weight, at in zip(weights, places, strict=True)) / whole
        for part in range(3)
    ]
    return means[0], means[1], means[2]


def positive_of(labels: Sequence[str]) -> int | None:
    """The place of the positive class of two; None where there is none."""
    if len(labels) != 2:
        return None
    found = [at for at, label in enumerate(labels) if label.casefold() in _POSITIVE]
    return found[0] if len(found) == 1 else None


def usual_average(labels: Sequence[str]) -> Average:
    """The average of `f1`, `precision` and `recall` as such: the positive class's alone, else macro."""
    return "positive" if positive_of(labels) is not None else "macro"
