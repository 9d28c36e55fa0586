"""Who looks on while a run works: what it is told, and the two that print it.

In a terminal each stage has one live line; elsewhere plain lines come, progress at most every few seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from idiolect.plan.stages import STAGES
from idiolect.runs.decide import Decision
from idiolect.runs.manifest import CountsRecord, StageRecord
from idiolect.text_hints import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

_WIDTH = max(map(len, STAGES)) + 1
_PLAIN_EVERY_S = 5.0
_LIVE_EVERY_S = 0.1


class Watcher(Protocol):
    """Is told what a run does."""

    def decided(self, decision: Decision) -> None:
        """What becomes of a stage."""

    def progress(self, stage: str, done: int, total: int | None, text: str) -> None:
        """How far a stage is; may come from any thread, and often."""

    def log(self, stage: str, line: str) -> None:
        """A line of the run's log."""

    def warn(self, stage: str, text: str) -> None:
        """Something that the user should know, and that ends nothing."""

    def ended(self, record: StageRecord, seconds: float) -> None:
        """A stage came to its end."""

    def closed(self) -> None:
        """Nothing more will come."""


class StageWatch:
    """What one stage tells, passed on with its name."""

    def __init__(
        self, stage: str, watcher: Watcher, log: Callable[[str, str], None], stopping: Callable[[], bool]
    ) -> None:
        self._stage = stage
        self._watcher = watcher
        self._log = log
        self._stopping = stopping

    def progress(self, done: int, total: int | None, text: str) -> None:
        self._watcher.progress(self._stage, done, total, text)

    def log(self, line: str) -> None:
        self._log(self._stage, line)

    def stopping(self) -> bool:
        return self._stopping()


class PlainWatcher:
    """Lines on a stream, for files, pipes and logs of other programs."""

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        verbose: bool = False,
        named: frozenset[str] = frozenset(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._verbose = verbose
        self._named = named  # stages that the user asked for by name
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0.0

    def decided(self, decision: Decision) -> None:
        if decision.action == "left out" and not (self._verbose or decision.stage in self._named):
            return
        self._next = self._clock() + _PLAIN_EVERY_S
        self._write(decided_line(decision))

    def progress(self, stage: str, done: int, total: int | None, text: str) -> None:
        with self._lock:
            if self._clock() < self._next:
                return
            self._next = self._clock() + _PLAIN_EVERY_S
        self._write(_line(stage, progress_text(done, total, text)))

    def log(self, stage: str, line: str) -> None:
        if self._verbose:
            self._write(_line(stage, line))

    def warn(self, stage: str, text: str) -> None:
        self._write(_line(stage, f"warning: {text}"))

    def ended(self, record: StageRecord, seconds: float) -> None:
        for line in ended_lines(record, seconds):
            self._write(line)

    def closed(self) -> None:
        pass


class LiveWatcher(PlainWatcher):
    """The same lines in a terminal, with a live one below them for the stage at work."""

    def __init__(
        self, console: Console, *, verbose: bool = False, named: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(self._print, verbose=verbose, named=named)
        self._console = console
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._drawn = 0.0

    def decided(self, decision: Decision) -> None:
        super().decided(decision)
        if decision.action == "run":
            self._open(decision.stage)

    def progress(self, stage: str, done: int, total: int | None, text: str) -> None:
        with self._lock:
            if self._progress is None or self._task is None or time.monotonic() < self._drawn + _LIVE_EVERY_S:
                return
            self._drawn = time.monotonic()
            self._progress.update(self._task, completed=done, total=total, text=text)

    def ended(self, record: StageRecord, seconds: float) -> None:
        self.closed()
        super().ended(record, seconds)

    def closed(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _open(self, stage: str) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}", markup=False),
        )
        self._progress = Progress(*columns, console=self._console, transient=True)
        self._task = self._progress.add_task(f"{stage:<{_WIDTH}}", total=None, text="")
        self._progress.start()

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def decided_line(decision: Decision) -> str:
    """A decision in one line."""
    words = {"run": "runs: ", "skip": "skipped, ", "left out": "left out: ", "not available": ""}
    return _line(decision.stage, words[decision.action] + decision.why)


def ended_lines(record: StageRecord, seconds: float) -> list[str]:
    """What a finished stage has to say."""
    files = sum(output.content.files if output.content else 1 for output in record.outputs)
    lines = [_line(record.name, f"{record.ending} in {seconds:.1f} s, {counted(files, 'file')} written")]
    lines += [_line("", counts_text(counts)) for counts in record.counts]
    lines += [_line("", f"warning: {text}") for text in record.warnings]
    return lines


def counts_text(counts: CountsRecord) -> str:
    """Counts that close, in one line."""
    rejected = sum(counts.rejected.values())
    text = f"{counts.of}: {counts.read:,} read = {counts.kept:,} kept + {rejected:,} rejected"
    reasons = sorted(counts.rejected.items(), key=lambda item: (-item[1], item[0]))
    return text + (f" ({', '.join(f'{number:,} {reason}' for reason, number in reasons)})" if reasons else "")


def progress_text(done: int, total: int | None, text: str) -> str:
    """How far a stage is."""
    share = f" of {total:,} ({100 * done // total} %)" if total else ""
    return f"{done:,}{share}" + (f": {text}" if text else "")


def _line(stage: str, text: str) -> str:
    return f"{stage:<{_WIDTH}}{text}"
