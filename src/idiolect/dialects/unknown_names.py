"""Which faults say that a name does not exist: the codes of `unknown_names.toml`, for all dialects.

Decoding, its guard and evaluation count hallucinated names by it. It judges no text.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files


def names_nothing(code: str) -> bool:
    """Whether a fault says that a symbol does not exist."""
    parts = code.split(".")
    return any(
        len(parts) == len(pattern)
        and all(wanted in ("*", part) for wanted, part in zip(pattern, parts, strict=True))
        for pattern in _patterns()
    )


@cache
def _patterns() -> tuple[tuple[str, ...], ...]:
    table = tomllib.loads(files("idiolect.dialects").joinpath("unknown_names.toml").read_text("utf-8"))
    return tuple(tuple(code.split(".")) for code in table["codes"])
