"""Opening files that a user names: plain files only, never a hang, and one sentence when it can't be done.

It does **not** decide whether an unreadable file is an error.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

_KINDS = (
    (stat.S_ISDIR, "is a folder"),
    (stat.S_ISFIFO, "is a pipe, not a plain file"),
    (stat.S_ISSOCK, "is a socket, not a plain file"),
    (stat.S_ISCHR, "is a device, not a plain file"),
    (stat.S_ISBLK, "is a device, not a plain file"),
)
_REASONS = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "does not exist: a part of its path is not a folder",
    errno.EACCES: "may not be read: no permission",
    errno.EPERM: "may not be read: no permission",
    errno.ELOOP: "is a symbolic link that leads back to itself",
    errno.ENAMETOOLONG: "has a name that is too long",
}


class Unreadable(Exception):
    """A file that can't be read; `str()` completes the sentence that begins with its name."""

    def __init__(self, reason: str, *, missing: bool = False) -> None:
        super().__init__(reason)
        self.missing = missing


def look(path: Path) -> os.stat_result:
    """The file's status, following links; Unreadable where there is none."""
    try:
        return path.stat()
    except OSError as error:
        raise _unreadable(error) from error
    except ValueError as error:  # a NUL character in the name
        raise Unreadable("has a name that no file can have", missing=True) from error


def open_plain(path: Path) -> BinaryIO:
    """A plain file opened for reading bytes; Unreadable for anything else."""
    _refuse_special(look(path).st_mode)
    # Checked again on the open file: what the name leads to may have changed, and opening must not wait.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        number = os.open(path, flags)
    except OSError as error:
        raise _unreadable(error) from error
    try:
        _refuse_special(os.fstat(number).st_mode)
        return os.fdopen(number, "rb", buffering=1 << 20)
    except BaseException:
        os.close(number)
        raise


def read_small(path: Path, limit: int) -> bytes:
    """All bytes of a plain file; Unreadable where it has more than the limit."""
    with open_plain(path) as stream:
        try:
            data = stream.read(limit + 1)
        except OSError as error:
            raise _unreadable(error) from error
    if len(data) > limit:
        raise Unreadable(f"is larger than {limit:,} bytes")
    return data


def write_beside(path: Path, text: str) -> None:
    """Write a text beside the file and rename it into place, so that no half file is ever seen."""
    with replacing(path) as stream:
        stream.write(text)


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A text stream beside the file, renamed into its place at the end, removed if that is not reached."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
        beside.chmod(0o644)  # mkstemp makes it private, which the file it replaces is not
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def put_in_place(beside: Path, place: Path) -> None:
    """Rename a file or folder that was written beside into its place; a folder that was there is removed."""
    if place.is_dir():
        old = place.with_name(f".{place.name}.old")
        remove(old)
        place.rename(old)
        beside.rename(place)
        remove(old)
    else:
        beside.replace(place)


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _refuse_special(mode: int) -> None:
    for is_kind, reason in _KINDS:
        if is_kind(mode):
            raise Unreadable(reason)


def _unreadable(error: OSError) -> Unreadable:
    reason = _REASONS.get(error.errno or 0, f"can't be read: {error.strerror or error}")
    return Unreadable(reason, missing=error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG))
