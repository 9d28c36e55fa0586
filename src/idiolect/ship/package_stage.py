"""The stage `package` of a run: one folder that an offline machine needs nothing beside.

What the stage writes stays in the run, and is put into PACKAGE.path beside and then into its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from idiolect.data.example import Example
from idiolect.data.jsonl import read_examples
from idiolect.dialects.contract import EMPTY, Context
from idiolect.okt.blocks.ship import Export, Package
from idiolect.runs.dialect_of import dialect_of
from idiolect.runs.stage import StageResult, StageWork
from idiolect.runs.student_faults import student_faults_told
from idiolect.ship import packaged
from idiolect.ship.bundle import BundleJob, bundle
from idiolect.ship.dialect_copy import copy_dialect, write_constraints
from idiolect.ship.export_stage import (
    chosen_student,
    facts_of,
    file_name,
    gguf_kind,
    golden,
    protected,
    publish,
)
from idiolect.ship.parity import Parity

DEFAULT = "package"


def run_package(work: StageWork) -> StageResult:
    """Pack the student with its language, its index and a program."""
    settings, exported = work.plan.package or Package(), work.plan.export or Export()
    include = tuple(settings.include)
    into = work.folder / DEFAULT
    into.mkdir()
    protection = protected(work)
    notes: list[str] = []  # SHA-256: the manifest holds it of every file
    dialect, context, block = None, EMPTY, None
    if work.plan.dialect is not None:
        dialect, context = dialect_of(work.plan, work.root, work.inputs)
        block = work.plan.dialect
        if "dialect" in include:
            work.progress(0, None, "dialect")
            block, told = copy_dialect(work.plan, work.root, work.inputs, into / packaged.DIALECT)
            notes += told
            notes += write_constraints(dialect, context, into / packaged.CONSTRAINT)
    if "retrieval" in include:
        work.progress(0, None, "index")
        notes += _index(work, context, into)
    with student_faults_told():
        done = bundle(
            BundleJob(
                source=chosen_student(work),
                root=work.root,
                plan=work.plan,
                include=include,
                name=file_name(work.plan.project.name),
                gguf_type=gguf_kind(exported),
                merged=exported.merge,
                examples=list(golden(work)),
                facts=facts_of(work),
                protection=protection,
                dialect=block,
                step=lambda text: _step(work, text),
            ),
            into,
        )
    publish(into, work.root / (settings.path or DEFAULT))
    return StageResult(
        numbers={"files": done.files, "bytes": done.bytes} | _proofs(done.proofs),
        warnings=(*notes, *done.notes),
    )


def _proofs(proofs: Mapping[str, Parity]) -> dict[str, float]:
    return {f"{name}_divergence": proof.divergence for name, proof in proofs.items()}


def _step(work: StageWork, text: str) -> None:
    work.progress(0, None, text)
    work.stop_if_asked()


def _index(work: StageWork, context: Context, into: Path) -> list[str]:
    """The index of what requests are answered from: catalog and training examples, as the run has them."""
    from idiolect.decode.documents import entries_of_catalog, entries_of_examples
    from idiolect.decode.retrieval import build_index

    if context.catalog is None:
        return ["no index: the script names no catalog whose symbols a request could need"]
    entries = [*entries_of_catalog(context.catalog), *entries_of_examples(_train(work))]
    build_index(entries).save(into / packaged.INDEX)
    return []


def _train(work: StageWork) -> Iterator[Example]:
    split = work.inputs.stage("split")
    path = split / "train.jsonl" if split is not None else None
    return read_examples(path) if path is not None and path.is_file() else iter(())
