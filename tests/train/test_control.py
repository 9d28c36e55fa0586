"""CONTROL's rules: when they fire, what they do, what is written down, and that a resume changes nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import pytest
from train_plans import HEAD, TRAIN, FakeLoop, plan_of

from idiolect.okt.check import check_text
from idiolect.train.control import ControlEngine, Decision, Event, Moment
from idiolect.train.plateau import Plateau
from idiolect.train.stability import StabilityWatch
from idiolect.train.triggers import Triggers

GB = 1024**3


def engine_of(rules: str, loop: FakeLoop, **options: Any) -> ControlEngine:
    control = plan_of(f"CONTROL {{ {rules} }}").control
    assert control is not None
    return ControlEngine(control, loop, **options)


def steps(engine: ControlEngine, losses: list[float], **signals: Any) -> list[Decision]:
    made = []
    for step, loss in enumerate(losses, 1):
        made += engine.happened(Moment("step_end", step, step / 10), {"loss": loss, "step": step, **signals})
    return made


def test_a_rule_at_the_top_fires_when_its_condition_becomes_true_and_again_only_after_it_was_false() -> None:
    loop = FakeLoop()
    made = steps(engine_of("IF loss > 2.0 { DECREASE LR BY 0.5 }", loop), [1, 3, 3, 3, 1, 3, 3])
    assert [decision.step for decision in made] == [2, 6]
    assert loop.parameters["learning_rate"] == 0.00025
    assert made[0] == Decision(
        step=2,
        epoch=0.2,
        rule="CONTROL, line 5",
        condition="loss > 2",
        values={"loss": 3},
        action="DECREASE learning_rate BY 0.5",
        result="0.001 -> 0.0005",
    )


def test_a_rule_inside_an_event_is_looked_at_each_time() -> None:
    loop = FakeLoop()
    steps(engine_of('on_step_end { IF loss > 2.0 { LOG "high" } }', loop), [3, 3, 1, 3])
    assert loop.said == ["high", "high", "high"]


def test_every_fires_at_multiples_wherever_it_stands() -> None:
    loop = FakeLoop()
    engine = engine_of('EVERY 3 steps { LOG loss } on_step_end { EVERY 4 steps { LOG "four" } }', loop)
    steps(engine, [float(n) for n in range(1, 9)])
    assert loop.said == ["loss: 3", "four", "loss: 6", "four"]


def test_every_epoch_fires_at_the_end_of_epochs() -> None:
    loop = FakeLoop()
    engine = engine_of('on_epoch_end { EVERY 2 epochs { SAVE "at_{epoch}_{step}" } }', loop)
    for epoch in range(1, 6):
        engine.happened(Moment("epoch_end", 10 * epoch, float(epoch)), {})
    assert loop.saved == [("named", "at_2_20"), ("named", "at_4_40")]


def test_nested_conditions_hold_together_and_are_told_together() -> None:
    loop = FakeLoop()
    rules = "IF epoch >= 2 { IF val_loss > 2.0 AND loss < 1 { DECREASE LR BY 50% } }"
    engine = engine_of(rules, loop)
    seen = [(1, 3.0, 0.5), (2, 1.0, 0.5), (2, 3.0, 0.5), (2, 3.0, 0.5), (2, 3.0, 2.0), (2, 3.0, 0.5)]
    made = []
    for step, (epoch, val_loss, loss) in enumerate(seen, 1):
        signals = {"epoch": epoch, "val_loss": val_loss, "loss": loss}
        made += engine.happened(Moment("validated", step, epoch), signals)
    assert [decision.step for decision in made] == [3, 6]
    assert made[0].condition == "epoch >= 2 AND val_loss > 2 AND loss < 1"
    assert made[0].values == {"epoch": 2, "val_loss": 3.0, "loss": 0.5}


def test_statements_behind_stop_training_still_run() -> None:
    loop = FakeLoop()
    engine = engine_of('on_nan { STOP_TRAINING LOG "NaN" }', loop)
    made = engine.happened(Moment("nan", 7, 0.7), {"loss": float("nan")})
    assert (loop.stopped, loop.said) == (["CONTROL.on_nan, line 5"], ["NaN"])
    assert [decision.action for decision in made] == ["STOP_TRAINING", 'LOG "NaN"']


def test_plain_statements_at_the_top_run_once_when_training_begins() -> None:
    loop = FakeLoop()
    engine = engine_of("SET LR = 0.01", loop)
    engine.happened(Moment("train_begin", 0, 0), {})
    engine.happened(Moment("step_end", 1, 0.1), {"loss": 1.0})
    assert loop.parameters["learning_rate"] == 0.01
    again = engine_of("SET LR = 0.01", other := FakeLoop())
    again.restore(engine.state())
    other.parameters["learning_rate"] = 0.003
    again.happened(Moment("train_begin", 5, 0.5), {})
    assert other.parameters["learning_rate"] == 0.003


def test_validate_every_asks_for_a_validation_where_there_is_something_to_validate_on() -> None:
    loop = FakeLoop()
    made = steps(engine_of("validate_every: 2", loop), [1.0] * 5)
    assert loop.validations == 2
    assert made[0].action == "VALIDATE"
    none = FakeLoop()
    steps(engine_of("validate_every: 2", none, can_validate=False), [1.0] * 5)
    assert none.validations == 0


@pytest.mark.parametrize(
    ("statement", "before", "after"),
    [
        ("SET LR = 0.0005", 0.001, 0.0005),
        ("SET lr = 2", 0.001, "not changed: 2 is out of range; learning_rate is > 0 and <= 1"),
        ("DECREASE LR BY 10%", 0.001, 0.0009),
        ("INCREASE LR BY 0.5", 0.001, 0.0015),
        ("INCREASE LR BY 5", 0.001, 1.0),
        (
            "DECREASE LR BY 1",
            0.001,
            "not changed: -0.999 is out of range; learning_rate is > 0 and <= 1",
        ),
        ("DECREASE batch_size BY 0.5", 8, 4),
        ("DECREASE batch_size BY 3", 8, 5),
        ("DECREASE batch_size BY 30", 8, 1),
        ("INCREASE batch_size BY 2000", 8, 1024),
        ("SET batch_size = 0.5", 8, "not changed: batch_size is a whole number"),
        ('SET optimizer = "sgd"', None, "not changed: optimizer can't change while running"),
        ("SET temperature = 0.5", None, "not changed: temperature is for answers; training has none"),
        ("DECREASE weight_decay BY 0.5", None, "not changed: this training has no weight_decay"),
        ("SET learning_speed = 3", None, "not changed: unknown parameter learning_speed"),
        ('SET LR = "high"', 0.001, "not changed: learning_rate is a number"),
    ],
)
def test_parameters_change_within_their_bounds_or_say_why_not(
    statement: str, before: float | None, after: float | str
) -> None:
    name = "batch_size" if "batch_size" in statement else "learning_rate"
    loop = FakeLoop({name: before} if before is not None else {})
    (made,) = engine_of(f"on_plateau {{ {statement} }}", loop).happened(Moment("plateau", 5, 1.0), {})
    if isinstance(after, str):
        assert made.result.startswith(after)
        assert loop.parameters.get(name) == before
    else:
        assert loop.parameters[name] == pytest.approx(after)


@pytest.mark.parametrize(
    ("condition", "signals", "holds"),
    [
        ("gpu_memory < 12GB", {"gpu_memory_free": 11 * GB}, True),
        ("gpu_memory < 12GB", {"gpu_memory_free": 13 * GB}, False),
        ("gpu_memory < 10%", {"gpu_memory_free": 2 * GB, "gpu_memory_total": 24 * GB}, True),
        ("ram_usage > 90%", {"ram_usage": 95.0}, True),
        ("ram_usage > 90", {"ram_usage": 85.0}, False),
        ("ram_usage > 8GB", {"ram_usage": 10.0, "ram_used": 9 * GB}, True),
        ("accuracy > 90%", {"accuracy": 0.95}, True),
        ("f1_score >= 0.5", {"f1": 0.5}, True),
        ("LR < 0.001", {"learning_rate": 0.0005}, True),
        ("eval_loss > 1", {"val_loss": 1.5}, True),
        ("my_metric == 3", {"my_metric": 3}, True),
        ('stage == "late"', {"stage": "late"}, True),
        ("stage != early", {"stage": "late"}, True),
        ("loss > 1", {"loss": float("nan")}, False),
        ("gpu_usage > 50%", {}, False),
        ('stage > "late"', {"stage": "zebra"}, False),
    ],
)
def test_conditions_compare_on_the_scale_of_their_signal(
    condition: str, signals: Mapping[str, Any], holds: bool
) -> None:
    loop = FakeLoop()
    engine = engine_of(f'on_step_end {{ IF {condition} {{ LOG "x" }} }}', loop)
    engine.happened(Moment("step_end", 1, 0.1), signals)
    assert (loop.said == ["x"]) is holds


def test_signals_that_never_came_are_named() -> None:
    engine = engine_of('IF gpu_usage > 90% { LOG "x" } IF val_loss > 1 { LOG "y" }', FakeLoop())
    engine.happened(Moment("step_end", 1, 0.1), {"loss": 1.0})
    engine.happened(Moment("validated", 1, 0.1), {"loss": 1.0, "val_loss": 0.5})
    assert engine.silent_signals() == ["gpu_usage"]


def test_rules_that_are_for_answers_are_left_to_inference() -> None:
    loop = FakeLoop()
    rules = 'IF confidence < 0.5 { RETRY } IF label == "x" { RETURN "no" } IF confidence < 0.5 { LOG "low" }'
    engine = engine_of(rules, loop)
    made = engine.happened(Moment("validated", 1, 0.1), {"confidence": 0.1})
    assert [one.action for one in made] == ['LOG "low"']
    assert engine.asked_signals() == {"confidence"}


RULES = """
    validate_every: 7
    on_step_end { EVERY 5 steps { LOG loss } IF loss > 3 { LOG "high" } }
    on_epoch_end { IF val_loss > 1 { DECREASE LR BY 0.9 } EVERY 2 epochs { SAVE "e{epoch}" } }
    on_plateau { DECREASE LR BY 0.5 INCREASE batch_size BY 2 }
    on_nan { LOG "nan" }
    IF loss > 2 { SET weight_decay = 0.1 IF epoch > 1 { LOG "late" } }
    EVERY 11 steps { SAVE checkpoint }
"""


def _happenings(seed: int) -> list[tuple[Moment, dict[str, float]]]:
    rng = random.Random(seed)
    made = []
    for step in range(1, 61):
        signals = {"loss": rng.uniform(0, 4), "val_loss": rng.uniform(0, 2), "epoch": step / 20}
        events: list[Event] = ["step_end"]
        events += ["validated"] if step % 5 == 0 else []
        events += ["plateau"] if step % 13 == 0 else []
        events += ["epoch_end"] if step % 20 == 0 else []
        made += [(Moment(event, step, step / 20), signals) for event in events]
    return made


@pytest.mark.parametrize("cut", [1, 5, 17, 33, 48, 60])
def test_a_resumed_engine_decides_as_one_that_was_never_stopped(cut: int) -> None:
    happenings = _happenings(3)
    whole, loop = engine_of(RULES, first := FakeLoop()), FakeLoop()
    expected = [made for moment, signals in happenings for made in whole.happened(moment, signals)]
    engine = engine_of(RULES, loop)
    made = []
    for moment, signals in happenings[:cut]:
        made += engine.happened(moment, signals)
    state = json.loads(json.dumps(engine.state()))
    resumed = engine_of(RULES, loop)
    resumed.restore(state)
    for moment, signals in happenings[cut:]:
        made += resumed.happened(moment, signals)
    assert made == expected
    assert loop.parameters == first.parameters


def test_parameters_that_rules_changed_are_changed_again_on_resume() -> None:
    engine = engine_of("on_plateau { SET gradient_clip = 0.5 SET LR = 0.5 }", FakeLoop())
    engine.happened(Moment("plateau", 3, 0.3), {})
    resumed = engine_of("on_plateau { SET gradient_clip = 0.5 SET LR = 0.5 }", loop := FakeLoop())
    resumed.restore(engine.state())
    # The learning rate lies in the optimizer's own state.
    assert loop.parameters == {"learning_rate": 0.001, "batch_size": 8, "gradient_clip": 0.5}


def test_a_setting_that_is_fixed_is_told_when_the_script_is_checked() -> None:
    checked = check_text(HEAD + TRAIN + "CONTROL { on_plateau { SET epochs = 9 SET eval_steps = 9 } }")
    (found,) = [one for one in checked.diagnostics if one.code == "L342"]
    assert "epochs can't change while running" in found.message
    assert not [one for one in checked.diagnostics if one.code == "L208"]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("SET LR = 5", "learning_rate can't be set to 5; the rule will change nothing"),
        ('SET batch_size = "many"', "batch_size can't be set to many; the rule will change nothing"),
        ("SET batch_size = 8", None),
        ("SET LR = 0.5", None),
        ("SET my_own = 8", None),
    ],
)
def test_a_value_that_a_setting_does_not_take_is_told_when_the_script_is_checked(
    rule: str, told: str | None
) -> None:
    checked = check_text(HEAD + TRAIN + f"CONTROL {{ on_plateau {{ {rule} }} }}")
    assert [one.message for one in checked.diagnostics if one.code == "V010"] == ([told] if told else [])
    assert checked.errors == []


# --- events


def test_memory_runs_low_once_until_there_is_enough_again() -> None:
    triggers = Triggers(Plateau(2))
    shares = [0.5, 0.09, 0.05, 0.11, 0.13, 0.08]
    came = [triggers.memory_low({"ram_free": 100 * share, "ram_total": 100}) for share in shares]
    assert came == [False, True, False, False, False, True]
    assert triggers.memory_low({"gpu_memory_free": 1, "gpu_memory_total": 100}) is False  # still low
    assert Triggers(Plateau(2)).memory_low({}) is False


def test_nan_comes_once_as_long_as_it_lasts() -> None:
    triggers = Triggers(Plateau(2))
    nan = float("nan")
    came = [triggers.nan(loss, norm) for loss, norm in [(1, 1), (nan, 1), (nan, 1), (1, 1), (1, nan)]]
    assert came == [False, True, False, False, True]


def test_a_plateau_is_as_many_values_without_enough_progress_as_patience_says() -> None:
    plateau = Plateau(2, min_delta=0.1)
    assert [plateau.look(value) for value in (2.0, 1.95, 1.85, 1.84, 1.83)] == [
        False,
        False,
        False,
        False,
        True,
    ]
    rising = Plateau(1, direction="max")
    assert [rising.look(value) for value in (0.5, 0.6, 0.6)] == [False, False, True]
    assert [Plateau(1).look(value) for value in (float("nan"),)] == [True]


# --- stability


def test_a_nan_stops_only_where_it_is_asked_to() -> None:
    assert StabilityWatch().look(3, float("nan")) is None
    found = StabilityWatch(stop_if_nan=True).look(3, float("nan"))
    assert found is not None
    assert found.message == "the loss of step 3 is NaN"
    gradient = StabilityWatch(stop_if_nan=True).look(3, 1.0, float("nan"))
    assert gradient is not None
    assert "gradient" in gradient.message


def _broken_at(losses: list[float]) -> int | None:
    watch = StabilityWatch(stop_if_diverges=True)
    for step, loss in enumerate(losses, 1):
        if watch.look(step, loss) is not None:
            return step
    return None


def test_a_loss_that_runs_away_stops_and_one_odd_batch_does_not() -> None:
    falling = [3.0 - 0.1 * step for step in range(25)]
    assert _broken_at(falling) is None
    assert _broken_at([*falling, 9.0, *falling[-10:]]) is None
    assert _broken_at([*falling, 5, 6, 7, 8, 9]) == 29
    assert _broken_at([1.0, float("inf")]) == 2
    # Near nothing, a loss jumps by factors without anything being wrong.
    assert _broken_at([0.001] * 30 + [0.02] * 10) is None


def test_stability_goes_on_after_a_resume() -> None:
    losses = [3.0 - 0.1 * step for step in range(25)] + [5, 6, 7, 8, 9]
    watch = StabilityWatch(stop_if_diverges=True)
    for step, loss in enumerate(losses[:27], 1):
        assert watch.look(step, loss) is None
    again = StabilityWatch(stop_if_diverges=True)
    again.restore(json.loads(json.dumps(watch.state())))
    found = [again.look(step, loss) for step, loss in enumerate(losses[27:], 28)]
    assert [one is not None for one in found] == [False, True, True]
