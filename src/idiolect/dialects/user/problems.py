"""Faults in a dialect's own files, and the exception that carries all of them at once.

It knows no file format: readers make the faults, this module only gathers and prints them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from idiolect.dialects.verdict import Fault, Level, render_fault
from idiolect.source import SourceText, Span


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault and the file that it stands in."""

    fault: Fault
    source: SourceText

    def __str__(self) -> str:
        return render_fault(self.fault, self.source)


class BadDialect(Exception):
    """A dialect whose own files are wrong; `problems` lists every one that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def problem(
    source: SourceText, code: str, message: str, span: Span | None = None, hint: str | None = None
) -> Problem:
    """A problem of a dialect's own file; `code` is completed to `dialect.<code>`."""
    return Problem(Fault(f"dialect.{code}", message, span, hint, Level.VALID), source)


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint that names the nearest known word, or lists a few of them."""
    words = sorted(known)
    near = get_close_matches(word, words, n=1)
    if near:
        return f'did you mean "{near[0]}"?'
    if not words:
        return otherwise
    shown = ", ".join(words[:12]) + (", ..." if len(words) > 12 else "")
    return f"{otherwise}{'; ' if otherwise else ''}known: {shown}"
