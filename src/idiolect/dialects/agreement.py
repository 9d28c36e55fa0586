"""Do a dialect's verifier and its decoding constraint say the same of a text, and if not, why?

The constraint is the grammar of canonical texts, so a good text that is only laid out in another way
is told apart from a real disagreement. Faults that no grammar can say are expected to pass it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from idiolect.dialects.contract import Context, Dialect
from idiolect.dialects.verdict import Severity, Verdict
from idiolect.source import SourceText


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A text of which verifier and constraint say different things, and what each says."""

    text: str
    origin: str  # where the text is from: "good text", or the kind of mutant
    verifier: str
    constraint: str


class Agreement(StrEnum):
    """How what the verifier and the constraint say of a text fits together."""

    BOTH_ACCEPT = "both accept"
    BOTH_REFUSE = "both refuse"
    LAYOUT = "constraint wants the canonical layout"
    BEYOND = "beyond the grammar: only the verifier refuses"
    TOO_STRICT = "constraint refuses a good text"
    TOO_LOOSE = "constraint accepts broken syntax"
    NOT_JUDGED = "could not be judged"

    @property
    def is_wrong(self) -> bool:
        """Whether one of the two must be mended."""
        return self in (Agreement.TOO_STRICT, Agreement.TOO_LOOSE)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One text compared, with both sides in words."""

    agreement: Agreement
    verifier: str
    constraint: str


def compare(dialect: Dialect, text: str, context: Context) -> Comparison:
    """What verifier and constraint say of one text."""
    verdict = dialect.verify(text, context)
    refusal = replayed(dialect, text, context)
    constraint = refusal or "accepts it"
    if not verdict.judged:
        return Comparison(Agreement.NOT_JUDGED, told(verdict), constraint)
    if verdict.ok:
        agreement = Agreement.BOTH_ACCEPT if refusal is None else Agreement.TOO_STRICT
        if refusal is not None and _accepted_canonically(dialect, text, context):
            agreement = Agreement.LAYOUT
    elif refusal is not None:
        agreement = Agreement.BOTH_REFUSE
    else:
        agreement = Agreement.TOO_LOOSE if verdict.parsed is False else Agreement.BEYOND
    return Comparison(agreement, told(verdict), constraint)


def replayed(dialect: Dialect, text: str, context: Context) -> str | None:
    """None if the constraint accepts a text; else where it refuses it and what it expects there."""
    from idiolect.grammar.replay import replay

    try:
        outcome = replay(dialect.constraint(context), text)
    except Exception as error:  # whatever keeps a constraint from being made is what is told of it
        return f"can't be made: {type(error).__name__}: {error}"
    if outcome.accepted:
        return None
    if outcome.refused_at is None:
        return f"refuses its end: expected {outcome.expected}"
    place = SourceText(text).place(outcome.refused_at)
    found = text[outcome.refused_at : outcome.refused_at + 12]
    return f"refuses {found!r} at {place.line}:{place.column}: expected {outcome.expected}"


def told(verdict: Verdict) -> str:
    """A verdict in one line."""
    if not verdict.judged:
        return f"could not be judged: {verdict.not_judged}"
    errors = [fault for fault in verdict.faults if fault.severity is Severity.ERROR]
    if errors:
        return f"{errors[0].code}: {errors[0].message}"
    return "accepts it" if verdict.ok else "refuses it without a fault"


def shorten(text: str, most: int = 70) -> str:
    """A text on one line, cut."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 3] + "..."


def _accepted_canonically(dialect: Dialect, text: str, context: Context) -> bool:
    try:
        return replayed(dialect, dialect.canonical(text, context), context) is None
    except ValueError:
        return False
