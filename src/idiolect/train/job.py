"""The records of a training: what it is given, what is set up for it, what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from idiolect.data.example import Example
from idiolect.plan.plan import Plan
from idiolect.runs.stage import Counts, NobodyWatches, Watch
from idiolect.student.load import Student
from idiolect.train.checkpoints import Checkpoint
from idiolect.train.feed import AnyRow
from idiolect.train.objectives import Objective
from idiolect.train.processes import Processes
from idiolect.train.settings import LoopSettings
from idiolect.train.step_facts import StepFacts

UNSHARED = ("rows", "logits")  # ways of running a trie that share nothing


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


@dataclass(frozen=True, slots=True)
class Lesson:
    """A job whose rows are made: what is learned, by which objective, and what is held out."""

    job: TrainingJob
    settings: LoopSettings
    student: Student
    objective: Objective
    rows: Sequence[AnyRow]
    held: Sequence[AnyRow]
    counts: tuple[Counts, ...]
    notes: tuple[str, ...]
    way: str  # how the model runs a trie

    @property
    def shared(self) -> bool:
        """Whether prefixes are run once."""
        return self.way not in UNSHARED
