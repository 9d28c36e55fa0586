"""Which examples become rows of a bounded length. An answer is never cut; a prompt is cut only if asked.

`fitted_rows` is what training draws its rows from, so that what preflight counts is what is trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import tee
from typing import Any, Literal

from idiolect.data.contexts import schema_in
from idiolect.data.example import Example, Rejected
from idiolect.student.prompt import PromptForm
from idiolect.student.row import Row
from idiolect.student.tokens import make_row, make_rows

LongPrompts = Literal["reject", "shrink"]

# Reasons to leave an example out, as they are counted.
NEGATIVE = "negative"  # its target is labelled wrong: a contrast, nothing to imitate
LONG_ANSWER = "answer too long"  # even without its context
LONG_PROMPT = "prompt too long"


def fitted_rows(
    examples: Iterable[Example],
    tokenizer: Any,
    form: PromptForm,
    limit: int,
    long_prompts: LongPrompts = "reject",
) -> Iterator[Row | Rejected]:
    """A row or the reason why not for every example, in their order.

    With "shrink", whole lines are taken off the end of a context that is too long; a context that is a JSON
    Schema can't be shortened and is rejected all the same.
    """
    for _, row in fitted_pairs(examples, tokenizer, form, limit, long_prompts):
        yield row


def fitted_pairs(
    examples: Iterable[Example],
    tokenizer: Any,
    form: PromptForm,
    limit: int,
    long_prompts: LongPrompts = "reject",
) -> Iterator[tuple[Example, Row | Rejected]]:
    """The same, each with its example as it is trained: with the context that was left of it."""
    for example, row in _paired(examples, tokenizer, form):
        if isinstance(row, Row) and row.length > limit:
            yield _fitted(example, row, tokenizer, form, limit, long_prompts)
        else:
            yield example, row


def _paired(
    examples: Iterable[Example], tokenizer: Any, form: PromptForm
) -> Iterator[tuple[Example, Row | Rejected]]:
    """Each example with its row, however long; negatives are rejected."""
    all_of_them, positives = tee(examples)
    rows = make_rows((example for example in positives if example.valid), tokenizer, form)
    for example in all_of_them:
        yield (
            example,
            next(rows) if example.valid else left_out(example, NEGATIVE, "its target is labelled wrong"),
        )


def left_out(example: Example, reason: str, detail: str) -> Rejected:
    """The record of an example that is no row."""
    origin = example.provenance
    detail = f"{detail} (example {example.id})"
    return Rejected(reason=reason, detail=detail, source=origin.source or "", line=origin.line)


def _fitted(
    example: Example, row: Row, tokenizer: Any, form: PromptForm, limit: int, long_prompts: LongPrompts
) -> tuple[Example, Row | Rejected]:
    bare = make_row(replace(example, context=""), tokenizer, form)
    if bare.length > limit:
        alone = f"instruction and answer alone have {bare.length:,} tokens"
        detail = f"{alone}, {len(row.answer):,} of them the answer; {limit:,} fit"
        return example, left_out(example, LONG_ANSWER, detail)
    if long_prompts == "shrink" and schema_in(example.context) is None:
        return _shrunk(example, row, tokenizer, form, limit)
    return example, left_out(example, LONG_PROMPT, f"{row.length:,} tokens, and {limit:,} fit")


def _shrunk(example: Example, row: Row, tokenizer: Any, form: PromptForm, limit: int) -> tuple[Example, Row]:
    """The row with as many lines of its context as fit; its id stays that of the whole example."""
    lines = example.context.splitlines()
    best: tuple[Example, Row] | None = None
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high) // 2
        shorter = replace(example, context="\n".join(lines[:middle]))
        found = make_row(shorter, tokenizer, form)
        if found.length <= limit:
            best, low = (shorter, replace(found, id=row.id)), middle + 1
        else:
            high = middle
    assert best is not None  # without any line it fits
    return best
