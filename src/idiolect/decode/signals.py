"""Numbers about an answer that rules of INFERENCE.CONTROL ask for."""

from __future__ import annotations

from collections.abc import Sequence

from idiolect.decode.records import Answer
from idiolect.dialects.verdict import Verdict

Signal = float | bool | str
_LONGEST = 8  # words of a repeated group that are looked for


def signals_of(
    answer: Answer,
    *,
    verdict: Verdict | None = None,
    labels: Sequence[str] = (),
    toxic: bool | None = None,
    unknown_names: int | None = None,
) -> dict[str, Signal]:
    """The signals that can be told; one that needs a detector nobody has is left out."""
    found: dict[str, Signal] = {
        "confidence": answer.confidence,
        "repetition": repetition(answer.text),
        "length": len(answer.text),
        "tokens": len(answer.ids),
        "finished": answer.finished,
    }
    if verdict is not None and verdict.judged:
        found["valid"] = verdict.ok
    if labels:
        found["label"] = label_of(answer.text, labels)
    if toxic is not None:
        found["toxic"] = toxic
    if unknown_names is not None:
        found["hallucination_score"] = min(1.0, float(unknown_names))
    return found


def repetition(text: str) -> int:
    """How often a group of one to eight words stands in a row, at most; 1 in a text without repeats."""
    words = text.split()
    most = 1 if words else 0
    for size in range(1, min(_LONGEST, len(words) // 2) + 1):
        count = 1
        at = size
        while at + size <= len(words):
            if words[at : at + size] == words[at - size : at]:
                count += 1
                most = max(most, count)
                at += size
            else:
                count = 1
                at += 1
    return most


def label_of(text: str, labels: Sequence[str]) -> str:
    """The label that an answer names first, or nothing."""
    folded = text.casefold()
    places = [(folded.find(label.casefold()), -len(label), label) for label in labels]
    named = [place for place in places if place[0] >= 0]
    return min(named)[2] if named else ""
