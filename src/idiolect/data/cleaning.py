"""Makes texts uniform: line ends, trailing space, byte order marks, the last line end.

It does **not** indent: that is the dialect's canonical form.
"""

from __future__ import annotations

import hashlib
import re

_LINE_END = re.compile(r"\r\n?")
_INVISIBLE = re.compile("[\u200b\u2060\ufeff]")  # zero-width characters that editors and web pages leave


def normalized(text: str) -> str:
    """The text with \\n line ends, no trailing space, nothing invisible, and one line end last."""
    text = _LINE_END.sub("\n", text)
    text = _INVISIBLE.sub("", text)
    lines = [line.rstrip(" \t") for line in text.split("\n")]  # a pattern would be slow on long runs
    return "\n".join(lines).strip("\n") + "\n"


def content_hash(text: str) -> str:
    """SHA-256 of a text, by which exact repeats are found."""
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()
