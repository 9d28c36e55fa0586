"""Sentences that help lines are made of: nearest names, counts and sizes. It judges nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import islice

_LONGEST_NAME = 100  # nearness is quadratic in length, and no real name is longer
_MOST_NAMES = 500


def nearest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The one of the names that is most like this one whatever the case of its letters, or None."""
    first = islice(names, _MOST_NAMES)
    folded = {known.casefold(): known for known in first if len(known) <= _LONGEST_NAME}
    if len(name) > _LONGEST_NAME:
        return None
    found = get_close_matches(name.casefold(), folded, n=1, cutoff=cutoff)
    return folded[found[0]] if found else None


def did_you_mean(name: str, names: Sequence[str], noun: str = "allowed") -> str:
    """A help line: the nearest name, else the names there are."""
    near = nearest(name, names)
    return f'did you mean "{near}"?' if near else f"{noun}: {listed(names)}"


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names in a row, cut after some."""
    shown = [shortened(name) for name in names[:most]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def shortened(text: str, most: int = 60) -> str:
    """A text fit for a message: printable, on one line, and not too long."""
    cleaned = "".join(letter if letter.isprintable() else "?" for letter in text[: most + 1])
    return cleaned if len(text) <= most else cleaned[: most - 3] + "..."


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number and its noun."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number: int) -> str:
    """Bytes in a unit that reads well; units of 1000."""
    value = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
