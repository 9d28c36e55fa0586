"""Small jobs of the recipe schema_ast, run by rules or against a teacher of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from idiolect.data.example import Example, Rejected
from idiolect.dialects.contract import Context
from idiolect.dialects.json_ast.dialect import JsonAst
from idiolect.okt.blocks.extension import Synthesize
from idiolect.teachers.recipes.job import RecipeJob
from idiolect.teachers.recipes.schema_ast.recipe import make
from idiolect.teachers.records import Teacher
from idiolect.teachers.rules import Rule, RuleTeacher

SMALL = {
    "recipe": "schema_ast",
    "count": 2,
    "positives_per_schema": 12,
    "examples_per_schema": 4,
    "queries_per_schema": 4,
}


def settings(**values: Any) -> Synthesize:
    defaults = {
        name: value.get_default(call_default_factory=True) for name, value in Synthesize.model_fields.items()
    }
    suggested = {
        "domains": None,
        "examples_per_schema": 60,
        "queries_per_schema": 60,
        "min_operators": 4,
        "max_operators": 7,
        "positives_per_schema": 250,
        "negative_ratio": 0.6,
        "include_invalid": True,
        "refusals": 0.1,
        "languages": ["en", "fr"],
        "levels": ["micro", "multi", "scenario"],
        "seed": 11,
    }
    return Synthesize.model_construct(**{**defaults, **suggested, **SMALL, **values})


def by_rules(seed: int) -> Callable[[Mapping[str, Rule]], Teacher]:
    return lambda rules: RuleTeacher(rules, seed)


def job(folder: Path, *, teacher: Any = None, **values: Any) -> RecipeJob:
    extra = {
        name: values.pop(name)
        for name in ("files", "targets", "offline", "system", "project", "dialect")
        if name in values
    }
    chosen = settings(**values)
    return RecipeJob(
        settings=chosen,
        dialect=extra.pop("dialect", None) or JsonAst(),
        teacher=teacher or by_rules(chosen.seed),
        folder=folder,
        journal=folder / "journal",
        project=extra.pop("project", Context()),
        **extra,
    )


def made(folder: Path, **values: Any) -> tuple[list[Example], list[Rejected]]:
    records = list(make(job(folder, **values)))
    examples = [one for one in records if isinstance(one, Example)]
    return examples, [one for one in records if isinstance(one, Rejected)]
