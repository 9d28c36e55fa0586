"""Ctrl-C: a stage is asked to end, then interrupted, and after less than a second the process ends.

That is safe at any point, since a run survives being killed. It does **not** decide what is printed then.
"""

from __future__ import annotations

import _thread
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import psutil

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
_INTERRUPT_AFTER_S = 0.4
_END_AFTER_S = 0.8


class Stopper:
    """Turns SIGINT and SIGTERM into a request to stop, from `with` to its end."""

    def __init__(self, last_words: Callable[[], None] = lambda: None) -> None:
        self._last_words = last_words  # said when the process must be ended from outside the main thread
        self._before: dict[int, Any] = {}
        self._timers: list[threading.Timer] = []
        self._heard = False
        self.exit_code: int | None = None

    @property
    def asked(self) -> bool:
        return self.exit_code is not None

    def __enter__(self) -> Stopper:
        if threading.current_thread() is threading.main_thread():
            for number in EXIT_CODES:
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for timer in self._timers:
            timer.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def heard(self) -> None:
        """The request has been followed: there is no need to interrupt any more, only to end in time."""
        self._heard = True

    def _interrupt(self) -> None:
        if not self._heard:
            _thread.interrupt_main()

    def _ask(self, number: int, _: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.exit_code = EXIT_CODES[signal.Signals(number)]
        self._after(_INTERRUPT_AFTER_S, self._interrupt)
        self._after(_END_AFTER_S, self._end)

    def _after(self, seconds: float, action: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _end(self) -> None:
        """End a process whose main thread does not: it is inside a long call that Python can't interrupt."""
        self._last_words()
        with suppress(psutil.Error):
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    child.kill()
        os._exit(self.exit_code or EXIT_CODES[signal.SIGINT])
