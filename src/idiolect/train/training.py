"""One training from a plan and its examples to a student: loads, makes rows, trains.

    trained = train(TrainingJob(plan=plan, root=root, train=examples, validation=held_out, home=folder))
    save_student(trained.student, folder)

`home` is where checkpoints live between attempts, those of each training in a folder of its own: a job that
was interrupted goes on where it was, to the same bits. What else a run writes about itself are callbacks'
files (`train/callbacks.py`).
"""

from __future__ import annotations

from idiolect.problem import problem
from idiolect.student.from_plan import student_for, trainable_student
from idiolect.student.load import Student
from idiolect.train.job import UNSHARED, Lesson, Trained, TrainingJob
from idiolect.train.loop import run
from idiolect.train.rows import check_rows, labelled, labels_of, notes_of, objective_of, rows_of
from idiolect.train.settings import LoopSettings, settings_of
from idiolect.train.trouble import TrainingError


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
    language = settings.task == "language" and not student.encoder_decoder
    if why and way in UNSHARED and settings.sharing and language:
        notes.append(f"prefixes are not shared: {why}")
    counts = (learned.counts, held.counts)
    return run(Lesson(job, settings, student, objective, learned.kept, held.kept, counts, tuple(notes), way))


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
