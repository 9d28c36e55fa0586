"""Breaks good texts on purpose, one labelled break at a time.

Each kind of break is an edit of the text. Here an edit is tried and judged: a text that
still verifies, or that fails with another fault than its label says, is thrown away.
"""

from __future__ import annotations

import random

from idiolect.dialects.contract import Mutant
from idiolect.dialects.gates import form_breaks, rule_breaks
from idiolect.dialects.gates.breaks import Good
from idiolect.dialects.gates.checker import check
from idiolect.dialects.gates.reader import NotParsed, read
from idiolect.dialects.verdict import Fault, Severity

_TRIES_OF_A_KIND = 3

BREAKS = form_breaks.BREAKS | rule_breaks.BREAKS


def mutate(text: str, rng: random.Random, kind: str | None = None) -> Mutant | None:
    """A text with one break, of a given kind or of any that applies; None if none does."""
    try:
        program = read(text)
    except NotParsed:
        return None
    if any(fault.severity is Severity.ERROR for fault in check(program).faults):
        return None
    good = Good(text, program, rng)
    order = [kind] if kind else rng.sample(sorted(BREAKS), len(BREAKS))
    for name in order:
        for _ in range(_TRIES_OF_A_KIND):
            broken = BREAKS[name].edit(good)
            if broken is None:
                break
            fault, syntax = _first_fault(broken)
            if fault is not None and fault.code.startswith(BREAKS[name].code):
                return Mutant(broken, name, syntax, fault.message)
    return None


def _first_fault(text: str) -> tuple[Fault | None, bool]:
    """The first error of a text, and whether its form is broken."""
    try:
        program = read(text)
    except NotParsed as stop:
        return stop.faults[0], True
    errors = (fault for fault in check(program).faults if fault.severity is Severity.ERROR)
    return next(errors, None), False
