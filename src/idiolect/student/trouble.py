"""What stands between a script and its student, as one error that carries a problem with its code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from idiolect.machine.requirements import install_command
from idiolect.problem import Problem, problem


class StudentError(Exception):
    """A student can't be loaded, adapted or saved."""

    def __init__(self, found: Problem) -> None:
        super().__init__(found.message)
        self.problem = found

    @property
    def help(self) -> str:
        return self.problem.help or ""


@contextmanager
def libraries(extra: str = "train", purpose: str = "students") -> Iterator[None]:
    """Imports of an extra's libraries; one line with its cure where one is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        what = f"{purpose} need {error.name}, which is not installed"
        raise StudentError(problem("L505", what, help=install_command(extra))) from error
