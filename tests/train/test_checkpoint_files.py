"""Parts of checkpoints by themselves: nested states, which old ones go, records that are damaged."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from idiolect.train import checkpoints
from idiolect.train.checkpoints import Unusable, folders, newest, newest_of_run, read_checkpoint, thin_out
from idiolect.train.curves import loss_curves
from idiolect.train.random_state import put_state, take_state
from idiolect.train.schedules import Pace
from idiolect.train.state_tree import NotPlain, read_tree, write_tree


def test_nested_states_come_back_to_the_same_bits(tmp_path: Path) -> None:
    import torch

    state = {
        "state": {0: {"step": torch.tensor(3.0), "avg": torch.randn(4, 2)}, 1: {}},
        "groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0, 1], "name": None, "on": True}],
        "bits": torch.tensor([1, 2, 255], dtype=torch.uint8),
        "far": float("inf"),
        "$tensor": "a name that is a mark",
    }
    write_tree(tmp_path / "tree", state)
    again = read_tree(tmp_path / "tree")
    assert again["groups"] == state["groups"]
    assert again["far"] == float("inf")
    assert again["$tensor"] == "a name that is a mark"
    assert torch.equal(again["state"][0]["avg"], state["state"][0]["avg"])  # type: ignore[index]
    assert again["bits"].dtype is torch.uint8
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}
    with pytest.raises(NotPlain, match=r"state.a\[1\] is a set"):
        write_tree(tmp_path / "bad", {"a": [1, {2}]})


def test_random_generators_go_on_where_they_were(tmp_path: Path) -> None:
    import numpy as np
    import torch

    write_tree(tmp_path / "random", take_state())
    first = (random.random(), float(np.random.rand()), torch.rand(3).tolist())
    put_state(read_tree(tmp_path / "random"))
    assert (random.random(), float(np.random.rand()), torch.rand(3).tolist()) == first


def write(home: Path, step: int, *, kept: bool = True, fingerprint: str = "f") -> None:
    checkpoints.write_checkpoint(
        home,
        step,
        lambda folder: (folder / "a.txt").write_text("x") and None,
        fingerprint=fingerprint,
        kept=kept,
    )


def steps(home: Path) -> list[int]:
    return [int(folder.name.removeprefix("checkpoint-")) for folder in folders(home)]


def test_old_checkpoints_go_but_the_spared_the_newest_and_those_that_are_asked_for(tmp_path: Path) -> None:
    for step in (1, 2, 3, 4, 5, 6):
        write(tmp_path, step, kept=step % 2 == 0)
    thin_out(tmp_path, 2, frozenset({1}))
    assert steps(tmp_path) == [1, 4, 6]
    write(tmp_path, 7, kept=False)
    thin_out(tmp_path, 2)
    assert steps(tmp_path) == [4, 6, 7]


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda at: (at / "a.txt").unlink(), "lacks a.txt"),
        (lambda at: (at / "a.txt").write_text("y"), "is damaged: a.txt is not as it was written"),
        (lambda at: (at / "checkpoint.json").write_text("{"), "has a damaged checkpoint.json"),
        (lambda at: (at / "checkpoint.json").unlink(), "has no checkpoint.json"),
        (lambda at: relabel(at, "idiolect.checkpoint/9"), "is of another version of Idiolect"),
    ],
)
def test_a_checkpoint_that_was_altered_is_told_by_what_is_wrong(tmp_path: Path, harm: Any, says: str) -> None:
    write(tmp_path, 1)
    write(tmp_path, 2)
    harm(tmp_path / "checkpoint-2")
    with pytest.raises(Unusable, match=says.replace(".", r"\.")):
        read_checkpoint(tmp_path / "checkpoint-2")
    said: list[str] = []
    found = newest(tmp_path, "f", said.append)
    assert found is not None
    assert found.step == 1
    assert len(said) == 1
    assert newest(tmp_path, "other", said.append) is None


def relabel(folder: Path, format: str) -> None:
    record = json.loads((folder / "checkpoint.json").read_text())
    (folder / "checkpoint.json").write_text(json.dumps({**record, "format": format}))


def test_the_newest_checkpoint_of_a_run_may_be_of_any_training(tmp_path: Path) -> None:
    assert newest_of_run(tmp_path) is None
    write(tmp_path, 5)
    write(tmp_path / "journal" / "train" / "abc", 3, fingerprint="abc")
    found = newest_of_run(tmp_path)
    assert found is not None
    assert found.parent.name == "abc"


def test_a_schedule_at_another_pace_goes_on_from_where_it_is() -> None:
    pace = Pace()
    pace.change(4, 2.0)
    assert [pace(step) for step in (4, 5, 6)] == [4.0, 6.0, 8.0]
    again = Pace()
    again.restore(pace.state())
    assert again(6) == 8.0


def test_curves_are_drawn_of_what_is_a_number() -> None:
    history = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": float("nan")}, {"step": 2, "eval_loss": 1.5}]
    drawn = loss_curves(history, "Losses of <x>")
    assert drawn.startswith("<svg")
    assert "Losses of &lt;x&gt;" in drawn
    assert "prefers-color-scheme:dark" in drawn
    assert "validation 1.5" in drawn
    assert "no loss was logged" in loss_curves([], "none")
    many = [{"step": step, "loss": 1 / (1 + step)} for step in range(5000)]
    assert len(loss_curves(many, "many")) < 40_000
