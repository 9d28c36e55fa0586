"""Writes a student in the formats that EXPORT names, each proven in its own runtime before it is delivered.

    exported = export(job)

A form is written into a folder of its own beside the others, asked for what it says of the probes, and moved
into its place only if that is what the student says. One that differs is not delivered; one whose runtime is
not installed is delivered with that said.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from idiolect import __version__
from idiolect.files import write_beside
from idiolect.problem import problem
from idiolect.ship.gguf.convert import convert
from idiolect.ship.gguf.vocabulary import CantConvert
from idiolect.ship.merge import Merged, load_for_merge, merge, save_merged
from idiolect.ship.okm import unpack_okm, write_okm
from idiolect.ship.parity import Parity, compare_logits
from idiolect.ship.probes import Probe, logits_of, probes_of
from idiolect.ship.runtimes import (
    NoRuntime,
    RuntimeFailed,
    Said,
    ask_llama_cpp,
    ask_peft,
    ask_transformers,
    tokens_of,
)
from idiolect.student.load import Student, load_student
from idiolect.student.save import save_student
from idiolect.student.trouble import StudentError

REPORT = "export_report.json"
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """What is to be exported, and where to."""

    source: str | Path  # a run, a student's folder, or a base
    root: Path
    into: Path
    formats: tuple[str, ...]
    name: str
    gguf_type: str = "f16"
    merged: bool = True  # whether the adapter is folded in for formats that could also hold it alone
    examples: Sequence[Any] = ()  # golden prompts are made of these
    facts: Mapping[str, Any] = field(default_factory=dict)  # told in archives
    bounds: Mapping[str, float] = field(default_factory=dict)  # divergences other than the usual ones
    step: Progress = lambda done, total, text: None


@dataclass(frozen=True, slots=True)
class Exported:
    """One form of a student, and how it was proven."""

    format: str
    path: str | None  # below the folder of exports; None where it was not delivered
    bytes: int
    parity: Parity | None = None
    why: str = ""  # not proven, or not delivered

    @property
    def delivered(self) -> bool:
        return self.path is not None


@dataclass(slots=True)
class _Work:
    """What the writers of all formats share, made when first needed."""

    job: ExportJob
    student: Student
    probes: list[Probe]
    wanted: list[Any]
    merged_at: Path  # the merged model as a folder
    merged: Merged | None = None

    def whole(self) -> Path:
        """A folder with a whole model: the merged one, or the student itself where it has no adapter."""
        if not (self.merged_at / "config.json").exists():
            if self.student.has_adapter:
                loaded = load_for_merge(self.job.source, root=self.job.root)
                self.merged = merge(loaded, self.probes)
                save_merged(self.merged, self.merged_at)
            else:
                save_student(self.student, self.merged_at)
        return self.merged_at

    def parity(self, said: Said, kind: str) -> Parity:
        same = None if said.tokens is None else said.tokens == tokens_of(self.student.tokenizer)
        found = compare_logits(self.wanted, said.logits, kind=kind, runtime=said.runtime, same_tokens=same)
        bound = self.job.bounds.get(kind)
        return found if bound is None else Parity(**{**asdict(found), "bound": bound})


def export(job: ExportJob) -> tuple[Exported, ...]:
    """Every form of the student; the report is written beside them."""
    student = load_student(job.source, root=job.root, device="cpu", precision="fp32", quantization="none")
    probes = probes_of(student, job.examples)
    wanted = [logits_of(student.model, probe) for probe in probes]
    making = job.into / ".making"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    work = _Work(job, student, probes, wanted, making / "merged")
    done: list[Exported] = []
    try:
        for number, format in enumerate(job.formats):
            job.step(number, len(job.formats), format)
            done += _WRITERS[format](work, making)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    write_beside(job.into / REPORT, json.dumps(report_data(student, done), indent=2) + "\n")
    job.step(len(job.formats), len(job.formats), "")
    return tuple(done)


def check_formats(formats: Sequence[str]) -> None:
    """StudentError for a format that is not written here, with what is."""
    for format in formats:
        if format not in _WRITERS:
            why = _NOT_SUPPORTED.get(format, "it is not known")
            help = f"formats: {', '.join(_WRITERS)}"
            raise StudentError(problem("L641", f'format "{format}" can\'t be written: {why}', help=help))


def report_data(student: Student, done: Sequence[Exported]) -> dict[str, Any]:
    """The report of exports as plain data."""
    forms = []
    for one in done:
        data = asdict(one)
        data["proven"] = one.parity.passed if one.parity else None
        forms.append(data)
    return {"base": student.base, "adapter": student.has_adapter, "exports": forms}


def _safetensors(work: _Work, making: Path) -> list[Exported]:
    done = []
    if work.student.has_adapter:
        folder = making / "adapter"
        save_student(work.student, folder)
        base = load_student(
            work.student.base, root=work.job.root, device="cpu", precision="fp32", quantization="none"
        )
        done.append(
            _proven(work, "adapter", folder, "fp32", lambda: ask_peft(base.model, folder, work.probes))
        )
    if work.job.merged or not work.student.has_adapter:
        folder = making / "model"
        shutil.copytree(work.whole(), folder)
        done.append(
            _proven(work, "safetensors", folder, "fp32", lambda: ask_transformers(folder, work.probes))
        )
    return done


def _gguf(work: _Work, making: Path) -> list[Exported]:
    kind = work.job.gguf_type
    path = making / f"{work.job.name}.{kind}.gguf"
    try:
        convert(work.whole(), path, kind, name=work.job.name)
    except CantConvert as error:
        raise StudentError(problem("L641", str(error), help=error.help)) from error
    return [_proven(work, "gguf", path, kind, lambda: ask_llama_cpp(path, work.probes))]


def _okm(work: _Work, making: Path) -> list[Exported]:
    """The open archive: the adapter or the whole model, with all that says how it is to be used."""
    folder = making / "okm"
    if work.student.has_adapter and not work.job.merged:
        save_student(work.student, folder)
    else:
        shutil.copytree(work.whole(), folder)
    path = making / f"{work.job.name}.okm"
    write_okm(folder, path, name=work.job.name, facts=work.job.facts, made_with=__version__)

    def ask() -> Said:
        unpacked = making / "unpacked"
        unpack_okm(path, unpacked)
        student = load_student(unpacked, root=work.job.root, device="cpu", precision="fp32")
        return Said("idiolect", tuple(logits_of(student.model, probe) for probe in work.probes))

    return [_proven(work, "okm", path, "fp32", ask)]


def _proven(work: _Work, format: str, made: Path, kind: str, ask: Callable[[], Said]) -> Exported:
    """A form moved into its place if its runtime says what the student says."""
    parity, why = None, ""
    try:
        parity = work.parity(ask(), kind)
    except NoRuntime as error:
        why = f"not proven: {error}"
    except RuntimeFailed as error:
        return Exported(format, None, 0, why=str(error))
    if parity is not None and not parity.passed:
        return Exported(format, None, 0, parity, f"it does not say what the student says: {parity}")
    place = work.job.into / made.name
    if place.is_dir():
        shutil.rmtree(place)
    made.replace(place)
    files = [path for path in place.rglob("*") if path.is_file()] if place.is_dir() else [place]
    return Exported(format, made.name, sum(path.stat().st_size for path in files), parity, why)


_WRITERS: Mapping[str, Callable[[_Work, Path], list[Exported]]] = {
    "safetensors": _safetensors,
    "gguf": _gguf,
    "okm": _okm,
}
_NOT_SUPPORTED = {"tflite": "no converter from PyTorch that is kept up writes it"}
