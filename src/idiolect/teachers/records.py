"""What passes between a recipe and a teacher: requests, and one outcome for each, answered or not.

A request is keyed by its content, and so is the answer in the journal. These records know no server
and no journal, and hold nothing that differs between a first run and its replay but `Answer.cached`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from idiolect.dialects.verdict import Verdict
from idiolect.teachers.problem import TeacherProblem

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation that a teacher is shown."""

    role: str
    content: str

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise TeacherProblem(
                f'no role "{self.role}" in a message', hint=f"write one of {', '.join(ROLES)}"
            )


@dataclass(frozen=True, slots=True)
class Request:
    """One thing asked of a teacher. Two requests of equal content are one request, and cost one answer.

    Whoever wants several answers to one prompt gives each request its own seed. `facts` is what a rule
    teacher works from; no server sees it, and it is no part of the key.
    """

    purpose: str  # what the answer is for: "domain_spec", "query", "ast"; yields are counted by it
    messages: tuple[Message, ...]
    model: str = ""  # "" means the teacher's own
    schema: Mapping[str, Any] | None = None  # the JSON Schema that the answer must keep
    temperature: float | None = None  # None means the teacher's own
    max_tokens: int | None = None
    seed: int | None = None
    attempt: int = 0  # how many answers were rejected before this one was asked for
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if not self.messages:
            raise TeacherProblem(
                f'a request for "{self.purpose}" has no messages', hint="give it at least one"
            )
        if self.temperature is not None and not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise TeacherProblem(
                f"temperature {self.temperature} of a request is no temperature", hint="write 0 to 2"
            )

    @property
    def key(self) -> str:
        """The hash of the content. The order inside a schema counts: servers write fields in that order."""
        return hashlib.sha256(self.as_json().encode("ascii")).hexdigest()

    def as_json(self) -> str:
        """The content as one line of ASCII JSON."""
        content = {
            "model": self.model,
            "messages": [[message.role, message.content] for message in self.messages],
            "schema": self.schema,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "seed": self.seed,
            "purpose": self.purpose,
            "attempt": self.attempt,
        }
        try:
            return json.dumps(content, allow_nan=False, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError) as error:
            raise TeacherProblem(
                f'a request for "{self.purpose}" can\'t be written as JSON: {error or "nested too deep"}',
                hint="schemas hold objects, lists, text, finite numbers, true, false and null",
            ) from error

    def bound_to(self, model: str, temperature: float | None) -> Request:
        """The same request with the teacher's model and temperature where it names none."""
        kept = temperature if self.temperature is None else self.temperature
        return replace(self, model=self.model or model, temperature=kept)


class Outcome(StrEnum):
    """How a request ended without an answer."""

    REJECTED = "rejected"  # the teacher answered, and no answer verified
    NOT_JUDGED = "not judged"  # it answered, and the verifier could not say whether it is right
    FAILED = "failed"  # no answer came
    NOT_ASKED = "not asked"  # the budget or the time was spent, or the server had gone


@dataclass(frozen=True, slots=True)
class Answer:
    """A verified answer. `cached` tells this run's calls from earlier ones: keep it out of content."""

    request: Request
    text: str
    parsed: Any  # the JSON value where the request has a schema, else None
    request_key: str
    teacher: str  # the model, or "rules"
    attempts: int = 1  # answers given to this request, with the rejected ones
    prompt_tokens: int | None = None  # as the server counted the last prompt
    completion_tokens: int | None = None
    cached: bool = field(default=False, compare=False)
    verdict: Verdict | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A request that ended without an answer: how, why, and the last text if any."""

    request: Request
    outcome: Outcome
    reason: str  # a word or two: a fault's code, "time-out", "budget"
    detail: str  # one sentence
    request_key: str
    teacher: str
    attempts: int = 0
    text: str | None = None
    verdict: Verdict | None = field(default=None, compare=False)


Ending = Answer | Rejected
Verify = Callable[[Request, Answer], Verdict]


@dataclass(frozen=True, slots=True)
class Yield:
    """How the requests of one purpose ended."""

    asked: int = 0
    answered: int = 0
    rejected: int = 0
    not_judged: int = 0
    failed: int = 0
    not_asked: int = 0

    @property
    def closes(self) -> bool:
        """Whether every request is counted once."""
        ended = self.answered + self.rejected + self.not_judged + self.failed + self.not_asked
        return self.asked == ended


@dataclass(frozen=True, slots=True)
class TeacherReport:
    """The counts of what a teacher did. `total` is the sum of `purposes`."""

    teacher: str
    total: Yield
    purposes: Mapping[str, Yield]
    reasons: Mapping[str, int]  # "rejected: schema.required" to how many requests ended so
    faults: Mapping[str, int]  # code to how many attempts broke it, those mended later included
    troubles: Mapping[str, int]  # "time-out" to how many calls went wrong so, those repeated included
    calls: int  # asked of the server in this run
    cached: int  # requests that needed no call
    prompt_tokens: int  # of this run's calls
    completion_tokens: int
    untold_prompts: int  # replies that did not say how many prompt tokens were read
    wall_s: float

    @property
    def closes(self) -> bool:
        return self.total.closes and all(each.closes for each in self.purposes.values())


class Teacher(Protocol):
    """Whoever answers requests: one ending for each, in the order of the requests."""

    @property
    def name(self) -> str: ...

    def answer(self, requests: Iterable[Request], verify: Verify | None = None) -> Iterator[Ending]: ...

    def report(self) -> TeacherReport: ...
