"""The fast way to read a text that is probably good: the standard decoder, held to strict JSON.

It says yes with the value, or "look closer"; what is wrong, and where, is for `scan` to say.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from idiolect.dialects.json_ast.document import MAX_DEPTH

HALF_PAIR = re.compile(r"\\u[dD][89abAB]")
BRACKETS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{]|[\]}]', re.DOTALL)


class LookCloser(Exception):
    """The text may be wrong, or holds something that the fast way does not judge."""


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise LookCloser
    return made


def _no_constant(name: str) -> Any:
    raise LookCloser


def _finite(lexeme: str) -> float:
    value = float(lexeme)
    if not math.isfinite(value) or len(lexeme) > 100:
        raise LookCloser
    return value


def _short(lexeme: str) -> int:
    if len(lexeme) > 100:
        raise LookCloser
    return int(lexeme)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_no_repeats, parse_constant=_no_constant, parse_float=_finite, parse_int=_short
)


def read_strict(text: str) -> Any:
    """The value of a good text; `LookCloser` for any other."""
    if text.count("[") + text.count("{") > MAX_DEPTH and nesting(text) > MAX_DEPTH:
        raise LookCloser
    try:
        value = _DECODER.decode(text)
        if not text.isascii():
            text.encode()
        if "\\u" in text and HALF_PAIR.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError) as fault:  # RecursionError: the caller itself stands deep
        raise LookCloser from fault


def nesting(text: str) -> int:
    """How deep brackets nest outside strings."""
    deepest = depth = 0
    for found in BRACKETS.finditer(text):
        char = found[0][0]
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest
