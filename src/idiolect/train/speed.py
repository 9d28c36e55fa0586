"""How fast training goes: tokens and samples a second, and how long steps take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class SpeedMeter:
    """Is told when steps begin and end; may be asked from another thread.

    - `tokens_per_second`, `samples_per_second`: since the last time it was asked
    - `throughput`: tokens a second since training began
    - `step_time`: seconds from the end of a step to the end of the next, on average since last asked
    - `latency`: seconds from a step's begin to its end, the same; the rest of `step_time` is waiting for data
    - `token_count`: tokens since training began
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._begun: float | None = None  # training
        self._first = (
            0,
            0,
        )  # tokens and samples there were at that time: those of the run that is gone on with
        self._asked: tuple[float, int, int] | None = None  # when last asked, tokens and samples then
        self._now = (0, 0)
        self._step_began: float | None = None
        self._steps = 0
        self._inside = 0.0
        self._last_end: float | None = None
        self._between = 0.0

    def begin(self, tokens: int = 0, samples: int = 0) -> None:
        """Training begins, with what earlier attempts had done."""
        with self._lock:
            at = self._clock()
            self._begun, self._last_end = at, at
            self._first = self._now = (tokens, samples)
            self._asked = (at, tokens, samples)

    def step_begins(self) -> None:
        """A step begins."""
        with self._lock:
            self._step_began = self._clock()

    def step_ends(self, tokens: int, samples: int) -> None:
        """A step has ended; the counts are sums since training began."""
        with self._lock:
            at = self._clock()
            self._now = (tokens, samples)
            self._steps += 1
            if self._step_began is not None:
                self._inside += at - self._step_began
            if self._last_end is not None:
                self._between += at - self._last_end
            self._last_end = at

    def take(self) -> dict[str, float]:
        """The speed since it was last taken; what was not measured is left out."""
        with self._lock:
            if self._begun is None or self._asked is None or not self._steps:
                return {}
            at = self._clock()
            before, tokens, samples = self._asked
            seconds, whole = at - before, at - self._begun
            self._asked = (at, *self._now)
            found: dict[str, float] = {"token_count": self._now[0]}
            if whole > 0:
                found["throughput"] = round((self._now[0] - self._first[0]) / whole, 3)
            if seconds > 0:
                found["tokens_per_second"] = round((self._now[0] - tokens) / seconds, 3)
                found["samples_per_second"] = round((self._now[1] - samples) / seconds, 3)
            found["step_time"] = round(self._between / self._steps, 6)
            found["latency"] = round(self._inside / self._steps, 6)
            self._steps, self._inside, self._between = 0, 0.0, 0.0
            return found
