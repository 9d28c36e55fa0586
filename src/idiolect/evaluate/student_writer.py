"""A student that answers tasks, under its language's grammar or without it.

Tasks are written in the order given; those of one call share what their prompts begin with. A task whose
grammar or prompt can't be used is answered with nothing, and the reason is kept: it counts as wrong, since a
user would have got nothing either.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from idiolect.data.contexts import context_of
from idiolect.data.example import WORDS
from idiolect.decode.generate import Generator
from idiolect.decode.records import Answer, Request, Sampling
from idiolect.decode.trouble import DecodeError
from idiolect.dialects.contract import EMPTY, Context, Dialect
from idiolect.evaluate.records import Mode, Task, Written
from idiolect.student.load import Student
from idiolect.student.prompt import prompt_text, turns_of


class StudentWriter:
    """Writes answers with a student."""

    def __init__(
        self,
        student: Student,
        dialect: Dialect | None,
        project: Context = EMPTY,
        sampling: Sampling = Sampling(),
    ) -> None:
        self.name = student.base
        self.troubles: Counter[str] = Counter()  # why tasks could not be asked
        self._student = student
        self._generator = Generator(student)
        self._dialect = dialect
        self._project = project
        self._sampling = sampling

    def write(
        self, tasks: Sequence[Task], *, mode: Mode, k: int, temperature: float, seed: int, max_new_tokens: int
    ) -> Iterator[Sequence[Written]]:
        """The k answers to each task."""
        sampling = replace(self._sampling, temperature=temperature, seed=seed, max_tokens=max_new_tokens)
        requests = [self._request(task, mode, k) for task in tasks]
        started = time.perf_counter()
        found = self._answers(requests, sampling)
        seconds = (time.perf_counter() - started) / max(1, sum(map(len, found)))
        for answers in found:
            yield [_written(answer, seconds) for answer in answers]

    def asked(self, task: Task) -> str:
        """The text that the student is shown for a task."""
        return prompt_text(task.example, self._student.tokenizer, self._student.form)

    def _request(self, task: Task, mode: Mode, k: int) -> Request:
        example = task.example
        grammar = None
        if mode == "constrained" and self._dialect is not None and example.task not in WORDS:
            grammar = self._dialect.constraint(context_of(example, self._project))
        turns: tuple[Any, ...] = tuple(turns_of(example))
        return Request(turns, example.context, grammar, candidates=k)

    def _answers(self, requests: list[Request], sampling: Sampling) -> list[list[Answer]]:
        """All at once; where one can't be asked, each by itself."""
        try:
            return self._generator.generate(requests, sampling)
        except DecodeError as error:
            if len(requests) == 1:
                self.troubles[str(error)] += 1
                nothing = Answer("", "budget", details={"trouble": str(error)})
                return [[nothing] * requests[0].candidates]
        return [self._answers([request], sampling)[0] for request in requests]


def _written(answer: Answer, seconds: float) -> Written:
    return Written(
        text=answer.text,
        tokens=len(answer.ids),
        finished=answer.finished,
        log_likelihood=answer.log_likelihood,
        forced=answer.forced,
        steps=answer.steps,
        seconds=seconds,
    )
