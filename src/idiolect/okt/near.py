"""The nearest known name of a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(written: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known name that looks most like the written one, whatever the case of its letters."""
    names = list(known)
    by_lower = {name.lower(): name for name in reversed(names)}
    found = by_lower.get(written.lower())
    if found is not None:
        return found
    # A name of thousands of characters is like nothing, and comparing it would be slow.
    if len(written) > 60:
        return None
    matches = get_close_matches(written.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[matches[0]] if matches else None
