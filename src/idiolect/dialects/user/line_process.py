"""A child process that answers one JSON line for each JSON line, within a time limit, and is reused.

Used where work can't be bounded from inside: parsing under a stranger's grammar, running a
stranger's code. Unless it is told otherwise, the child gets no variables of this process's environment but
PATH and the locale.
It is **not** a sandbox: what a child may read or reach is up to the operating system.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import idiolect

_PIPE_BYTES = 4_096  # what every system's pipe takes at once
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")  # Windows can't start a process without the last


def module_argv(module: str) -> list[str]:
    """The command that runs one of our modules in a fresh interpreter which reads no user settings."""
    root = Path(idiolect.__file__).parents[1]
    code = f"import sys; sys.path.insert(0, {str(root)!r}); from {module} import main; main()"
    return [sys.executable, "-I", "-c", code]


class ChildFailed(Exception):
    """A child gave no answer: it ran out of time, died, or said something that is no JSON."""


class LineProcess:
    """One child, started on the first question and again after it has failed."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        first: Mapping[str, Any],
        start_timeout_s: float = 15.0,
        max_reply_bytes: int = 64_000_000,
        folder: Path | None = None,
        keep_environment: bool = False,
    ) -> None:
        self._argv = list(argv)
        self._first = first
        self._start_timeout_s = start_timeout_s
        self._max_reply_bytes = max_reply_bytes
        self._folder = folder
        self._keep_environment = keep_environment
        self._child: subprocess.Popen[bytes] | None = None
        self._replies: queue.Queue[bytes] = queue.Queue()
        self._owner = 0
        self._lock = threading.Lock()
        self._stop: weakref.finalize[Any, Any] | None = None
        self.greeting: dict[str, Any] = {}

    def start(self) -> dict[str, Any]:
        """Start the child if it is not running; its answer to the first message."""
        with self._lock:
            self._ensure_started()
            return self.greeting

    def ask(self, request: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """The child's answer to one request; ChildFailed says why there is none."""
        with self._lock:
            self._ensure_started()
            return self._exchange(request, timeout_s)

    def close(self) -> None:
        """End the child."""
        if self._stop is not None and self._owner == os.getpid():
            self._stop()
        self._child = self._stop = None

    def _ensure_started(self) -> None:
        # After a fork, the pipes belong to the parent: a forked copy starts its own child.
        if self._child is not None and self._owner == os.getpid() and self._child.poll() is None:
            return
        self.close()
        kept = os.environ if self._keep_environment else _KEPT_VARIABLES
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        try:
            child = subprocess.Popen(  # noqa: S603 - argv is ours, and no shell reads it
                self._argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self._folder,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise ChildFailed(f"can't start {self._argv[0]}: {error.strerror}") from error
        assert child.stdout is not None
        self._child, self._owner, self._replies = child, os.getpid(), queue.Queue()
        self._stop = weakref.finalize(self, _end, child)
        reader = threading.Thread(
            target=_forward, args=(child.stdout, self._replies, self._max_reply_bytes), daemon=True
        )
        reader.start()
        self.greeting = self._exchange(self._first, self._start_timeout_s)

    def _exchange(self, request: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        assert self._child is not None
        assert self._child.stdin is not None
        line = json.dumps(request).encode() + b"\n"
        if len(line) <= _PIPE_BYTES:
            _write(self._child.stdin, line)
        else:  # a child that does not read would block a long write beyond the time limit
            threading.Thread(target=_write, args=(self._child.stdin, line), daemon=True).start()
        try:
            reply = self._replies.get(timeout=timeout_s)
        except queue.Empty:
            self.close()
            raise ChildFailed(f"no answer within {timeout_s:g} s") from None
        if len(reply) > self._max_reply_bytes:
            self.close()
            raise ChildFailed(f"an answer of more than {self._max_reply_bytes:,} bytes")
        if not reply:
            reason = _how_it_ended(self._child)
            self.close()
            raise ChildFailed(reason)
        try:
            answer = json.loads(reply)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            self.close()
            raise ChildFailed("an answer that is no JSON object")
        return answer


def _forward(stream: IO[bytes], replies: queue.Queue[bytes], limit: int) -> None:
    """Put each line of a stream into a queue, and an empty one at its end."""
    with stream:
        while True:
            try:
                line = stream.readline(limit + 1)
            except (OSError, ValueError):
                line = b""
            replies.put(line)
            if not line or len(line) > limit:
                return


def _write(stream: IO[bytes], line: bytes) -> None:
    with contextlib.suppress(OSError, ValueError):  # the child has ended: its reader notices
        stream.write(line)
        stream.flush()


def _how_it_ended(child: subprocess.Popen[bytes]) -> str:
    try:
        code = child.wait(timeout=2)
    except subprocess.TimeoutExpired:
        return "closed its output without an answer"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code} and no answer"


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill a child and all that it started."""
    if child.poll() is None:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except (AttributeError, ProcessLookupError, PermissionError):
            child.kill()
    child.wait()
    if child.stdin is not None:
        with contextlib.suppress(OSError):  # unsent bytes of a killed child
            child.stdin.close()
