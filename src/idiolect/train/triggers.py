"""When the events on_nan, on_memory_low and on_plateau come: each once, and again only after it was over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idiolect.train.plateau import Plateau
from idiolect.train.signals import Signals
from idiolect.train.stability import is_nan

_LOW = 0.10  # share of memory that is left
_ENOUGH = 0.12  # above this it is over: on the edge it would come with every step
_MEMORIES = (("ram_free", "ram_total"), ("gpu_memory_free", "gpu_memory_total"))


@dataclass(slots=True)
class Triggers:
    """Watches what training and machine say."""

    plateau: Plateau
    nan_now: bool = False
    low_now: bool = False

    def nan(self, loss: float | None, grad_norm: float | None) -> bool:
        """Whether a NaN has shown up with this step."""
        before, self.nan_now = self.nan_now, is_nan(loss, grad_norm)
        return self.nan_now and not before

    def memory_low(self, load: Signals) -> bool:
        """Whether memory has run low since last time, that of the machine or of the GPU."""
        shares = []
        for left, total in _MEMORIES:
            free, whole = load.get(left), load.get(total)
            if isinstance(free, int | float) and isinstance(whole, int | float) and whole > 0:
                shares.append(free / whole)
        if not shares:
            return False
        before = self.low_now
        self.low_now = min(shares) < (_ENOUGH if before else _LOW)
        return self.low_now and not before

    def stalled(self, watched: float) -> bool:
        """Whether the watched loss has brought no progress for as long as patience goes."""
        if not self.plateau.look(watched):
            return False
        self.plateau.begin_again()
        return True

    def state(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"plateau": self.plateau.state(), "nan_now": self.nan_now, "low_now": self.low_now}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken."""
        self.plateau.restore(state["plateau"])
        self.nan_now, self.low_now = state["nan_now"], state["low_now"]
