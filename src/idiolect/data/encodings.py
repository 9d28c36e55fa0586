"""Which encoding bytes of text are in, and the text: UTF-8, UTF-16 with or without its mark, cp1252.

What is none of these is Undecodable, with the place of the first fault. It does **not** guess languages'
older code pages: a wrong guess would put wrong letters into every example.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from idiolect.data.probe_lines import encoding_of
from idiolect.files import Unreadable

AUTO = "auto"
# Bytes that cp1252 leaves undefined, and control characters that no text holds.
_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\x80-\x9f]")
_MOST_CONTROLS = 0.002  # a stray control character is a slip, many are another kind of file


class Undecodable(Unreadable):
    """Bytes that are text in no encoding that is recognised."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text and the encoding that its bytes were in."""

    text: str
    encoding: str


def known_encoding(name: str) -> bool:
    """Whether `auto`, or a text codec that Python knows."""
    try:
        return name == AUTO or codecs.lookup(name)._is_text_encoding
    except (LookupError, ValueError):
        return False


def decode(data: bytes, encoding: str = AUTO) -> Decoded:
    """The text of bytes; Undecodable where they are none."""
    if encoding != AUTO:
        return _by_name(data, encoding)
    if guess := _unmarked_utf16(data):
        return _by_name(data, guess)
    name = encoding_of(data)
    if name != "utf-8":
        return _by_name(data, name)
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        return _western(data, error)


def _by_name(data: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding).removeprefix("\ufeff"), encoding)
    except UnicodeDecodeError as error:
        raise Undecodable(f"is not {encoding}: byte {error.start + 1:,} {error.reason}") from error
    except LookupError as error:
        raise Undecodable(f'has no encoding "{encoding}"') from error


def _unmarked_utf16(data: bytes) -> str | None:
    """UTF-16 without its mark: nearly every other byte is zero."""
    if len(data) < 4 or len(data) % 2 or data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None
    head = data[:65_536]
    zeros = (head[::2].count(0), head[1::2].count(0))
    half = len(head) // 2
    if max(zeros) > 0.8 * half and min(zeros) == 0:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    return None


def _western(data: bytes, fault: UnicodeDecodeError) -> Decoded:
    place = f"byte {fault.start + 1:,} (0x{data[fault.start]:02x})"
    good, bad = _multibyte(data)
    if good > bad:
        raise Undecodable(f"is UTF-8 but for {place}; save it as UTF-8")
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        byte = f"byte {error.start + 1:,} (0x{data[error.start]:02x})"
        raise Undecodable(f"is not UTF-8 ({place}) and not cp1252 ({byte}); save it as UTF-8") from error
    if len(_NOT_TEXT.findall(text)) > _MOST_CONTROLS * len(text):
        raise Undecodable(f"is not UTF-8 ({place}) and holds control characters; save it as UTF-8")
    return Decoded(text, "cp1252")


def _multibyte(data: bytes) -> tuple[int, int]:
    """How many characters above ASCII are good UTF-8, and how many bytes are not."""
    text = data.decode("utf-8", errors="surrogateescape")
    bad = sum("\udc80" <= letter <= "\udcff" for letter in text)
    return sum(letter > "\x7f" for letter in text) - bad, bad
