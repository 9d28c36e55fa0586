"""What a terminal shows of training in one line: step, loss, tokens a second, time left, memory.

`line_text` is pure. `LiveLine` draws at most ten times a second into whatever shows progress: a run's own
live line in a terminal, its plain lines elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from idiolect.text_hints import size

_EVERY_S = 0.1
_SMOOTH = 20  # drawings that speed and time left are averaged over, about


@dataclass(frozen=True, slots=True)
class Progress:
    """How far training is."""

    step: int
    total: int
    first_step: int = 0  # where this process began
    epoch: float = 0.0
    loss: float | None = None
    val_loss: float | None = None
    tokens: int = 0


def line_text(
    progress: Progress, *, tokens_per_second: float | None, seconds_left: float | None, memory: int | None
) -> str:
    """The line without its step count, which stands before it. What is not known is left out."""
    parts = [f"epoch {progress.epoch:.2f}"]
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.4f}")
    if progress.val_loss is not None:
        parts.append(f"val {progress.val_loss:.4f}")
    if tokens_per_second:
        parts.append(f"{tokens_per_second:,.0f} tokens/s")
    if seconds_left is not None:
        parts.append(f"{duration(seconds_left)} left")
    if memory:
        parts.append(size(memory))
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """45 s, 3 min 20 s, 2 h 05 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class LiveLine:
    """Hands the line to `draw(step, total, text)`; may be called with each step."""

    def __init__(
        self,
        draw: Callable[[int, int | None, str], None],
        *,
        memory: Callable[[], int | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._draw = draw
        self._memory = memory or used_memory
        self._clock = clock
        self._began = self._drawn = clock()
        self._last: tuple[float, int] | None = None
        self._speed: float | None = None

    def begin(self, tokens: int = 0) -> None:
        """Training begins, with so many tokens behind it."""
        self._began = self._clock()
        self._last = (self._began, tokens)

    def show(self, progress: Progress, *, now: bool = False) -> None:
        """Draw, unless it was drawn a moment ago."""
        at = self._clock()
        if at < self._drawn + _EVERY_S and not now and progress.step != progress.total:
            return
        self._drawn = at
        self._measure(at, progress.tokens)
        text = line_text(
            progress,
            tokens_per_second=self._speed,
            seconds_left=self._left(at, progress),
            memory=self._memory(),
        )
        self._draw(progress.step, progress.total or None, text)

    def close(self) -> None:
        """Nothing more will come."""

    def _measure(self, at: float, tokens: int) -> None:
        if self._last is not None and at > self._last[0] and tokens > self._last[1]:
            fresh = (tokens - self._last[1]) / (at - self._last[0])
            self._speed = fresh if self._speed is None else self._speed + (fresh - self._speed) * 2 / _SMOOTH
            self._last = (at, tokens)
        elif self._last is None:
            self._last = (at, tokens)

    def _left(self, at: float, progress: Progress) -> float | None:
        done = progress.step - progress.first_step
        if done < 1 or not progress.total:
            return None
        return (at - self._began) / done * (progress.total - progress.step)


def used_memory() -> int | None:
    """Bytes that this process holds: on the GPU if it works on one, else of main memory."""
    import sys

    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        return int(torch.cuda.memory_reserved())
    return int(psutil.Process().memory_info().rss)
