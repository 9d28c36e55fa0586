"""An outcome as JSON shows it, to commands and over HTTP alike: plain values, places of faults and all."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from idiolect.data.example import summary_of
from idiolect.decode.pipeline import Outcome
from idiolect.dialects.verdict import Fault, Verdict, render_fault
from idiolect.source import SourceText

MOST_FAULTS = 100


def record_of(outcome: Outcome) -> dict[str, Any]:
    """An outcome: its text, its verdict, and how it came about."""
    answer = outcome.answer
    return {
        "text": outcome.text,
        "valid": outcome.valid,
        "verdict": asdict(summary_of(outcome.verdict)) if outcome.verdict else None,
        "ended": answer.ended if answer else None,
        "tokens": len(answer.ids) if answer else 0,
        "forced": answer.forced if answer else 0,
        "steps": answer.steps if answer else 0,
        "confidence": round(answer.confidence, 6) if answer else None,
        "log_likelihood": round(answer.log_likelihood, 6) if answer else None,
        "candidates": outcome.candidates,
        "good_candidates": outcome.good_candidates,
        "attempts": outcome.attempts,
        "repairs": outcome.repairs,
        "actions": [asdict(action) for action in outcome.actions],
        "violations": [asdict(one) for one in outcome.violations],
        "notes": list(outcome.notes),
    }


def faults_of(verdict: Verdict | None, text: str, name: str = "answer") -> list[dict[str, Any]]:
    """The faults of a text: code, message, hint, place, and as a compiler would print each."""
    if verdict is None:
        return []
    source = SourceText(text, name)
    return [_fault(fault, source) for fault in verdict.faults[:MOST_FAULTS]]


def _fault(fault: Fault, source: SourceText) -> dict[str, Any]:
    place = source.place(fault.span.start) if fault.span else None
    return {
        "code": fault.code,
        "severity": fault.severity.value,
        "level": fault.level.value,
        "message": fault.message,
        "hint": fault.hint,
        "start": fault.span.start if fault.span else None,
        "end": fault.span.end if fault.span else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "shown": render_fault(fault, source),
    }
