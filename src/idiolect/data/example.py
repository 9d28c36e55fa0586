"""The records that data is made of: examples, where they came from, and what was left out.

They are plain values. This module does **not** read or write files, knows no dialect, and judges nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from idiolect.dialects.verdict import Severity, Verdict

STRICT: dict[str, Any] = {"extra": "forbid", "strict": True}

Split = Literal["train", "validation", "test"]
WORDS = frozenset({"explain", "lookup"})  # tasks whose targets are words, which no dialect judges
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

ID_LENGTH = 16  # 64 bits: a million examples meet by chance once in 37 million corpora


@dataclass(frozen=True, slots=True)
class VerdictSummary:
    """What is kept of a verdict: its levels and the codes of its faults, without the text's places."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    parsed: bool | None = None
    valid: bool | None = None
    policy: bool | None = None
    tests_passed: int = 0
    tests_total: int = 0
    errors: tuple[str, ...] = ()  # codes, each once, in the order of the text
    warnings: tuple[str, ...] = ()
    not_judged: str | None = None

    @property
    def ok(self) -> bool:
        """True only if the text was judged and every level that was asked holds."""
        levels = (self.parsed, self.valid, self.policy)
        return (
            self.not_judged is None
            and self.parsed is True
            and False not in levels
            and self.tests_passed == self.tests_total
        )


def summary_of(verdict: Verdict) -> VerdictSummary:
    """The summary of a full verdict."""
    codes: dict[Severity, dict[str, None]] = {Severity.ERROR: {}, Severity.WARNING: {}, Severity.NOTE: {}}
    for fault in verdict.faults:
        codes[fault.severity][fault.code] = None
    return VerdictSummary(
        verdict.parsed,
        verdict.valid,
        verdict.policy,
        verdict.tests_passed,
        verdict.tests_total,
        tuple(codes[Severity.ERROR]),
        tuple(codes[Severity.WARNING]),
        verdict.not_judged,
    )


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an example came from: a place in a source, or a recipe with its seed."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    source: str | None = None  # a file, relative to the project root
    line: int | None = None  # first line there, from 1; in a table or JSONL the row's line
    last_line: int | None = None
    recipe: str | None = None
    teacher: str | None = None  # a model's name, or "rules"
    seed: int | None = None
    parent: str | None = None  # id of the example that this one was made from


NOWHERE = Provenance()


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One thing to learn: what is asked, in which context, and the answer.

    `valid` is the label of the target: False marks a negative, kept for counting and for contrast.
    `verdict` is None where the target is not text of the dialect (explanations) or was not judged yet.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    instruction: str
    target: str
    system: str = ""
    context: str = ""  # a schema, a context pack, the script to repair: what the instruction is about
    valid: bool = True
    verdict: VerdictSummary | None = None
    task: str = "describe"
    level: str | None = None  # micro, multi or scenario
    group: str | None = None  # examples of one group never straddle a split
    provenance: Provenance = NOWHERE
    split: Split | None = None
    weight: float = 1.0
    tests: tuple[Mapping[str, Any], ...] = ()  # {"input": ..., "expected": ...}
    metadata: Mapping[str, Any] = field(default_factory=dict)  # free-form; JSON values only

    @property
    def id(self) -> str:
        """The hash of what a model sees and of the label: equal examples have equal ids."""
        parts = [self.system, self.context, self.instruction, self.target, self.valid]
        text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:ID_LENGTH]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A record that was left out: why, and what it was, so that it can be counted and looked at."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    reason: str  # a word or two to count by: "repeat", "not valid"
    detail: str = ""  # one sentence
    source: str = ""
    line: int | None = None
    verdict: VerdictSummary | None = None
    faults: tuple[str, ...] = ()  # as a compiler would print them
    text: str | None = None
