"""The lines that are added to a file, as they come."""

from __future__ import annotations

from pathlib import Path

from idiolect.files import Unreadable, open_plain

_MOST_READ = 1 << 24  # at a time


class Tail:
    """The lines that are added to a file from now on, or from so many bytes before its end."""

    def __init__(self, path: Path, back: int = 0) -> None:
        self.path = path
        self._at = max(path.stat().st_size - back, 0) if path.is_file() else 0
        self._rest = b""

    def new_lines(self) -> list[str]:
        """Whole lines that came since last time; a file that began anew is read from its start."""
        try:
            with open_plain(self.path) as stream:
                if stream.seek(0, 2) < self._at:
                    self._at, self._rest = 0, b""
                stream.seek(self._at)
                data = stream.read(_MOST_READ)
        except (Unreadable, OSError):
            return []
        self._at += len(data)
        *whole, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:_MOST_READ]
        return [line.decode("utf-8", "replace") for line in whole]
