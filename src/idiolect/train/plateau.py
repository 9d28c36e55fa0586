"""Counts how often a watched number did not get better. Early stopping and on_plateau are both made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(slots=True)
class Plateau:
    """Looks at a number again and again. Progress is a change of at least `min_delta` to the better."""

    patience: int
    min_delta: float = 0.0
    direction: Literal["min", "max"] = "min"
    best: float | None = None
    without_progress: int = 0

    def look(self, value: float) -> bool:
        """Take note of a value; whether `patience` values in a row brought no progress."""
        if self._better(value):
            self.best, self.without_progress = value, 0
            return False
        self.without_progress += 1
        return self.without_progress >= self.patience

    def begin_again(self) -> None:
        """Wait another `patience` values before the next answer; the best value stays."""
        self.without_progress = 0

    def _better(self, value: float) -> bool:
        if math.isnan(value):
            return False
        if self.best is None:
            return True
        gain = self.best - value if self.direction == "min" else value - self.best
        return gain > 0 and gain >= self.min_delta

    def state(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"best": self.best, "without_progress": self.without_progress}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken."""
        self.best, self.without_progress = state["best"], state["without_progress"]
