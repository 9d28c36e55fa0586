"""One training from a plan and its examples to a student: loads, makes rows, sets up the trainer, trains.

    trained = train(TrainingJob(plan=plan, root=root, train=examples, validation=held_out, home=folder))
    save_student(trained.student, folder)

`home` is where checkpoints live between attempts, those of each training in a folder of its own: a job that
was interrupted goes on where it was, to the same bits. What else a run writes about itself are callbacks'
files (`train/callbacks.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from idiolect.data.example import Example
from idiolect.plan.plan import Plan
from idiolect.problem import problem
from idiolect.runs.stage import Counts, NobodyWatches, StageStopped, Watch
from idiolect.student.from_plan import student_for, trainable_student
from idiolect.student.load import Student
from idiolect.student.parameters import count_parameters
from idiolect.student.save import save_student
from idiolect.student.saved import form_record
from idiolect.train import checkpoints
from idiolect.train.checkpoints import Checkpoint, Unusable
from idiolect.train.feed import AnyRow, Dealer, Feed
from idiolect.train.objectives import Objective
from idiolect.train.processes import Processes, processes_here
from idiolect.train.rows import (
    budget_of,
    check_rows,
    labelled,
    labels_of,
    longest_of,
    notes_of,
    objective_of,
    rows_of,
)
from idiolect.train.settings import LoopSettings, arguments_of, loop_precision, settings_of
from idiolect.train.step_facts import StepFacts
from idiolect.train.trouble import TrainingError

UNSHARED = ("rows", "logits")  # ways of running a trie that share nothing
_NOT_WEIGHTS = ("logging_steps", "save_strategy", "save_steps", "save_total_limit", "report_to", "val_split")
_SECTIONS = ("ft_lora", "model", "control", "stability", "hooks", "validate_")


class MakesCallbacks(Protocol):
    """Gives the callbacks that write, watch and rule (`train/outfit.py`), once all they need is there."""

    def __call__(self, fitted: Fitted) -> Sequence[Any]: ...


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """All that one training is given."""

    plan: Plan
    root: Path
    train: Sequence[Example]
    home: Path
    validation: Sequence[Example] = ()
    resume: Path | None = None  # a checkpoint that the script or the user names
    watch: Watch = field(default_factory=NobodyWatches)
    warn: Callable[[str], None] = lambda text: None
    callbacks: MakesCallbacks | None = None
    student: Student | None = None  # trainable already; else the plan's is loaded
    processes: Processes | None = None
    identity: str = ""  # of what training begins with, where neither plan nor rows tell
    guard_every_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Fitted:
    """A training that is set up, for the callbacks."""

    job: TrainingJob
    settings: LoopSettings
    student: Student
    facts: StepFacts
    levers: Mapping[str, Any]
    validates: bool
    processes: Processes
    save_model: Callable[[Path, Mapping[str, Any] | None], None]
    budget: int
    trainer: Any = None


@dataclass(frozen=True, slots=True)
class Trained:
    """A student after training, and what is known of it."""

    student: Student
    steps: int
    epochs: float
    metrics: dict[str, float]  # of the last validation, and the training's own loss
    counts: tuple[Counts, ...]
    notes: tuple[str, ...]
    checkpoints: tuple[Checkpoint, ...]  # those that the script asks for
    best_step: int | None
    ended: str  # why training ended before its last step; empty where it did not
    fingerprint: str  # its checkpoints lie in `home` below this name
    settings: LoopSettings
    device: str
    precision: str
    way: str
    budget: int
    tokens: int
    trainable: int
    parameters: int
    history: tuple[Mapping[str, Any], ...]
    resumed_from: int = 0
    weights: Mapping[str, Any] | None = None  # gathered, where the model holds only a part of them


def train(job: TrainingJob) -> Trained:
    """Train; StageStopped where the user ended it, with a checkpoint to go on from."""
    settings = settings_of(job.plan)
    student = job.student or load_trainable(job, settings)
    check_student(student, settings)
    way, why = sharing_way(student, settings)
    objective = objective_of(student, settings, way)
    learned = rows_of(job.train, student, settings, "training examples")
    check_rows(learned, settings)
    held = rows_of(job.validation, student, settings, "validation examples")
    notes = [*student.notes, *notes_of(learned), *notes_of(held)]
    if (
        way in UNSHARED
        and why
        and settings.sharing
        and settings.task == "language"
        and not student.encoder_decoder
    ):
        notes.append(f"prefixes are not shared: {why}")
    return run(
        job, settings, student, objective, learned.kept, held.kept, (learned.counts, held.counts), notes, way
    )


def load_trainable(job: TrainingJob, settings: LoopSettings) -> Student:
    """The plan's student with what it trains made trainable."""
    classes = None
    labels: tuple[str, ...] = ()
    if settings.task == "classification":
        labels = labels_of(job.train, job.plan.inference.labels if job.plan.inference else None)
        classes = len(labels)
    elif settings.task == "regression":
        classes = 1
    student = student_for(job.plan, job.root, classes=classes)
    if classes is not None:
        student = labelled(student, labels)
    return trainable_student(student, job.plan, job.root)


def check_student(student: Student, settings: LoopSettings) -> None:
    """TrainingError where a model can't learn what the script wants of it."""
    if settings.hard is not None and settings.task != "language":
        what = f"hard_examples generates answers, and a {settings.task} has none"
        raise TrainingError(
            problem("L650", what, help="leave hard_examples out", where="TRAIN.hard_examples")
        )
    if not any(one.requires_grad for one in student.model.parameters()):
        raise TrainingError(problem("L650", "nothing of the model is trainable", help="add FT_LORA"))


def sharing_way(student: Student, settings: LoopSettings) -> tuple[str, str]:
    """How the model runs a trie; installs it."""
    if settings.task != "language" or student.encoder_decoder:
        return "rows", ""
    from idiolect.train.selfcheck import check_sharing
    from idiolect.train.trie_scores import install

    core = install(student.model)
    if not settings.sharing and core.idiolect_way != "rows":
        core.idiolect_way, core.idiolect_reason = "rows", "TRAIN.prefix_sharing is false"
        return core.idiolect_way, ""
    check = check_sharing(student.model)
    return core.idiolect_way, check.warning or core.idiolect_reason


def run(
    job: TrainingJob,
    settings: LoopSettings,
    student: Student,
    objective: Objective,
    rows: Sequence[AnyRow],
    held: Sequence[AnyRow],
    counts: tuple[Counts, ...],
    notes: list[str],
    way: str,
    *,
    prepare: Callable[[Any, Feed, int], None] = lambda model, feed, steps: None,
) -> Trained:
    """Train a student on rows by an objective; `prepare` is called before the first step of a new one."""
    from idiolect.student.quiet import quiet

    with quiet():
        from idiolect.train.flow import FlowCallback
        from idiolect.train.optimizers import optimizer_class
        from idiolect.train.preflight.of_plan import available_memory
        from idiolect.train.schedules import ScheduleSettings
        from idiolect.train.trainer import Parts, StudentTrainer
        from idiolect.train.validation import Validation, scored

    processes = job.processes or processes_here(student.device)
    precision = loop_precision(settings, student.device, student.precision)
    shared = way not in UNSHARED
    longest = longest_of([*rows, *held], shared=shared)
    fingerprint = fingerprint_of(job.plan, settings, student, rows, held, objective.name + job.identity)
    home = job.home / fingerprint
    budget = budget_of(
        settings.tokens_per_batch,
        longest,
        student.model,
        available_memory(student.device, job.root),
        student.device,
    )

    def make_dealer(some: Sequence[AnyRow], size: int) -> Dealer:
        return objective.dealer(some, budget, size, settings.seed)

    feed = Feed(
        rows,
        make_dealer,
        rows_per_step=settings.rows_per_step,
        budget=budget,
        curriculum=settings.curriculum,
        process=processes.rank,
        processes=processes.count,
    )
    steps = settings.max_steps or settings.epochs * feed.steps_per_epoch()
    facts = StepFacts()
    validates = bool(settings.looking.wanted and held)
    flow = FlowCallback(
        settings,
        validates=validates,
        stopping=job.watch.stopping,
        agreed=processes.agreed,
        say=job.watch.log,
        ended=getattr(job.callbacks, "ended", lambda reason: None),
        guard_every_s=job.guard_every_s,
    )
    fitted = Fitted(
        job=job,
        settings=settings,
        student=student,
        facts=facts,
        levers=flow.levers(),
        validates=validates,
        processes=processes,
        save_model=partial(save_student, student),
        budget=budget,
    )
    parts = Parts(
        feed=feed,
        objective=objective,
        facts=facts,
        processes=processes,
        schedule=ScheduleSettings(settings.scheduler, settings.warmup_steps, steps),
        fingerprint=fingerprint,
        save_student=fitted.save_model,
        epochs=settings.epochs,
        max_steps=settings.max_steps,
        saved=flow.saved,
        say=job.watch.log,
        warn=job.warn,
        save_total_limit=settings.save_total_limit,
        may_cut=processes.count == 1,
        others={"flow": flow},
    )
    arguments = arguments_of(
        settings,
        home,
        device=student.device,
        precision=precision,
        max_steps=settings.max_steps or -1,
        project=job.plan.project.name,
    )
    callbacks = [flow, *(job.callbacks(fitted) if job.callbacks else ())]
    with quiet():
        trainer = StudentTrainer(
            student.model,
            arguments,
            parts,
            optimizer_class(settings.optimizer, settings.learning_rate, student.device),
            callbacks,
        )
    flow.trainer = trainer
    for one in callbacks:
        if hasattr(one, "trainer"):
            one.trainer = trainer
    looked = [
        scored("eval_", held, objective, most=settings.looking.most_rows, budget=budget, seed=settings.seed)
    ]
    if settings.looking.on_train:
        most = settings.looking.most_rows
        looked.append(scored("eval_train_", rows, objective, most=most, budget=budget, seed=settings.seed))
    if validates:
        scoring = [one for one in looked if one is not None]
        parts.validate = Validation(objective, scoring, processes, trainer.accelerator.autocast)
    begin = find_beginning(job, home, fingerprint)
    if begin is None:
        prepare(student.model, feed, steps)
    _train(trainer, begin)
    if flow.stopped and trainer.state.global_step < trainer.state.max_steps:
        raise StageStopped
    return _told(
        job,
        trainer,
        fitted,
        fingerprint,
        counts,
        notes,
        flow.stop_reason,
        flow.best_step,
        begin,
        precision,
        way,
    )


def _train(trainer: Any, begin: Checkpoint | None) -> None:
    import warnings

    from idiolect.student.quiet import quiet

    with quiet(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Detected call of `lr_scheduler.step.*")
        trainer.remove_callback(_printer())
        trainer.train(resume_from_checkpoint=str(begin.folder) if begin else None)


def _printer() -> Any:
    from transformers.trainer_callback import PrinterCallback

    return PrinterCallback


def find_beginning(job: TrainingJob, home: Path, fingerprint: str) -> Checkpoint | None:
    """The checkpoint to go on from: this training's own newest, else the one that was named."""
    if job.processes is None or job.processes.first:
        checkpoints.clear_unfinished(home)
    own = checkpoints.newest(home, fingerprint, job.warn)
    if own is not None:
        job.watch.log(f"goes on after step {own.step}, at which it was interrupted")
        return own
    if job.resume is None:
        return None
    try:
        found = checkpoints.read_checkpoint(job.resume)
    except Unusable as reason:
        raise checkpoints.refuse(job.resume, reason) from reason
    job.watch.log(f"goes on from {found.folder.name}, which another training wrote")
    return found


def fingerprint_of(
    plan: Plan,
    settings: LoopSettings,
    student: Student,
    rows: Sequence[AnyRow],
    held: Sequence[AnyRow],
    objective: str,
) -> str:
    """Tells one training from another: all that decides its weights, and nothing else."""
    said = {name: value for name, value in asdict(settings).items() if name not in _NOT_WEIGHTS}
    said["hard"] = settings.hard.model_dump(mode="json") if settings.hard else None
    sections = {}
    for name in _SECTIONS:
        section = getattr(plan, name)
        sections[name] = section.model_dump(mode="json") if section is not None else None
    seen = hashlib.sha256()
    for row in (*rows, None, *held):
        seen.update(repr(row).encode())
    parts = [
        said,
        sections,
        objective,
        student.base_fingerprint,
        student.precision,
        form_record(student.form),
        seen.hexdigest(),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _told(
    job: TrainingJob,
    trainer: Any,
    fitted: Fitted,
    fingerprint: str,
    counts: tuple[Counts, ...],
    notes: list[str],
    ended: str,
    best_step: int | None,
    begin: Checkpoint | None,
    precision: str,
    way: str,
) -> Trained:
    student, settings = fitted.student, fitted.settings
    home = job.home / fingerprint
    if settings.looking.save_best and best_step is not None and best_step != trainer.state.global_step:
        from idiolect.train.weights import read_weights

        read_weights(home / f"{checkpoints.PREFIX}{best_step}", student.model, fitted.processes)
        job.watch.log(f"the weights of step {best_step} are kept, whose {settings.looking.watched} was best")
    metrics = _last_metrics(trainer.state.log_history, best_step if settings.looking.save_best else None)
    kept = []
    for folder in checkpoints.folders(home):
        one = checkpoints.read_checkpoint(folder)
        if one.fingerprint == fingerprint and one.kept:
            kept.append(one)
    numbers = count_parameters(student.model)
    return Trained(
        student=student,
        steps=trainer.state.global_step,
        epochs=float(trainer.state.epoch or 0.0),
        metrics=metrics,
        counts=counts,
        notes=tuple(notes),
        checkpoints=tuple(kept),
        best_step=best_step,
        ended=ended,
        fingerprint=fingerprint,
        settings=settings,
        device=student.device,
        precision=precision,
        way=way,
        budget=trainer.parts.feed.budget,
        tokens=fitted.facts.tokens,
        trainable=numbers.trainable,
        parameters=numbers.total,
        history=tuple(trainer.state.log_history),
        resumed_from=begin.step if begin else 0,
        weights=fitted.processes.model_state(trainer.model_wrapped),
    )


def _last_metrics(history: Sequence[Mapping[str, Any]], best_step: int | None) -> dict[str, float]:
    """The training's last logged loss, and the last validation or that of the step whose weights are kept."""
    found: dict[str, float] = {}
    for entry in history:
        if any(name.startswith("eval_") for name in entry):
            if best_step is None or entry["step"] <= best_step:
                found = {name: value for name, value in found.items() if not name.startswith("eval_")}
                found |= {name: value for name, value in entry.items() if name.startswith("eval_")}
        elif "loss" in entry:
            found["loss"] = entry["loss"]
    return {name: value for name, value in found.items() if not name.endswith(("_runtime", "_per_second"))}
