"""What files and folders hold, as hashes; a file that did not change is not read twice.

The memory of hashes only saves time: losing it changes nothing. It does **not** follow links in circles,
wait for pipes, or fail for a file that can't be read: that it can't is what it says then.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from idiolect.files import Unreadable, open_plain, read_small
from idiolect.runs.manifest import Content

_BLOCK = 1 << 20
_MOST_MEMORY_BYTES = 256 << 20
_SETTLED_NS = 2_000_000_000  # a file changed this recently may change again within one tick of its clock


class Digester:
    """Hashes of files, remembered by size, time of change and identity."""

    def __init__(self, memory: Path | None = None, check: Callable[[], None] | None = None) -> None:
        self._check = check or (lambda: None)
        self._known = _recall(memory) if memory else {}
        self._used: dict[str, list[object]] = {}

    def content(self, path: Path) -> Content:
        """What a file or a folder with all below it holds; names count, times do not."""
        names = list(_below(path))
        total = hashlib.sha256()
        size = 0
        for name in names:
            found = path / name if name else path
            total.update(f"{name}\0{self.file(found)}\n".encode("utf-8", "surrogateescape"))
            size += _size(found)
        if names == [""]:
            return Content(files=1, bytes=size, sha256=self.file(path))
        return Content(files=len(names), bytes=size, sha256=total.hexdigest())

    def file(self, path: Path) -> str:
        """The SHA-256 of a file's bytes, or the reason why it has none."""
        self._check()
        try:
            status = path.stat()
        except (OSError, ValueError) as error:
            return f"unreadable: {getattr(error, 'strerror', None) or error}"
        mark: list[object] = [status.st_size, status.st_mtime_ns, status.st_ino]
        name = str(path.absolute())
        known = self._used.get(name) or self._known.get(name)
        if known is not None and known[:3] == mark:
            self._used[name] = known
            return str(known[3])
        try:
            sha256 = self._read(path)
        except Unreadable as error:
            return f"unreadable: {error}"
        except OSError as error:
            return f"unreadable: {error.strerror}"
        if time.time_ns() - status.st_mtime_ns > _SETTLED_NS:
            self._used[name] = [*mark, sha256]
        return sha256

    def _read(self, path: Path) -> str:
        total = hashlib.sha256()
        with open_plain(path) as stream:
            while block := stream.read(_BLOCK):
                self._check()
                total.update(block)
        return total.hexdigest()

    def memory_text(self) -> str:
        """What is worth remembering: the hashes that were asked for this time."""
        return json.dumps(self._used, sort_keys=True)


def sha256_of(text: str) -> str:
    """The SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0


def _below(path: Path) -> Iterator[str]:
    """Names of all files below a folder, sorted; "" for a plain file."""
    if not path.is_dir():
        yield ""
        return
    found: list[str] = []
    seen: set[tuple[int, int]] = set()
    waiting = [(path, "")]
    while waiting:
        folder, prefix = waiting.pop()
        try:
            status = folder.stat()
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name, reverse=True)
        except OSError:
            found.append(prefix or ".")  # hashed as unreadable
            continue
        if (status.st_dev, status.st_ino) in seen:
            found.append(prefix)  # a link to a folder that was walked already: hashed as a folder
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in entries:
            if _is_folder(entry):
                waiting.append((Path(entry.path), f"{prefix}{entry.name}/"))
            else:
                found.append(prefix + entry.name)
    yield from sorted(found)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _recall(memory: Path) -> dict[str, list[object]]:
    try:
        said = json.loads(read_small(memory, _MOST_MEMORY_BYTES))
    except (Unreadable, ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    return {name: mark for name, mark in said.items() if isinstance(mark, list) and len(mark) == 4}
