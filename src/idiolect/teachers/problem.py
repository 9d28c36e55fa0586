"""What stops a teacher altogether, said with its cure. One request's trouble is a record instead."""

from __future__ import annotations


class TeacherProblem(Exception):
    """What is wrong with a teacher, where, and what to write or do instead."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint
