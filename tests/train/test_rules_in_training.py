"""CONTROL, MONITOR and EXPLORER in real trainings of a tiny model: every clause is visibly obeyed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from little_trainings import LORA, examples, plan_of, project, same_weights, trained

from idiolect.plan.plan import Plan
from idiolect.runs.stage import NobodyWatches, StageStopped, StageWork
from idiolect.train.explore_stage import run_explore
from idiolect.train.explored import with_best
from idiolect.train.job import Trained
from idiolect.train.outfit import Outfit
from idiolect.train.run_files import RunFiles

RULES = """
CONTROL {
    validate_every: 3
    on_epoch_end { SAVE "epoch_{epoch}" DECREASE LR BY 0.5 }
    on_plateau { LOG "no progress" }
    IF step >= 4 { DECREASE batch_size BY 0.5 SET gradient_clip = 0.5 }
    EVERY 5 steps { LOG loss }
    IF val_loss < 100 { SET weight_decay = 0.01 }
}
STABILITY { stop_if_nan: true stop_if_diverges: true }
MONITOR { level: full refresh_interval: 1s notify_if { ram_usage > 0% } }
"""


def run(root: Path, plan: Plan, *, home: str, watch: Any = None) -> Trained:
    outfit = Outfit(RunFiles.of(plan, root))
    try:
        return trained(
            root,
            plan,
            examples(16),
            home=home,
            validation=examples(6, seed=5),
            watch=watch or NobodyWatches(),
            callbacks=outfit,
            guard_every_s=0.0,
        )
    finally:
        outfit.close()


def decisions(root: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((root / "runs/little/control_decisions.json").read_text())
    return found


def test_rules_act_on_the_real_loop(tmp_path: Path) -> None:
    root = project(tmp_path)
    done = run(root, plan_of('optimizer: "adamw"', RULES + LORA, epochs=2), home="home")
    made = decisions(root)
    # 16 rows in steps of 4, from the end of step 4 in steps of 2: 4 steps, then 8.
    assert done.steps == 12
    by_action = {(one["step"], one["action"]): one["result"] for one in made}
    assert by_action[4, "DECREASE batch_size BY 0.5"] == "4 -> 2"
    assert by_action[4, "SET gradient_clip = 0.5"].endswith("0.5")
    assert by_action[4, 'SAVE "epoch_{epoch}"'] == "saved/epoch_1"
    assert by_action[12, 'SAVE "epoch_{epoch}"'] == "saved/epoch_2"
    assert (root / "runs/little/saved/epoch_2").is_dir()
    before, after = map(float, by_action[4, "DECREASE learning_rate BY 0.5"].split(" -> "))
    assert after == pytest.approx(before / 2, rel=1e-5)
    assert [step for step, action in by_action if action == "LOG loss"] == [5, 10]
    assert [step for step, action in by_action if action == "VALIDATE"] == [3, 6, 9, 12]
    assert by_action[3, "SET weight_decay = 0.01"]
    lines = (root / "runs/little/training_metrics.jsonl").read_text().splitlines()
    said = [json.loads(line) for line in lines]
    # By rule, and after each epoch: steps 4 and 12.
    assert [one["step"] for one in said if "eval_loss" in one] == [3, 4, 6, 9, 12]
    samples = json.loads((root / "runs/little/logs/system.json").read_text())
    assert samples[-1]["step"] == 12
    assert samples[-1]["loss"] > 0
    assert json.loads((root / "runs/little/logs/notifications.json").read_text())


@pytest.mark.parametrize("cut", [3, 4, 5, 9])
def test_a_training_with_rules_that_is_stopped_goes_on_to_the_same_bits(tmp_path: Path, cut: int) -> None:
    plan = plan_of('optimizer: "adamw"', RULES + LORA, epochs=2)
    whole = run(project(tmp_path / "whole"), plan, home="home")

    class Stops(NobodyWatches):
        steps = 0

        def progress(self, done: int, total: int | None, text: str) -> None:
            self.steps = done

        def stopping(self) -> bool:
            return self.steps >= cut

    root = project(tmp_path / "cut")
    with pytest.raises(StageStopped):
        run(root, plan, home="home", watch=Stops())
    again = run(root, plan, home="home")
    assert 0 < again.resumed_from < 12
    assert decisions(root) == decisions(tmp_path / "whole")
    assert same_weights(whole.student, again.student)


def test_a_search_runs_short_trainings_and_its_winner_is_used(tmp_path: Path) -> None:
    root = project(tmp_path)
    more = 'EXPLORER { try { lr: [0.01, 0.00001] lora_rank: [2, 8] } pick_best_by: "val_loss" }'
    plan = plan_of("", more + RULES + LORA, epochs=3)
    split = tmp_path / "split"
    _write_split(split)
    folder = tmp_path / "explore"
    folder.mkdir()
    from idiolect.runs.stage import Inputs

    work = StageWork(plan, root, folder, tmp_path / "kept", inputs=Inputs(stages={"split": split}), seed=3)
    result = run_explore(work)
    trials = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    assert len(trials) == 4
    assert trials[0]["how"] == "completed"
    assert trials[0]["steps"] == 4  # one epoch of three
    assert result.counts[0].read == 4
    changed, said = with_best(plan, folder)
    assert changed.train is not None
    assert changed.train.learning_rate == 0.01
    assert "learning_rate 0.01" in said
    assert (folder / "trials.svg").is_file()
    assert not (root / "runs").exists()


def _write_split(folder: Path) -> None:
    from idiolect.data.jsonl import write_examples

    folder.mkdir()
    write_examples(folder / "train.jsonl", examples(16))
    write_examples(folder / "validation.jsonl", examples(6, seed=5))
