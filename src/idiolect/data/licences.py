"""The licence that a file's header names by its SPDX id, and whether it is among those allowed.

It reads expressions with AND, OR, WITH and brackets. It does **not** recognise licences by their text.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_HEADER_LINES = 30
_TAG = re.compile(r"SPDX-License-Identifier:[ \t]*([A-Za-z0-9.+() \t-]{1,200})")
_WORD = re.compile(r"[A-Za-z0-9.+-]+|[()]")


def licence_of(text: str) -> str | None:
    """The SPDX expression in the first lines, or None."""
    head = "\n".join(text[:8_000].split("\n")[:_HEADER_LINES])
    match = _TAG.search(head)
    return match[1].strip(" \t-") or None if match else None


def is_allowed(expression: str, allowed: Collection[str]) -> bool:
    """Whether the licences that an expression lets one choose are all allowed; ids ignore case."""
    known = {name.casefold() for name in allowed}
    # AND binds closer than OR. Each level holds the alternatives so far and the conjunction being read.
    levels: list[list[bool]] = [[False, True]]
    skip = False
    for word in _WORD.findall(expression):
        upper = word.upper()
        if word == "(":
            levels.append([False, True])
        elif word == ")" and len(levels) > 1:
            inner = levels.pop()
            levels[-1][1] &= inner[0] or inner[1]
        elif upper == "OR":
            levels[-1] = [levels[-1][0] or levels[-1][1], True]
        elif upper == "WITH":
            skip = True  # an exception only adds permissions
        elif upper != "AND" and word != ")":
            levels[-1][1] &= skip or word.casefold() in known
            skip = False
    while len(levels) > 1:  # a bracket that was not closed
        inner = levels.pop()
        levels[-1][1] &= inner[0] or inner[1]
    return levels[0][0] or levels[0][1]
