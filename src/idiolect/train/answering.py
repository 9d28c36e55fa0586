"""Lets the student that is being trained answer examples, greedily and freely: for hard examples.

It is no decoder for products: nothing is constrained, and no answer is repaired.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from idiolect.data.example import Example
from idiolect.student.load import Student
from idiolect.student.tokens import answer_text, pad_id, prompt_ids, stop_ids

_BATCH = 8


class Answerer(Protocol):
    """Whoever writes one answer to each example."""

    def __call__(self, examples: Sequence[Example]) -> list[str]: ...


class GreedyAnswers:
    """The likeliest token after the other, batches of prompts filled on the left."""

    def __init__(self, student: Student, *, max_new_tokens: int) -> None:
        self._student = student
        self._most = max_new_tokens

    def __call__(self, examples: Sequence[Example]) -> list[str]:
        """The answers, in the order of the examples."""
        order = sorted(range(len(examples)), key=lambda at: len(examples[at].context))
        found = [""] * len(examples)
        for start in range(0, len(order), _BATCH):
            some = order[start : start + _BATCH]
            for at, text in zip(some, self._batch([examples[at] for at in some]), strict=True):
                found[at] = text
        return found

    def _batch(self, examples: Sequence[Example]) -> list[str]:
        import torch

        one = self._student
        prompts = [prompt_ids(example, one.tokenizer, one.form) for example in examples]
        width, pad = max(map(len, prompts)), pad_id(one.tokenizer, one.form)
        ids = torch.full((len(prompts), width), pad)
        mask = torch.zeros(len(prompts), width, dtype=torch.int64)
        for row, prompt in enumerate(prompts):
            ids[row, width - len(prompt) :] = torch.tensor(prompt)
            mask[row, width - len(prompt) :] = 1
        model = one.model
        device = next(model.parameters()).device
        was_training = model.training
        model.eval()
        try:
            with torch.no_grad():
                made: Any = model.generate(
                    input_ids=ids.to(device),
                    attention_mask=mask.to(device),
                    max_new_tokens=self._most,
                    do_sample=False,
                    eos_token_id=list(stop_ids(one.tokenizer, one.form)),
                    pad_token_id=pad,
                    use_cache=True,
                )
        finally:
            model.train(was_training)
        skipped = 0 if one.encoder_decoder else width
        return [answer_text(row[skipped:].tolist(), one.tokenizer, one.form) for row in made.cpu()]
