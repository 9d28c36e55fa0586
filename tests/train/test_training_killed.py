"""A training that is killed again and again ends in the same weights, to the bit."""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

import pytest
from little_trainings import LORA, examples, plan_of, project, same_weights, trained

from idiolect.student.load import load_student
from idiolect.student.save import save_student

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")

ROWS, HELD = examples(24), examples(6, seed=5)
_FILE_EVENTS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"})


def train_here(root: Path, more: str) -> None:
    """Train to the end; every step leaves a checkpoint."""
    plan = plan_of(
        'optimizer: "adamw" eval_steps: 4 weight_decay: 0.01 warmup_steps: 3 curriculum: true', more, epochs=3
    )
    found = trained(root, plan, ROWS, validation=HELD, guard_every_s=0.0)
    save_student(found.student, root / "final")


def watch_files(kill_at: int | None) -> list[int]:
    """Count this process's file operations from its first step on, and kill it before one of them."""
    seen = [0]

    def count(name: str, _: object) -> None:
        if name in _FILE_EVENTS and "idiolect.train.trainer" in sys.modules:
            seen[0] += 1
            if seen[0] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    return seen


def in_child(root: Path, more: str, kill_at: int | None = None) -> int:
    """Train in a child; how it ended: an exit code, or a signal as a negative number."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            seen = watch_files(kill_at)
            train_here(root, more)
            (root / "operations").write_text(str(seen[0]))
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed_again_and_again(tmp_path: Path, more: str, kills: int, seed: int) -> None:
    import torch

    torch.set_num_threads(1)  # a fork has no other threads
    whole = project(tmp_path / "whole")
    parts = project(tmp_path / "parts")
    assert in_child(whole, more) == 0
    # How many there are depends on what this process has imported already. After at most a quarter of
    # them no attempt can reach the end before the fourth.
    operations = int((whole / "operations").read_text())
    rng = random.Random(seed)
    done = 0
    while done < kills:
        how = in_child(parts, more, rng.randrange(operations // 16, operations // 4))
        if how == 0:
            break
        assert how == -signal.SIGKILL
        done += 1
    assert done >= 3
    if not (parts / "final" / "idiolect.json").exists():
        assert in_child(parts, more) == 0
    first, second = (load_student(root / "final", root=root, trainable=True) for root in (whole, parts))
    assert same_weights(first, second)


def test_a_training_killed_some_times_ends_in_the_same_bits(tmp_path: Path) -> None:
    killed_again_and_again(tmp_path, LORA.replace("lora_alpha: 8", "lora_alpha: 8 lora_dropout: 0.2"), 3, 1)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("more", [LORA, ""], ids=["adapter", "all weights"])
def test_a_training_killed_twenty_times_ends_in_the_same_bits(tmp_path: Path, more: str) -> None:
    killed_again_and_again(tmp_path, more, 20, 7)
