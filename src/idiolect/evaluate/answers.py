"""Keeps answers while an evaluation runs, so that a killed one goes on with what was written already.

A key says all that decides an answer: the student, the task, the mode, the temperature, the seed, the
longest answer. One line of JSON each; a line that was cut by a kill is dropped and written again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from idiolect.evaluate.records import Mode, Task, Written


class Answers:
    """The answers of one evaluation, in a file that only grows."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._known: dict[str, tuple[Written, ...]] = {}
        whole = self._load(path)
        self._stream = path.open("r+b" if path.exists() else "w+b")
        self._stream.truncate(whole)
        self._stream.seek(whole)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def get(self, key: str) -> tuple[Written, ...] | None:
        """The answers under a key, if they are there."""
        return self._known.get(key)

    def all(self) -> Iterable[tuple[Written, ...]]:
        """All answers that are kept."""
        return self._known.values()

    def put(self, key: str, written: Sequence[Written]) -> None:
        """Keep the answers under a key; they are on disk when this returns."""
        self._known[key] = tuple(written)
        line = json.dumps({"key": key, "written": [asdict(one) for one in written]}) + "\n"
        self._stream.write(line.encode())
        self._stream.flush()

    def _load(self, path: Path) -> int:
        """Read what is there; how many bytes of it are whole lines."""
        if not path.exists():
            return 0
        whole = 0
        with path.open("rb") as stream:
            for line in stream:
                row = _row(line)
                if row is None:
                    break
                self._known[row["key"]] = tuple(Written(**one) for one in row["written"])
                whole += len(line)
        return whole


def _row(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        row = json.loads(line)
        [Written(**one) for one in row["written"]]
        return row if isinstance(row["key"], str) else None
    except (ValueError, KeyError, TypeError):
        return None


def key_of(
    student: str, task: Task, *, mode: Mode, k: int, temperature: float, seed: int, max_new_tokens: int
) -> str:
    """The key of the answers to a task. `student` tells one set of weights from another."""
    parts = [student, task.id, mode, k, temperature, seed, max_new_tokens]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
