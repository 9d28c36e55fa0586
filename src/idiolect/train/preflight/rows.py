"""Looks at rows one by one: lengths, ends, beginnings, and whether serving would give the same ids."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median_low
from typing import Any

from idiolect.data.example import Example
from idiolect.problem import Problem, problem
from idiolect.student.prompt import PromptForm
from idiolect.student.row import Row
from idiolect.student.tokens import answer_text, prompt_ids, stop_ids
from idiolect.text_hints import counted, listed
from idiolect.train.packing import Packer
from idiolect.train.preflight.record import Lengths, LongRow, Sharing

_LONGEST_SHOWN = 5
_SERVED = 200  # rows whose prompt is made again the way serving makes it
_BINS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 1 << 20)


def lengths_of(rows: Sequence[Row], sources: Sequence[str]) -> Lengths:
    """The lengths of rows; `sources` says of each where it came from."""
    sizes = sorted(row.length for row in rows)
    counts = [0] * len(_BINS)
    for size in sizes:
        counts[min(bisect_left(_BINS, size), len(_BINS) - 1)] += 1
    used = [at for at, count in enumerate(counts) if count]
    longest = sorted(zip(rows, sources, strict=True), key=lambda pair: (-pair[0].length, pair[0].id))
    return Lengths(
        rows=len(rows),
        prompt_tokens=sum(len(row.prompt) for row in rows),
        answer_tokens=sum(len(row.answer) for row in rows),
        shortest=sizes[0],
        median=median_low(sizes),
        nine_tenths=sizes[(9 * len(sizes) - 1) // 10],
        longest=sizes[-1],
        bins=tuple((_BINS[at], counts[at]) for at in range(used[0], used[-1] + 1)),
        longest_rows=tuple(
            LongRow(row.id, len(row.prompt), len(row.answer), source)
            for row, source in longest[:_LONGEST_SHOWN]
        ),
    )


def sharing_of(rows: Sequence[Row], rows_a_step: int, budget: int, seed: int) -> Sharing:
    """The tokens of an epoch with and without sharing, dealt to steps the way training deals them."""
    longest = max(row.length for row in rows)
    report = Packer(rows, budget=max(budget, longest), rows_per_step=rows_a_step, seed=seed).report()
    return Sharing(
        report.row_tokens, report.trie_tokens, report.largest_batch, report.batches, rows_a_step, budget
    )


@dataclass(slots=True)
class RowFaults:
    """Ids of the examples whose rows are not what they must be."""

    unended: list[str] = field(default_factory=list)
    begun_wrong: list[str] = field(default_factory=list)
    served_otherwise: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)

    def problems(self, form: PromptForm) -> Iterator[Problem]:
        """What to say of them."""
        if self.unended:
            what = f"{counted(len(self.unended), 'row')} would not teach the model to end its turn"
            help = f"{form.stop} must be the last token of every answer"
            yield problem("L624", what, help=help, where=_ids(self.unended))
        if self.begun_wrong:
            what = f"{counted(len(self.begun_wrong), 'row')} do not begin with exactly one BOS token"
            yield problem("L625", what, help=_TEMPLATE, where=_ids(self.begun_wrong))
        if self.served_otherwise:
            count = counted(len(self.served_otherwise), "prompt")
            what = f"serving would give {count} other tokens than training"
            yield problem("L626", what, help=_TEMPLATE, where=_ids(self.served_otherwise))
        if self.altered:
            what = f"the tokenizer alters {counted(len(self.altered), 'answer')}: other text comes back"
            yield problem("L629", what, help=_ALTERED, where=_ids(self.altered))


_TEMPLATE = "correct the chat template, or name another in DATASET.chat_template"
_ALTERED = "write the targets in composed Unicode (NFC), or take a base whose tokenizer keeps every byte"


def check_rows(
    pairs: Iterable[tuple[Example, Row]], count: int, tokenizer: Any, form: PromptForm
) -> RowFaults:
    """What is wrong with rows. One in so many is made again, as serving makes it."""
    faults = RowFaults()
    stops, bos = set(stop_ids(tokenizer, form)), tokenizer.bos_token_id
    every = max(1, count // _SERVED)
    for at, (example, row) in enumerate(pairs):
        ends = [token in stops for token in row.answer]
        if not ends or not ends[-1] or sum(ends) != 1:
            faults.unended.append(row.id)
        if bos is not None and bos not in stops and _bos_wrong(row, bos, tokenizer):
            faults.begun_wrong.append(row.id)
        if at % every == 0 and prompt_ids(example, tokenizer, form) != row.prompt:
            faults.served_otherwise.append(row.id)
        if answer_text(row.answer, tokenizer, form) != example.target:
            faults.altered.append(row.id)
    return faults


def _bos_wrong(row: Row, bos: int, tokenizer: Any) -> bool:
    wanted = tokenizer("a")["input_ids"][:1] == [bos]
    return row.prompt.count(bos) > 1 or bos in row.answer or (wanted and row.prompt[:1] != (bos,))


def _ids(ids: Sequence[str]) -> str:
    return f"examples {listed(ids, 5)}"
