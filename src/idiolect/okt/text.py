"""Reading a script's text from a file, and one clear line where that can't be done."""

from __future__ import annotations

import os
import stat
from pathlib import Path

MAX_BYTES = 5 * 1024 * 1024  # a script is a page or ten; more is some other file


class UnreadableScript(Exception):
    """A file that can't be read as a script. Its text is one line, ready for the user."""

    def __init__(self, path: Path | str, why: str, help: str) -> None:
        super().__init__(f"{path}: error[L014]: {why}\n   help: {help}")
        self.path = path
        self.why = why
        self.help = help


def read_script(path: Path) -> str:
    """The text of a script file, which must be a regular file of UTF-8 text of sensible size."""
    return decode_script(_read_bytes(path), path)


def decode_script(data: bytes, path: Path | str) -> str:
    """Bytes as text. A UTF-8 byte order mark is kept for the lexer to skip."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UnreadableScript(path, "the file is UTF-16; a script is UTF-8", "save it as UTF-8")
    if b"\0" in data[:65536] or b"\0" in data:
        raise UnreadableScript(path, "the file is binary, not a script", "give the path of a .okt file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        why = f"the file is not UTF-8: byte 0x{data[error.start]:02x} in line {line}"
        raise UnreadableScript(path, why, "save it as UTF-8") from error


def _read_bytes(path: Path) -> bytes:
    try:
        # O_NONBLOCK: opening a FIFO without a writer would wait for ever.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError as error:
        raise UnreadableScript(path, "no such file", "check the path") from error
    except PermissionError as error:
        raise UnreadableScript(path, "no permission to read the file", f"chmod u+r {path}") from error
    except OSError as error:
        raise UnreadableScript(
            path, f"the file can't be opened: {error.strerror}", "check the path"
        ) from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if stat.S_ISDIR(status.st_mode):
            raise UnreadableScript(path, "this is a folder", "give the path of a .okt file in it")
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableScript(path, "this is no regular file", "copy its text into a .okt file")
        if status.st_size > MAX_BYTES:
            size = status.st_size / 1024**2
            why = f"the file has {size:.1f} MB; a script has at most {MAX_BYTES // 1024**2} MB"
            raise UnreadableScript(path, why, "give the path of a .okt file, not of data")
        return file.read(MAX_BYTES + 1)
