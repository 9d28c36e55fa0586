"""The adapters under a transformers.Trainer: rules act on it, files are written, a resume is exact."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from train_plans import plan_of

from idiolect.plan.plan import Plan
from idiolect.train.hooks import HookRunner, Outcome
from idiolect.train.run_files import RunFiles
from idiolect.train.step_facts import StepFacts

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from idiolect.train.callbacks import Surroundings, callbacks_of  # noqa: E402 - loads transformers


class Machine:
    def __init__(self, load: Mapping[str, float] | None = None) -> None:
        self.load = dict(load or {"ram_free": 50.0, "ram_total": 100.0, "ram_usage": 50.0})

    def read(self) -> Mapping[str, float]:
        return self.load

    def why_not(self, name: str) -> str:
        return "this toy has none"


class Net(torch.nn.Module):
    """A line through points. `spoil` changes the loss of a step."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([0.5, -0.5]))
        self.asked = 0
        self.spoil: Callable[[int, Any], Any] = lambda step, loss: loss

    def forward(self, x: Any, y: Any) -> dict[str, Any]:
        loss = ((x * self.weight).sum(-1) - y).pow(2).mean()
        if self.training:
            self.asked += 1
            loss = self.spoil(self.asked, loss)
        return {"loss": loss}

    def save_pretrained(self, folder: Path) -> None:
        from safetensors.torch import save_file

        save_file({"weight": self.weight.detach()}, Path(folder) / "model.safetensors")


class Rows(torch.utils.data.Dataset):
    def __init__(self, count: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(count, 2, generator=generator)
        self.y = self.x.sum(-1)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"x": self.x[index], "y": self.y[index]}


def trained(
    plan: Plan, root: Path, *, resume: bool = False, machine: Any = None, **options: Any
) -> tuple[Any, Net, list[str]]:
    """Train 3 epochs of 4 steps; the trainer, its model, and what was said."""
    facts, said, model = StepFacts(), [], Net()
    spoil = options.pop("spoil", None)
    validates = options.pop("validates", True)
    hooks = options.pop("hooks", None)
    if spoil:
        model.spoil = spoil

    class Toy(transformers.Trainer):  # type: ignore[misc, name-defined]
        def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
            loss = super().training_step(model, inputs, num_items_in_batch)
            facts.loss = float(loss)
            facts.tokens += 40
            facts.samples += len(inputs["y"])
            return loss

    arguments = transformers.TrainingArguments(
        output_dir=str(root / "checkpoints"),
        per_device_train_batch_size=4,
        num_train_epochs=3,
        learning_rate=0.01,
        logging_steps=2,
        eval_strategy=options.pop("eval_strategy", "no"),
        save_strategy=options.pop("save_strategy", "no"),
        save_steps=options.pop("save_steps", 500),
        max_grad_norm=1.0,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        logging_nan_inf_filter=False,
        label_names=["y"],
        **options,
    )
    around = Surroundings(
        plan,
        RunFiles.of(plan, root),
        facts,
        say=said.append,
        warn=said.append,
        machine=machine or Machine(),
        can_validate=validates,
        hooks=hooks,
    )
    trainer = Toy(
        model=model,
        args=arguments,
        train_dataset=Rows(16),
        eval_dataset=Rows(8),
        callbacks=callbacks_of(around),
    )
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train(resume_from_checkpoint=resume or None)
    return trainer, model, said


def decisions(root: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((root / "runs/toy/control_decisions.json").read_text())
    return found


def test_rules_change_the_rate_in_the_schedule_and_save_and_stop(tmp_path: Path) -> None:
    rules = """CONTROL {
        validate_every: 4
        on_epoch_end { SAVE "epoch {epoch}" IF val_loss > 0 { DECREASE LR BY 0.5 } }
        IF step >= 2 { SET gradient_clip = 0.5 LOG "clipped" }
        EVERY 2 epochs { STOP_TRAINING LOG loss }
    }"""
    trainer, _, said = trained(plan_of(rules), tmp_path)
    assert trainer.state.global_step == 8
    made = decisions(tmp_path)
    assert [(one["step"], one["action"]) for one in made] == [
        (2, "SET gradient_clip = 0.5"),
        (2, 'LOG "clipped"'),
        (4, "VALIDATE"),
        (4, 'SAVE "epoch {epoch}"'),
        (4, "DECREASE learning_rate BY 0.5"),
        (8, "VALIDATE"),
        (8, "STOP_TRAINING"),
        (8, "LOG loss"),
        (8, 'SAVE "epoch {epoch}"'),
        (8, "DECREASE learning_rate BY 0.5"),
    ]
    # Linear over 12 steps from 0.01: 0.01 * 8/12 halved, then 0.01 * 4/12 halved twice.
    before, after = made[4]["result"].split(" -> ")
    assert float(before) == pytest.approx(0.01 * 8 / 12, rel=1e-4)
    assert float(after) == pytest.approx(0.01 * 4 / 12, rel=1e-4)
    assert float(made[9]["result"].split(" -> ")[1]) == pytest.approx(0.01 * 4 / 12 / 4, rel=1e-4)
    assert made[4]["values"]["val_loss"] > 0
    assert trainer.args.max_grad_norm == 0.5
    assert (tmp_path / "runs/toy/saved/epoch-1/model.safetensors").is_file()
    assert said[0] == "clipped"
    log = json.loads((tmp_path / "runs/toy/training_logs.json").read_text())
    assert log["ended"].startswith("CONTROL, line 9: EVERY 2 epochs")
    assert log["total_steps"] == 8
    assert log["decisions"] == made


def test_a_nan_is_told_to_rules_and_ends_training_by_stability(tmp_path: Path) -> None:
    def spoil(step: int, loss: Any) -> Any:
        return loss * float("nan") if step == 5 else loss

    rules = 'CONTROL { on_nan { LOG "NaN seen" } } STABILITY { stop_if_nan: true }'
    trainer, _, said = trained(plan_of(rules), tmp_path, spoil=spoil)
    assert trainer.state.global_step == 5
    assert "NaN seen" in said
    assert any("STABILITY.stop_if_nan: the loss of step 5 is NaN" in line for line in said)
    actions = [(one["step"], one["rule"]) for one in decisions(tmp_path)]
    assert actions == [(5, "STABILITY.stop_if_nan"), (5, "CONTROL.on_nan, line 5")]
    assert json.loads((tmp_path / "runs/toy/training_logs.json").read_text())["ended"].startswith("STABILITY")


def test_low_memory_fires_its_event_once(tmp_path: Path) -> None:
    low = Machine({"ram_free": 5.0, "ram_total": 100.0})
    trained(plan_of('CONTROL { on_memory_low { LOG "low" } }'), tmp_path, machine=low)
    assert [one["action"] for one in decisions(tmp_path)] == ['LOG "low"']


def test_a_stalled_loss_fires_on_plateau(tmp_path: Path) -> None:
    rules = "CONTROL { on_plateau { DECREASE LR BY 0.5 } } STABILITY { min_improvement: 100 }"
    trained(plan_of(rules), tmp_path, validates=False)
    # Logged at 2, 4, ... 12: the first is the best, then two without progress, then two again.
    assert [one["step"] for one in decisions(tmp_path)] == [6, 10]


def test_files_have_the_shapes_of_the_faq(tmp_path: Path) -> None:
    plan = plan_of("MONITOR { level: full refresh_interval: 1s notify_if { ram_usage > 40% } }")
    _, _, said = trained(plan, tmp_path, eval_strategy="epoch")
    run = tmp_path / "runs/toy"
    lines = [json.loads(line) for line in (run / "training_metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 4, 6, 8, 8, 10, 12, 12]
    assert {"step", "epoch", "loss", "grad_norm", "learning_rate"} <= set(lines[0])
    assert {"eval_loss", "eval_runtime", "eval_samples_per_second"} <= set(lines[2])
    log = json.loads((run / "training_logs.json").read_text())
    keys = "project version training_started training_completed total_epochs total_steps checkpoints"
    assert set(f"{keys} final_loss device model_base".split()) <= set(log)
    assert (log["project"], log["total_epochs"], log["total_steps"]) == ("toy", 3, 12)
    assert log["model_base"] == "nano"
    samples = json.loads((run / "logs/system.json").read_text())
    assert samples[-1]["step"] == 12
    assert samples[-1]["ram_usage"] == 50.0
    assert samples[-1]["val_loss"] > 0
    (notified,) = json.loads((run / "logs/notifications.json").read_text())
    assert notified["condition"] == "ram_usage > 40%"
    assert sum(line.startswith("notification") for line in said) == 1
    kinds = {json.loads(line)["kind"] for line in (run / "logs/live.jsonl").read_text().splitlines()}
    assert kinds == {"begin", "step", "validation", "sample", "notification", "end"}


def test_what_is_written_is_what_logs_read(tmp_path: Path) -> None:
    from idiolect.runs.folder import RunFolder
    from idiolect.runs.history import read_history, sparkline
    from idiolect.runs.shelf import ShelfRun

    def spoil(step: int, loss: Any) -> Any:
        return loss * float("nan") if step == 11 else loss

    rules = (
        'CONTROL { validate_every: 4 on_nan { LOG "NaN seen" } } MONITOR { level: full refresh_interval: 1s }'
    )
    trained(plan_of(rules), tmp_path, spoil=spoil)
    found = read_history(ShelfRun(RunFolder(tmp_path / "runs/toy"), None))
    assert found.faults == []
    assert found.series["val_loss"].steps == [4.0, 8.0, 12.0]
    assert sparkline(found.series["loss"].values).endswith("x")
    assert found.facts["total_steps"] == 12
    assert any("NaN seen" in line for line in found.decisions)
    assert found.system["ram_usage"].values[-1] == 50.0


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("debug", ["step 2: loss", "low", "step 4: loss", "notice"]),
        ("info", ["low", "notice"]),
        ("warning", ["notice"]),
        ("error", []),
    ],
)
def test_no_more_is_said_than_the_log_level_wants(tmp_path: Path, level: str, said: list[str]) -> None:
    rules = 'CONTROL { IF step >= 3 { LOG "low" } IF step >= 4 { STOP } IF gpu_usage > 1 { STOP } }'
    _, _, heard = trained(plan_of(f'LOGGING {{ log_level: "{level}" }} {rules}'), tmp_path)
    told = [line for line in heard if not line.startswith("training stops")]
    assert len(told) == len(said)
    assert all(line.startswith(start) or "never" in line for line, start in zip(told, said, strict=True))
    assert decisions(tmp_path)[0]["action"] == 'LOG "low"'


class _Hooks(HookRunner):
    """A runner that notes its calls, and answers as it is told."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers, self.calls = answers, []

    def call(self, hook: str, arguments: Mapping[str, Any]) -> Outcome:
        self.calls.append((hook, dict(arguments)))
        answer = self.answers.get(hook)
        if isinstance(answer, Outcome):
            return answer
        return Outcome(hook, "x.py", "answered", answer)


HOOKS = 'HOOKS { before_epoch: "x.py" after_epoch: "x.py" on_checkpoint: "x.py" }'


def test_hooks_are_called_around_epochs_and_after_checkpoints(tmp_path: Path) -> None:
    hooks = _Hooks({"on_checkpoint": Outcome("on_checkpoint", "x.py", "failed", message="no disk")})
    _, _, said = trained(plan_of(HOOKS), tmp_path, hooks=hooks, eval_strategy="epoch", save_strategy="epoch")
    assert [name for name, _ in hooks.calls] == ["before_epoch", "after_epoch", "on_checkpoint"] * 3
    first = hooks.calls[1][1]
    assert first["epoch"] == 1
    assert first["metrics"]["val_loss"] > 0
    assert first["model_state"]["step"] == 4
    assert hooks.calls[2][1]["path"].endswith("checkpoint-4")
    assert hooks.calls[4][1]["model_state"]["checkpoint"].endswith("checkpoint-4")
    assert said == ['hook on_checkpoint ("x.py") failed: no disk'] * 3


@pytest.mark.parametrize(("hook", "steps"), [("before_epoch", 0), ("after_epoch", 4)])
def test_a_true_answer_ends_training(tmp_path: Path, hook: str, steps: int) -> None:
    trainer, _, said = trained(plan_of(HOOKS), tmp_path, hooks=_Hooks({hook: True}))
    assert trainer.state.global_step <= max(1, steps)
    assert f"training stops: hook {hook} returned true" in said


@pytest.mark.parametrize("answer", [1, "true", {"stop": True}])
def test_only_true_ends_training(tmp_path: Path, answer: Any) -> None:
    trainer, _, _ = trained(plan_of(HOOKS), tmp_path, hooks=_Hooks({"after_epoch": answer}))
    assert trainer.state.global_step == 12


RESUMED = """CONTROL {
    validate_every: 3
    on_step_end { EVERY 3 steps { LOG loss } }
    on_epoch_end { DECREASE LR BY 0.5 SAVE "e{epoch}" }
    IF val_loss > 0.1 { SET weight_decay = 0.05 }
    on_plateau { DECREASE LR BY 10% }
}
STABILITY { stop_if_diverges: true min_improvement: 0.5 }"""


@pytest.mark.parametrize("cut", [2, 4, 6, 8])
def test_a_training_cut_at_any_step_goes_on_to_the_same_decisions_and_weights(
    tmp_path: Path, cut: int
) -> None:
    plan = plan_of(RESUMED)
    whole, cut_short = tmp_path / "whole", tmp_path / "cut"
    _, expected, _ = trained(plan, whole, save_strategy="steps", save_steps=2)
    trained(plan, cut_short, save_strategy="steps", save_steps=2)
    for folder in (cut_short / "checkpoints").iterdir():
        if int(folder.name.split("-")[1]) > cut:
            shutil.rmtree(folder)
    _, model, _ = trained(plan, cut_short, resume=True, save_strategy="steps", save_steps=2)
    assert decisions(cut_short) == decisions(whole)
    assert torch.equal(model.weight, expected.weight)
    logs = [json.loads((root / "runs/toy/training_logs.json").read_text()) for root in (whole, cut_short)]
    assert logs[1]["resumed"][0]["step"] == cut
    assert logs[0]["decisions"] == logs[1]["decisions"]
    streams = [
        (root / "runs/toy/training_metrics.jsonl").read_text().splitlines() for root in (whole, cut_short)
    ]
    losses = [[json.loads(line).get("loss") for line in stream] for stream in streams]
    assert losses[0] == losses[1]
