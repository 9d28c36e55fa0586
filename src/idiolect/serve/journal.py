"""What a server writes: a JSON line for each request without its texts; texts only where that was asked for.

    {"time": ..., "event": "request", "id": ..., "route": "/check", "status": 200, "ms": 41.2, "client": ...}

With `--log-prompts` requests and answers go to a file of their own, in the form that `idiolect data harvest`
reads, with secrets masked.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from idiolect.data.example import summary_of
from idiolect.data.harvest import LogRow
from idiolect.data.secrets import masked
from idiolect.decode.pipeline import Outcome, Question
from idiolect.runs.times import now


class Journal:
    """The log of requests; may be used from any thread."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def tell(self, event: str, **facts: Any) -> None:
        """Write one line. Texts of users have no place in it."""
        said = {"time": now(), "event": event, **facts}
        with self._lock:
            stream = self._stream or sys.stderr
            try:
                stream.write(json.dumps(said, ensure_ascii=False, default=str) + "\n")
                stream.flush()
            except (OSError, ValueError):
                return  # a log that takes no more ends no server

    def fault(self, error: BaseException, **facts: Any) -> None:
        """Write where something went wrong: places only, since messages may hold what users wrote."""
        places = [
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-6:]
        ]
        self.tell("fault", error=type(error).__name__, at=places, **facts)


class Quiet(logging.Handler):
    """Passes what uvicorn says on to the journal, warnings and worse alone, in one line."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.WARNING)
        self.journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.journal.fault(record.exc_info[1])
        else:
            text, _ = masked(record.getMessage().split("\n", 1)[0][:300])
            self.journal.tell("server", level=record.levelname.lower(), said=text)


class PromptLog:
    """Requests with their answers, and what people made of them, a `LogRow` a line."""

    def __init__(self, path: Path, student: str) -> None:
        self.path = path
        self.student = student
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8"):
            path.chmod(0o600)

    def add(
        self,
        question: Question,
        outcome: Outcome,
        *,
        rating: int | None = None,
        correction: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Append a row, where there is something to learn from: an answer of the model itself."""
        if not question.instruction.strip() or not outcome.text.strip():
            return
        row = LogRow(
            instruction=_clean(question.instruction),
            answer=_clean(outcome.text),
            time=now(),
            system=_clean(question.system),
            context=_clean(outcome.context),
            correction=None if correction is None else _clean(correction),
            rating=rating,
            verdict=summary_of(outcome.verdict) if outcome.verdict else None,
            student=self.student,
            details=dict(details or {}),
        )
        line = json.dumps(asdict(row), ensure_ascii=False) + "\n"
        data = line.encode("utf-8", "backslashreplace")
        with self._lock, self.path.open("ab") as stream:
            stream.write(data)


def _clean(text: str) -> str:
    return masked(text)[0]
