"""Repairs that are known: what to put in place of a value so that it keeps its schema.

A repair is offered only where one is much nearer than any other; it does not judge whether the
repaired text then verifies as a whole.
"""

from __future__ import annotations

import json
import re
from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date
from difflib import get_close_matches
from typing import Any

from idiolect.dialects.json_ast.document import Node, type_name
from idiolect.dialects.json_ast.strict import LookCloser, read_strict
from idiolect.dialects.verdict import Fix
from idiolect.source import Span

COMPARED = 100  # names that one is compared to letter by letter, at some 10 us each
DATE_LIKE = re.compile(r"\s*(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\s*")


def written(value: Any) -> str:
    """A value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def near_name(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    known = [known for known in names if isinstance(known, str)]
    name = name[:200]
    if len(known) > COMPARED:
        known = [one for one in known if _may_be(one, name)][:COMPARED]
    plain = {_plain(one): one for one in reversed(known)}
    if _plain(name) in plain:
        return plain[_plain(name)]
    swapped = next((one for one in known if len(one) == len(name) and sorted(one) == sorted(name)), None)
    if swapped is not None:
        return swapped
    found = get_close_matches(name, known, n=1, cutoff=0.7)
    return found[0] if found else None


def _may_be(known: str, name: str) -> bool:
    """Whether two names are alike at first sight: about as long, and beginning or ending alike."""
    if abs(len(known) - len(name)) > 3 or not known or not name:
        return False
    return known[0].lower() == name[0].lower() or known[-1].lower() == name[-1].lower()


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def near_value(value: Any, allowed: Sequence[Any]) -> Any | None:
    """The allowed value that was probably meant."""
    if isinstance(value, str):
        near = near_name(value, (one for one in allowed if isinstance(one, str)))
        if near is not None:
            return near
        return next(
            (one for one in allowed if not isinstance(one, str) and written(one) == value.strip()), None
        )
    return next((one for one in allowed if isinstance(one, str) and one == written(value)), None)


def retyped(value: Any, types: Sequence[str]) -> Any | None:
    """The value in one of the wanted types, where only its quotes are wrong."""
    if isinstance(value, str):
        try:
            inner = read_strict(value[:400].strip())
        except LookCloser:
            return None
        return inner if _is_one_of(inner, types) and not isinstance(inner, list | dict) else None
    if isinstance(value, bool | int | float) and "string" in types:
        return written(value)
    if isinstance(value, float) and value.is_integer() and "integer" in types:
        return int(value)
    return None


def _is_one_of(value: Any, types: Sequence[str]) -> bool:
    name = type_name(value)
    return name in types or (name == "integer" and "number" in types)


def mended_date(value: str) -> str | None:
    """A date in ISO form, where its digits were only written otherwise."""
    found = DATE_LIKE.fullmatch(value[:40])
    if not found:
        return None
    try:
        return date(*(int(part) for part in found.groups())).isoformat()
    except ValueError:
        return None


def last_day(value: str) -> str | None:
    """The last day of the month that a date names, where only its day is wrong."""
    found = DATE_LIKE.fullmatch(value[:40])
    year, month = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= month <= 12 or year < 1:
        return None
    return f"{year:04}-{month:02}-{monthrange(year, month)[1]:02}"


def rename(child: Node, name: str) -> Fix:
    """Give a member another key."""
    return Fix(child.name_span, json.dumps(name, ensure_ascii=False))


def replace_value(node: Node, value: Any) -> Fix:
    return Fix(node.span, written(value))


def add_member(node: Node, name: str, value: Any) -> Fix:
    """Add a member at an object's end."""
    end = node.span.end - 1
    comma = "," if node.members else ""
    return Fix(Span(end, end), f"{comma}{json.dumps(name, ensure_ascii=False)}:{written(value)}")


def drop_item(node: Node, index: int) -> Fix:
    """Take an item out of an array, with the comma before it."""
    assert node.items is not None
    start = node.items[index - 1].span.end if index else node.items[index].span.start
    return Fix(Span(start, node.items[index].span.end), "")
