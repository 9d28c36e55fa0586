"""Lines of a byte stream in bounded memory, and the encoding that a file's first bytes tell.

Lines end at a newline. It does **not** guess single-byte encodings: text is UTF-8, or UTF-16 with its mark.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from idiolect.files import Unreadable

HEAD_BYTES = 65_536
MAX_ROW_BYTES = 4 << 20  # above a million tokens: no example, and it bounds what one row can cost

_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"(\xb5/\xfd": "zstd",
}


def encoding_of(head: bytes) -> str:
    """The name of the codec that reads a text beginning so; Unreadable where it is no text."""
    for magic, name in _PACKED.items():
        if head.startswith(magic):
            raise Unreadable(f"is packed with {name}; unpack it first")
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Unreadable("is UTF-32; save it as UTF-8")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in head:
        halves = (head[::2].count(0), head[1::2].count(0))
        if max(halves) > 0.8 * len(head) // 2 and min(halves) < 0.1 * len(head):
            raise Unreadable("looks like UTF-16 without a byte order mark; save it as UTF-8")
        raise Unreadable("is binary: it holds zero bytes")
    return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"


def as_utf8(stream: BinaryIO, encoding: str) -> BinaryIO:
    """The stream from its start, as UTF-8 bytes without a byte order mark."""
    stream.seek(len(codecs.BOM_UTF8) if encoding == "utf-8-sig" else 0)
    if encoding != "utf-16":
        return stream
    return io.BufferedReader(_Recoded(stream, encoding), buffer_size=1 << 16)


def bounded_lines(stream: BinaryIO, limit: int = MAX_ROW_BYTES) -> Iterator[tuple[int, bytes | None]]:
    """Number and bytes of each line; None for the bytes of a line that is longer than the limit."""
    number = 0
    while line := stream.readline(limit + 1):
        number += 1
        if len(line) <= limit:
            yield number, line
            continue
        while not line.endswith(b"\n") and (line := stream.readline(limit)):
            pass
        yield number, None


def count_rows(stream: BinaryIO) -> int:
    """How many lines with anything but white space are left."""
    rows = 0
    carry = False  # whether the unfinished line has shown anything yet
    while chunk := stream.read(1 << 20):
        first, *rest = chunk.split(b"\n")
        carry = carry or bool(first.strip())
        if not rest:
            continue
        rows += carry + sum(map(bool, map(bytes.strip, rest[:-1])))
        carry = bool(rest[-1].strip())
    return rows + carry


class _Recoded(io.RawIOBase):
    """A byte stream in some encoding, read as UTF-8."""

    def __init__(self, source: BinaryIO, encoding: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._ready:
            chunk = self._source.read(1 << 16)
            self._ready = self._decoder.decode(chunk, final=not chunk).encode("utf-8")
            if not chunk:
                break
        size = min(len(view), len(self._ready))
        view[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size
