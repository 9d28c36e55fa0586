"""Two processes obey the same rules at the same steps: the first decides for both."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from little_trainings import LORA
from test_training_together import launch, losses, make_project

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="gloo over loopback")]

RULES = """
CONTROL {
    on_epoch_end { DECREASE LR BY 0.5 SAVE "e{epoch}" }
    on_step_end { IF loss > 0 { LOG loss } }
    IF step >= 2 { SET gradient_clip = 0.5 }
    WHEN ram_usage >= 0 { LOG "memory" }
    EVERY 6 steps { STOP_TRAINING }
}
"""


def decided(script: Path) -> list[tuple[int, str, str]]:
    path = script.parent.parent / "runs" / "together" / "control_decisions.json"
    made: list[dict[str, Any]] = json.loads(path.read_text())
    return [(one["step"], one["rule"], one["action"]) for one in made]


def test_two_processes_obey_the_same_rules_at_the_same_steps(tmp_path: Path) -> None:
    alone = make_project(tmp_path / "alone", RULES + LORA)
    both = make_project(tmp_path / "both", RULES + LORA)
    launch(alone, 1)
    launch(both, 2)
    assert decided(alone) == decided(both)
    assert (6, "STOP_TRAINING") in [(step, action) for step, _, action in decided(both)]
    runs = [script.parent.parent / "runs" / "together" for script in (alone, both)]
    one, two = map(losses, runs)
    assert [step for step, _ in one] == [step for step, _ in two]
    for (_, first), (_, second) in zip(one, two, strict=True):
        assert first == pytest.approx(second, rel=1e-4)
    assert (runs[1] / "saved" / "e1").is_dir()
