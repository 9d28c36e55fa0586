"""Writes a student's folder: what `load_student` reads. The same student gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from idiolect.student.adapters import settle_config
from idiolect.student.load import Student
from idiolect.student.quiet import quiet
from idiolect.student.saved import Record, form_record, write_record


def save_student(student: Student, folder: Path, weights: Mapping[str, Any] | None = None) -> None:
    """Write the adapter, or the whole model where there is none, the tokenizer, and the record.

    The record comes last: a folder without one is no student, so that none is half written. `weights` stand
    in for the model's own, where it holds only a part of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    given = {} if weights is None else {"state_dict": dict(weights)}
    with quiet():
        if student.has_adapter:
            # "auto" would ask the hub whether the base's vocabulary has changed
            student.model.save_pretrained(str(folder), save_embedding_layers=False, **given)
            (folder / "README.md").unlink(missing_ok=True)
            settle_config(folder, student.base)
        else:
            student.model.save_pretrained(str(folder), **given)
        student.tokenizer.save_pretrained(str(folder))
    write_record(folder, record_of(student))


def record_of(student: Student) -> Record:
    """What a student's record says."""
    return Record(
        kind="adapter" if student.has_adapter else "full",
        base=student.base,
        base_fingerprint=student.base_fingerprint,
        precision=student.precision,  # type: ignore[arg-type]
        quantization=student.quantization,  # type: ignore[arg-type]
        classes=student.classes,
        dialect=dict(student.dialect) if student.dialect is not None else None,
        form=form_record(student.form),
    )
