"""How each format is written and asked: one function a format, from a student to what was delivered of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from idiolect import __version__
from idiolect.problem import problem
from idiolect.ship import runtimes
from idiolect.ship.adapter_file import FILE, opened_adapter, write_adapter_file
from idiolect.ship.exported import Exported, Work
from idiolect.ship.gguf.adapter import convert_adapter
from idiolect.ship.gguf.convert import convert
from idiolect.ship.gguf.vocabulary import CantConvert
from idiolect.ship.okm import unpack_okm, write_okm
from idiolect.ship.ollama import MODELFILE, CantTemplate, modelfile
from idiolect.ship.probes import logits_of
from idiolect.ship.turns import NotPieces, prompt_facts
from idiolect.student.adapters import WEIGHTS
from idiolect.student.load import Student, load_student
from idiolect.student.save import save_student
from idiolect.student.trouble import StudentError

ARCHIVE = "model.okm"


def safetensors(work: Work, making: Path) -> list[Exported]:
    """The adapter as PEFT loads it, and the whole model as transformers does."""
    done = []
    if work.student.has_adapter:
        folder, alone = making / "adapter", making / FILE
        save_student(work.student, folder)
        write_adapter_file(folder, alone)
        for name, made in (("adapter file", alone), ("adapter", folder)):
            done.append(work.prove(name, made, "fp32", partial(_as_adapter, work, made)))
    if work.job.merged or not work.student.has_adapter:
        model = making / "model"
        shutil.copytree(work.whole(), model)
        done.append(
            work.prove("safetensors", model, "fp32", lambda: runtimes.ask_transformers(model, work.probes))
        )
    return done


def _as_adapter(work: Work, made: Path) -> runtimes.Said:
    return runtimes.ask_peft(_base(work).model, opened_adapter(made), work.probes)


def gguf(work: Work, making: Path) -> list[Exported]:
    """A GGUF file for llama.cpp, or the base and the adapter as two; with a Modelfile for Ollama."""
    if work.student.has_adapter and not work.job.merged:
        return _gguf_apart(work, making)
    kind = work.job.gguf_type
    path = making / f"{work.job.name}.{kind}.gguf"
    _converted(lambda: convert(work.whole(), path, kind, name=work.job.name))
    found = work.prove("gguf", path, kind, lambda: runtimes.ask_llama_cpp(path, work.probes))
    return [found, *(_modelfile(work, making, path.name) if found.delivered else ())]


def _gguf_apart(work: Work, making: Path) -> list[Exported]:
    kind, base = work.job.gguf_type, making / "base"
    save_student(_base(work), base)
    whole = making / f"{work.job.name}.base.{kind}.gguf"
    adapter = making / f"{work.job.name}.adapter.gguf"
    saved = making / "gguf-adapter"
    save_student(work.student, saved)
    _converted(lambda: convert(base, whole, kind, name=work.student.base))
    _converted(lambda: convert_adapter(saved, base, adapter, name=work.job.name))
    found = work.prove(
        "gguf adapter", adapter, kind, lambda: runtimes.ask_llama_cpp(whole, work.probes, adapter=adapter)
    )
    if not found.delivered:
        return [found]
    below = work.deliver("gguf base", whole, why="" if found.parity else found.why)
    return [found, below, *_modelfile(work, making, whole.name, adapter.name)]


def _modelfile(work: Work, making: Path, model: str, adapter: str | None = None) -> list[Exported]:
    """The Modelfile, where the template can be said in Ollama's words."""
    path = making / MODELFILE
    student = work.student
    try:
        text, notes = modelfile(student.tokenizer, student.form, model, work.job.parameters, adapter=adapter)
    except CantTemplate as error:
        return [Exported("ollama", None, 0, why=f"left out: {error}", left_out=True)]
    path.write_text(text, "utf-8")
    return [work.deliver("ollama", path, why="; ".join(notes))]


def onnx(work: Work, making: Path) -> list[Exported]:
    """A folder with the ONNX graph, and a program that answers with it."""
    from idiolect.ship.onnx_export import export_onnx

    folder, kind = making / "onnx", work.job.onnx_type
    try:
        prompt, why = prompt_facts(work.student.tokenizer, work.student.form), ""
    except NotPieces as error:
        prompt, why = None, f"run.py takes whole prompts only: {error}"
    _converted(lambda: export_onnx(work.whole(), folder, kind, prompt=prompt))
    return [work.prove("onnx", folder, kind, lambda: runtimes.ask_onnx(folder, work.probes), why)]


def okm(work: Work, making: Path) -> list[Exported]:
    """The open archive: the adapter or the whole model, with all that says how it is to be used."""
    folder = making / "okm"
    if work.student.has_adapter and not work.job.merged:
        save_student(work.student, folder)
    else:
        shutil.copytree(work.whole(), folder)
    notes = work.job.furnish(folder)
    path = making / ARCHIVE
    protection = work.job.protection
    facts = {**work.job.facts, "base": work.student.base, "adapter": (folder / WEIGHTS).is_file()}
    write_okm(
        folder, path, name=work.job.name, facts=facts, made_with=__version__,
        signing_key=protection.signing_key, secret=protection.secret,
    )  # fmt: skip

    def ask() -> runtimes.Said:
        unpacked = making / "unpacked"
        unpack_okm(path, unpacked, secret=protection.opening_secret)
        student = load_student(unpacked, root=work.job.root, device="cpu", precision="fp32")
        return runtimes.Said("idiolect", tuple(logits_of(student.model, probe) for probe in work.probes))

    if protection.secret is not None and protection.opening_secret is None:
        ask = _other_key
    return [work.prove("okm", path, "fp32", ask, "; ".join(notes))]


def _other_key() -> runtimes.Said:
    raise runtimes.NoRuntime("it was sealed for another's key, which only that one can open")


def _base(work: Work) -> Student:
    return load_student(
        work.student.base, root=work.job.root, device="cpu", precision="fp32", quantization="none"
    )


def _converted(make: Callable[[], object]) -> None:
    try:
        make()
    except CantConvert as error:
        raise StudentError(problem("L641", str(error), help=error.help)) from error


WRITERS: Mapping[str, Callable[[Work, Path], list[Exported]]] = {
    "safetensors": safetensors,
    "gguf": gguf,
    "onnx": onnx,
    "okm": okm,
}
NOT_SUPPORTED = {"tflite": "no converter from PyTorch that is kept up writes it"}
