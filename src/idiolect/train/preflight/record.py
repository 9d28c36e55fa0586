"""What preflight finds out: plain records, from which its text and its JSON are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from idiolect.problem import Problem, has_errors


@dataclass(frozen=True, slots=True)
class LongRow:
    """One of the longest rows."""

    id: str
    prompt: int
    answer: int
    source: str


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths of rows in tokens."""

    rows: int
    prompt_tokens: int
    answer_tokens: int
    shortest: int
    median: int
    nine_tenths: int  # nine of ten rows are no longer
    longest: int
    bins: tuple[tuple[int, int], ...]  # upper bound of a length, and how many rows are that long
    longest_rows: tuple[LongRow, ...]

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.answer_tokens

    @property
    def supervised_share(self) -> float:
        return self.answer_tokens / self.tokens if self.tokens else 0.0


@dataclass(frozen=True, slots=True)
class Sharing:
    """How many tokens an epoch computes if the prefixes that rows of a batch share are computed once."""

    tokens: int  # of all rows
    trie_tokens: int  # with shared ones once
    largest_batch: int  # in trie tokens
    batches: int
    rows_a_step: int
    budget: int  # most trie tokens of a batch

    @property
    def ratio(self) -> float:
        return self.tokens / self.trie_tokens if self.trie_tokens else 1.0


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that training takes by estimate, by what they are for."""

    weights: int
    gradients: int
    optimizer: int
    activations: int  # measured on a short row, then taken as proportional to tokens
    logits: int  # of the supervised tokens of a batch, as many as are computed at a time
    available: int | None
    device: str

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.optimizer + self.activations + self.logits


@dataclass(frozen=True, slots=True)
class Time:
    """How long training takes by estimate."""

    probe_tokens: int
    probe_s: float
    tokens_a_second: float
    steps: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Writable:
    """Whether decoding under the dialect's grammar could write the targets."""

    checked: int
    refused: int
    not_judged: int
    words: int  # targets that are no text of the dialect: explanations
    by: str  # "tokens", or "text" where no tokenizer can be followed


@dataclass(frozen=True, slots=True)
class Preflight:
    """All that was found out before training."""

    base: str
    template: str
    parameters: int
    trainable: int
    limit: int  # longest row that is trained
    read: int
    rejected: Mapping[str, int] = field(default_factory=dict)  # by reason
    shrunk: int = 0  # rows whose context was shortened until they fitted
    lengths: Lengths | None = None
    sharing: Sharing | None = None
    writable: Writable | None = None
    memory: Memory | None = None
    time: Time | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def kept(self) -> int:
        return self.read - sum(self.rejected.values())

    @property
    def ok(self) -> bool:
        return not has_errors(self.problems)
