"""What a probe of the outside world has to say: a record with a published code.

The codes, their titles, meanings and cures are in `problem_codes.toml`. A problem does **not** know its
place in a script; whoever asked for the probe attaches it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

ProblemSeverity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about data, a model or the machine. `where` names a file, a row or a column in it."""

    code: str
    severity: ProblemSeverity
    message: str
    help: str | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True)
class ProblemCode:
    """What a code stands for, whatever the finding."""

    title: str
    severity: ProblemSeverity  # the usual one; a finding may be milder or graver
    meaning: str
    cure: str


@cache
def problem_codes() -> Mapping[str, ProblemCode]:
    """The table of codes."""
    text = files("idiolect").joinpath("problem_codes.toml").read_text("utf-8")
    return {code: ProblemCode(**entry) for code, entry in tomllib.loads(text).items()}


def problem(
    code: str,
    message: str,
    *,
    help: str | None = None,
    where: str | None = None,
    severity: ProblemSeverity | None = None,
) -> Problem:
    """A problem with the severity that its code usually has, unless another is given."""
    return Problem(code, severity or problem_codes()[code].severity, message, help, where)


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether one of them is an error."""
    return any(found.severity == "error" for found in problems)
