"""Reads what `#Requires` asks for and says whether a version of the interpreter meets it."""

from __future__ import annotations

import re

_WORD = re.compile(
    r"(?P<op><=|>=|<|>|=)?v?(?P<number>\d+(?:\.\d+)*)(?:-(?P<pre>[\w.-]+))?(?P<plus>\+)?", re.I
)
Version = tuple[tuple[int, ...], tuple[int, ...] | None]


def asked_version(requirement: str) -> tuple[str, ...] | None:
    """The words after "AutoHotkey", or None if something else is required."""
    words = requirement.split()
    if not words or words[0].lower() != "autohotkey":
        return None
    found: list[str] = []
    for word in words[1:]:
        if word.lower() == "64-bit":
            continue
        if _WORD.fullmatch(word) is None:
            return None
        found.append(word)
    return tuple(found)


def parse_version(text: str) -> Version:
    """A version as numbers, and those of its pre-release (None for a release)."""
    match = _WORD.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'"{text}" is not a version; write it like 2.0.18 or 2.1-alpha.17')
    numbers = tuple(int(part[:9]) for part in match["number"].split("."))
    pre = tuple(int(part[:9]) for part in re.findall(r"\d+", match["pre"])) if match["pre"] else None
    return numbers, pre


def meets(have: Version, word: str) -> bool:
    """Whether a version meets one word of a requirement; a bare v2.1 also bounds the major version."""
    match = _WORD.fullmatch(word)
    assert match is not None
    wanted = parse_version(match["number"] + (f"-{match['pre']}" if match["pre"] else ""))
    order = _compare(have, wanted)
    operator = match["op"]
    if operator is None:
        return order >= 0 and (match["plus"] is not None or have[0][0] == wanted[0][0])
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0, "=": order == 0}[operator]


def _compare(left: Version, right: Version) -> int:
    width = max(len(left[0]), len(right[0]))
    mine = left[0] + (0,) * (width - len(left[0]))
    theirs = right[0] + (0,) * (width - len(right[0]))
    if mine != theirs:
        return 1 if mine > theirs else -1
    if left[1] == right[1]:
        return 0
    if left[1] is None or right[1] is None:
        return 1 if left[1] is None else -1
    return 1 if left[1] > right[1] else -1
