"""The plan: a script resolved. Every default is written out and every conflict settled and explained.

Stages read typed sections of it (`plan.train`, `plan.dataset`, ...); `settings` says of each value
where it came from, and `conflicts` who won over whom, by which rule.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from idiolect.okt.blocks.answer import Behavior, Control, Guard, Infer, Inference
from idiolect.okt.blocks.data import Dataset
from idiolect.okt.blocks.extension import Align, Corpus, DialectBlock, Evaluate, Synthesize, Teacher
from idiolect.okt.blocks.model import FtLora, Model
from idiolect.okt.blocks.project import Env
from idiolect.okt.blocks.ship import Deploy, Export, Merge, Package, Security
from idiolect.okt.blocks.train import Metrics, Train, Validate
from idiolect.okt.blocks.watch import Explorer, Hooks, Logging, Monitor, Stability
from idiolect.okt.fields import Block

Kind = Literal["file", "inherited", "override", "default", "proposed", "derived", "environment"]


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Origin(Record):
    """Where a value came from."""

    kind: Kind
    source: str = ""  # the field or thing that gave it: TRAIN.epochs, LLM_MODEL, .llmrc
    file: str | None = None
    line: int | None = None
    column: int | None = None
    why: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line is not None else ""
        words = {
            "file": place,
            "inherited": f"{place} (inherited from {self.source})",
            "override": f"{place} ({self.source})",
            "default": "default of the language",
            "proposed": "default of this engine",
            "derived": f"follows from {self.source}" if self.source else "derived",
            "environment": self.source,
        }
        text = words[self.kind]
        return f"{text}: {self.why}" if self.why else text


class Considered(Record):
    """A value that lost."""

    value: Any
    origin: Origin


class Setting(Record):
    """A resolved value, its origin, and what it won over."""

    value: Any
    origin: Origin
    lost: tuple[Considered, ...] = ()


class Conflict(Record):
    """Two or more sources of one value that do not agree, and the rule that settled them."""

    field: str
    winner: str
    value: Any
    losers: tuple[str, ...]
    rule: str


class Stage(Record):
    """A stage of the run, whether it takes place, and why."""

    name: str
    runs: bool
    why: str


class DataSource(Record):
    """A file that training examples are drawn from."""

    path: str
    weight: int | None = None  # percent of a mix


class Data(Record):
    """The training data that won, and the paths of what it is scored on."""

    sources: tuple[DataSource, ...]
    percent: int
    given_by: str  # the field that won


class Project(Record):
    """Names of the project and of its run folder."""

    name: str
    description: str | None = None
    version: str | None = None
    tags: tuple[str, ...] = ()
    author: str | None = None
    run_folder: str


class Plan(Record):
    """A script resolved."""

    script: str = Field(description="The script that this plan was made from.")
    language_version: str = Field(description="Declared version of the language, or 1.0.")
    project: Project
    env: Env
    dataset: Dataset | None = None
    data: Data | None = Field(default=None, description="The training data that won by the dataset rules.")
    model: Model | None = None
    train: Train | None = Field(default=None, description="The loop; values of FT_LORA are already applied.")
    ft_lora: FtLora | None = None
    metrics: Metrics | None = None
    validate_: Validate | None = Field(default=None, alias="validate")
    control: Control | None = None
    stability: Stability | None = None
    monitor: Monitor | None = None
    explorer: Explorer | None = None
    hooks: Hooks | None = None
    logging: Logging | None = None
    inference: Inference | None = None
    behavior: Behavior | None = None
    guard: Guard | None = None
    infer: Infer | None = None
    export: Export | None = None
    deploy: Deploy | None = None
    security: Security | None = None
    dialect: DialectBlock | None = None
    corpus: Corpus | None = None
    teacher: Teacher | None = None
    synthesize: Synthesize | None = None
    evaluate: Evaluate | None = None
    align: Align | None = None
    merge: Merge | None = None
    package: Package | None = None
    settings: dict[str, Setting] = Field(
        default_factory=dict, description="Every value by its path, with where it came from."
    )
    conflicts: tuple[Conflict, ...] = ()
    stages: tuple[Stage, ...] = ()

    def section(self, keyword: str) -> Block | None:
        """The section of a block by its keyword; None where the plan has none."""
        name = "validate_" if keyword == "VALIDATE" else keyword.lower()
        found = getattr(self, name, None) if name in type(self).model_fields else None
        return found if isinstance(found, Block) else None

    def why(self, field: str) -> list[tuple[str, Setting]]:
        """The settings that a path or the last part of a path names."""
        if field in self.settings:
            return [(field, self.settings[field])]
        folded = field.lower()
        return [
            (path, setting)
            for path, setting in self.settings.items()
            if path.lower() == folded
            or path.lower().endswith(f".{folded}")
            or path.lower().startswith(f"{folded}.")
        ]

    def stage(self, name: str) -> Stage:
        return next(stage for stage in self.stages if stage.name == name)
