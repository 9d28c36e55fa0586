"""A JSON list in a file that grows record by record, and is whole for every reader at every moment.

New records are kept until the file is due to be written again: beside, and renamed into place. How often
follows from what writing costs, so that a list of any length takes a small share of the time. One record a
line. It keeps no more in memory than what is not written yet.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from idiolect.files import replacing

_DUE_AFTER_S = 2.0
_SHARE = 20  # writing takes at most one part in twenty of the time
_HEAD, _TAIL = "[\n", "\n]\n"


class JsonList:
    """A list of records. With `most`, every second one is dropped whenever there are more."""

    def __init__(
        self, path: Path, *, most: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.path = path
        self.thinned = 1  # so many records came for each one that is kept of the oldest
        self._most = most
        self._clock = clock
        self._waiting: list[str] = []
        self._due = clock() + _DUE_AFTER_S
        if path.is_file() and not _is_whole(path):
            self._rewrite(_lines(path))
        self._count = sum(1 for _ in _lines(path))

    def __len__(self) -> int:
        return self._count + len(self._waiting)

    def add(self, record: Mapping[str, Any]) -> None:
        """Append a record; it is in the file at the latest when `flush` is called."""
        self._waiting.append(json.dumps(finite(record), ensure_ascii=False))
        if self._clock() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Write what waits. OSError leaves the old file as it was, and what waits waiting."""
        if not self._waiting and self.path.exists():
            return
        began = self._clock()
        with replacing(self.path) as stream:
            stream.write(_HEAD)
            if self._count:
                self._copy_old(stream)
                if self._waiting:
                    stream.write(",\n")
            stream.write(",\n".join(self._waiting) + _TAIL)
        self._count += len(self._waiting)
        self._waiting.clear()
        if self._most is not None and self._count > self._most:
            self._thin()
        now = self._clock()
        self._due = now + max(_DUE_AFTER_S, _SHARE * (now - began))

    def keep(self, wanted: Callable[[Mapping[str, Any]], bool]) -> None:
        """Drop the records that are not wanted: those that a resumed run makes again."""
        self.flush()
        self._rewrite(line for line in _lines(self.path) if wanted(json.loads(line)))

    def _copy_old(self, stream: TextIO) -> None:
        with self.path.open(encoding="utf-8") as old:
            old.seek(len(_HEAD))
            shutil.copyfileobj(old, stream)
        # What was copied ends as a list does; a text stream can go back to before that.
        stream.flush()
        stream.seek(stream.tell() - len(_TAIL))
        stream.truncate()

    def _thin(self) -> None:
        self.thinned *= 2
        self._rewrite(line for number, line in enumerate(_lines(self.path)) if number % 2 == 0)

    def _rewrite(self, lines: Iterator[str]) -> None:
        count = 0
        with replacing(self.path) as stream:
            stream.write(_HEAD)
            for count, line in enumerate(lines, 1):
                stream.write((",\n" if count > 1 else "") + line)
            stream.write(_TAIL)
        self._count = count


def _lines(path: Path) -> Iterator[str]:
    """The records' lines of a file of ours; those of one that is cut short up to the cut."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            text = line.rstrip("\n").removesuffix(",")
            if text in ("[", "]", ""):
                continue
            try:
                if not isinstance(json.loads(text), dict):
                    return
            except ValueError:
                return
            yield text


def _is_whole(path: Path) -> bool:
    """Whether a file ends as a list of ours does; another's, or a copy cut short, may not."""
    with path.open("rb") as stream:
        begins = stream.read(len(_HEAD)) == _HEAD.encode()
        size = stream.seek(0, 2)
        stream.seek(max(0, size - len(_TAIL)))
        return begins and size >= len(_HEAD + _TAIL) - 1 and stream.read() == _TAIL.encode()


def finite(value: Any) -> Any:
    """A value as JSON holds it: numbers that are none become the words "NaN", "Infinity", "-Infinity"."""
    if isinstance(value, float):
        if value != value:
            return "NaN"
        return value if abs(value) != float("inf") else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(name): finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return value
