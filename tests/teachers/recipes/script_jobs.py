"""Small jobs of the recipes whose targets are scripts, and their examples after the gate."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from schema_jobs import by_rules, settings

from idiolect.data.example import Example, Rejected
from idiolect.dialects.contract import EMPTY, Context, Dialect
from idiolect.teachers.recipes.gate import Gate
from idiolect.teachers.recipes.job import RECIPES, RecipeJob


def script_job(
    recipe: str, dialect: Dialect, *, project: Context = EMPTY, corpus: Iterable[Example] = (), **values: Any
) -> RecipeJob:
    teacher = values.pop("teacher", None)
    offline = values.pop("offline", True)
    listed = list(corpus)
    chosen = settings(**{"languages": ["en"], "negative_ratio": 0.5, "recipe": recipe, **values})
    return RecipeJob(
        settings=chosen,
        dialect=dialect,
        teacher=teacher or by_rules(chosen.seed),
        folder=Path(),
        journal=Path(),
        project=project,
        offline=offline,
        corpus=lambda: iter(listed),
    )


def run(recipe: str, dialect: Dialect, **values: Any) -> tuple[list[Example], list[Rejected]]:
    """The examples that a recipe makes and the gate keeps, and what was left out on the way."""
    job = script_job(recipe, dialect, **values)
    gate = Gate(dialect, job.project)
    kept: list[Example] = []
    left: list[Rejected] = []
    for one in import_module(RECIPES[recipe]).make(job):
        judged = gate.judge(one) if isinstance(one, Example) else one
        (kept if isinstance(judged, Example) else left).append(judged)  # type: ignore[arg-type]
    return kept, left


def of_task(examples: Iterable[Example], task: str, valid: bool = True) -> list[Example]:
    return [one for one in examples if one.task == task and one.valid is valid]
