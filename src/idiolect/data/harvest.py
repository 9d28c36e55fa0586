"""Turns a log of what a student answered, and of how people corrected it, into examples.

One line of the log is a `LogRow`; the server writes the same. What people corrected or liked becomes a
positive if it verifies; what they corrected away becomes the worse answer of a pair, and a negative if its
dialect refuses it. An answer that nobody spoke for is not learned. Secrets are masked first.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from pydantic import TypeAdapter, ValidationError

from idiolect.data.cleaning import normalized
from idiolect.data.corpus_result import SecretHit, Tally
from idiolect.data.example import STRICT, WORDS, Example, Provenance, Rejected, VerdictSummary
from idiolect.data.jsonl import read_rows
from idiolect.data.secrets import masked
from idiolect.runs.stage import Counts
from idiolect.text_hints import did_you_mean, shortened

Verify = Callable[[Sequence[Example]], Iterable[Example | Rejected]]  # in their order
RECIPE = "harvest"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """One line of a log: a request that was answered, and what people made of the answer."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    instruction: str
    answer: str
    time: str | None = None  # ISO 8601; kept in the metadata, and never part of an id
    system: str = ""
    context: str = ""
    task: str = "describe"
    correction: str | None = None  # what the answer should have been
    rating: int | None = None  # above 0: liked; below 0: disliked
    verdict: VerdictSummary | None = None  # of the answer, as the server saw it
    student: str | None = None  # which model answered
    details: Mapping[str, Any] = field(default_factory=dict)  # free-form; not harvested


@dataclass(frozen=True, slots=True)
class PreferredPair:
    """Two answers to one request, of which people preferred the first."""

    instruction: str
    context: str
    system: str
    chosen: str
    rejected: str
    task: str
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Harvest:
    """What a log gave, what was left out of it, and counts that close."""

    examples: tuple[Example, ...]
    pairs: tuple[PreferredPair, ...]
    rejected: tuple[Rejected, ...]
    secrets: tuple[SecretHit, ...]
    counts: Counts  # of rows: kept are those that gave an example or a pair
    gave: Mapping[str, int]  # positives, negatives, pairs


def harvest(path: Path, verify: Verify | None, known: Iterable[Example] = ()) -> Harvest:
    """The harvest of one log. `verify` judges answers; without it, people's word counts alone.

    `known` is what there is already: examples of it are not given again, and requests that it holds out for
    tests are not learned.
    """
    gathered = _Gathered(path.name, known)
    rows = list(gathered.readable(path))
    judged = _judged(rows, verify, path.name)
    for (line, row), (answer, correction) in zip(rows, judged, strict=True):
        gathered.take(line, row, answer, correction)
    return gathered.done()


def _judged(
    rows: Sequence[tuple[int, LogRow]], verify: Verify | None, source: str
) -> Iterator[tuple[Example | Rejected, Example | Rejected | None]]:
    """The answer and the correction of each row, as examples that hold or with the reason why not."""
    asked: list[Example] = []
    for line, row in rows:
        asked.append(_example(row, row.answer, source, line))
        if row.correction is not None:
            asked.append(_example(row, row.correction, source, line))
    found = iter(verify(asked) if verify else asked)
    for _, row in rows:
        answer = next(found)
        yield answer, (next(found) if row.correction is not None else None)


def _example(row: LogRow, target: str, source: str, line: int) -> Example:
    metadata = {"time": row.time, "student": row.student, "rating": row.rating}
    return Example(
        instruction=row.instruction,
        target=target,
        system=row.system,
        context=row.context,
        task=row.task,
        provenance=Provenance(source=source, line=line, last_line=line, recipe=RECIPE),
        metadata={name: value for name, value in metadata.items() if value is not None},
    )


class _Gathered:
    """What a log has given so far."""

    def __init__(self, source: str, known: Iterable[Example]) -> None:
        self.source = source
        self.tally = Tally("log rows")
        self.examples: dict[str, Example] = {}
        self.pairs: dict[tuple[str, ...], PreferredPair] = {}
        self.rejected: list[Rejected] = []
        self.secrets: list[SecretHit] = []
        self.held: set[tuple[str, str]] = set()
        self.known: set[tuple[str, str, str, bool]] = set()
        for one in known:
            self.known.add(_key(one))
            if one.split in ("test", "validation"):
                self.held.add(_request(one))

    def readable(self, path: Path) -> Iterator[tuple[int, LogRow]]:
        """The rows that can be read, with secrets masked; the others are left out."""
        for line, found in read_rows(path):
            self.tally.read += 1
            if isinstance(found, Rejected):
                self._leave_out(found.reason, found.detail, line)
                continue
            row = read_row(found)
            if isinstance(row, str):
                self._leave_out("unknown row", row, line)
            else:
                yield line, self._masked(row, line)

    def _masked(self, row: LogRow, line: int) -> LogRow:
        def clean(text: str) -> str:
            text, hits = masked(text)
            self.secrets += (SecretHit(hit.kind, self.source, line) for hit in hits)
            return text

        return replace(
            row,
            instruction=clean(row.instruction),
            answer=clean(row.answer),
            system=clean(row.system),
            context=clean(row.context),
            correction=None if row.correction is None else clean(row.correction),
        )

    def take(
        self, line: int, row: LogRow, answer: Example | Rejected, correction: Example | Rejected | None
    ) -> None:
        """Decide what one row gives."""
        fate = self._fate(line, row, answer, correction)
        if isinstance(fate, Rejected):
            self.tally.reasons[fate.reason] += 1
            self.rejected.append(fate)

    def _fate(
        self, line: int, row: LogRow, answer: Example | Rejected, correction: Example | Rejected | None
    ) -> Rejected | None:
        if _request(_example(row, "", "", 0)) in self.held:
            return self._reject("held out", "the request is in the test or validation data", line)
        if isinstance(correction, Rejected):
            return replace(correction, reason="correction does not verify", source=self.source, line=line)
        wrong = _negative(row, answer, self.source, line)
        if correction is not None and normalized(correction.target) != normalized(row.answer):
            fresh = self._add(correction)
            fresh |= wrong is not None and self._add(wrong)
            fresh |= self._pair(row, correction, line)
            return None if fresh else self._reject("known already", "gives nothing that is new", line)
        confirmed = correction is not None or (row.rating or 0) > 0
        if confirmed:
            if isinstance(answer, Rejected):
                return replace(answer, reason="liked, but does not verify", source=self.source, line=line)
            kept = self._add(correction or answer)
            return None if kept else self._reject("known already", "gives nothing that is new", line)
        if wrong is not None:
            return None if self._add(wrong) else self._reject("known already", "gives nothing new", line)
        if isinstance(answer, Rejected):  # could not be judged
            return replace(answer, source=self.source, line=line)
        if (row.rating or 0) < 0:
            return self._reject("disliked", "it verifies, and nobody said what is right instead", line)
        return self._reject("not confirmed", "nobody liked or corrected the answer", line)

    def _add(self, example: Example) -> bool:
        """Keep an example; False where there is one like it already."""
        if _key(example) in self.known:
            return False
        self.known.add(_key(example))
        self.examples[example.id] = example
        return True

    def _pair(self, row: LogRow, correction: Example, line: int) -> bool:
        pair = PreferredPair(
            row.instruction,
            row.context,
            row.system,
            correction.target,
            row.answer,
            row.task,
            self.source,
            line,
        )
        key = (*_request(correction), normalized(pair.chosen), normalized(pair.rejected))
        if key in self.pairs:
            return False
        self.pairs[key] = pair
        return True

    def _leave_out(self, reason: str, detail: str, line: int) -> None:
        self.tally.reasons[reason] += 1
        self.rejected.append(self._reject(reason, detail, line))

    def _reject(self, reason: str, detail: str, line: int) -> Rejected:
        return Rejected(reason=reason, detail=detail, source=self.source, line=line)

    def done(self) -> Harvest:
        gave = Counter("positives" if one.valid else "negatives" for one in self.examples.values())
        return Harvest(
            examples=tuple(self.examples.values()),
            pairs=tuple(self.pairs.values()),
            rejected=tuple(self.rejected),
            secrets=tuple(self.secrets),
            counts=self.tally.closed(),
            gave={"positives": gave["positives"], "negatives": gave["negatives"], "pairs": len(self.pairs)},
        )


def _negative(row: LogRow, answer: Example | Rejected, source: str, line: int) -> Example | None:
    """An answer that its dialect refuses, as a negative."""
    if not isinstance(answer, Rejected) or answer.verdict is None or answer.verdict.not_judged is not None:
        return None
    if row.task in WORDS:
        return None
    return replace(_example(row, row.answer, source, line), valid=False, verdict=answer.verdict)


def _request(example: Example) -> tuple[str, str]:
    return normalized(example.instruction), normalized(example.context)


def _key(example: Example) -> tuple[str, str, str, bool]:
    return (*_request(example), normalized(example.target), example.valid)


def read_row(row: Mapping[str, Any]) -> LogRow | str:
    """A line of a log, or what is wrong with it."""
    try:
        made = _adapter().validate_json(json.dumps(row))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"])) or "the row"
        if fault["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            return f'unknown field "{shortened(where)}"; {did_you_mean(where, _FIELDS)}'
        if fault["type"].startswith("missing"):
            return f'the field "{where}" is missing'
        return f'"{shortened(where)}": {fault["msg"]}'
    except (ValueError, RecursionError) as error:
        return shortened(str(error), 100)
    empty = next((name for name in ("instruction", "answer") if not getattr(made, name).strip()), None)
    return f'"{empty}" is empty' if empty else made


_FIELDS = tuple(one.name for one in fields(LogRow))


@cache
def _adapter() -> TypeAdapter[LogRow]:
    return TypeAdapter(LogRow)
