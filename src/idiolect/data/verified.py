"""Verifies examples that came from files: targets judged by the dialect, in their canonical form where right.

A negative that its dialect refuses stays one. It does **not** read files or know splits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from idiolect.data.document import Document
from idiolect.data.example import Example, Rejected
from idiolect.data.judging import Asked, Judged, Loader, judge_all


def verified(
    examples: Sequence[Example], load: Loader, *, canonical: bool = True, workers: int = 1
) -> Iterator[Example | Rejected]:
    """Each example with its verdict, or why it was left out, in their order.

    `canonical` writes right targets the one way in which decoding under the grammar writes them.
    """
    documents = [_document(example) for example in examples]
    for judged in judge_all(load, documents, Asked(canonical=canonical), workers):
        yield _fate(judged)


def _document(example: Example) -> Document:
    origin = example.provenance
    return Document(
        source=origin.source or "", text=example.target, line=origin.line or 1, row=True, example=example
    )


def _fate(judged: Judged) -> Example | Rejected:
    """An example as it is judged: kept, kept as the negative that it says it is, or left out."""
    document = judged.document
    example, verdict = document.example, document.verdict
    assert example is not None
    if verdict is None:  # words, which no dialect judges
        return example
    kept = replace(example, target=document.text, verdict=verdict)
    if verdict.not_judged is not None:
        return _left_out(judged, "not judged", verdict.not_judged)
    if example.valid:
        return (
            kept
            if judged.ok
            else _left_out(judged, "not valid", ", ".join(verdict.errors) or "its tests fail")
        )
    if judged.ok:
        return _left_out(judged, "wrong label", "is labelled invalid, but its dialect accepts it")
    return kept


def _left_out(judged: Judged, reason: str, detail: str) -> Rejected:
    document = judged.document
    return Rejected(
        reason=reason,
        detail=detail,
        source=document.source,
        line=document.line,
        verdict=document.verdict,
        faults=judged.faults,
        text=document.text,
    )
