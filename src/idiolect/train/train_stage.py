"""The stage `train` of a run: the examples of the stage `split`, the plan's student, its hooks and rules.

Checkpoints live in the stage's journal, so that a training that was stopped or killed goes on there; what the
script asks for is linked into the run when training has ended. Logs grow in the run's folder meanwhile.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from idiolect.data.example import Example
from idiolect.data.jsonl import BadRow, read_examples
from idiolect.dialects.contract import EMPTY, Context, Dialect
from idiolect.plan.paths import locate
from idiolect.plan.plan import Plan
from idiolect.problem import problem
from idiolect.runs.dialect_of import dialect_of
from idiolect.runs.stage import Inputs, StageError, StageResult, StageWork
from idiolect.ship.dry_run import export_dry_run
from idiolect.train.before import checked_student
from idiolect.train.explored import with_best
from idiolect.train.final_metrics import final_metrics
from idiolect.train.hook_config import settled_by_hook
from idiolect.train.hook_trust import open_hooks
from idiolect.train.hooks import HookRunner
from idiolect.train.job import Trained, TrainingJob
from idiolect.train.launch import train_together
from idiolect.train.metrics_log import write_metrics
from idiolect.train.outfit import Outfit
from idiolect.train.results import CONFIG, linked, write_results
from idiolect.train.run_files import RunFiles
from idiolect.train.trouble import TrainingError, told_as_stage

_FINISHED = "finished"


def run_train(work: StageWork) -> StageResult:
    """Train the plan's student."""
    learned, held = split_examples(work)
    warnings: list[str] = []
    _check_exports(work, warnings)
    plan, said = with_best(work.plan, work.inputs.stage("explore"))
    if said:
        work.log(said)
    hooks = open_hooks(plan, work.root)
    dialect, project = dialect_for(plan, work.root, work.inputs)
    outfit = Outfit(RunFiles.of(plan, work.root), hooks, dialect, project)
    try:
        with told_as_stage():
            plan = settled_by_hook(
                plan,
                hooks,
                dataset={"train": len(learned), "validation": len(held)},
                model={"base": plan.model.base if plan.model else None},
            )
            job = TrainingJob(
                plan=plan,
                root=work.root,
                train=learned,
                validation=held,
                home=begun_home(work),
                resume=named_checkpoint(work),
                watch=work.watch,
                warn=warner(work, warnings),
                callbacks=outfit,
            )
            job = replace(job, student=checked_student(job, dialect, project))
            trained = train_together(job, work.inputs.stages["split"])
            metrics, told = final_metrics(trained, plan, held, hooks)
    finally:
        outfit.close()
    warnings += told
    write_results(work.folder, trained, plan)
    _keep_named(work, job.resume)
    if plan.logging is None or plan.logging.save_logs:
        write_metrics(outfit.files.metrics, metrics)
    _after_train(hooks, plan, trained, metrics, warnings)
    finish_home(work, trained)
    return result_of(trained, metrics, warnings)


def _check_exports(work: StageWork, warnings: list[str]) -> None:
    """Nothing is trained for hours that could then not be exported; StageError says why it could not."""
    for one in export_dry_run(work.plan, work.root):
        if one.severity == "error":
            raise StageError(f"{one.code}: {one.message}", one.help or "")
        warnings.append(f"{one.code}: {one.message}")


def named_checkpoint(work: StageWork) -> Path | None:
    """TRAIN.resume_from_checkpoint. It is no input: what a training writes may take its place."""
    written = work.plan.train.resume_from_checkpoint if work.plan.train else None
    if written is None:
        return None
    found = locate(written, work.root / work.plan.script)
    if not found.exists:
        what = f'TRAIN.resume_from_checkpoint: "{written}" does not exist'
        raise TrainingError(problem("V005", what, help="correct it, or leave it out to train anew"))
    return found.path


def split_examples(work: StageWork) -> tuple[list[Example], list[Example]]:
    """The examples to learn and those held out."""
    folder = work.inputs.stage("split")
    if folder is None:
        raise StageError("there is nothing to train on", "name data in DATASET, CORPUS or SYNTHESIZE")
    return examples_in(folder)


def examples_in(split: Path) -> tuple[list[Example], list[Example]]:
    """The same, from the folder of the stage `split`."""
    found = []
    for name in ("train.jsonl", "validation.jsonl"):
        path = split / name
        try:
            found.append(list(read_examples(path)) if path.is_file() else [])
        except BadRow as error:
            raise StageError(str(error), "run the split again: --force split") from error
    return found[0], found[1]


def dialect_for(plan: Plan, root: Path, inputs: Inputs | None = None) -> tuple[Dialect | None, Context]:
    """The plan's dialect: targets are held against it, and answers to hard examples."""
    if plan.dialect is None:
        return None, EMPTY
    return dialect_of(plan, root, inputs)


def warner(work: StageWork, warnings: list[str]) -> Callable[[str], None]:
    def warn(text: str) -> None:
        work.log(f"warning: {text}")
        if not text.startswith("notification:"):  # what the machine did at a moment is no result
            warnings.append(text)

    return warn


def begun_home(work: StageWork, place: Path | None = None) -> Path:
    """Where checkpoints live. What a training left that is in its place already is not gone on with."""
    home = work.journal()
    config = (place or work.root / work.plan.project.run_folder) / CONFIG
    for marker in home.glob(f"*/{_FINISHED}"):
        try:
            committed = json.loads(config.read_text("utf-8"))["fingerprint"] == marker.parent.name
        except (OSError, ValueError, KeyError, TypeError):
            committed = False
        if committed:
            shutil.rmtree(marker.parent, ignore_errors=True)
    return home


def finish_home(work: StageWork, trained: Trained) -> None:
    """Mark this training as done, and remove what trainings of other settings left."""
    home = work.journal()
    for other in home.iterdir():
        if other.is_dir() and other.name != trained.fingerprint:
            shutil.rmtree(other, ignore_errors=True)
    (home / trained.fingerprint).mkdir(exist_ok=True)
    (home / trained.fingerprint / _FINISHED).touch()


def _keep_named(work: StageWork, named: Path | None) -> None:
    """A checkpoint of this run that the script goes on from stays, or the script would not run again."""
    run = work.root / work.plan.project.run_folder
    if named is not None and named.parent == run and not (work.folder / named.name).exists():
        linked(named, work.folder / named.name)


def _after_train(
    hooks: HookRunner | None, plan: Plan, trained: Trained, metrics: dict[str, Any], warnings: list[str]
) -> None:
    if hooks is None or not hooks.has("after_train"):
        return
    with hooks:
        outcome = hooks.call(
            "after_train",
            {
                "config": plan.train.model_dump(mode="json") if plan.train else {},
                "metrics": metrics,
                "model": {
                    "base": trained.student.base,
                    "steps": trained.steps,
                    "folder": plan.project.run_folder,
                },
            },
        )
    if outcome.how != "answered":
        warnings.append(outcome.text)


def result_of(trained: Trained, metrics: dict[str, Any], warnings: list[str]) -> StageResult:
    """What the run's manifest says of a training."""
    numbers: dict[str, int | float] = {
        "steps": trained.steps,
        "epochs": round(trained.epochs, 4),
        "trainable": trained.trainable,
        "tokens": trained.tokens,
    }
    numbers |= {name: round(value, 6) for name, value in metrics.items() if isinstance(value, int | float)}
    told = [*trained.notes, *warnings]
    if trained.ended:
        told.append(trained.ended)
    counts = tuple(one for one in trained.counts if one.read)
    return StageResult(counts=counts, numbers=numbers, warnings=tuple(dict.fromkeys(told)))
