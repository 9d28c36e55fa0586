"""Rows: what a student sees of an example, in token ids. Training, evaluation and serving share them.

A row is a prompt and an answer, which ends with the end-of-turn token. Only the answer is supervised.
It knows no tokenizer: `student/tokens.py` makes rows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One example in token ids."""

    id: str  # of the example
    prompt: tuple[int, ...]  # with the BOS, if the model has one, and the opening of the answer's turn
    answer: tuple[int, ...]  # ends with the end-of-turn token
    weight: float = 1.0  # of each of the answer's tokens in the loss
    level: str | None = None  # micro, multi or scenario, for the curriculum

    @property
    def length(self) -> int:
        return len(self.prompt) + len(self.answer)


@dataclass(frozen=True, slots=True)
class Pair:
    """A preference in token ids: of two answers to one prompt, the better and the worse."""

    id: str
    prompt: tuple[int, ...]
    chosen: tuple[int, ...]
    rejected: tuple[int, ...]
    weight: float = 1.0

    @property
    def length(self) -> int:
        return len(self.prompt) + max(len(self.chosen), len(self.rejected))


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A classifier's example in token ids with the number of its label, or a regression's with its value."""

    id: str
    ids: tuple[int, ...]
    label: int | float
    weight: float = 1.0

    @property
    def length(self) -> int:
        return len(self.ids)
