"""EXPLORER: grid and TPE, pruning, failures, a search that is killed, and what a plan becomes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from train_plans import plan_of

from idiolect.plan.plan import Plan
from idiolect.runs.stage import StageError, StageStopped
from idiolect.train.explore_stage import table
from idiolect.train.explored import trial_plan, with_best, with_settings
from idiolect.train.explorer import (
    Report,
    Search,
    Settings,
    Trial,
    best_of,
    direction_of,
    explore,
    score_in,
    search_of,
)
from idiolect.train.trials_plot import trials_svg


def search(
    candidates: Mapping[str, Any], *, most: int = 50, metric: str = "val_loss", seed: int = 7
) -> Search:
    return Search(candidates, metric, direction_of(metric), most, seed)


GRID = {"learning_rate": (0.1, 0.01), "batch_size": (2, 4, 8)}
WIDE = {"learning_rate": (1e-5, 1e-4, 1e-3, 1e-2, 0.1), "batch_size": (2, 4, 8, 16, 32)}


def bowl(number: int, settings: Settings, report: Report) -> tuple[Mapping[str, float], int]:
    """Best at 0.001 and 8; reports on its way."""
    off = abs(math.log10(float(settings["learning_rate"])) + 3)
    loss = off + abs(float(settings["batch_size"]) - 8) / 8
    for step in (1, 2, 3):
        if report(step, loss + 3 - step):
            break
    return {"eval_loss": loss, "loss": 9.0}, 3


def test_a_grid_tries_every_combination_in_the_order_of_the_script(tmp_path: Path) -> None:
    told: list[Trial] = []
    one = search(GRID)
    trials = explore(one, bowl, tmp_path / "journal.jsonl", told=told.append)
    assert one.way == "grid"
    assert [tuple(trial.settings.values()) for trial in trials] == [
        (0.1, 2), (0.1, 4), (0.1, 8), (0.01, 2), (0.01, 4), (0.01, 8),
    ]  # fmt: skip
    assert {trial.how for trial in trials} == {"completed"}
    best = best_of(one, trials)
    assert best is not None
    assert best.settings == {"learning_rate": 0.01, "batch_size": 8}
    assert best.score == pytest.approx(1.0)
    assert told == list(trials)


def test_tpe_tries_as_many_as_may_be_none_twice_and_prunes_the_bad_ones(tmp_path: Path) -> None:
    one = search(WIDE, most=15)
    assert (one.way, one.size, one.trials) == ("tpe", 25, 15)
    trials = explore(one, bowl, tmp_path / "journal.jsonl")
    assert len({tuple(trial.settings.values()) for trial in trials}) == 15
    pruned = [trial for trial in trials if trial.how == "pruned"]
    assert pruned
    assert all(len(trial.reported) <= 3 for trial in pruned)
    best = best_of(one, trials)
    assert best is not None
    assert best.how == "completed"
    assert best.score is not None
    assert best.score <= 1.0


def test_tpe_finds_all_combinations_when_nearly_all_are_tried(tmp_path: Path) -> None:
    one = search(GRID, most=5)
    trials = explore(one, bowl, tmp_path / "journal.jsonl")
    assert len({tuple(trial.settings.values()) for trial in trials}) == 5


@pytest.mark.parametrize("cut", [1, 4, 9])
def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(tmp_path: Path, cut: int) -> None:
    one = search(WIDE, most=12)
    whole = explore(one, bowl, tmp_path / "whole.jsonl")

    class Killed(BaseException):
        pass

    def mortal(number: int, settings: Settings, report: Report) -> tuple[Mapping[str, float], int]:
        if number == cut:
            report(1, 0.0)
            raise Killed
        return bowl(number, settings, report)

    with pytest.raises(Killed):
        explore(one, mortal, tmp_path / "cut.jsonl")
    again: list[int] = []

    def counted(number: int, settings: Settings, report: Report) -> tuple[Mapping[str, float], int]:
        again.append(number)
        return bowl(number, settings, report)

    assert explore(one, counted, tmp_path / "cut.jsonl") == whole
    assert again == list(range(cut, 12))
    assert (tmp_path / "cut.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_another_search_begins_anew(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    explore(search(GRID), bowl, journal)
    other = search({**GRID, "batch_size": (2, 4)})
    assert len(explore(other, bowl, journal)) == 4


def test_a_stop_keeps_what_is_done(tmp_path: Path) -> None:
    journal, asked = tmp_path / "journal.jsonl", iter([False, False, True])
    with pytest.raises(StageStopped):
        explore(search(GRID), bowl, journal, stopping=lambda: next(asked))
    assert len(journal.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (ValueError("rank is too high"), "ValueError: rank is too high"),
        ({"eval_loss": float("nan")}, "val_loss is nan"),
        ({"loss": 1.0}, "val_loss was not measured: loss"),
        ({}, "val_loss was not measured: nothing"),
    ],
)
def test_a_failed_trial_has_a_reason_and_no_score(tmp_path: Path, outcome: Any, reason: str) -> None:
    def attempt(number: int, settings: Settings, report: Report) -> tuple[Mapping[str, float], int]:
        if number:
            return {"eval_loss": 5.0}, 1
        if isinstance(outcome, Exception):
            raise outcome
        return outcome, 1

    one = search({"batch_size": (2, 4)})
    first, second = explore(one, attempt, tmp_path / "journal.jsonl")
    assert (first.how, first.score, first.reason) == ("failed", None, reason)
    assert best_of(one, (first, second)) == second
    assert best_of(one, (first,)) is None
    assert explore(one, attempt, tmp_path / "journal.jsonl") == (first, second)


def test_more_is_better_where_the_metric_says_so(tmp_path: Path) -> None:
    def attempt(number: int, settings: Settings, report: Report) -> tuple[Mapping[str, float], int]:
        return {"eval_accuracy": number / 10}, 1

    one = search({"batch_size": (2, 4, 8)}, metric="accuracy")
    best = best_of(one, explore(one, attempt, tmp_path / "journal.jsonl"))
    assert best is not None
    assert best.settings == {"batch_size": 8}
    assert [direction_of(name) for name in ("val_loss", "f1_score", "wer", "tone", "my_error")] == [
        "min", "max", "min", "max", "min",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"), [("val_loss", 2.0), ("loss", 1.0), ("accuracy", 0.5), ("val_f1", None)]
)
def test_the_deciding_metric_is_found_by_its_name(name: str, expected: float | None) -> None:
    assert score_in({"loss": 1.0, "eval_loss": 2.0, "eval_accuracy": 0.5}, name) == expected


# --- plans


TRY = """EXPLORER {
    try { lr: [0.1, 0.01] optimizer: ["adamw", "sgd"] lora_rank: [4, 16] }
    max_tests: 3
    pick_best_by: "val_loss"
}"""
LORA = 'FT_LORA { base_model: "nano" lora_rank: 8 }'


def explored(text: str = TRY + LORA) -> tuple[Plan, Search]:
    plan = plan_of(text)
    assert plan.explorer is not None
    assert plan.explorer.try_ is not None
    return plan, search_of(plan.explorer.try_, metric="val_loss", most=plan.explorer.max_tests, seed=1)


def test_the_search_is_what_the_script_lists() -> None:
    _, one = explored()
    assert one.candidates == {
        "learning_rate": (0.1, 0.01),
        "optimizer": ("adamw", "sgd"),
        "lora_rank": (4, 16),
    }
    assert (one.way, one.trials) == ("tpe", 3)


def test_settings_reach_the_section_that_has_them_and_alpha_follows_the_rank() -> None:
    plan, _ = explored()
    changed = with_settings(plan, {"learning_rate": 0.1, "lora_rank": 16}, "EXPLORER, trial 2")
    assert changed.train is not None
    assert changed.ft_lora is not None
    assert changed.train.learning_rate == 0.1
    assert (changed.ft_lora.lora_rank, changed.ft_lora.lora_alpha) == (16, 32)
    setting = changed.settings["TRAIN.learning_rate"]
    assert (setting.value, setting.origin.source, setting.lost[0].value) == (0.1, "EXPLORER, trial 2", 0.001)
    written = plan_of(TRY + LORA.replace("lora_rank: 8", "lora_rank: 8 lora_alpha: 8"))
    kept = with_settings(written, {"lora_rank": 16}, "x").ft_lora
    assert kept is not None
    assert kept.lora_alpha == 8


def test_a_trial_goes_a_third_of_the_way_and_does_nothing_but_train() -> None:
    plan, _ = explored(TRY + LORA + 'CONTROL { on_epoch_end { SAVE model } } HOOKS { after_train: "a.py" }')
    trial = trial_plan(plan, {"learning_rate": 0.1}, "x")
    assert trial.train is not None
    assert (trial.train.epochs, trial.train.save_strategy) == (1, "no")
    assert (trial.control, trial.hooks, trial.monitor) == (None, None, None)
    whole = trial_plan(plan, {"epochs": 5}, "x").train
    assert whole is not None
    assert whole.epochs == 5
    limited = plan.model_copy(
        update={"train": plan.train and plan.train.model_copy(update={"max_steps": 100})}
    )
    short = trial_plan(limited, {}, "x").train
    assert short is not None
    assert short.max_steps == 34


def test_the_winner_is_used_for_the_real_training(tmp_path: Path) -> None:
    plan, _ = explored()
    best = {
        "settings": {"learning_rate": 0.01, "lora_rank": 4},
        "trial": 3,
        "metric": "val_loss",
        "score": 0.25,
    }
    (tmp_path / "best.json").write_text(json.dumps(best))
    changed, said = with_best(plan, tmp_path)
    assert changed.train is not None
    assert changed.train.learning_rate == 0.01
    assert said == "EXPLORER's best settings are used: learning_rate 0.01, lora_rank 4 (val_loss 0.25)"
    assert with_best(plan, None) == (plan, "")


def test_a_setting_out_of_range_is_told() -> None:
    plan, _ = explored()
    with pytest.raises(StageError, match="learning_rate = 7, which is out of range"):
        with_settings(plan, {"learning_rate": 7}, "EXPLORER, trial 1")


# --- table and plots


def _trials() -> tuple[Search, tuple[Trial, ...]]:
    one = search(GRID)
    base = {"learning_rate": 0.1, "batch_size": 2}
    return one, (
        Trial(0, base, "completed", 2.0, 10),
        Trial(1, {**base, "batch_size": 4}, "failed", reason="it | broke"),
        Trial(2, {**base, "batch_size": 8}, "completed", 1.0, 10),
        Trial(3, {**base, "learning_rate": 0.01}, "pruned", 3.0, 4, reason="worse than the median"),
    )


def test_the_table_has_the_best_first_and_every_trial() -> None:
    assert table(*_trials()).splitlines()[2:] == [
        "| trial | learning_rate | batch_size | val_loss | steps | outcome |",
        "|---|---|---|---|---|---|",
        "| 3 | 0.1 | 8 | 1 | 10 | completed |",
        "| 1 | 0.1 | 2 | 2 | 10 | completed |",
        "| 4 | 0.01 | 2 | 3 | 4 | pruned: worse than the median |",
        "| 2 | 0.1 | 4 |  | 0 | failed: it \\| broke |",
    ]


def test_a_plot_has_the_same_bytes_for_the_same_trials() -> None:
    drawn = trials_svg(*_trials())
    assert drawn == trials_svg(*_trials())
    assert all(word in drawn for word in ("completed", "pruned", "failed", "best", "val_loss"))
    assert trials_svg(search(GRID), ()).startswith("<?xml")
