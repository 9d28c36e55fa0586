"""Two processes train what one trains: the same losses, the same weights to rounding, the same run."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from little_trainings import LORA, examples, project

from idiolect.data.jsonl import write_examples
from idiolect.student.load import load_student

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gloo over loopback")

SCRIPT = """PROJECT "together"
DATASET {{ train: "dataset/train.jsonl" validation: "dataset/val.jsonl" }}
MODEL {{ base: "models/base" }}
TRAIN {{ epochs: 2 batch_size: 5 gradient_accumulation: 2 learning_rate: 0.01 optimizer: "sgd" device: "cpu"
        logging_steps: 1 eval_steps: 3 checkpoint_steps: 2 {train} }}
{more}
"""


def make_project(root: Path, more: str, train: str = "") -> Path:
    project(root)
    rows = [dataclasses.replace(one, group=None) for one in examples(33)]
    write_examples(root / "dataset" / "train.jsonl", rows)
    held = [dataclasses.replace(one, group=None) for one in examples(7, seed=9)]
    write_examples(root / "dataset" / "val.jsonl", held)
    (root / "scripts").mkdir()
    (root / "scripts" / "train.okt").write_text(SCRIPT.format(more=more, train=train))
    return root / "scripts" / "train.okt"


def launch(script: Path, count: int, **environment: str) -> None:
    """`idiolect train` as torchrun starts it, so often."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "idiolect", "train", str(script)]
    started = []
    for rank in range(count):
        env = os.environ | {"OMP_NUM_THREADS": "1", **environment}
        if count > 1:
            env |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)}
            env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, cwd=script.parent.parent))
    said = [process.communicate(timeout=240) for process in started]
    for process, (out, err) in zip(started, said, strict=True):
        assert process.returncode == 0, (out.decode()[-2000:], err.decode()[-3000:])


def losses(run: Path) -> list[tuple[int, float]]:
    lines = [json.loads(line) for line in (run / "training_metrics.jsonl").read_text().splitlines()]
    return [(line["step"], line.get("loss", line.get("eval_loss"))) for line in lines]


def compare(tmp_path: Path, more: str, limit: float, **environment: str) -> None:
    alone = make_project(tmp_path / "alone", more)
    both = make_project(tmp_path / "both", more)
    launch(alone, 1)
    launch(both, 2, **environment)
    one, two = (losses(script.parent.parent / "runs" / "together") for script in (alone, both))
    assert [step for step, _ in one] == [step for step, _ in two]
    assert len(one) == 8 + 3  # of 33 rows by 10, twice; three validations
    for (_, first), (_, second) in zip(one, two, strict=True):
        assert first == pytest.approx(second, rel=limit)
    students = [
        load_student(script.parent.parent / "runs" / "together", root=script.parent.parent)
        for script in (alone, both)
    ]
    for first, second in zip(*(student.model.parameters() for student in students), strict=True):
        assert (first - second).abs().max() < 1e-5
    # The finished run is not done again, and no process waits for ever.
    launch(both, 2, **environment)


@pytest.mark.slow
def test_two_processes_train_an_adapter_as_one_does(tmp_path: Path) -> None:
    compare(tmp_path, LORA, 1e-5)


@pytest.mark.slow
def test_processes_on_cpus_that_are_asked_to_share_the_weights_hold_whole_ones_and_say_so(
    tmp_path: Path,
) -> None:
    script = make_project(tmp_path / "both", "", "max_steps: 2")
    launch(script, 2, ACCELERATE_USE_FSDP="true", FSDP_VERSION="2")
    run = script.parent.parent / "runs" / "together"
    assert "FSDP needs GPUs" in (run / "manifest.json").read_text()
    assert load_student(run, root=script.parent.parent).precision == "fp32"
