"""Writes a LoRA adapter's folder as a GGUF file that llama.cpp puts onto its base's file.

    convert_adapter(adapter_folder, base_folder, Path("adapter.gguf"), name="filters")

llama.cpp knows plain LoRA only. What it would load and leave out, or scale otherwise, is refused: merge then.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from idiolect.ship.gguf.architectures import Shape, read_shape
from idiolect.ship.gguf.convert import arranged
from idiolect.ship.gguf.vocabulary import CantConvert
from idiolect.student.adapters import CONFIG, WEIGHTS

_TENSOR = re.compile(r"base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight")
_MERGE = "write EXPORT.merge: true, which folds the adapter into its base"


def check_adapter(config: Mapping[str, Any]) -> None:
    """CantConvert for an adapter that is more than plain LoRA."""
    kind = config.get("peft_type", "LORA")
    reasons = {
        f"an adapter of kind {kind}": kind != "LORA",
        "DoRA": config.get("use_dora"),
        "ranks that differ between layers": config.get("rank_pattern"),
        "alphas that differ between layers": config.get("alpha_pattern"),
        "trained biases": config.get("bias", "none") != "none",
        "whole modules trained beside it": config.get("modules_to_save"),
        "rows of the embedding trained beside it": config.get("trainable_token_indices"),
    }
    found = next((reason for reason, there in reasons.items() if there), None)
    if found is not None:
        raise CantConvert(f"an adapter's GGUF file holds plain LoRA only, not {found}", _MERGE)


def convert_adapter(folder: Path, base: Path, out: Path, *, name: str) -> Path:
    """Write an adapter as a GGUF file; CantConvert says what can't be written as such."""
    import gguf

    config = json.loads((folder / CONFIG).read_text("utf-8"))
    check_adapter(config)
    shape = read_shape(json.loads((base / "config.json").read_text("utf-8")))
    architecture = gguf.MODEL_ARCH[shape.architecture]
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    writer = gguf.GGUFWriter(beside, gguf.MODEL_ARCH_NAMES[architecture])
    try:
        writer.add_type("adapter")
        writer.add_name(name)
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", _alpha(config))
        names = gguf.get_tensor_name_map(architecture, shape.layers)
        for source, part, weights in _matrices(folder):
            place = names.get_name(f"{source}.weight", try_suffixes=(".weight",))
            if place is None:
                raise CantConvert(f'llama.cpp has no place for the adapter\'s "{source}"', _MERGE)
            made = _turned(source, part, weights, shape)
            writer.add_tensor(f"{place}.lora_{part.lower()}", made)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
    return out


def _alpha(config: Mapping[str, Any]) -> float:
    """llama.cpp scales by alpha / rank; rank-stabilised adapters by alpha / sqrt(rank)."""
    alpha, rank = float(config["lora_alpha"]), int(config["r"])
    return float(alpha * rank**0.5 if config.get("use_rslora") else alpha)


def _matrices(folder: Path) -> list[tuple[str, str, Any]]:
    """Layer, A or B, and the weights of every matrix, in the order of names."""
    from safetensors import safe_open

    found = []
    with safe_open(folder / WEIGHTS, framework="pt") as opened:
        for name in sorted(opened.keys()):
            match = _TENSOR.fullmatch(name)
            if match is None:
                raise CantConvert(f'the adapter holds "{name}", which is no matrix of plain LoRA', _MERGE)
            source = match[1].removeprefix("language_model.")
            found.append((source, match[2], opened.get_tensor(name).float().numpy()))
    return found


def _turned(source: str, part: str, weights: Any, shape: Shape) -> Any:
    """A matrix as llama.cpp expects it: B has the rows of its layer, which are turned as the layer's are."""
    made = arranged(f"{source}.weight", weights, shape) if part == "B" else weights
    return np.ascontiguousarray(made, np.float32)
