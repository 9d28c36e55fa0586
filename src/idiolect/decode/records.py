"""What is asked of an engine, how it shall choose, and what it answers: plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from idiolect.grammar.form import Grammar

# How an answer came to its end:
#   stop     the model ended it, or the grammar left nothing else
#   closed   the budget was nearly spent, and the shortest ending was written
#   cut at   one of the stop sequences stood in it
#   length   the budget was spent in free decoding: the text is cut off
#   budget   the budget can't hold any whole text: the text is cut off, or empty
Ended = Literal["stop", "closed", "cut at", "length", "budget"]
_WHOLE: frozenset[str] = frozenset({"stop", "closed", "cut at"})

Message = Mapping[str, str]  # "role" and "content"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen: what INFERENCE.params says."""

    max_tokens: int = 512
    temperature: float = 0.0  # 0 takes the likeliest
    top_p: float = 1.0
    top_k: int = 0  # 0 is off
    repetition_penalty: float = 1.0
    beams: int = 1
    do_sample: bool | None = None  # None: as the temperature says
    stop_sequences: tuple[str, ...] = ()
    seed: int = 0

    @property
    def random(self) -> bool:
        """Whether chance decides."""
        return self.temperature > 0 and self.do_sample is not False

    def with_settings(self, **changed: Any) -> Sampling:
        return replace(self, **changed)


@dataclass(frozen=True, slots=True)
class Request:
    """A conversation to be answered, and the grammar that the answer is held to."""

    messages: tuple[Message, ...]
    context: str = ""
    grammar: Grammar | None = None  # None: free decoding
    candidates: int = 1
    seed: int = 0  # joined with the sampling's; requests of one batch do not disturb one another
    begun: str = ""  # the answer's beginning, which stays as it is
    barred: frozenset[str] = frozenset()  # texts that the rest must not begin with
    schema: Mapping[str, Any] | None = None  # for servers that take a JSON Schema and no grammar


@dataclass(frozen=True, slots=True)
class Answer:
    """One candidate."""

    text: str
    ended: Ended
    ids: tuple[int, ...] = ()
    chosen: int = 0  # tokens that the model was asked for; the others were forced
    log_likelihood: float = 0.0  # of the chosen tokens, each among those that the grammar allowed there
    least: float = 1.0  # probability of the least likely of them
    confidence: float = 1.0  # mean probability of the chosen tokens
    steps: int = 0  # forward passes that it took part in
    prompt_tokens: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)  # free-form, for reports

    @property
    def finished(self) -> bool:
        """Whether the text is whole."""
        return self.ended in _WHOLE

    @property
    def forced(self) -> int:
        """Tokens that were written without asking the model."""
        return len(self.ids) - self.chosen

    @property
    def mean_log_likelihood(self) -> float:
        """By chosen token, so that long and short answers compare."""
        return self.log_likelihood / max(self.chosen, 1)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer as it is written. `start` is where it stands: a closing may replace an end."""

    request: int
    candidate: int
    start: int
    text: str


OnPiece = Callable[[Piece], None]
Answers = list[list[Answer]]  # of each request, its candidates
Requests = Sequence[Request]
