"""Lets the student that is being trained answer examples, greedily and freely: for hard examples.

It asks `decode/generate.py`, without a grammar: under one, what the student can't do by itself would not
show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from idiolect.data.example import Example
from idiolect.student.load import Student
from idiolect.student.prompt import turns_of


class Answerer(Protocol):
    """Whoever writes one answer to each example."""

    def __call__(self, examples: Sequence[Example]) -> list[str]: ...


class StudentAnswers:
    """The likeliest answers of a student as it is now."""

    def __init__(self, student: Student, *, max_new_tokens: int) -> None:
        self._student = student
        self._most = max_new_tokens

    def __call__(self, examples: Sequence[Example]) -> list[str]:
        """The answers, in the order of the examples; empty where an example can't be asked."""
        import torch

        from idiolect.decode.generate import Generator
        from idiolect.decode.records import Request, Sampling
        from idiolect.decode.trouble import DecodeError

        model = self._student.model
        was_training = model.training
        model.eval()
        sampling = Sampling(max_tokens=self._most)
        requests = [Request(tuple(turns_of(example)), example.context) for example in examples]
        try:
            with torch.no_grad():
                generator = Generator(self._student)
                try:
                    return [found[0].text for found in generator.generate(requests, sampling)]
                except DecodeError:
                    return [self._alone(generator, request, sampling) for request in requests]
        finally:
            model.train(was_training)

    def _alone(self, generator: object, request: object, sampling: object) -> str:
        from idiolect.decode.trouble import DecodeError

        try:
            return str(generator.generate([request], sampling)[0][0].text)  # type: ignore[attr-defined]
        except DecodeError:
            return ""
