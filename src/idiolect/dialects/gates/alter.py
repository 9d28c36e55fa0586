"""Makes circuits that verify and do something else: the logic errors that only tests can find.

Mutants of `mutate` break the language; these break the meaning. They serve to measure how much a
set of tests sees, and as wrong answers that look right.
"""

from __future__ import annotations

import random
import re

from idiolect.dialects.gates.checker import check
from idiolect.dialects.gates.equivalence import compare
from idiolect.dialects.gates.reader import NotParsed, read
from idiolect.dialects.gates.simulator import CannotRun
from idiolect.dialects.gates.syntax import LEVEL_OF, PRECEDENCE, Choice, Node, Number, Unary, nodes
from idiolect.dialects.verdict import Severity
from idiolect.source import Span

_OPERATOR = re.compile(r">>>|<<|>>|<=|>=|==|!=|~&|~\||~\^|[*+\-<>&|^]")
_BITWISE = ("&", "|", "^", "~&", "~|", "~^")
_TRIES = 12


def alter(text: str, rng: random.Random) -> str | None:
    """A valid text whose circuit was seen to differ from a given one; None if none was found."""
    program = read(text)
    for _ in range(_TRIES):
        changed = rng.choice((_operator, _number, _choice, _inversion))(text, list(nodes(program)), rng)
        if changed is None or not _valid(changed):
            continue
        try:
            if not compare(text, changed).same:
                return changed
        except CannotRun:
            continue
    return None


def _valid(text: str) -> bool:
    try:
        return all(fault.severity is not Severity.ERROR for fault in check(read(text)).faults)
    except NotParsed:
        return False


def _swap(text: str, span: Span, new: str) -> str:
    return text[: span.start] + new + text[span.end :]


def _operator(text: str, found: list[Node], rng: random.Random) -> str | None:
    """Another operator that takes the same widths."""
    body = text.index("{")
    places = [
        m
        for m in _OPERATOR.finditer(text, body)
        if text[m.end() : m.end() + 1] == " " and m.group() in LEVEL_OF
    ]
    places = [m for m in places if text[m.start() - 1] == " "]
    if not places:
        return None
    place = rng.choice(places)
    old = place.group()
    row = _BITWISE if old in _BITWISE else PRECEDENCE[LEVEL_OF[old]]
    others = [operator for operator in row if operator != old]
    return _swap(text, Span(*place.span()), rng.choice(others)) if others else None


def _number(text: str, found: list[Node], rng: random.Random) -> str | None:
    """A number that is off by one."""
    numbers = [node for node in found if isinstance(node, Number)]
    if not numbers:
        return None
    number = rng.choice(numbers)
    value = max(0, number.value + rng.choice((-1, 1)))
    return _swap(text, number.span, str(value) if number.width is None else f"{number.width}'d{value}")


def _choice(text: str, found: list[Node], rng: random.Random) -> str | None:
    """A choice with its arms exchanged."""
    choices = [node for node in found if isinstance(node, Choice)]
    if not choices:
        return None
    choice = rng.choice(choices)
    then = text[choice.then.span.start : choice.then.span.end]
    otherwise = text[choice.otherwise.span.start : choice.otherwise.span.end]
    return _swap(_swap(text, choice.otherwise.span, then), choice.then.span, otherwise)


def _inversion(text: str, found: list[Node], rng: random.Random) -> str | None:
    """An inversion left out."""
    inversions = [node for node in found if isinstance(node, Unary) and node.operator == "~"]
    if not inversions:
        return None
    start = rng.choice(inversions).span.start
    return _swap(text, Span(start, start + 1), "")
