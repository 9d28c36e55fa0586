import json
from pathlib import Path

import pytest

from idiolect.cli.load import load_plan
from idiolect.ship.dry_run import export_dry_run
from tiny_models import tiny_model

SCRIPT = """# okto_version: "1.2"
PROJECT "toy"
DATASET {{ train: "data.jsonl" }}
MODEL {{ base: "base" }}
TRAIN {{ epochs: 1 batch_size: 2 device: "cpu" }}
FT_LORA {{ base_model: "base" lora_rank: 4 lora_alpha: 8 {lora} }}
EXPORT {{ format: {formats} path: "export" {export} }}
{more}
"""


def tried(root: Path, formats: str, *, lora: str = "", export: str = "", more: str = "") -> list[str]:
    (root / "okt.yaml").write_text("project: toy\n")
    (root / "data.jsonl").write_text(json.dumps({"input": "a", "output": "b"}) + "\n")
    path = root / "toy.okt"
    path.write_text(SCRIPT.format(formats=formats, lora=lora, export=export, more=more))
    found = export_dry_run(load_plan(path), root)
    assert {one.code for one in found} <= {"L653"}
    return [one.message for one in found]


def test_what_can_be_exported_is_not_spoken_of(tmp_path: Path):
    tiny_model(tmp_path / "base", "qwen3")
    assert tried(tmp_path, '["safetensors", "gguf", "onnx", "okm"]', export='quantization: "int8"') == []


def test_a_base_that_can_not_be_written_is_told_before_training(tmp_path: Path):
    tiny_model(tmp_path / "base", "gemma3")  # every second layer sees everything: llama.cpp takes every sixth
    (found,) = tried(tmp_path, '["gguf", "safetensors"]')
    assert found.startswith("the base can't be exported as gguf: llama.cpp lets every sixth layer")


def test_formats_adapters_and_keys_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("OKTO_KEY", "OKTO_KEY_FILE", "OKTO_SIGNING_KEY"):
        monkeypatch.delenv(name, raising=False)
    tiny_model(tmp_path / "base", "llama")
    (found,) = tried(tmp_path, '["tflite"]')
    assert "no converter" in found
    (found,) = tried(tmp_path, '["gguf"]', lora="dora: true", export="merge: false")
    assert "DoRA" in found
    (found,) = tried(tmp_path, '["okm"]', more="SECURITY { encrypt_model: true }")
    assert "asks for a key" in found
    monkeypatch.setattr("idiolect.ship.dry_run.find_spec", lambda name: None)
    assert len(tried(tmp_path, '["onnx", "gguf"]')) == 4
