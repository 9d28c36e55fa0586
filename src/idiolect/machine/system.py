"""The boundary to the operating system: everything that a survey asks of the machine, and nothing else.

`ThisSystem` is the real one. Tests and callers may hand in any object with these methods.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

import psutil

from idiolect.files import Unreadable, read_small

_TEXT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended; `code` is None where it did not end in time."""

    code: int | None
    output: str


class System(Protocol):
    """What a survey asks."""

    @property
    def env(self) -> Mapping[str, str]: ...

    def names(self) -> tuple[str, str, str]:
        """Kind of system (Linux, Darwin, Windows), its full name, and the processor's family."""

    def cores(self) -> int: ...

    def memory(self) -> tuple[int, int]:
        """Bytes of main memory in all, and available."""

    def disk(self, folder: Path) -> tuple[int, int] | None:
        """Bytes of the disk in all, and free."""

    def read(self, path: str) -> str | None:
        """A small text file of the system, or None."""

    def run(self, argv: Sequence[str], timeout_s: float) -> Ran | None:
        """Run a command without a shell; None where there is no such program."""

    def installed(self, package: str) -> str | None:
        """The version of a Python package, from its metadata."""

    def connect(self, host: str, port: int, timeout_s: float) -> str | None:
        """None if a connection was made, else the reason why not."""


class ThisSystem:
    """The machine that this runs on."""

    @property
    def env(self) -> Mapping[str, str]:
        return os.environ

    def names(self) -> tuple[str, str, str]:
        return platform.system(), f"{platform.system()} {platform.release()}", platform.machine()

    def cores(self) -> int:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return psutil.cpu_count() or 1

    def memory(self) -> tuple[int, int]:
        memory = psutil.virtual_memory()
        return int(memory.total), int(memory.available)

    def disk(self, folder: Path) -> tuple[int, int] | None:
        try:
            usage = shutil.disk_usage(folder)
        except OSError:
            return None
        return usage.total, usage.free

    def read(self, path: str) -> str | None:
        try:
            return read_small(Path(path), _TEXT_BYTES).decode(errors="replace")
        except (Unreadable, OSError):
            return None

    def run(self, argv: Sequence[str], timeout_s: float) -> Ran | None:
        program = shutil.which(argv[0])
        if program is None:
            return None
        try:
            process = subprocess.Popen(  # noqa: S603 (argv is ours, and there is no shell)
                [program, *argv[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            return Ran(-1, str(error))
        try:
            output, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            # One that hangs in a driver can't even be killed; it is not waited for without end.
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=1)
            return Ran(None, "")
        return Ran(process.returncode, output.decode(errors="replace"))

    def installed(self, package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    def connect(self, host: str, port: int, timeout_s: float) -> str | None:
        # Looking up a name has no time limit of its own, so it runs in a thread that may be left behind.
        reasons: list[str | None] = []

        def attempt() -> None:
            try:
                socket.create_connection((host, port), timeout=timeout_s).close()
                reasons.append(None)
            except OSError as error:
                reasons.append(error.strerror or str(error))

        thread = threading.Thread(target=attempt, daemon=True)
        thread.start()
        thread.join(timeout_s)
        return reasons[0] if reasons else f"no answer within {timeout_s:g} s"


def python_name() -> str:
    """Name and version of the Python that runs this."""
    return f"{sys.implementation.name} {platform.python_version()}"
