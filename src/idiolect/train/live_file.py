"""logs/live.jsonl: everything about a training as it happens, for a dashboard or a `tail -f`.

One JSON object a line, `{"time": ..., "kind": ..., ...}`, appended and never changed:

- `begin`         project, total steps and epochs, and `from_step` where a run goes on
- `step`          step, epoch, loss, learning_rate, tokens_per_second, ...
- `validation`    step, epoch and the metrics
- `sample`        a sample of the machine's load
- `decision`      a record of control_decisions.json
- `notification`  a record of logs/notifications.json
- `hook`          what became of a hook
- `checkpoint`    step and path
- `end`           how the training ended

A reader that meets a kind that it does not know passes over it. With more than `most_bytes` the file begins
anew, so that it never fills a disk; the other files keep the history.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from idiolect.runs.times import now
from idiolect.train.json_list import finite

Kind = Literal[
    "begin", "step", "validation", "sample", "decision", "notification", "hook", "checkpoint", "end"
]


class LiveFile:
    """Appends lines; may be used from any thread. A disk that takes no more ends nothing."""

    def __init__(self, path: Path, *, most_bytes: int = 64 << 20, clock: Callable[[], str] = now) -> None:
        self.path = path
        self._most_bytes = most_bytes
        self._clock = clock
        self._lock = threading.Lock()

    def tell(self, kind: Kind, record: Mapping[str, Any]) -> None:
        """Append one line."""
        said = {"time": self._clock(), "kind": kind, **finite(record)}
        line = json.dumps(said, ensure_ascii=False) + "\n"
        with self._lock:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                full = self.path.is_file() and self.path.stat().st_size > self._most_bytes
                with self.path.open("w" if full else "a", encoding="utf-8", newline="\n") as stream:
                    stream.write(line)
            except OSError:
                return  # the view of a run is not worth the run
