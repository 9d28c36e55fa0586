"""A student's folder: adapter or weights, tokenizer, and `idiolect.json`, from which all is made again.

The record holds the prompt form, the base as the script names it with its fingerprint, and the dialect, so
that what training wrote is what evaluation and serving read.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from idiolect.files import Unreadable, read_small, write_beside
from idiolect.problem import problem
from idiolect.student.prompt import PromptForm
from idiolect.student.trouble import StudentError

RECORD = "idiolect.json"
FINAL = "checkpoint-final"  # where a stage leaves its student
_STAGES = ("align", "train")  # whose folders hold students, the last first
_MAX_BYTES = 8 << 20
_FORM = TypeAdapter(PromptForm)


class Record(BaseModel):
    """What `idiolect.json` says."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal[1] = 1
    kind: Literal["adapter", "full"]
    base: str  # as a script names it
    base_fingerprint: str
    precision: Literal["fp32", "fp16", "bf16"]
    quantization: Literal["none", "nf4", "int8"] = "none"
    classes: int | None = None  # of a classifier; 1 is a regression
    dialect: dict[str, Any] | None = None  # the script's DIALECT block
    form: dict[str, Any]

    @property
    def prompt_form(self) -> PromptForm:
        return _FORM.validate_python(self.form)


def write_record(folder: Path, record: Record) -> None:
    """Write the record of a student's folder."""
    text = json.dumps(record.model_dump(), indent=2, ensure_ascii=False, sort_keys=True)
    write_beside(folder / RECORD, text + "\n")


def read_record(folder: Path) -> Record:
    """The record of a student's folder; StudentError where it can't be used."""
    path = folder / RECORD
    try:
        record = Record.model_validate_json(read_small(path, _MAX_BYTES))
        _ = record.prompt_form
    except Unreadable as reason:
        raise StudentError(problem("L612", f"{path} {reason}", where=str(path))) from reason
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        what = f"{path}: {place + ': ' if place else ''}{first['msg']}"
        help = "train again, or take an untouched copy of the folder"
        raise StudentError(problem("L612", what, help=help, where=str(path))) from error
    return record


def form_record(form: PromptForm) -> dict[str, Any]:
    """A form as the record holds it."""
    return {**asdict(form), "labels": list(form.labels)}


def latest_student(place: Path) -> Path | None:
    """The folder of the student that a run ends with: the aligned one, unless evaluation chose the other."""
    aligned = student_folder(place / "align")
    if aligned is not None and (place / "manifest.json").is_file():
        try:
            chosen = json.loads(read_small(place / "eval_aligned" / "chosen.json", _MAX_BYTES)).get("student")
        except (Unreadable, ValueError, AttributeError):
            chosen = "align"
        if chosen != "train":
            return aligned
    return student_folder(place)


def student_folder(place: Path) -> Path | None:
    """The folder of a student in a place: a student's own, a stage's, or a run's, the latest stage first."""
    if (place / RECORD).is_file():
        return place
    for folder in (place, *(place / stage for stage in _STAGES)):
        for name in ("", FINAL):
            if (folder / name / RECORD).is_file():
                return folder / name
    return None
