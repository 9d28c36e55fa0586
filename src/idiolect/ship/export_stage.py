"""The stages `merge` and `export` of a run: the student folded into its base, and written in all formats.

What the stage writes stays in the run; what was delivered is put into EXPORT.path as well (by hard links
where the file system has them), beside and then into its place.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from idiolect.data.example import Example
from idiolect.data.jsonl import read_examples
from idiolect.decode.pipeline import sampling_of
from idiolect.files import put_in_place, remove, write_beside
from idiolect.okt.blocks.ship import Export, Merge
from idiolect.plan.plan import Plan
from idiolect.runs.dialect_of import dialect_of
from idiolect.runs.shelf import NotJson, read_json
from idiolect.runs.stage import StageError, StageResult, StageWork
from idiolect.runs.student_faults import student_faults_told
from idiolect.ship import packaged
from idiolect.ship.bundle import plan_text
from idiolect.ship.dialect_copy import copy_dialect
from idiolect.ship.export import REPORT, check_formats, export
from idiolect.ship.exported import Exported, ExportJob, Progress
from idiolect.ship.merge import load_for_merge, merge, save_merged
from idiolect.ship.pass_rate import Judge
from idiolect.ship.probes import probes_of
from idiolect.ship.security import CHECKSUMS, NoKey, Protection, protection_of
from idiolect.student.from_plan import base_of
from idiolect.student.saved import student_folder

_PROBES = 64  # examples looked through for golden prompts


def run_merge(work: StageWork) -> StageResult:
    """Fold MERGE.source into MERGE.target, or the run's student into its base."""
    settings = work.plan.merge or Merge()
    formats = tuple(one for one in settings.format or () if one != "safetensors")  # which it is already
    with student_faults_told():
        check_formats(formats)
        if settings.source and settings.target:
            source, adapter = _root_or_name(settings.target, work.root), work.root / settings.source
            loaded = load_for_merge(source, root=work.root, adapter=adapter)
        else:
            loaded = load_for_merge(chosen_student(work), root=work.root)
        merged = merge(loaded, probes_of(loaded, golden(work)))
        save_merged(merged, work.folder / "model")
    if settings.output:
        publish(work.folder / "model", work.root / settings.output)
    numbers = {"largest_logit_difference": merged.difference, "positions": merged.positions}
    result = StageResult(numbers=numbers)
    return _other_formats(work, settings, formats, result) if formats else result


def _other_formats(
    work: StageWork, settings: Merge, formats: tuple[str, ...], result: StageResult
) -> StageResult:
    """The merged model in MERGE.format as well, beside MERGE.output."""
    place = work.root / settings.output if settings.output else work.folder / "model"
    protection = protected(work)
    with student_faults_told():
        done = export(
            ExportJob(
                source=work.folder / "model",
                root=work.root,
                into=work.folder,
                formats=formats,
                name=file_name(place.name),
                examples=list(golden(work)),
                facts=facts_of(work),
                protection=protection,
                furnish=lambda folder: _furnish(work, folder),
                step=_step(work),
            )
        )
    if settings.output:
        for one in done:
            if one.path is not None:
                publish(work.folder / one.path, place.parent / one.path)
    return replace(result, **told_of(done))


def told_of(done: Sequence[Exported]) -> dict[str, Any]:
    """What a stage's result says of exports: what failed, and what their user should know."""
    failed = tuple(f"{one.format}: {one.why}" for one in done if not one.delivered and not one.left_out)
    warnings = tuple(
        f"{one.format}: {one.why}" for one in done if one.why and (one.delivered or one.left_out)
    )
    return {"warnings": warnings, "ending": "gate failed" if failed else "done", "reasons": failed}


def run_export(work: StageWork) -> StageResult:
    """Write the student in every format of EXPORT, and deliver what is proven."""
    settings = work.plan.export or Export()
    formats = tuple(settings.format or ())
    protection = protected(work)
    with student_faults_told():
        check_formats(formats)
        done = export(
            ExportJob(
                source=chosen_student(work),
                root=work.root,
                into=work.folder,
                formats=formats,
                name=file_name(work.plan.project.name),
                gguf_type=gguf_kind(settings),
                onnx_type=onnx_kind(settings),
                merged=settings.merge,
                examples=list(golden(work)),
                facts=facts_of(work),
                parameters=_parameters(work.plan),
                protection=protection,
                furnish=lambda folder: _furnish(work, folder),
                judge=_judge(work),
                step=_step(work),
            )
        )
    into = work.root / settings.path
    for one in done:
        if one.path is not None:
            publish(work.folder / one.path, into / one.path)
    for name in (REPORT, CHECKSUMS):
        if (work.folder / name).is_file():
            publish(work.folder / name, into / name)
    numbers: dict[str, int | float] = {
        f"{file_name(one.path or '')}_bytes": one.bytes for one in done if one.path
    }
    for one in done:
        for when in ("before", "after") if one.pass_rate else ():
            rate = one.pass_rate[when]["rate"] if one.pass_rate else None
            numbers |= {f"{one.format}_pass_rate_{when}": rate} if rate is not None else {}
    told = told_of(done)
    told["warnings"] = (*protection.notes, *told["warnings"])
    return StageResult(numbers=numbers, **told)


def gguf_kind(settings: Export) -> str:
    """The number type of GGUF files."""
    return settings.gguf_type or ("f32" if settings.quantization == "fp32" else "f16")


def onnx_kind(settings: Export) -> str:
    """The number type of ONNX graphs: 16 bits are none, since few operators of processors have them."""
    if settings.quantization is None:
        return "int8" if settings.optimize_for in ("size", "speed") else "fp32"
    return settings.quantization if settings.quantization in ("int8", "int4") else "fp32"


def protected(work: StageWork) -> Protection:
    """What SECURITY asks for; StageError where a key is missing."""
    try:
        return protection_of(work.plan.security, work.root)
    except NoKey as error:
        raise StageError(str(error), error.help) from error


def _furnish(work: StageWork, folder: Path) -> tuple[str, ...]:
    """Put the language and what holds for answers beside a student that goes into an archive."""
    notes: tuple[str, ...] = ()
    block = work.plan.dialect
    if block is not None:
        block, notes = copy_dialect(work.plan, work.root, work.inputs, folder / packaged.DIALECT)
    write_beside(folder / packaged.PLAN, plan_text(work.plan, block))
    return notes


def _judge(work: StageWork) -> Judge | None:
    return Judge(*dialect_of(work.plan, work.root, work.inputs)) if work.plan.dialect else None


def _parameters(plan: Plan) -> dict[str, Any]:
    """INFERENCE's settings as Ollama names them; all are written, since its own defaults are others."""
    sampling = sampling_of(plan.inference)
    found: dict[str, Any] = {
        "temperature": sampling.temperature if sampling.random else 0,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "repeat_penalty": sampling.repetition_penalty,
        "num_predict": sampling.max_tokens,
        "stop": sampling.stop_sequences,
    }
    window = (plan.model.context_window if plan.model else None) or (
        plan.train.max_seq_length if plan.train else None
    )
    return found | ({"num_ctx": window} if window else {})


def chosen_student(work: StageWork) -> Path | str:
    """The student that goes on: the one that an evaluation chose, else the latest, else the base."""
    align, train = work.inputs.stage("align"), work.inputs.stage("train")
    judged = work.inputs.stage("eval_aligned")
    if judged is not None and train is not None:
        try:
            if read_json(judged / "chosen.json")["student"] == "train":
                align = None
        except (NotJson, KeyError, TypeError):
            pass  # nothing was chosen: there was no evaluation before
    for folder in (align, train):
        found = student_folder(folder) if folder is not None else None
        if found is not None:
            return found
    if train is not None or align is not None:
        raise StageError("the run holds no student to export", "run the training again: --force train")
    return base_of(work.plan)


def golden(work: StageWork) -> Iterator[Example]:
    """Examples that golden prompts are made of: of the test split, else of validation, else none."""
    split = work.inputs.stage("split")
    for name in ("test.jsonl", "validation.jsonl"):
        if split is not None and (split / name).is_file():
            found = list(islice((one for one in read_examples(split / name) if one.valid), _PROBES))
            if found:
                return iter(found)
    return iter(())


def publish(made: Path, place: Path) -> None:
    """Put a file or folder into its place outside of the run."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.new")
    remove(beside)
    if made.is_dir():
        shutil.copytree(made, beside, copy_function=_linked)
    else:
        _linked(str(made), str(beside))
    put_in_place(beside, place)


def _linked(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)
    return target


def facts_of(work: StageWork) -> dict[str, Any]:
    """What an archive says of the project that it came from."""
    plan: Plan = work.plan
    facts: dict[str, Any] = {"project": plan.project.model_dump(mode="json", exclude={"run_folder"})}
    for name in ("dialect", "inference", "behavior", "guard"):
        section = getattr(plan, name)
        if section is not None:
            facts[name] = section.model_dump(mode="json", exclude_none=True, by_alias=True)
    if plan.dialect is not None:
        facts["language"] = dialect_of(plan, work.root, work.inputs)[0].name
    return facts


def _root_or_name(written: str, root: Path) -> str | Path:
    path = root / written
    return path if path.is_dir() else written


def file_name(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in name) or "student"


def _step(work: StageWork) -> Progress:
    def step(done: int, total: int, text: str) -> None:
        work.progress(done, total, text)
        work.stop_if_asked()

    return step
