"""What a stage of a run is: the contract between the run and the code that does a stage's work.

A stage is one function, `def run_x(work: StageWork) -> StageResult`, and one row in `stages.py`. It reads
the plan and `work.inputs`, and writes into `work.folder`, which is empty when it begins and takes its
place in the run as a whole when it ends. It does **not** know the command line, the manifest, or what ran
before it.

Rules that the run relies on, so that a killed run ends with the same bytes as one that was not:

- The same plan, inputs and seed give the same bytes in `work.folder`: no clock, no absolute path
  (`work.shown` gives one to write), no order that a folder listing or a set decides.
- Whatever a stage reads is declared in its row: settings, files that settings name, other stages.
- What shall outlive a killed attempt (paid answers, checkpoints) goes into `work.journal()`, which the run
  never empties. Its reader must check what it finds there: another plan may have left it.
- A stage that lasts calls `work.progress(...)`, and either `work.stop_if_asked()` or `work.stopping()` at
  least four times a second. A stage that returns a result has done all its work.
- The user's mistakes are raised as `StageError`: what is wrong, and what to write instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from idiolect.plan.plan import Plan

Ending = Literal["done", "gate failed", "blocked"]


class StageError(Exception):
    """A stage can't do its work: what is wrong, and one line that helps."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class StageStopped(Exception):
    """A stage has ended early, because it was asked to."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records came in, and what became of them. They close: read = kept + rejected."""

    of: str  # what is counted: sources, examples
    read: int
    kept: int
    rejected: Mapping[str, int] = field(default_factory=dict)  # by reason

    def __post_init__(self) -> None:
        rejected = sum(self.rejected.values())
        if self.read != self.kept + rejected:
            raise ValueError(f"{self.of}: {self.read} read are not {self.kept} kept + {rejected} rejected")


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage has to say of its work; its files are those in `work.folder`.

    With the ending "gate failed" or "blocked" the files are kept and the run ends there; `reasons` say why.
    """

    counts: tuple[Counts, ...] = ()
    numbers: Mapping[str, int | float] = field(default_factory=dict)  # measured: metrics, sizes; no times
    warnings: tuple[str, ...] = ()
    ending: Ending = "done"
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a stage may read besides the plan."""

    files: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    stages: Mapping[str, Path] = field(default_factory=dict)

    def of(self, setting: str) -> tuple[Path, ...]:
        """Files and folders that a setting names ("corpus.sources"), globs expanded, sorted within each.

        Empty where the setting is not written.
        """
        return self.files.get(setting, ())

    def stage(self, name: str) -> Path | None:
        """The folder with the files of a stage before this one; None where the plan leaves it out."""
        return self.stages.get(name)


class Watch(Protocol):
    """Whoever looks on while a stage works."""

    def progress(self, done: int, total: int | None, text: str) -> None:
        """So much is done of so much."""

    def log(self, line: str) -> None:
        """A line for the run's log."""

    def stopping(self) -> bool:
        """Whether the stage shall end early."""


class NobodyWatches:
    """For tests, and for a stage that runs on its own."""

    def progress(self, done: int, total: int | None, text: str) -> None:
        pass

    def log(self, line: str) -> None:
        pass

    def stopping(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class StageWork:
    """All that a stage is given."""

    plan: Plan
    root: Path  # the project root, which paths in the script start from
    folder: Path  # empty; write only here
    kept: Path  # see journal()
    inputs: Inputs = field(default_factory=Inputs)
    seed: int = 0
    watch: Watch = field(default_factory=NobodyWatches)

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        """Say how far the work is; cheap enough to be called for every record, from any thread."""
        self.watch.progress(done, total, text)

    def log(self, line: str) -> None:
        """Write one line to the run's log."""
        self.watch.log(line)

    def stopping(self) -> bool:
        """Whether to save what shall be kept, and raise StageStopped."""
        return self.watch.stopping()

    def stop_if_asked(self) -> None:
        """End here, if the user wants the run to end."""
        if self.stopping():
            raise StageStopped

    def journal(self) -> Path:
        """A folder of this stage's own that outlives killed attempts and changed plans."""
        self.kept.mkdir(parents=True, exist_ok=True)
        return self.kept

    def shown(self, path: Path) -> str:
        """A path as it may stand in a file: relative to the project root where it lies below it."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()


StageFunction = Callable[[StageWork], StageResult]


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of the table of stages."""

    name: str
    function: str  # "module:function", imported when the stage runs; "" where this version has none
    version: int = 1  # raise it when the same inputs shall give other bytes: what older code made is redone
    settings: tuple[str, ...] = ()  # parts of the plan that decide the outcome: "corpus", "train.seed"
    reads: tuple[str, ...] = ()  # settings that name files, globs or folders: "corpus.sources"
    may_read: tuple[str, ...] = ()  # the same, where the value may also be something else: "dialect.name"
    needs: tuple[str, ...] = ()  # stages whose files it reads, where the plan has them
    at_root: bool = False  # its files take their place in the run folder itself, not in a folder of the stage
    patience_s: float = 0.0  # how long it may go on after ctrl-C, to finish a step and save what it has
    always: bool = (
        False  # looks at what no key can hold (the machine): never skipped, its bytes are not compared
    )
