"""What is wrong with a student, told as a stage tells it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from idiolect.runs.stage import StageError
from idiolect.student.trouble import StudentError


@contextmanager
def student_faults_told() -> Iterator[None]:
    """A StudentError as a StageError, with its code and its cure."""
    try:
        yield
    except StudentError as error:
        raise StageError(f"{error.problem.code}: {error.problem.message}", error.help) from error
