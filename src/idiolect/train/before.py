"""The check before a training (`train/preflight/`), as a run does it: once for the same rows and student.

An error ends the run before its first step: an answer that would be cut, a target that decoding under the
grammar could not write, a mask that is wrong. What is only worth knowing goes to the run's log.
"""

from __future__ import annotations

import hashlib
import json

from idiolect.data.example import Example
from idiolect.dialects.contract import Context, Dialect
from idiolect.files import write_beside
from idiolect.problem import Problem, problem
from idiolect.student.load import Student
from idiolect.student.saved import form_record
from idiolect.train.job import TrainingJob
from idiolect.train.settings import settings_of
from idiolect.train.training import load_trainable
from idiolect.train.trouble import TrainingError

_MARKER = "preflight"
_MOST_TOLD = 3


def checked_student(job: TrainingJob, dialect: Dialect | None, project: Context) -> Student:
    """The plan's trainable student, whose rows have passed; TrainingError where they do not."""
    from idiolect.train.preflight.of_plan import preflight_plan

    settings = settings_of(job.plan)
    student = load_trainable(job, settings)
    if settings.task != "language":
        return student
    marker, key = job.home / _MARKER, _key(job, student)
    if marker.is_file() and marker.read_text("utf-8").strip() == key:
        return student
    job.watch.progress(0, None, f"checking {len(job.train):,} examples")
    found = preflight_plan(
        job.plan, job.root, job.train, student=student, dialect=dialect, project=project, probe_s=0.0
    )
    errors = [one for one in found.problems if one.severity == "error"]
    for one in found.problems:
        job.watch.log(f"{one.severity}[{one.code}]: {one.message}")
    if errors:
        raise TrainingError(_together(errors))
    write_beside(marker, key + "\n")
    return student


def _together(errors: list[Problem]) -> Problem:
    """The first fault with its cure, and what else there is."""
    first = errors[0]
    others = "; ".join(f"[{one.code}] {one.message}" for one in errors[1:_MOST_TOLD])
    more = f"; and {len(errors) - _MOST_TOLD} more" if len(errors) > _MOST_TOLD else ""
    message = first.message + (f"; {others}" if others else "") + more
    help = first.help or "idiolect data preflight FILE shows it row by row"
    return problem(first.code, message, help=help, where=first.where)


def _key(job: TrainingJob, student: Student) -> str:
    """All that decides what the check finds."""
    seen = hashlib.sha256()
    for example in job.train:
        seen.update(_identity(example).encode())
    block = job.plan.dialect
    parts = [
        seen.hexdigest(),
        student.base_fingerprint,
        form_record(student.form),
        block.model_dump(mode="json") if block else None,
        job.plan.train.max_seq_length if job.plan.train else None,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _identity(example: Example) -> str:
    return (
        f"{example.id} {example.task} {example.weight} {json.dumps(dict(example.metadata), sort_keys=True)}"
    )
