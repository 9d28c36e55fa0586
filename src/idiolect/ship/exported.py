"""The job of an export, what comes of it, and the gate between: a form is delivered once it is proven.

What the writers of all formats share (`Work`) is made when it is first needed. How a format is written is in
`writers.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from idiolect.ship.merge import Merged, load_for_merge, merge, save_merged
from idiolect.ship.parity import Parity, compare_logits
from idiolect.ship.probes import Probe
from idiolect.ship.runtimes import NoRuntime, RuntimeFailed, Said, tokens_of
from idiolect.ship.security import OPEN, Protection
from idiolect.student.load import Student
from idiolect.student.save import save_student

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
    onnx_type: str = "fp32"
    merged: bool = True  # whether the adapter is folded in for formats that could also hold it alone
    examples: Sequence[Any] = ()  # golden prompts are made of these
    facts: Mapping[str, Any] = field(default_factory=dict)  # told in archives
    furnish: Callable[[Path], Sequence[str]] = lambda folder: ()  # puts language and plan into an archive
    judge: Any = None  # a pass_rate.Judge, where the student writes a dialect
    parameters: Mapping[str, Any] = field(default_factory=dict)  # of answers, as Ollama names them
    protection: Protection = OPEN
    bounds: Mapping[str, float] = field(default_factory=dict)  # divergences other than the usual ones
    step: Progress = lambda done, total, text: None


@dataclass(frozen=True, slots=True)
class Exported:
    """One form of a student, and how it was proven."""

    format: str
    path: str | None  # below the folder of exports; None where it was not delivered
    bytes: int
    parity: Parity | None = None
    why: str = ""  # not proven, not delivered, or what its user should know
    pass_rate: Mapping[str, Any] | None = None  # of the verifier, before and after packing

    left_out: bool = False  # not wanted by itself, and not possible here: no failure

    @property
    def delivered(self) -> bool:
        return self.path is not None


@dataclass(slots=True)
class Work:
    """What the writers share."""

    job: ExportJob
    student: Student
    probes: list[Probe]
    wanted: list[Any]  # the student's logits behind the probes
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

    def prove(self, format: str, made: Path, kind: str, ask: Callable[[], Said], why: str = "") -> Exported:
        """A form moved into its place if its runtime says what the student says."""
        parity = None
        try:
            parity = self.parity(ask(), kind)
        except NoRuntime as error:
            why = f"not proven: {error}" + (f"; {why}" if why else "")
        except RuntimeFailed as error:
            return Exported(format, None, 0, why=str(error))
        if parity is not None and not parity.passed:
            return Exported(format, None, 0, parity, f"it does not say what the student says: {parity}")
        return self.deliver(format, made, parity, why)

    def deliver(self, format: str, made: Path, parity: Parity | None = None, why: str = "") -> Exported:
        """A form moved into its place."""
        place = self.job.into / made.name
        if place.is_dir():
            shutil.rmtree(place)
        made.replace(place)
        return Exported(format, made.name, size_of(place), parity, why)


def size_of(place: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = [path for path in place.rglob("*") if path.is_file()] if place.is_dir() else [place]
    return sum(path.stat().st_size for path in files)
