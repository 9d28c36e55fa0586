"""The records of an evaluation: what was written for a task, and what was found out about it.

A task is an Example; its target is the reference. Nothing here judges, and no time is kept: how long a
student took is told apart (`latency.json`), so that the same student gives the same records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from idiolect.data.example import STRICT, Example, VerdictSummary

Mode = Literal["constrained", "free"]
MODES: tuple[Mode, ...] = ("constrained", "free")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An example that a student is asked, and the suite that it belongs to."""

    suite: str
    example: Example

    @property
    def id(self) -> str:
        return self.example.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One answer as a student wrote it."""

    text: str
    tokens: int
    finished: bool  # it ended by itself or by the grammar, and was not cut
    log_likelihood: float | None = None  # of the whole answer, in nats
    forced: int = 0  # tokens that the grammar left no choice in
    steps: int = 0  # how often the model was asked
    seconds: float = 0.0  # of its share of the batch


class Writer(Protocol):
    """Whoever answers tasks: a student under its grammar or without it, or a fake in a test."""

    name: str

    def write(
        self, tasks: Sequence[Task], *, mode: Mode, k: int, temperature: float, seed: int, max_new_tokens: int
    ) -> Iterator[Sequence[Written]]:
        """The k answers to each task, in the tasks' order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One answer with everything that was found out about it: a line of evaluation_results.jsonl.

    `semantic_pass` is the answer's worth: valid, and right by the judge. None means that it could not be
    judged, which is never counted as wrong, but always counted.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    task: str
    suite: str
    mode: Mode
    temperature: float
    sample: int  # from 0
    level: str | None = None
    kind: str = ""  # the example's task: describe, repair, refusal
    language: str | None = None
    group: str | None = None
    prompt_text: str = ""
    student_output: str
    student_canonical: str | None = None  # None where it does not parse
    expected: str  # the reference, canonical
    verdict: VerdictSummary
    finished: bool
    tokens: int
    log_likelihood: float | None = None
    forced: int = 0
    steps: int = 0
    parsed: bool | None
    valid: bool | None
    policy: bool | None = None
    exact_match: bool
    equal: bool | None  # the same meaning as the reference by the dialect's own equality
    refused: bool = False
    unknown_names: tuple[str, ...] = ()  # codes of faults that say: no such symbol
    judge: str  # "rules", a teacher's model, or "none"
    teacher_verdict: str | None = None  # accept, reject, or why there is none
    teacher_canonical: str | None = None
    semantic_pass: bool | None
    token_f1: float | None = None  # of answers in words
    productions: tuple[str, ...] = ()  # of the reference
    details: Mapping[str, Any] = field(default_factory=dict)  # the verdict's own, for reports only

    @property
    def teacher_accept(self) -> bool | None:
        """What the teacher said, if it was asked and could say."""
        return {"accept": True, "reject": False}.get(self.teacher_verdict or "")
