"""Ctrl-C: a stage is asked to end, then interrupted, and after less than a second the process ends.

A stage that says so in its row (`patience_s`) has longer: to finish what can't be cut short, and to save it.

That is safe at any point, since a run survives being killed. It does **not** decide what is printed then.
"""

from __future__ import annotations

import _thread
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import psutil

EXIT_CODES: dict[int, int] = {signal.SIGINT: 130, signal.SIGTERM: 143}
_INTERRUPT_AFTER_S = 0.4
_END_AFTER_S = 0.8
_LOOK_EVERY_S = 0.05


class Stopper:
    """Turns SIGINT and SIGTERM into a request to stop, from `with` to its end.

    A thread hears the signal even while the main thread is inside a long call of a C library, which keeps
    Python's own handlers waiting.
    """

    def __init__(
        self, last_words: Callable[[], None] = lambda: None, waits: Callable[[], None] = lambda: None
    ) -> None:
        self._last_words = last_words  # said when the process must be ended from outside the main thread
        self._waits = waits  # said when the stage at work is given time to end well
        self.patience_s = 0.0  # how much of it
        self._before: dict[int, Any] = {}
        self._calls = 0
        self._heard = False
        self._closed = threading.Event()
        self.exit_code: int | None = None

    @property
    def asked(self) -> bool:
        return self.exit_code is not None

    def heard(self) -> None:
        """The request is being followed: there is no need to interrupt any more, only to end in time."""
        self._heard = True

    def __enter__(self) -> Stopper:
        if threading.current_thread() is threading.main_thread():
            self._ear, self._mouth = socket.socketpair()
            self._mouth.setblocking(False)
            self._wakeup_before = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
            for number in EXIT_CODES:
                self._before[number] = signal.signal(number, self._asked_by)
            threading.Thread(target=self._listen, daemon=True, name="stopper").start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._before:
            return
        self._closed.set()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        self._mouth.close()  # the thread reads the end, and closes its own side

    def _asked_by(self, number: int, _: FrameType | None) -> None:
        self.exit_code = self.exit_code or EXIT_CODES[number]
        self._calls += 1
        if self._calls > 1:
            raise KeyboardInterrupt

    def _listen(self) -> None:
        with self._ear:  # open to the end: the system complains of signals that it can't pass on
            while heard := self._ear.recv(1):
                if heard[0] in EXIT_CODES:
                    self._count_down(heard[0])
                    return

    def _count_down(self, number: int) -> None:
        self.exit_code = self.exit_code or EXIT_CODES[number]
        if self._closed.wait(_INTERRUPT_AFTER_S) or self._ended_in_time():
            return
        if not self._heard:
            _interrupt_main_thread()
        if not self._closed.wait(_END_AFTER_S - _INTERRUPT_AFTER_S):
            self._end()

    def _ended_in_time(self) -> bool:
        """Give the stage at work its time; a second signal cuts that short."""
        until = time.monotonic() + self.patience_s
        if self.patience_s and not self._heard:
            self._waits()
        self._ear.settimeout(_LOOK_EVERY_S)
        while time.monotonic() < until and not self._heard:
            if self._closed.is_set():
                return True
            with suppress(TimeoutError):
                heard = self._ear.recv(1)
                if not heard or heard[0] in EXIT_CODES:
                    break
        return False

    def _end(self) -> None:
        """End a process whose main thread does not."""
        self._last_words()
        with suppress(psutil.Error):
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    child.kill()
        os._exit(self.exit_code or EXIT_CODES[signal.SIGINT])


def _interrupt_main_thread() -> None:
    if hasattr(signal, "pthread_kill"):
        # A real signal, which ends a sleep or a wait too.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()
