"""What to ask again when a verdict finds a fault: the statement at fault, and nothing before it.

The text is kept up to the statement in which the first fault lies; the model sees what was wrong with its
answer, and what it wrote there must not come again. It makes requests and runs nothing.
"""

from __future__ import annotations

from dataclasses import replace

from idiolect.decode.records import Request
from idiolect.dialects.verdict import Fault, Severity, Verdict, render_fault
from idiolect.source import SourceText

MOST_FAULTS = 3  # shown to the model
_STARTS = "\n;{[,"  # a statement, a member or an item begins behind one of these


def repair_request(request: Request, text: str, verdict: Verdict) -> Request | None:
    """The request for the rest of a text from its first fault on; None where no fault has a place."""
    errors = [fault for fault in verdict.faults if fault.severity is Severity.ERROR]
    placed = [fault for fault in errors if fault.span is not None]
    if not placed:
        return None
    first = min(placed, key=_start)
    begin = statement_start(text, _start(first))
    assert first.span is not None
    refused = text[begin : max(first.span.end, begin + 1)]
    shown = (
        {"role": "assistant", "content": text},
        {"role": "user", "content": told(text, errors)},
    )
    return replace(
        request,
        messages=(*request.messages, *shown),
        begun=text[:begin],
        barred=frozenset({refused}) if refused.strip() else frozenset(),
        candidates=1,
    )


def statement_start(text: str, place: int) -> int:
    """Where the line, statement, member or item begins that a place lies in."""
    start = max(text.rfind(mark, 0, place) for mark in _STARTS) + 1
    while start < place and text[start] in " \t":
        start += 1
    return start


def told(text: str, faults: list[Fault]) -> str:
    """What is wrong, as the model is shown it."""
    source = SourceText(text, "answer")
    lines = [render_fault(fault, source) for fault in faults[:MOST_FAULTS]]
    return "This is not right:\n" + "\n".join(lines) + "\nWrite it again, mended."


def _start(fault: Fault) -> int:
    assert fault.span is not None
    return fault.span.start
