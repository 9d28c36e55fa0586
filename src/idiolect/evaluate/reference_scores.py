"""How likely a student finds the references: what loss, perplexity and token accuracy are computed from.

Prompts that tasks share are run once, by the token trie; how much that saves is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from idiolect.data.example import Rejected
from idiolect.evaluate.records import Task
from idiolect.student.load import Student
from idiolect.student.row import Row
from idiolect.student.tokens import make_rows

_BUDGET = 8_192  # trie tokens at a time


@dataclass(frozen=True, slots=True)
class ReferenceScore:
    """Of one task's reference."""

    nll: float  # in nats, over all its tokens
    tokens: int
    right: int  # tokens that were the likeliest


@dataclass(frozen=True, slots=True)
class ReferenceScores:
    """By task; a task whose reference can't be a row has none."""

    scores: dict[str, ReferenceScore]
    row_tokens: int
    run_tokens: int

    @property
    def sharing(self) -> float:
        """How many tokens of separate rows one token that was run stands for."""
        return self.row_tokens / self.run_tokens if self.run_tokens else 1.0


def score_references(student: Student, tasks: Sequence[Task]) -> ReferenceScores:
    """The scores of all tasks' references."""
    import torch

    from idiolect.train.packing import Packer
    from idiolect.train.trie import trie_of
    from idiolect.train.trie_scores import score_trie

    if student.encoder_decoder or student.classes is not None:
        return ReferenceScores({}, 0, 0)
    rows = [row for row in _rows(student, tasks) if not isinstance(row, Rejected)]
    if not rows:
        return ReferenceScores({}, 0, 0)
    longest = max(row.length for row in rows)
    packer = Packer(rows, budget=max(_BUDGET, longest), rows_per_step=len(rows), seed=0)
    found: dict[str, ReferenceScore] = {}
    row_tokens = run_tokens = 0
    for step in packer.epoch(0):
        for batch in step.batches:
            trie = trie_of([rows[at] for at in batch])
            with torch.inference_mode():
                scores = score_trie(student.model, trie)
            nll = (-scores.sequence_logp()).tolist()
            right = torch.zeros(scores.sequences).index_add(
                0, scores.sequence.cpu(), scores.correct.float().cpu()
            )
            counts = scores.sequence_tokens().tolist()
            for number, at in enumerate(batch):
                found[rows[at].id] = ReferenceScore(nll[number], counts[number], int(right[number]))
            row_tokens += trie.row_tokens
            run_tokens += trie.tokens
    return ReferenceScores(found, row_tokens, run_tokens)


def _rows(student: Student, tasks: Sequence[Task]) -> Sequence[Row | Rejected]:
    return list(make_rows((task.example for task in tasks), student.tokenizer, student.form))
