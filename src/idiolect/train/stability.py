"""STABILITY: says when training has broken: a loss that is no number, or one that runs away.

It stops nothing by itself. A finding names the numbers that led to it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

_BEST_OVER = 20  # steps of the running mean whose best is remembered
_NOW_OVER = 5  # steps of the mean that is held against it: one odd batch is no divergence
_FACTOR = 3.0
# Below this a loss is noise from batch to batch: three times nearly nothing is no divergence.
_FLOOR = 0.05


@dataclass(frozen=True, slots=True)
class Broken:
    """What is wrong with the loss."""

    what: Literal["nan", "diverged"]
    message: str


@dataclass(slots=True)
class StabilityWatch:
    """Looks at the loss of every step."""

    stop_if_nan: bool = False
    stop_if_diverges: bool = False
    _recent: deque[float] = field(default_factory=lambda: deque(maxlen=_BEST_OVER))
    _best: float | None = None

    def look(self, step: int, loss: float | None, grad_norm: float | None = None) -> Broken | None:
        """What the loss of a step says; None while all is well."""
        if loss is None:
            return None
        if is_nan(loss, grad_norm):
            name = "loss" if math.isnan(loss) else "gradient norm"
            return Broken("nan", f"the {name} of step {step} is NaN") if self.stop_if_nan else None
        if not self.stop_if_diverges:
            return None
        if math.isinf(loss):
            return Broken("diverged", f"the loss of step {step} is infinite")
        return self._runs_away(step, loss)

    def _runs_away(self, step: int, loss: float) -> Broken | None:
        self._recent.append(loss)
        recent = list(self._recent)
        if len(recent) == _BEST_OVER:
            mean = math.fsum(recent) / _BEST_OVER
            self._best = mean if self._best is None else min(self._best, mean)
        if self._best is None:
            return None
        now = math.fsum(recent[-_NOW_OVER:]) / _NOW_OVER
        limit = _FACTOR * max(self._best, _FLOOR)
        if now <= limit:
            return None
        return Broken(
            "diverged",
            f"the loss runs away: {now:.4g} over the last {_NOW_OVER} steps to step {step}, and the best mean"
            f" over {_BEST_OVER} steps was {self._best:.4g}",
        )

    def state(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"recent": list(self._recent), "best": self._best}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken."""
        self._recent.clear()
        self._recent.extend(state["recent"])
        self._best = state["best"]


def is_nan(loss: float | None, grad_norm: float | None = None) -> bool:
    """Whether a step's loss or its gradient is no number."""
    return any(value is not None and math.isnan(value) for value in (loss, grad_norm))
