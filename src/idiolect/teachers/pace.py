"""When the next call may be made: budget of calls, time limit, back-off, and a server's wish for quiet.

One pace is shared by all workers of a run. It makes no calls itself.
"""

from __future__ import annotations

import random
import threading
import time

_FIRST_S, _LONGEST_S = 0.5, 30.0


class Stopped(Exception):
    """No further call may be made: why, in a word to count by and in a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Pace:
    """The budget, the clock and the back-off of one run."""

    def __init__(self, max_calls: int | None, time_limit_s: float | None, first_s: float = _FIRST_S) -> None:
        self._max_calls = max_calls
        self._time_limit_s = time_limit_s
        self._end = None if time_limit_s is None else time.monotonic() + time_limit_s
        self._first_s = first_s
        self._lock = threading.Lock()
        self._calls = 0
        self._not_before = 0.0
        self._stop = threading.Event()
        self._why: Stopped | None = None

    @property
    def calls(self) -> int:
        return self._calls

    def stop(self, reason: str, detail: str) -> None:
        """Let no further call be made; who waits is woken."""
        with self._lock:
            self._why = self._why or Stopped(reason, detail)
        self._stop.set()

    def resume(self, reason: str) -> None:
        """Undo a stop that was made for this reason."""
        with self._lock:
            if self._why is not None and self._why.reason == reason:
                self._why = None
                self._stop.clear()

    def check(self) -> None:
        """Stopped if no further call may be made."""
        if self._end is not None and time.monotonic() >= self._end:
            self.stop("time", f"the time limit of {self._time_limit_s:g} s was reached")
        if self._why is not None:
            raise Stopped(self._why.reason, self._why.detail)

    def take_call(self) -> None:
        """Wait for the turn of one call and count it; Stopped if there is none left."""
        while (pause := self._not_before - time.monotonic()) > 0:
            self._sleep(pause)
        self.check()
        with self._lock:
            if self._max_calls is not None and self._calls >= self._max_calls:
                spent = Stopped("budget", f"the budget of {self._max_calls:,} calls was spent")
                self._why = self._why or spent
                raise spent
            self._calls += 1

    def hold_all(self, seconds: float) -> None:
        """Make no call for a while, from any worker: a server asked for it."""
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)

    def back_off(self, tries: int, rng: random.Random) -> None:
        """Wait before trying again: twice as long at each try, between half and all of it."""
        self._sleep(min(_LONGEST_S, self._first_s * 2.0 ** min(tries, 20)) * (0.5 + rng.random() / 2))

    def _sleep(self, seconds: float) -> None:
        if self._end is not None:
            seconds = min(seconds, max(0.0, self._end - time.monotonic()))
        self._stop.wait(seconds)
        self.check()
