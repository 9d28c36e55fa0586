"""Preflight's findings as text for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from idiolect.machine.requirements import gib
from idiolect.text_hints import counted, size
from idiolect.train.preflight.record import Lengths, Memory, Preflight, Sharing, Time, Writable

_BAR = 40  # columns of the longest bar


def as_text(found: Preflight, dialect: str | None = None) -> str:
    """The report, a fact a line; problems are not in it."""
    return "\n".join(f"{name:<11}{text}" for name, text in _facts(found, dialect))


def as_json(found: Preflight) -> dict[str, Any]:
    """The report as plain values."""
    content = asdict(found)
    content["ok"], content["kept"] = found.ok, found.kept
    if found.lengths:
        content["lengths"]["supervised_share"] = round(found.lengths.supervised_share, 6)
    if found.sharing:
        content["sharing"]["ratio"] = round(found.sharing.ratio, 3)
    if found.memory:
        content["memory"]["total"] = found.memory.total
    return content


def _facts(found: Preflight, dialect: str | None) -> Iterator[tuple[str, str]]:
    trained = f"{found.trainable:,} trained" if found.trainable else "none trained"
    yield "base", f"{found.base}, {found.parameters:,} parameters, {trained}"
    yield "template", f"{found.template}, rows of at most {found.limit:,} tokens"
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in found.rejected.items())
    yield "rows", f"{found.kept:,} of {counted(found.read, 'example')}" + (f"; {reasons}" if reasons else "")
    if found.shrunk:
        yield "shortened", f"the contexts of {counted(found.shrunk, 'row')}"
    if found.lengths:
        yield from _lengths(found.lengths)
    if found.sharing:
        yield "sharing", _sharing(found.sharing)
    if found.writable:
        yield "writable", _writable(found.writable, dialect)
    if found.memory:
        yield "memory", _memory(found.memory)
    if found.time:
        yield "time", _time(found.time)


def _lengths(lengths: Lengths) -> Iterator[tuple[str, str]]:
    share = f"{lengths.supervised_share:.1%}"
    yield "tokens", f"{lengths.tokens:,}, of which {lengths.answer_tokens:,} ({share}) are supervised"
    yield (
        "lengths",
        f"{lengths.shortest:,} to {lengths.longest:,}; half have at most {lengths.median:,}, "
        f"nine of ten at most {lengths.nine_tenths:,}",
    )
    most = max(count for _, count in lengths.bins)
    for bound, count in lengths.bins:
        bar = "#" * max(1 if count else 0, round(_BAR * count / most))
        yield "", f"up to {bound:>7,} {count:>9,} {bar}".rstrip()
    for at, row in enumerate(lengths.longest_rows):
        source = f"  {row.source}" if row.source else ""
        told = f"{row.id}  {row.prompt:,} + {row.answer:,} tokens{source}"
        yield "longest" if at == 0 else "", told


def _sharing(sharing: Sharing) -> str:
    told = f"an epoch's {sharing.tokens:,} tokens are computed as {sharing.trie_tokens:,}"
    rows = counted(sharing.rows_a_step, "row")
    return f"{told}, {sharing.ratio:.1f} times fewer: {rows} a step, {sharing.budget:,} tokens a batch"


def _writable(writable: Writable, dialect: str | None) -> str:
    good = writable.checked - writable.refused - writable.not_judged
    words = f"; {counted(writable.words, 'target')} in words" if writable.words else ""
    under = f" under the grammar of {dialect}" if dialect else ""
    return f"{good:,} of {counted(writable.checked, 'target')}{under}, by {writable.by}{words}"


def _memory(memory: Memory) -> str:
    there = f"; {gib(memory.available)} are there on {memory.device}" if memory.available else ""
    return (
        f"about {size(memory.total)} by estimate: weights {size(memory.weights)}, gradients and optimizer "
        f"{size(memory.gradients + memory.optimizer)}, activations {size(memory.activations)}, "
        f"logits {size(memory.logits)}{there}"
    )


def _time(time: Time) -> str:
    rate, took = f"{time.tokens_a_second:,.0f}", f"{time.probe_s:.2g} s"
    steps = counted(time.steps, "step")
    told = f"about {duration(time.seconds)} by estimate: {steps} at {rate} tokens a second"
    return f"{told}, as {time.probe_tokens:,} tokens took {took} here"


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"
