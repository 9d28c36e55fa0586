"""Counts what a teacher does while it does it. Every ending is counted once, so that the report closes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace

from idiolect.teachers.journal import Reply
from idiolect.teachers.records import Answer, Ending, Outcome, TeacherReport, Yield

_FIELDS = {
    Outcome.REJECTED: "rejected",
    Outcome.NOT_JUDGED: "not_judged",
    Outcome.FAILED: "failed",
    Outcome.NOT_ASKED: "not_asked",
}


class Tally:
    """The counts of one teacher; safe to use from its workers."""

    def __init__(self, teacher: str) -> None:
        self._teacher = teacher
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._endings: Counter[tuple[str, str]] = Counter()  # (purpose, field of Yield)
        self._reasons: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._troubles: Counter[str] = Counter()
        self._numbers: Counter[str] = Counter()

    def ended(self, ending: Ending, cached: bool) -> None:
        """Count one request and how it ended."""
        with self._lock:
            if isinstance(ending, Answer):
                name = "answered"
            else:
                name = _FIELDS[ending.outcome]
                self._reasons[f"{ending.outcome}: {ending.reason}"] += 1
            self._endings[ending.request.purpose, name] += 1
            self._numbers["cached"] += cached

    def call(self) -> None:
        """Count one call."""
        with self._lock:
            self._numbers["calls"] += 1

    def replied(self, reply: Reply) -> None:
        """Count the tokens of one call."""
        with self._lock:
            self._numbers["prompt_tokens"] += reply.prompt_tokens or 0
            self._numbers["completion_tokens"] += reply.completion_tokens or 0
            self._numbers["untold_prompts"] += reply.prompt_tokens is None

    def fault(self, code: str) -> None:
        """Count an attempt that did not verify."""
        with self._lock:
            self._faults[code] += 1

    def trouble(self, reason: str) -> None:
        """Count a call that went wrong."""
        with self._lock:
            self._troubles[reason] += 1

    def report(self) -> TeacherReport:
        """The counts so far."""
        with self._lock:
            purposes: dict[str, Yield] = {}
            total = Yield()
            for (purpose, name), number in sorted(self._endings.items()):
                purposes[purpose] = _more(purposes.get(purpose, Yield()), name, number)
                total = _more(total, name, number)
            return TeacherReport(
                teacher=self._teacher,
                total=total,
                purposes=purposes,
                reasons=dict(sorted(self._reasons.items())),
                faults=dict(sorted(self._faults.items())),
                troubles=dict(sorted(self._troubles.items())),
                calls=self._numbers["calls"],
                cached=self._numbers["cached"],
                prompt_tokens=self._numbers["prompt_tokens"],
                completion_tokens=self._numbers["completion_tokens"],
                untold_prompts=self._numbers["untold_prompts"],
                wall_s=time.monotonic() - self._began,
            )


def _more(counts: Yield, name: str, number: int) -> Yield:
    return replace(counts, asked=counts.asked + number, **{name: getattr(counts, name) + number})
