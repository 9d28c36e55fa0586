"""The loop of one training, set up and run: feed, callbacks, trainer, validation, beginning, end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from idiolect.runs.stage import StageStopped
from idiolect.student.parameters import count_parameters
from idiolect.student.quiet import quiet
from idiolect.student.save import save_student
from idiolect.student.saved import form_record
from idiolect.train import checkpoints
from idiolect.train.checkpoints import Checkpoint, Unusable
from idiolect.train.feed import AnyRow, Dealer, Feed
from idiolect.train.job import Fitted, Lesson, Trained, TrainingJob
from idiolect.train.processes import Processes, processes_here
from idiolect.train.rows import budget_of, longest_of
from idiolect.train.settings import arguments_of, loop_precision
from idiolect.train.step_facts import StepFacts

_NOT_WEIGHTS = ("logging_steps", "save_strategy", "save_steps", "save_total_limit", "report_to", "val_split")
_SECTIONS = ("ft_lora", "model", "control", "stability", "hooks", "validate_")

Prepare = Callable[[Any, Feed], None]


def run(lesson: Lesson, *, prepare: Prepare = lambda model, feed: None) -> Trained:
    """Train a student on rows by an objective; `prepare` is called before the first step of a new one."""
    with quiet():
        from idiolect.train.flow import FlowCallback
    job, settings, student = lesson.job, lesson.settings, lesson.student
    processes = job.processes or processes_here(student.device)
    fingerprint = fingerprint_of(lesson)
    home = job.home / fingerprint
    feed = _feed(lesson, processes)
    facts = StepFacts()
    validates = bool(settings.looking.wanted and lesson.held)
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
    )
    callbacks = [flow, *(job.callbacks(fitted) if job.callbacks else ())]
    trainer = _trainer(lesson, fitted, feed, flow, callbacks, fingerprint)
    if validates:
        trainer.parts.validate = _validation(lesson, trainer, feed.budget)
    begin = find_beginning(job, home, fingerprint)
    if begin is None:
        prepare(student.model, feed)
    _train(trainer, begin)
    if flow.stopped and trainer.state.global_step < trainer.state.max_steps:
        raise StageStopped
    if settings.looking.save_best:
        _take_best(trainer, home, flow.best_step, lesson)
    return _told(lesson, trainer, flow, fingerprint, begin.step if begin else 0)


def _feed(lesson: Lesson, processes: Processes) -> Feed:
    from idiolect.train.preflight.of_plan import available_memory

    settings, student = lesson.settings, lesson.student
    longest = longest_of([*lesson.rows, *lesson.held], shared=lesson.shared)
    available = available_memory(student.device, lesson.job.root)
    budget = budget_of(settings.tokens_per_batch, longest, student.model, available, student.device)

    def make_dealer(some: Sequence[AnyRow], size: int) -> Dealer:
        return lesson.objective.dealer(some, budget, size, settings.seed)

    return Feed(
        lesson.rows,
        make_dealer,
        rows_per_step=settings.rows_per_step,
        budget=budget,
        curriculum=settings.curriculum,
        process=processes.rank,
        processes=processes.count,
    )


def _trainer(
    lesson: Lesson, fitted: Fitted, feed: Feed, flow: Any, callbacks: list[Any], fingerprint: str
) -> Any:
    with quiet():
        from idiolect.train.optimizers import optimizer_class
        from idiolect.train.schedules import ScheduleSettings
        from idiolect.train.trainer import Parts, StudentTrainer
    job, settings, student = lesson.job, lesson.settings, lesson.student
    steps = settings.max_steps or settings.epochs * feed.steps_per_epoch()
    parts = Parts(
        feed=feed,
        objective=lesson.objective,
        facts=fitted.facts,
        processes=fitted.processes,
        schedule=ScheduleSettings(settings.scheduler, settings.warmup_steps, steps),
        fingerprint=fingerprint,
        save_student=fitted.save_model,
        epochs=settings.epochs,
        max_steps=settings.max_steps,
        saved=flow.saved,
        warn=job.warn,
        save_total_limit=settings.save_total_limit,
        may_cut=fitted.processes.count == 1,
        others={"flow": flow},
    )
    arguments = arguments_of(
        settings,
        job.home / fingerprint,
        device=student.device,
        precision=loop_precision(settings, student.device, student.precision),
        max_steps=settings.max_steps or -1,
        project=job.plan.project.name,
    )
    optimizer = optimizer_class(settings.optimizer, settings.learning_rate, student.device)
    with quiet():
        trainer = StudentTrainer(student.model, arguments, parts, optimizer, callbacks)
    for one in callbacks:
        if hasattr(one, "trainer"):
            one.trainer = trainer
    return trainer


def _validation(lesson: Lesson, trainer: Any, budget: int) -> Any:
    from idiolect.train.validation import Validation, scored

    looking, seed = lesson.settings.looking, lesson.settings.seed
    sets = [("eval_", lesson.held)]
    if looking.on_train:
        sets.append(("eval_train_", lesson.rows))
    made = [
        scored(prefix, rows, lesson.objective, most=looking.most_rows, budget=budget, seed=seed)
        for prefix, rows in sets
    ]
    scoring = [one for one in made if one is not None]
    return Validation(lesson.objective, scoring, trainer.parts.processes, trainer.accelerator.autocast)


def _train(trainer: Any, begin: Checkpoint | None) -> None:
    from transformers.trainer_callback import PrinterCallback

    with quiet():
        trainer.remove_callback(PrinterCallback)
        trainer.train(resume_from_checkpoint=str(begin.folder) if begin else None)


def _take_best(trainer: Any, home: Path, best_step: int | None, lesson: Lesson) -> None:
    """Put the weights of the best evaluation back."""
    if best_step is None or best_step == trainer.state.global_step:
        return
    from idiolect.train.weights import read_weights

    folder = home / f"{checkpoints.PREFIX}{best_step}"
    read_weights(folder, lesson.student.model, trainer.parts.processes)
    watched = lesson.settings.looking.watched
    lesson.job.watch.log(f"the weights of step {best_step} are kept, whose {watched} was best")


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


def fingerprint_of(lesson: Lesson) -> str:
    """Tells one training from another: all that decides its weights, and nothing else."""
    plan, settings, student = lesson.job.plan, lesson.settings, lesson.student
    said = {name: value for name, value in asdict(settings).items() if name not in _NOT_WEIGHTS}
    said["hard"] = settings.hard.model_dump(mode="json") if settings.hard else None
    sections = {}
    for name in _SECTIONS:
        section = getattr(plan, name)
        sections[name] = section.model_dump(mode="json") if section is not None else None
    seen = hashlib.sha256()
    for row in (*lesson.rows, None, *lesson.held):
        seen.update(repr(row).encode())
    parts = [
        said,
        sections,
        lesson.objective.name,
        lesson.job.identity,
        student.base_fingerprint,
        student.precision,
        form_record(student.form),
        seen.hexdigest(),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _told(lesson: Lesson, trainer: Any, flow: Any, fingerprint: str, resumed_from: int) -> Trained:
    job, settings, student = lesson.job, lesson.settings, lesson.student
    state, parts = trainer.state, trainer.parts
    best = flow.best_step if settings.looking.save_best else None
    ended = flow.stop_reason
    if not ended and state.global_step < state.max_steps:
        ended = getattr(job.callbacks, "reason", lambda: "")() or "ended before its last step"
    kept = [checkpoints.listed(folder) for folder in checkpoints.folders(job.home / fingerprint)]
    numbers = count_parameters(student.model)
    return Trained(
        student=student,
        steps=state.global_step,
        epochs=float(state.epoch or 0.0),
        metrics=_last_metrics(state.log_history, best),
        counts=lesson.counts,
        notes=lesson.notes,
        checkpoints=tuple(one for one in kept if one.kept),
        best_step=flow.best_step,
        ended=ended,
        fingerprint=fingerprint,
        settings=settings,
        device=student.device,
        precision=loop_precision(settings, student.device, student.precision),
        way=lesson.way,
        budget=parts.feed.budget,
        tokens=parts.facts.tokens,
        trainable=numbers.trainable,
        parameters=numbers.total,
        history=tuple(state.log_history),
        resumed_from=resumed_from,
        weights=parts.processes.model_state(trainer.model_wrapped),
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
