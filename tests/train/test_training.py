"""Trainings of a tiny student: what they see, how they go on, and what each setting does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from little_trainings import LORA, examples, plan_of, project, same_weights, trained, weights_of

from idiolect.runs.stage import NobodyWatches, StageStopped
from idiolect.train.checkpoints import folders
from idiolect.train.trouble import TrainingError


class StopsAt(NobodyWatches):
    """Asks to stop once so many steps are done."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def stopping(self) -> bool:
        self.left -= 1
        return self.left == 0


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("project"))


ROWS = examples(20)
HELD = examples(6, seed=5)


def test_training_sees_every_row_once_an_epoch_and_learns(root: Path, tmp_path: Path) -> None:
    plan = plan_of("logging_steps: 1", more="", epochs=6, batch=5)
    found = trained(root, plan, ROWS, home=str(tmp_path / "home"), validation=HELD)
    assert (found.steps, found.epochs) == (24, 6.0)
    losses = [entry["loss"] for entry in found.history if "loss" in entry]
    assert len(losses) == 24
    assert losses[-1] < losses[0] / 2
    assert found.metrics["eval_loss"] < losses[0]
    assert found.counts[0].kept == 20


@pytest.mark.parametrize(("batch", "accumulation"), [(1, 8), (2, 4), (8, 1)])
def test_one_batch_of_eight_and_eight_of_one_have_the_same_gradient(
    root: Path, tmp_path: Path, batch: int, accumulation: int
) -> None:
    def run(batch: int, accumulation: int, budget: int, home: str) -> dict[str, Any]:
        plan = plan_of(
            f'gradient_accumulation: {accumulation} tokens_per_batch: {budget} optimizer: "sgd" max_steps: 2',
            more="",
            batch=batch,
        )
        return weights_of(trained(root, plan, ROWS, home=str(tmp_path / home)).student)

    whole = run(8, 1, 16_384, "whole")
    parts = run(batch, accumulation, 120, f"{batch}")
    for name, tensor in whole.items():
        assert (tensor - parts[name]).abs().max() < 2e-6, name


@pytest.mark.parametrize("more", [LORA, ""], ids=["adapter", "all weights"])
@pytest.mark.parametrize("stop", [1, 4, 7])
def test_a_training_that_was_stopped_goes_on_to_the_same_bits(
    root: Path, tmp_path: Path, more: str, stop: int
) -> None:
    lora = more.replace("lora_alpha: 8", "lora_alpha: 8 lora_dropout: 0.1")
    plan = plan_of("curriculum: true eval_steps: 3", more=lora, epochs=2)
    whole = trained(root, plan, ROWS, home=str(tmp_path / "whole"), validation=HELD)
    with pytest.raises(StageStopped):
        trained(root, plan, ROWS, home=str(tmp_path / "parts"), validation=HELD, watch=StopsAt(stop))
    (home,) = (tmp_path / "parts").iterdir()
    assert [folder.name for folder in folders(home)] == [f"checkpoint-{stop}"]
    parts = trained(root, plan, ROWS, home=str(tmp_path / "parts"), validation=HELD)
    assert parts.resumed_from == stop
    assert same_weights(whole.student, parts.student)
    assert whole.metrics == parts.metrics


def test_a_finished_training_is_not_done_again(root: Path, tmp_path: Path) -> None:
    plan = plan_of("max_steps: 3")
    first = trained(root, plan, ROWS, home=str(tmp_path / "home"))
    again = trained(root, plan, ROWS, home=str(tmp_path / "home"))
    assert (again.resumed_from, again.steps) == (3, 3)
    assert same_weights(first.student, again.student)


def test_a_training_with_other_settings_begins_anew(root: Path, tmp_path: Path) -> None:
    trained(root, plan_of("max_steps: 3"), ROWS, home=str(tmp_path / "home"))
    other = trained(root, plan_of("max_steps: 3 weight_decay: 0.1"), ROWS, home=str(tmp_path / "home"))
    assert other.resumed_from == 0
    assert other.steps == 3


def test_max_steps_wins_over_epochs(root: Path, tmp_path: Path) -> None:
    found = trained(root, plan_of("max_steps: 7", epochs=1), ROWS, home=str(tmp_path / "home"))
    assert found.steps == 7
    assert found.epochs == pytest.approx(1.4)


_SLOWLY = [pytest.param(name, marks=pytest.mark.slow) for name in ("adam", "sgd", "rmsprop", "adafactor")]


@pytest.mark.parametrize("optimizer", ["adamw", "lamb", *_SLOWLY])
def test_every_optimizer_goes_on_to_the_same_bits(root: Path, tmp_path: Path, optimizer: str) -> None:
    plan = plan_of(f'optimizer: "{optimizer}" max_steps: 5 weight_decay: 0.01 gradient_clip: 1.0')
    whole = trained(root, plan, ROWS, home=str(tmp_path / "whole"))
    before = weights_of(trained(root, plan_of("max_steps: 1"), ROWS, home=str(tmp_path / "one")).student)
    assert any((tensor != before[name]).any() for name, tensor in weights_of(whole.student).items())
    with pytest.raises(StageStopped):
        trained(root, plan, ROWS, home=str(tmp_path / "parts"), watch=StopsAt(2))
    assert same_weights(whole.student, trained(root, plan, ROWS, home=str(tmp_path / "parts")).student)


def test_early_stopping_waits_for_as_many_evaluations_as_patience_says(root: Path, tmp_path: Path) -> None:
    train = (
        "early_stopping: true early_stop_patience: 2 early_stop_min_delta: 100.0 eval_steps: 1 max_steps: 20"
    )
    found = trained(root, plan_of(train), ROWS, home=str(tmp_path / "home"), validation=HELD)
    assert found.steps == 3  # the first is progress, the two after it are not
    assert found.ended.startswith("early stopping: loss did not improve by 100 in 2 evaluations")


def test_the_best_weights_are_kept_where_validate_asks_for_them(root: Path, tmp_path: Path) -> None:
    plan = plan_of(
        'eval_steps: 1 max_steps: 8 save_total_limit: 1 scheduler: "constant"',
        more="VALIDATE { save_best_model: true }",
    )
    # A rate that is far too high: the loss is best at first and runs away.
    assert plan.train is not None
    plan = plan.model_copy(update={"train": plan.train.model_copy(update={"learning_rate": 0.9})})
    found = trained(root, plan, ROWS, home=str(tmp_path / "home"), validation=HELD)
    losses = {entry["step"]: entry["eval_loss"] for entry in found.history if "eval_loss" in entry}
    best = min(losses, key=lambda step: losses[step])
    assert best < 8
    assert found.best_step == best
    assert found.metrics["eval_loss"] == losses[best]
    again = trained(root, plan, ROWS, home=str(tmp_path / "home"), validation=HELD)
    assert same_weights(found.student, again.student)


def test_checkpoints_come_as_asked_and_old_ones_go(root: Path, tmp_path: Path) -> None:
    plan = plan_of("checkpoint_steps: 2 save_total_limit: 2 max_steps: 9")
    found = trained(root, plan, ROWS, home=str(tmp_path / "home"))
    assert [one.step for one in found.checkpoints] == [8, 9]
    by_epoch = plan_of('save_strategy: "epoch"', epochs=2)
    found = trained(root, by_epoch, ROWS, home=str(tmp_path / "epochs"))
    assert [one.step for one in found.checkpoints] == [5, 10]
    none = trained(root, plan_of("max_steps: 2"), ROWS, home=str(tmp_path / "none"))
    assert none.checkpoints == ()


def test_memory_that_runs_out_halves_the_batch_and_keeps_the_step(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from idiolect.train.objectives import TextObjective

    plan = plan_of('max_steps: 3 tokens_per_batch: 2000 optimizer: "sgd"', batch=10)
    whole = trained(root, plan, ROWS, home=str(tmp_path / "whole"))
    real, sizes = TextObjective.told, []

    def short_of_memory(self: Any, model: Any, rows: Any) -> Any:
        sizes.append(len(rows))
        if len(rows) > 4:
            raise MemoryError("not enough memory")
        return real(self, model, rows)

    monkeypatch.setattr(TextObjective, "told", short_of_memory)
    said: list[str] = []
    found = trained(root, plan, ROWS, home=str(tmp_path / "short"), warn=said.append)
    assert found.steps == 3
    assert found.budget < 2000
    assert max(sizes[-4:]) <= 4
    assert said[0].startswith("memory ran out: batches hold 1,000 tokens from now on instead of 2,000")
    for name, tensor in weights_of(whole.student).items():
        assert (tensor - weights_of(found.student)[name]).abs().max() < 1e-6


def test_rows_that_fit_no_memory_end_training_with_a_cure(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from idiolect.train.objectives import TextObjective

    def never(self: Any, model: Any, rows: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(TextObjective, "told", never)
    with pytest.raises(TrainingError, match="memory ran out") as caught:
        trained(root, plan_of("max_steps: 2"), ROWS, home=str(tmp_path / "home"))
    assert "gradient_checkpointing" in caught.value.help


def test_an_update_that_is_no_number_is_left_out(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from idiolect.train.objectives import TextObjective

    real, calls = TextObjective.told, []

    def broken_once(self: Any, model: Any, rows: Any) -> Any:
        told = real(self, model, rows)
        calls.append(1)
        if len(calls) == 2:
            told.loss = told.loss * float("nan")
        return told

    monkeypatch.setattr(TextObjective, "told", broken_once)
    said: list[str] = []
    found = trained(
        root, plan_of("max_steps: 4 logging_steps: 1"), ROWS, home=str(tmp_path / "home"), warn=said.append
    )
    assert found.steps == 4
    assert "the update is left out" in said[0]
    assert all(tensor.isfinite().all() for tensor in weights_of(found.student).values())


def test_training_that_learns_nothing_any_more_ends(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from idiolect.train.objectives import TextObjective

    real = TextObjective.told

    def broken(self: Any, model: Any, rows: Any) -> Any:
        told = real(self, model, rows)
        told.loss = told.loss * float("nan")
        return told

    monkeypatch.setattr(TextObjective, "told", broken)
    with pytest.raises(TrainingError, match="no finite gradient"):
        trained(root, plan_of("max_steps: 40"), ROWS, home=str(tmp_path / "home"))


def test_no_rows_and_rows_that_are_too_long_are_told(root: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="there are no training examples"):
        trained(root, plan_of(), [], home=str(tmp_path / "home"))
    with pytest.raises(TrainingError, match="none of 20 training examples") as caught:
        trained(root, plan_of("max_seq_length: 16"), ROWS, home=str(tmp_path / "home"))
    assert "raise TRAIN.max_seq_length above 16" in caught.value.help


def test_a_checkpoint_that_is_damaged_is_passed_over_for_the_one_before(root: Path, tmp_path: Path) -> None:
    plan = plan_of("checkpoint_steps: 2 max_steps: 6")
    whole = trained(root, plan, ROWS, home=str(tmp_path / "home"))
    newest = whole.checkpoints[-1].folder / "adapter_model.safetensors"
    assert newest.parent.name == "checkpoint-6"
    data = bytearray(newest.read_bytes())
    data[-1] ^= 1
    newest.write_bytes(bytes(data))
    said: list[str] = []
    again = trained(root, plan, ROWS, home=str(tmp_path / "home"), warn=said.append)
    assert again.resumed_from == 4
    assert "checkpoint-6 is damaged: adapter_model.safetensors is not as it was written" in said[0]
    assert same_weights(whole.student, again.student)


def test_a_named_checkpoint_is_gone_on_from_with_more_epochs(root: Path, tmp_path: Path) -> None:
    first = trained(root, plan_of('save_strategy: "epoch"', epochs=1), ROWS, home=str(tmp_path / "first"))
    longer = plan_of(epochs=2)
    found = trained(root, longer, ROWS, home=str(tmp_path / "second"), resume=first.checkpoints[-1].folder)
    assert (found.resumed_from, found.steps, found.epochs) == (5, 10, 2.0)


def test_a_named_checkpoint_of_another_model_or_trainer_is_refused(root: Path, tmp_path: Path) -> None:
    plan = plan_of("max_steps: 1 checkpoint_steps: 1", more="")
    full = trained(root, plan, ROWS, home=str(tmp_path / "full"))
    with pytest.raises(TrainingError, match="is of another model"):
        trained(root, plan_of(), ROWS, home=str(tmp_path / "a"), resume=full.checkpoints[0].folder)
    foreign = tmp_path / "checkpoint-9"
    foreign.mkdir()
    (foreign / "optimizer.pt").write_bytes(b"pickle")
    with pytest.raises(TrainingError, match=r"has no checkpoint.json: Idiolect did not write it"):
        trained(root, plan_of(), ROWS, home=str(tmp_path / "b"), resume=foreign)


@pytest.mark.parametrize(
    ("train", "dataset", "model", "says"),
    [
        ('loss: "mse"', "", "", 'loss "mse" is none for texts'),
        ('loss: "focal"', 'type: "regression"', "", 'loss "focal" is none for a regression'),
        ("", 'type: "vision"', "", 'DATASET.type "vision" is not supported'),
        ("", "", 'architecture: "diffusion"', 'MODEL.architecture "diffusion" is not supported'),
        ("hard_examples { every: 5 }", 'type: "regression"', "", "hard_examples generates answers"),
    ],
)
def test_what_is_not_trained_is_refused_with_one_fault(
    root: Path, tmp_path: Path, train: str, dataset: str, model: str, says: str
) -> None:
    numbers = [one.__class__(instruction=one.instruction, target="1.5") for one in ROWS]
    with pytest.raises(TrainingError, match=says) as caught:
        trained(root, plan_of(train, dataset=dataset, model=model), numbers, home=str(tmp_path / "home"))
    assert caught.value.help


def test_a_full_disk_leaves_the_old_checkpoint_whole_and_training_goes_on(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from idiolect.train import trainer

    real, calls = trainer.write_tree, []

    def full(path: Path, tree: Any) -> None:
        calls.append(path.name)
        if calls.count("optimizer") == 2 and path.name == "optimizer":
            path.with_suffix(".json").write_text("{half")
            raise OSError(28, "No space left on device")
        real(path, tree)

    monkeypatch.setattr(trainer, "write_tree", full)
    said: list[str] = []
    plan = plan_of("checkpoint_steps: 2 max_steps: 6")
    found = trained(root, plan, ROWS, home=str(tmp_path / "home"), warn=said.append)
    assert said == ["checkpoint-4 was not written: No space left on device; the one before it is whole"]
    assert [one.step for one in found.checkpoints] == [2, 6]
    assert not list((tmp_path / "home").rglob(".writing-*"))


def test_checkpoints_are_put_where_the_script_says(root: Path, tmp_path: Path) -> None:
    from idiolect.train.outfit import Outfit
    from idiolect.train.run_files import RunFiles

    plan = plan_of('checkpoint_steps: 2 max_steps: 6 save_total_limit: 2 checkpoint_path: "kept/here"')
    RunFiles.of(plan, root).folder.mkdir(parents=True, exist_ok=True)
    outfit = Outfit(RunFiles.of(plan, root))
    trained(root, plan, ROWS, home=str(tmp_path / "home"), callbacks=outfit)
    assert sorted(path.name for path in (root / "kept" / "here").iterdir()) == [
        "checkpoint-4",
        "checkpoint-6",
    ]
