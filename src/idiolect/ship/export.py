"""Writes a student in the formats that EXPORT names, each proven in its own runtime before it is delivered.

    exported = export(job)

A form is written into a folder of its own beside the others, asked for what it says of the probes, and moved
into its place only if that is what the student says. One that differs is not delivered; one whose runtime is
not installed is delivered with that said.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from idiolect.files import write_beside
from idiolect.problem import problem
from idiolect.ship.exported import Exported, ExportJob, Work
from idiolect.ship.pass_rate import with_pass_rate
from idiolect.ship.probes import logits_of, probes_of
from idiolect.ship.security import write_checksums
from idiolect.ship.writers import NOT_SUPPORTED, WRITERS
from idiolect.student.load import Student, load_student
from idiolect.student.trouble import StudentError

REPORT = "export_report.json"
_SEALED = ("okm",)  # the formats that can be sealed; others are read by runtimes that know no key


def export(job: ExportJob) -> tuple[Exported, ...]:
    """Every form of the student; the report is written beside them."""
    student = load_student(job.source, root=job.root, device="cpu", precision="fp32", quantization="none")
    probes = probes_of(student, job.examples)
    wanted = [logits_of(student.model, probe) for probe in probes]
    making = job.into / ".making"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    work = Work(job, student, probes, wanted, making / "merged")
    done: list[Exported] = []
    try:
        for number, format in enumerate(job.formats):
            job.step(number, len(job.formats), format)
            made = [with_pass_rate(work, one, job.judge) for one in WRITERS[format](work, making)]
            done += [_told_open(job, one) for one in made]
    finally:
        shutil.rmtree(making, ignore_errors=True)
    if job.protection.checksums:
        write_checksums(job.into, [one.path for one in done if one.path is not None])
    write_report(job, student, done)
    job.step(len(job.formats), len(job.formats), "")
    return tuple(done)


def write_report(job: ExportJob, student: Student, done: Sequence[Exported]) -> None:
    """Write what was exported, and how it was proven, beside it."""
    text = json.dumps(report_data(student, done), indent=2, ensure_ascii=False)
    write_beside(job.into / REPORT, text + "\n")


def check_formats(formats: Sequence[str]) -> None:
    """StudentError for a format that is not written here, with what is."""
    for format in formats:
        if format not in WRITERS:
            why = NOT_SUPPORTED.get(format, "it is not known")
            help = f"formats: {', '.join(WRITERS)}"
            raise StudentError(problem("L641", f'format "{format}" can\'t be written: {why}', help=help))


def report_data(student: Student, done: Sequence[Exported]) -> dict[str, Any]:
    """The report of exports as plain data."""
    forms = []
    for one in done:
        data = asdict(one)
        data["proven"] = one.parity.passed if one.parity else None
        forms.append(data)
    return {"base": student.base, "adapter": student.has_adapter, "exports": forms}


def _told_open(job: ExportJob, one: Exported) -> Exported:
    """With SECURITY.encrypt_model, no form stays open without that being said."""
    if job.protection.secret is None or not one.delivered or one.format in (*_SEALED, "ollama"):
        return one
    why = "written open: what loads it reads no sealed files, as only okm is sealed"
    return replace(one, why=f"{one.why}; {why}" if one.why else why)
