"""What a recipe is given, and what it is: a function `make(job)` that yields examples and what was left out.

A recipe is a module of this folder and a row in `RECIPES`. It yields in an order that the plan and the seed
alone decide, draws from `job.rng(...)`, asks only `job.teacher(...)`, and writes files of its own, if any,
into `job.folder`. It does **not** write examples.jsonl, verify for the last time, drop repeats or count: the
stage does that for every recipe (`synth_stage.py`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from idiolect.data.example import Example, Rejected
from idiolect.dialects.contract import EMPTY, Context, Dialect
from idiolect.okt.blocks.extension import Synthesize
from idiolect.teachers.records import Teacher
from idiolect.teachers.rules import Rule

# Recipes by the name that SYNTHESIZE.recipe has: the module, imported when the recipe is asked for.
RECIPES: Mapping[str, str] = MappingProxyType(
    {
        "schema_ast": "idiolect.teachers.recipes.schema_ast.recipe",
        "catalog_tasks": "idiolect.teachers.recipes.catalog_tasks",
        "grammar_tasks": "idiolect.teachers.recipes.grammar_tasks",
        "simulate": "idiolect.teachers.recipes.simulate",
        "describe": "idiolect.teachers.recipes.describe",
    }
)

# Who answers, given the recipe's rules by purpose: they answer offline, and a server answers otherwise.
MakeTeacher = Callable[[Mapping[str, Rule]], Teacher]
Recipe = Callable[["RecipeJob"], Iterator[Example | Rejected]]


class RecipeProblem(Exception):
    """A recipe can't do its work: what is wrong, and one line that helps."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


def _no_progress(done: int, total: int | None, text: str) -> None:
    """Nobody looks on."""


def _never() -> None:
    """Nobody asks to stop."""


def _no_examples() -> Iterator[Example]:
    return iter(())


@dataclass(frozen=True, slots=True)
class RecipeJob:
    """All that a recipe is given."""

    settings: Synthesize  # the plan's section, every default written out
    dialect: Dialect
    teacher: MakeTeacher  # called once, with the rules that answer offline
    folder: Path  # for files of the recipe's own; beside examples.jsonl, whose name is taken
    journal: Path  # outlives killed attempts and changed plans; what is found there may be another plan's
    project: Context = EMPTY  # the schema, catalog and policy that DIALECT names
    offline: bool = True  # whether rules answer
    system: str = ""  # DATASET.system, for every example
    files: Mapping[str, Path] = field(default_factory=dict)  # "domains", "template", "operators" where named
    corpus: Callable[[], Iterable[Example]] = (
        _no_examples  # examples of the corpus stage, read anew each time
    )
    targets: Mapping[str, int] = field(
        default_factory=dict
    )  # fault codes to aim at, and how often they failed
    progress: Callable[[int, int | None, str], None] = _no_progress
    stop_if_asked: Callable[[], None] = _never  # call at least four times a second

    def rng(self, *parts: object) -> random.Random:
        """A generator for one part of the work, apart from the order in which parts are done."""
        return random.Random(":".join(map(str, (self.settings.seed, *parts))))
