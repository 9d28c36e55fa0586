"""The recipe grammar_tasks: each exercise uses its production, and what none uses is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from script_jobs import of_task, run, script_job

from idiolect.dialects.folder import load_folder
from idiolect.dialects.gates.dialect import Gates
from idiolect.dialects.tcl.dialect import Tcl, demo_catalog
from idiolect.teachers.recipes.grammar_tasks import make
from idiolect.teachers.recipes.job import RecipeProblem

FOLDERS = Path(__file__).parents[2] / "dialects/user/folders"


def test_every_production_of_a_folder_is_exercised_or_told_with_a_reason() -> None:
    dialect = load_folder(FOLDERS / "shopsql")
    kept, left = run("grammar_tasks", dialect, count=60)
    exercised = {one.metadata["production"] for one in of_task(kept, "grammar_tasks")}
    told = [one.detail for one in left if one.reason == "production not covered"]
    for production in dialect.productions:  # type: ignore[attr-defined]
        covered = any(
            production in dialect.productions_of(one.target)  # type: ignore[attr-defined]
            for one in of_task(kept, "grammar_tasks")
        )
        assert covered or any(detail.startswith(f"{production}: ") for detail in told), production
    assert len(exercised) > 10


def test_an_exercise_uses_its_production() -> None:
    dialect = load_folder(FOLDERS / "unitfile")
    kept, _ = run("grammar_tasks", dialect, count=30)
    exercises = of_task(kept, "grammar_tasks")
    assert len(exercises) == 30
    for one in exercises:
        assert one.metadata["production"] in dialect.productions_of(one.target)  # type: ignore[attr-defined]


def test_requests_tell_all_words_of_what_nothing_describes() -> None:
    kept, _ = run("grammar_tasks", load_folder(FOLDERS / "unitfile"), count=30)
    for one in of_task(kept, "grammar_tasks"):
        for word in one.target.replace("=", " ").replace("[", " ").replace("]", " ").split():
            assert word in one.instruction


def test_productions_take_turns_in_the_built_in_dialects() -> None:
    for dialect in (Gates(), Tcl(demo_catalog())):
        kept, left = run("grammar_tasks", dialect, count=40, negative_ratio=0)
        assert len(kept) == 40
        assert not left
        assert len({one.metadata["production"] for one in kept}) > 12


def test_a_dialect_without_samples_is_refused() -> None:
    class Silent(Gates):
        not_offered = frozenset({"sample"})

    with pytest.raises(RecipeProblem, match="no samples"):
        list(make(script_job("grammar_tasks", Silent())))
