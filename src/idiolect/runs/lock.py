"""One process at a time works in a run's folder. The system itself frees the lock of a process that dies.

The lock is one of the kernel's, on the file .lock, which also names its holder for people. It does
**not** survive a process, whatever the file says.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from idiolect.files import Unreadable, read_small

LOCK = ".lock"
_PATIENCE_S = 0.3  # whoever only asks who holds a lock has it for a moment
_PAUSE_S = 0.02
_FAR = 1 << 30  # Windows forbids reading a locked byte: this one is behind the text
_held: set[str] = set()  # the kernel does not refuse a process its own lock


@dataclass(frozen=True, slots=True)
class Holder:
    """Who works in a run's folder."""

    pid: int | None
    started: str
    host: str

    def __str__(self) -> str:
        if self.pid is None:
            return "another process"
        where = "" if self.host == socket.gethostname() else f" on {self.host}"
        return f"process {self.pid}{where}, started {self.started or 'at an unknown time'}"


class Locked(Exception):
    """Another process works in the folder."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(str(holder))
        self.holder = holder


class RunLock:
    """The lock of a run's folder, held from `with` to its end."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK
        self._name = os.path.realpath(self.path)
        self._number = -1

    def __enter__(self) -> RunLock:
        end = time.monotonic() + _PATIENCE_S
        while not self._try():
            if time.monotonic() > end:
                raise Locked(_holder(self.path))
            time.sleep(_PAUSE_S)
        _held.add(self._name)
        said = {
            "pid": os.getpid(),
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
            "host": socket.gethostname(),
        }
        os.ftruncate(self._number, 0)
        os.write(self._number, json.dumps(said).encode())
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # Windows can't remove an open file; the next holder takes it as it is
            self.path.unlink()
        _held.discard(self._name)
        os.close(self._number)
        self._number = -1

    def _try(self) -> bool:
        if self._name in _held:
            return False
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        number = os.open(self.path, flags, 0o644)
        # A holder removes the file at its end: what was opened may be gone, and another one in its place.
        if _take(number) and _same_file(number, self.path):
            self._number = number
            return True
        os.close(number)
        return False


def holder_of(folder: Path) -> Holder | None:
    """Who works in the folder now; None where nobody does."""
    path = folder / LOCK
    if os.path.realpath(path) in _held:
        return _holder(path)
    try:
        number = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    try:
        return None if _take(number) else _holder(path)
    finally:
        os.close(number)


def _take(number: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(number, _FAR, os.SEEK_SET)
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
            os.lseek(number, 0, os.SEEK_SET)
        else:
            import fcntl

            # Not flock: a worker that was forked would keep that one when its parent dies.
            fcntl.lockf(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _same_file(number: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(number), path.stat())
    except OSError:
        return False


def _holder(path: Path) -> Holder:
    try:
        said = json.loads(read_small(path, 4096))
        return Holder(int(said["pid"]), str(said["started"])[:40], str(said["host"])[:80])
    except (Unreadable, ValueError, TypeError, KeyError, RecursionError):
        return Holder(None, "", "")
