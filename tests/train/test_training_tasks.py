"""Trainings of every kind: packed and decomposed adapters, encoder-decoders, labels, numbers, rules."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from little_trainings import LORA, examples, plan_of, project, same_weights, trained, weights_of
from test_training import StopsAt

from idiolect.data.example import Example
from idiolect.runs.stage import StageStopped
from idiolect.student.load import load_student
from idiolect.student.save import save_student
from idiolect.student.trouble import StudentError
from idiolect.train.hard_examples import weights_of as heavier
from idiolect.train.outfit import Outfit
from idiolect.train.run_files import RunFiles

ROWS, HELD = examples(16), examples(6, seed=5)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("project"))


def labelled(count: int, seed: int) -> list[Example]:
    """Words of two kinds, with the kind as the answer."""
    rng = random.Random(seed)
    words = {"fruit": ("apple", "pear", "plum"), "tool": ("hammer", "saw", "drill")}
    kinds = sorted(words)
    return [
        Example(instruction=f"{rng.choice(words[kind])} {number}", target=kind)
        for number in range(count)
        for kind in (kinds[number % 2],)
    ]


def goes_on(root: Path, tmp_path: Path, plan: Any, rows: Any, held: Any = ()) -> Any:
    """A training that is stopped and goes on ends in the same bits; what it found."""
    whole = trained(root, plan, rows, home=str(tmp_path / "whole"), validation=held)
    with pytest.raises(StageStopped):
        trained(root, plan, rows, home=str(tmp_path / "parts"), validation=held, watch=StopsAt(2))
    parts = trained(root, plan, rows, home=str(tmp_path / "parts"), validation=held)
    assert parts.resumed_from == 2
    assert same_weights(whole.student, parts.student)
    return whole


@pytest.mark.parametrize("more", ["dora: true", 'quantization: "nf4"'])
def test_decomposed_and_packed_adapters_train_and_go_on(root: Path, tmp_path: Path, more: str) -> None:
    if "nf4" in more:
        pytest.importorskip("bitsandbytes")
        root = project(tmp_path / "wide", hidden_size=64, intermediate_size=128)
    plan = plan_of("max_steps: 4", LORA.replace("lora_alpha: 8", f"lora_alpha: 8 {more}"))
    found = goes_on(root, tmp_path, plan, ROWS)
    assert found.student.quantization == ("nf4" if "nf4" in more else "none")
    assert found.trainable < found.parameters


def test_an_encoder_decoder_learns_and_goes_on(tmp_path: Path) -> None:
    root = project(tmp_path, "t5")
    plan = plan_of("logging_steps: 1 max_steps: 12", more="")
    found = goes_on(root, tmp_path, plan, ROWS, HELD)
    losses = [entry["loss"] for entry in found.history if "loss" in entry]
    assert losses[-1] < losses[0]
    assert "eval_accuracy" in found.metrics


@pytest.mark.parametrize("loss", ["cross_entropy", "bce", "focal"])
def test_a_classifier_learns_its_labels_and_is_loaded_again(root: Path, tmp_path: Path, loss: str) -> None:
    plan = plan_of(f'loss: "{loss}" max_steps: 30 eval_steps: 30', more="", dataset='type: "classification"')
    found = trained(root, plan, labelled(40, 0), home=str(tmp_path / "home"), validation=labelled(10, 1))
    assert found.metrics["eval_accuracy"] == 1.0
    assert found.metrics["eval_f1_macro"] == 1.0
    save_student(found.student, tmp_path / "student")
    again = load_student(tmp_path / "student", root=root)
    assert again.form.labels == ("fruit", "tool")
    assert again.model.config.id2label == {0: "fruit", 1: "tool"}


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_a_regression_learns_numbers(root: Path, tmp_path: Path, loss: str) -> None:
    rows = [Example(instruction="long " * size, target=str(size / 2)) for size in range(1, 9)]
    plan = plan_of(f'loss: "{loss}" max_steps: 40 eval_steps: 40', more="", dataset='type: "regression"')
    found = trained(root, plan, rows, home=str(tmp_path / "home"), validation=rows)
    assert found.metrics["eval_mae"] < 0.7
    assert found.metrics["eval_rmse"] == pytest.approx(found.metrics["eval_mse"] ** 0.5)


def test_the_focal_loss_of_texts_is_the_cross_entropy_where_nothing_is_sure(
    root: Path, tmp_path: Path
) -> None:
    def first_loss(loss: str) -> float:
        plan = plan_of(f'loss: "{loss}" max_steps: 1 logging_steps: 1', more="")
        found = trained(root, plan, ROWS, home=str(tmp_path / loss))
        return float(found.history[0]["loss"])

    plain = first_loss("cross_entropy")
    assert first_loss("focal") == pytest.approx(plain, rel=0.02)
    assert first_loss("kl_divergence") == plain


def test_recomputed_activations_change_no_gradient(root: Path, tmp_path: Path) -> None:
    def run(more: str) -> dict[str, Any]:
        plan = plan_of(f"max_steps: 2 {more}")
        return weights_of(trained(root, plan, ROWS, home=str(tmp_path / more[:8])).student)

    plain, recomputed = run(""), run("gradient_checkpointing: true")
    assert all((plain[name] - recomputed[name]).abs().max() < 1e-5 for name in plain)


def test_rows_apart_give_the_gradients_of_shared_prefixes(root: Path, tmp_path: Path) -> None:
    shared = trained(root, plan_of("max_steps: 2"), ROWS, home=str(tmp_path / "shared"))
    apart = trained(root, plan_of("max_steps: 2 prefix_sharing: false"), ROWS, home=str(tmp_path / "apart"))
    assert (shared.way, apart.way) == ("blocks", "rows")
    first, second = weights_of(shared.student), weights_of(apart.student)
    assert all((first[name] - second[name]).abs().max() < 2e-4 for name in first)


def test_bf16_trains_and_gemma_3_refuses_fp16(tmp_path: Path) -> None:
    root = project(tmp_path, "gemma3")
    found = trained(root, plan_of('max_steps: 3 precision: "bf16"'), ROWS, home=str(tmp_path / "home"))
    assert (found.precision, found.student.precision) == ("bf16", "bf16")
    assert all(tensor.isfinite().all() for tensor in weights_of(found.student).values())
    with pytest.raises(StudentError, match="overflows in fp16"):
        trained(root, plan_of('precision: "fp16"'), ROWS, home=str(tmp_path / "other"))


@pytest.mark.parametrize(
    ("scheduler", "rates"),
    [
        ("linear", [0.01, 0.0075, 0.005, 0.0025]),
        ("constant", [0.01] * 4),
        ("step", [0.01, 0.01, 0.001, 0.0001]),
        ("polynomial", [0.01, 0.0075, 0.005, 0.0025]),
    ],
)
def test_schedules_have_the_shape_of_their_name(
    root: Path, tmp_path: Path, scheduler: str, rates: list[float]
) -> None:
    plan = plan_of(f'scheduler: "{scheduler}" max_steps: 4 logging_steps: 1')
    found = trained(root, plan, ROWS, home=str(tmp_path / "home"))
    logged = [entry["learning_rate"] for entry in found.history if "learning_rate" in entry]
    assert logged == pytest.approx(rates, rel=1e-3)


def outfit(root: Path, plan: Any) -> Outfit:
    return Outfit(RunFiles.of(plan, root))


def test_a_rule_that_changes_the_batch_size_deals_the_rest_anew_and_goes_on(
    root: Path, tmp_path: Path
) -> None:
    control = f"{LORA}\nCONTROL {{ IF step >= 3 {{ SET batch_size = 8 }} }}"
    plan = plan_of('scheduler: "linear" logging_steps: 1', control, epochs=3)  # 4 steps an epoch of 16 rows
    run = RunFiles.of(plan, root).folder
    run.mkdir(parents=True, exist_ok=True)
    whole = trained(root, plan, ROWS, home=str(tmp_path / "whole"), callbacks=outfit(root, plan))
    # 3 steps of 4 rows, the 4 that are left, then two epochs of 2 steps
    assert (whole.steps, whole.epochs) == (8, 3.0)
    rates = [entry["learning_rate"] for entry in whole.history if "learning_rate" in entry]
    assert rates[-1] == pytest.approx(0.01 / 12, rel=1e-3)  # the schedule still ends with the training
    with pytest.raises(StageStopped):
        trained(
            root, plan, ROWS, home=str(tmp_path / "parts"), callbacks=outfit(root, plan), watch=StopsAt(5)
        )
    parts = trained(root, plan, ROWS, home=str(tmp_path / "parts"), callbacks=outfit(root, plan))
    assert (parts.resumed_from, parts.steps) == (5, 8)
    assert same_weights(whole.student, parts.student)


def test_rows_like_those_that_failed_weigh_more_by_the_share_that_failed() -> None:
    rows = [Example(instruction=str(n), target="x", context="ab"[n % 2]) for n in range(4)]
    dev = [Example(instruction=f"dev {n}", target="x", context="ab"[n // 2]) for n in range(4)]
    kinds = {"context a": ["0", "2"], "context b": ["1", "3"]}
    assert heavier(dev, [True, False, True, True], kinds, 3.0) == {"0": 2.0, "2": 2.0}
    assert heavier(dev, [True, None, False, False], kinds, 3.0) == {"1": 3.0, "3": 3.0}
    assert len(rows) == 4


def test_hard_examples_are_asked_and_weigh_more_in_the_next_epoch(root: Path, tmp_path: Path) -> None:
    plan = plan_of("hard_examples { every: 2 samples: 3 weight: 4.0 } max_seq_length: 64", epochs=2)
    found = goes_on_with_outfit(root, tmp_path, plan)
    assert found.steps == 8


def goes_on_with_outfit(root: Path, tmp_path: Path, plan: Any) -> Any:
    def run(home: str, **more: Any) -> Any:
        (RunFiles.of(plan, root).folder).mkdir(parents=True, exist_ok=True)
        return trained(
            root, plan, ROWS, home=str(tmp_path / home), validation=HELD, callbacks=outfit(root, plan), **more
        )

    whole = run("whole")
    with pytest.raises(StageStopped):
        run("parts", watch=StopsAt(5))
    parts = run("parts")
    assert same_weights(whole.student, parts.student)
    return whole
