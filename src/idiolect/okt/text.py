"""Reading a script's text from a file, and one clear line where that can't be done."""

from __future__ import annotations

from pathlib import Path

from idiolect.files import Unreadable, read_small

MAX_BYTES = 5 * 1024 * 1024  # a script is a page or ten; more is some other file


class UnreadableScript(Exception):
    """A file that can't be read as a script. Its text is one line and a help line, ready for the user."""

    def __init__(self, path: Path | str, why: str, help: str) -> None:
        super().__init__(f"{path}: error[L014]: {why}\n   help: {help}")
        self.path = path


def read_script(path: Path) -> str:
    """The text of a script file, which must be a regular file of UTF-8 text of sensible size."""
    try:
        return decode_script(read_small(path, MAX_BYTES), path)
    except Unreadable as reason:
        raise UnreadableScript(path, f"{path.name} {reason}", "give the path of a .okt file") from reason


def decode_script(data: bytes, path: Path | str) -> str:
    """Bytes as text. A UTF-8 byte order mark is kept for the lexer to skip."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UnreadableScript(path, "the file is UTF-16; a script is UTF-8", "save it as UTF-8")
    if b"\0" in data:
        raise UnreadableScript(path, "the file is binary, not a script", "give the path of a .okt file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        why = f"the file is not UTF-8: byte 0x{data[error.start]:02x} in line {line}"
        raise UnreadableScript(path, why, "save it as UTF-8") from error
