"""The stage `align` of a run: pairs from verdicts, and the student tuned to prefer the better answers.

    align/
      dpo_pairs.jsonl     what was compared
      checkpoint-final/   the aligned student, and beside it what the stage `train` leaves

Pairs come from ALIGN.pairs, else from what the stage `eval` judged, else from the student's own answers to
training examples, verified by the dialect. Logs of it grow in `logs/align/`.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from idiolect.data.jsonl import BadRow, read_examples
from idiolect.files import Unreadable
from idiolect.okt.blocks.extension import Align
from idiolect.plan.paths import locate
from idiolect.runs.dialect_of import dialect_of
from idiolect.runs.folder import LOGS
from idiolect.runs.stage import Counts, StageError, StageResult, StageWork
from idiolect.student.load import Student, load_student
from idiolect.student.saved import FINAL, student_folder
from idiolect.train.alignment import align
from idiolect.train.job import TrainingJob
from idiolect.train.judged_pairs import judged_pairs
from idiolect.train.metrics_log import write_metrics
from idiolect.train.outfit import Outfit
from idiolect.train.pairs import PAIRS, Preference, at_most, read_pairs, write_pairs
from idiolect.train.results import linked, write_results
from idiolect.train.run_files import RunFiles
from idiolect.train.train_stage import begun_home, finish_home, result_of, warner
from idiolect.train.trouble import told_as_stage

_MOST_ASKED = 256  # examples that the student answers where nothing was judged


def run_align(work: StageWork) -> StageResult:
    """Make pairs, and tune."""
    block = work.plan.align or Align()
    warnings: list[str] = []
    with told_as_stage():
        start = _start(work, block)
        pairs, made = _pairs(work, block, start)
        pairs = at_most(pairs, block.max_pairs, work.seed)
        write_pairs(work.folder / PAIRS, pairs)
        if not pairs:
            return _nothing(work, start, made)
        student = _loaded(work, start)
        files = _files(work)
        outfit = Outfit(files)
        plan = work.plan.model_copy(
            update={"control": None, "hooks": None, "monitor": None, "stability": None, "logging": None}
        )
        job = TrainingJob(
            plan=plan,
            root=work.root,
            train=(),
            home=begun_home(work, work.root / work.plan.project.run_folder / "align"),
            watch=work.watch,
            warn=warner(work, warnings),
            callbacks=outfit,
            student=student,
            identity=content_of(start),
        )
        try:
            aligned = align(job, pairs, student=student, block=block)
        finally:
            outfit.close()
    write_results(work.folder, aligned, work.plan)
    write_metrics(work.folder / "metrics.json", aligned.metrics)
    finish_home(work, aligned)
    found = result_of(aligned, dict(aligned.metrics), warnings)
    return replace(found, counts=(*made, *found.counts))


def _start(work: StageWork, block: Align) -> Path:
    """The student that is aligned: ALIGN.adapter, else the run's own."""
    if block.adapter:
        place = locate(block.adapter, work.root / work.plan.script).path
    else:
        trained = work.inputs.stage("train")
        if trained is None:
            raise StageError("ALIGN has no student to begin with", "add TRAIN, or name ALIGN.adapter")
        place = trained
    found = student_folder(place)
    if found is None:
        raise StageError(
            f"{work.shown(place)} holds no student", "name the folder that has its idiolect.json"
        )
    return found


def content_of(folder: Path) -> str:
    """Tells one student's weights from another's."""
    seen = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as stream:
            seen.update(hashlib.file_digest(stream, "sha256").digest())
    return seen.hexdigest()[:16]


def _loaded(work: StageWork, folder: Path) -> Student:
    device = (work.plan.train.device if work.plan.train else None) or "auto"
    student = load_student(folder, root=work.root, device=device, trainable=True)
    if not student.has_adapter:
        student.model.requires_grad_(True)
    student.model.train()
    return student


def _pairs(work: StageWork, block: Align, start: Path) -> tuple[list[Preference], tuple[Counts, ...]]:
    if block.pairs:
        path = locate(block.pairs, work.root / work.plan.script).path
        try:
            given = list(read_pairs(path))
        except (BadRow, Unreadable) as error:
            shown = work.shown(path)
            told = str(error) if isinstance(error, BadRow) else f"{shown} {error}"
            raise StageError(
                told, 'a pair is {"instruction": ..., "chosen": ..., "rejected": ...}'
            ) from error
        return given, ()
    judged = work.inputs.stage("eval")
    if judged is not None:
        try:
            pairs, counts = judged_pairs(judged, block)
        except BadRow as error:
            raise StageError(str(error), "evaluate again: --force eval") from error
        return pairs, (counts,)
    return _own_pairs(work, block, start)


def _own_pairs(work: StageWork, block: Align, start: Path) -> tuple[list[Preference], tuple[Counts, ...]]:
    """Pairs of what the student itself gets wrong."""
    from idiolect.train.pairs_of_student import pairs_of_student

    split = work.inputs.stage("split")
    if work.plan.dialect is None or split is None:
        help = "add EVALUATE, or DIALECT so that answers can be verified, or name ALIGN.pairs"
        raise StageError("ALIGN has nothing to make pairs of: no evaluation and no dialect", help)
    if block.pairs_from == "teacher":
        help = 'write EVALUATE { judge: "teacher" }, or pairs_from: "verifier"'
        raise StageError("ALIGN takes pairs from a teacher's verdicts, and the run has no evaluation", help)
    dialect, project = dialect_of(work.plan, work.root, work.inputs)
    student = load_student(start, root=work.root, device=_device(work))
    examples = [one for one in read_examples(split / "train.jsonl") if one.valid][:_MOST_ASKED]

    def step(done: int, total: int) -> None:
        work.progress(done, total, "answering training examples")
        work.stop_if_asked()

    pairs, counts = pairs_of_student(student, examples, dialect, project, seed=work.seed, step=step)
    return pairs, (counts,)


def _device(work: StageWork) -> str:
    return (work.plan.train.device if work.plan.train else None) or "auto"


def _nothing(work: StageWork, start: Path, made: tuple[Counts, ...]) -> StageResult:
    """No answer was wrong: the student goes on as it is."""
    linked(start, work.folder / FINAL)
    return StageResult(counts=made, warnings=("no pair was found: the student is the one before",))


def _files(work: StageWork) -> RunFiles:
    """Logs of their own, so that those of the training before stay."""
    folder = work.root / work.plan.project.run_folder / LOGS / "align"
    folder.mkdir(parents=True, exist_ok=True)
    return RunFiles(
        folder=folder,
        stream=folder / "training_metrics.jsonl",
        training=folder / "training_logs.json",
        metrics=folder / "metrics.json",
        decisions=folder / "control_decisions.json",
        system=folder / "system.json",
        notifications=folder / "notifications.json",
        live=folder / "live.jsonl",
        hooks_log=folder / "hooks.log",
    )
