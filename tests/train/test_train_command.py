"""`idiolect train` on a whole script: every clause of it visibly obeyed, files as documents name them."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from little_trainings import examples, project
from typer.testing import CliRunner

from idiolect.data.jsonl import write_examples
from idiolect.student.load import load_student

SCRIPT = """# okto_version: "1.2"
PROJECT "whole"
DATASET { train: "dataset/train.jsonl" validation: "dataset/val.jsonl" }
MODEL { base: "models/base" }
TRAIN {
    epochs: 3  batch_size: 4  learning_rate: 0.01  optimizer: "adamw"  scheduler: "cosine"  device: "cpu"
    gradient_accumulation: 2  weight_decay: 0.01  gradient_clip: 1.0  warmup_steps: 2
    logging_steps: 1  eval_steps: 5  checkpoint_steps: 4  save_total_limit: 2
}
FT_LORA { base_model: "models/base" lora_rank: 4 lora_alpha: 8 }
METRICS { loss accuracy rouge_l }
VALIDATE { metric_to_monitor: "loss" save_best_model: true }
CONTROL {
    IF step >= 3 { DECREASE LR BY 0.5 }
    on_epoch_end { LOG val_loss  SAVE "epoch-{epoch}" }
    EVERY 4 steps { LOG "four steps" }
    IF epoch >= 2 { STOP_TRAINING }
}
MONITOR { level: "full" refresh_interval: 1s notify_if { loss > 0.1 } }
STABILITY { stop_if_nan: true stop_if_diverges: true }
EXPLORER { try { lr: [0.005, 0.01] } max_tests: 2 pick_best_by: "val_loss" }
LOGGING { log_every: 1 }
EXPORT { format: ["safetensors"] path: "export" }
"""


def make_project(root: Path, script: str = SCRIPT, rows: int = 40) -> Path:
    project(root)
    for name, some in (("train", examples(rows)), ("val", examples(8, seed=9))):
        free = [dataclasses.replace(one, group=None) for one in some]
        write_examples(root / "dataset" / f"{name}.jsonl", free)
    (root / "scripts").mkdir()
    (root / "scripts" / "train.okt").write_text(script)
    return root / "scripts" / "train.okt"


def train(script: Path, *options: str) -> Any:
    from idiolect.cli.app import app

    return CliRunner().invoke(app, ["train", str(script), *options])


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_a_script_with_control_monitor_and_explorer_runs_as_written(tmp_path: Path) -> None:
    script = make_project(tmp_path)
    done = train(script, "--verbose")
    assert done.exit_code == 0, done.output
    run = tmp_path / "runs" / "whole"
    lines = [json.loads(line) for line in (run / "training_metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "loss" in line]
    assert {"step", "epoch", "loss", "grad_norm", "learning_rate"} <= set(steps[0])
    assert [line["step"] for line in steps] == list(range(1, 11))  # 5 steps an epoch, stopped after two
    assert [line["step"] for line in lines if "eval_loss" in line] == [5, 10]

    # EXPLORER: the winner's rate is the one that is trained with.
    best = read(run / "explore" / "best.json")
    config = read(run / "run_config.json")
    assert config["settings"]["train"]["learning_rate"] == best["settings"]["learning_rate"]
    assert len((run / "explore" / "trials.jsonl").read_text().splitlines()) == 2

    # CONTROL: what was decided, with the values that led to it.
    decisions = read(run / "control_decisions.json")
    actions = [one["action"] for one in decisions]
    assert actions.count("DECREASE learning_rate BY 0.5") == 1
    assert actions.count('LOG "four steps"') == 2
    assert "STOP_TRAINING" in actions
    halved = next(one for one in decisions if one["action"].startswith("DECREASE"))
    assert (halved["step"], halved["values"]) == (3, {"step": 3})
    before, after = steps[2]["learning_rate"], steps[3]["learning_rate"]
    assert after < 0.6 * before
    assert (run / "saved" / "epoch-1" / "adapter_model.safetensors").is_file()

    # MONITOR, LOGGING, METRICS.
    assert read(run / "logs" / "system.json")[-1]["ram_used"] > 0
    assert read(run / "logs" / "notifications.json")[0]["condition"] == "loss > 0.1"
    assert {"loss", "accuracy", "rouge_l", "train_loss"} <= set(read(run / "metrics.json"))
    told = read(run / "training_logs.json")
    assert (told["total_steps"], told["total_epochs"], told["model_base"]) == (10, 2, "models/base")
    assert "STOP_TRAINING" in json.dumps(told["decisions"])

    # Checkpoints: every 4 steps, two are kept, and the best one beside them.
    names = sorted(path.name for path in run.glob("checkpoint-*"))
    assert set(names) >= {"checkpoint-8", "checkpoint-final"}
    assert "checkpoint-4" not in names
    student = load_student(run, root=tmp_path)
    assert student.has_adapter
    assert (run / "lora" / "adapter.safetensors").is_file()
    assert (run / "tokenizer.json").is_file()
    assert "<svg" in (run / "training_curves.svg").read_text()[:100]

    # Nothing is trained twice; more epochs are another training; --resume goes on where it was.
    again = train(script)
    assert re.search(r"^train +skipped, unchanged", again.output, re.MULTILINE)
    assert train(script, "--resume", "--max-steps", "12").exit_code == 0


def test_the_same_script_leaves_the_same_bytes(tmp_path: Path) -> None:
    from idiolect.runs.folder import RunFolder

    plain = SCRIPT.split("MONITOR")[0]
    folders = []
    for name in ("one", "two"):
        script = make_project(tmp_path / name, plain, rows=16)
        assert train(script).exit_code == 0
        folders.append(RunFolder(tmp_path / name / "runs" / "whole"))
    first, second = (
        {path.relative_to(run.path).as_posix(): path.read_bytes() for path in run.content_files()}
        for run in folders
    )
    assert first.keys() == second.keys()
    different = [name for name in first if first[name] != second[name]]
    assert different in ([], ["env_report.json"])


def test_bad_scripts_end_with_a_message_and_no_traceback(tmp_path: Path) -> None:
    script = make_project(tmp_path, SCRIPT.replace("gradient_clip: 1.0", 'gradient_clip: 1.0 loss: "mse"'))
    done = train(script)
    assert done.exit_code == 1
    assert 'loss "mse" is none for texts' in done.output
    assert "write loss: cross_entropy or focal or kl_divergence" in done.output
    script.write_text(
        SCRIPT.replace("checkpoint_steps: 4", 'resume_from_checkpoint: "runs/none/checkpoint-1"')
    )
    done = train(script)
    assert done.exit_code == 1
    assert "V005" in done.output
    assert train(tmp_path / "missing.okt").exit_code != 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_with_a_checkpoint_and_says_how_to_go_on(tmp_path: Path) -> None:
    plain = SCRIPT.split("VALIDATE")[0].replace("epochs: 3", "epochs: 400")
    script = make_project(tmp_path, plain)
    command = [sys.executable, "-m", "idiolect", "train", str(script)]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
    stream = tmp_path / "runs" / "whole" / "training_metrics.jsonl"
    until = time.monotonic() + 120
    while not (stream.is_file() and stream.read_text().count("\n") > 3):
        assert time.monotonic() < until
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "go on with: idiolect run" in err.decode()
    (home,) = (path for path in (tmp_path / "runs/whole/journal/train").iterdir() if path.is_dir())
    kept = list(home.glob("checkpoint-*"))
    assert kept
    again = train(script, "--max-steps", "2", "--resume")
    assert again.exit_code == 0, again.output
