"""What stands between a request and an answer, as one error that carries a problem with its code."""

from __future__ import annotations

from idiolect.problem import Problem, problem


class DecodeError(Exception):
    """A request that can't be answered as it was asked."""

    def __init__(self, found: Problem) -> None:
        super().__init__(found.message)
        self.problem = found

    @property
    def help(self) -> str:
        return self.problem.help or ""


def trouble(code: str, message: str, help: str | None = None) -> DecodeError:
    """The error of a problem."""
    return DecodeError(problem(code, message, help=help))
