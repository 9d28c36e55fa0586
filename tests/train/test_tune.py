"""What tune adds, and that it can be read back as a script."""

from __future__ import annotations

from train_plans import FakeLoop, plan_of

from idiolect.train.callback_rules import plateau_patience
from idiolect.train.control import ControlEngine, Moment
from idiolect.train.tune import control_text, tuned

RULES = """CONTROL {
    validate_every: 5
    on_epoch_end {
        IF val_loss > 2 AND gpu_memory < 12GB {
            DECREASE learning_rate BY 0.5
            LOG "high"
        }
        EVERY 2 epochs {
            SAVE "at_{epoch}"
        }
    }
    on_plateau {
        STOP_TRAINING
    }
    WHEN ram_usage > 90% {
        SET batch_size = 4
        SAVE model
        LOG loss
    }
}
"""


def test_rules_of_the_script_win_over_the_built_in_ones() -> None:
    plan, said = tuned(plan_of(RULES))
    assert plan.control is not None
    assert plan.train is not None
    assert [rule.do for rule in plan.control.on_plateau or ()] == ["STOP_TRAINING"]
    assert [rule.do for rule in plan.control.on_nan or ()] == ["DECREASE", "LOG"]
    assert plan.train.early_stopping
    assert [line.split(" ")[0] for line in said] == [
        "CONTROL.on_memory_low",
        "CONTROL.on_nan",
        "TRAIN.early_stopping:",
        "TRAIN.early_stop_patience:",
    ]
    assert plan.settings["TRAIN.early_stopping"].origin.source == "tune"


def test_the_rules_are_written_as_a_script_has_them() -> None:
    control = plan_of(RULES).control
    assert control is not None
    assert control_text(control) == RULES
    whole = tuned(plan_of(""))[0].control
    assert whole is not None
    again = plan_of(control_text(whole)).control
    assert again is not None
    assert control_text(again) == control_text(whole)


def test_on_plateau_has_its_chance_before_training_ends() -> None:
    before = plan_of("")
    after, _ = tuned(before)
    assert before.train is not None
    assert after.train is not None
    assert plateau_patience(before.train) == before.train.early_stop_patience == 2
    assert (after.train.early_stop_patience, plateau_patience(after.train)) == (8, 4)


def test_the_built_in_rules_act() -> None:
    plan, _ = tuned(plan_of(""))
    assert plan.control is not None
    loop = FakeLoop()
    engine = ControlEngine(plan.control, loop)
    engine.happened(Moment("plateau", 5, 1.0), {})
    engine.happened(Moment("memory_low", 6, 1.0), {})
    assert loop.parameters == {"learning_rate": 0.0005, "batch_size": 4}


def test_a_percent_is_written_as_it_was_meant() -> None:
    control = plan_of(
        "CONTROL { on_plateau { DECREASE LR BY 150% INCREASE LR BY 10% DECREASE batch_size BY 2 } }"
    ).control
    assert control is not None
    text = control_text(control)
    assert "DECREASE learning_rate BY 150%" in text
    again = plan_of(text).control
    assert again is not None
    assert [(one.amount, one.relative) for one in again.on_plateau or ()] == [  # type: ignore[union-attr]
        (1.5, True),
        (0.1, True),
        (2.0, False),
    ]
