import json
import os
from pathlib import Path

import pytest
from safetensors_files import header_bytes, model_folder

from idiolect.student.checkpoint import check_checkpoint


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = model_folder(tmp_path / "runs" / "checkpoint-200")
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": 200}))
    for name in ("optimizer.json", "scheduler.json", "loop.json", "random-0.json", "checkpoint.json"):
        (folder / name).write_bytes(b"not opened")
    return folder


def codes(path: Path, architecture: str | None = None) -> list[str]:
    return [found.code for found in check_checkpoint(path, architecture)]


@pytest.mark.parametrize("architecture", [None, "gpt", "transformer", "llama", "LlamaForCausalLM"])
def test_a_whole_checkpoint_of_the_right_kind_has_no_problem(
    architecture: str | None, checkpoint: Path
) -> None:
    assert check_checkpoint(checkpoint, architecture) == []


@pytest.mark.parametrize("architecture", ["bert", "t5", "gemma3_text", "Gemma3ForCausalLM", "cnn"])
def test_another_architecture_is_an_error(architecture: str, checkpoint: Path) -> None:
    (found,) = check_checkpoint(checkpoint, architecture)
    assert (found.code, found.severity) == ("L423", "error")
    assert "llama, LlamaForCausalLM" in found.message


def test_a_missing_checkpoint_names_the_newest_one(checkpoint: Path) -> None:
    (checkpoint.parent / "checkpoint-30").mkdir()
    (found,) = check_checkpoint(checkpoint.parent / "checkpoint-500")
    assert (found.code, found.help) == ("V005", 'the newest one there is "checkpoint-200"')
    assert codes(checkpoint.parent.parent / "no" / "checkpoint-1") == ["V005"]


def test_broken_weights_and_states_are_v005(checkpoint: Path) -> None:
    weights = checkpoint / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    assert codes(checkpoint) == ["V005"]
    weights.unlink()
    assert codes(checkpoint) == ["V005"]
    weights.write_bytes(whole)
    for state in ("{", "[]", '{"global_step": "x"}', "[" * 50_000):
        (checkpoint / "trainer_state.json").write_text(state)
        assert codes(checkpoint) == ["V005"]
    (checkpoint / "config.json").write_text("{")
    assert codes(checkpoint, "gpt") == ["V005", "V005"]


def test_an_adapter_checkpoint_is_checked_by_its_own_file(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    (checkpoint / "config.json").unlink()
    adapter = checkpoint / "adapter_model.safetensors"
    adapter.write_bytes(header_bytes({"lora_A": [2, 2]}))
    assert codes(checkpoint, "gpt") == []
    adapter.write_bytes(b"\0" * 9)
    assert codes(checkpoint) == ["V005"]


def test_missing_training_state_is_a_warning(checkpoint: Path) -> None:
    (checkpoint / "optimizer.json").unlink()
    (found,) = check_checkpoint(checkpoint)
    assert (found.code, found.severity, "optimizer.json" in found.message) == ("L430", "warning", True)


def test_a_checkpoint_of_another_trainer_is_refused_with_what_to_do(checkpoint: Path) -> None:
    (checkpoint / "checkpoint.json").unlink()
    (checkpoint / "optimizer.pt").write_bytes(b"not opened")
    (found,) = check_checkpoint(checkpoint)
    assert (found.code, found.severity) == ("V005", "error")
    assert "MODEL.base" in (found.help or "")


def test_files_and_pipes_are_no_checkpoint(checkpoint: Path) -> None:
    pipe = checkpoint.parent / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, checkpoint / "config.json", Path("a\0b"), Path("x" * 5_000)):
        assert codes(path) == ["V005"]
