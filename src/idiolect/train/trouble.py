"""What stands between a script and its trained student, as one error that carries a problem with its code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from idiolect.problem import Problem
from idiolect.runs.stage import StageError
from idiolect.student.trouble import StudentError


class TrainingError(Exception):
    """Training can't begin or can't go on."""

    def __init__(self, found: Problem) -> None:
        super().__init__(found.message)
        self.problem = found

    @property
    def help(self) -> str:
        return self.problem.help or ""


@contextmanager
def told_as_stage() -> Iterator[None]:
    """What is wrong with a training or its student, as the run tells it."""
    try:
        yield
    except (TrainingError, StudentError) as error:
        found = error.problem
        place = f" ({found.where})" if found.where else ""
        raise StageError(f"[{found.code}] {found.message}{place}", found.help or "") from error
