"""What a model's config.json means to llama.cpp: its architecture's name, its sizes, and what can't be said.

llama.cpp takes some facts for granted that a config states (Gemma 3's window pattern and attention scale):
where a model differs, it is refused, since the file would load and answer wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idiolect.ship.gguf.vocabulary import CantConvert

KNOWN: Mapping[str, str] = {"llama": "LLAMA", "qwen3": "QWEN3", "qwen2": "QWEN2", "gemma3_text": "GEMMA3"}
_GEMMA_PERIOD = 6  # every sixth layer sees everything
_GEMMA_LOCAL_BASE = 10_000.0


@dataclass(frozen=True, slots=True)
class Shape:
    """A model's sizes, as they are written."""

    architecture: str  # of gguf.MODEL_ARCH
    layers: int
    width: int
    inner: int
    heads: int
    kv_heads: int
    head_width: int
    vocabulary: int
    context: int
    epsilon: float
    rope_base: float
    rope_factors: tuple[float, ...] | None  # llama 3's, one for each pair of a head
    rope_linear: float | None  # a plain scaling factor
    window: int | None
    tied: bool


def read_shape(config: Mapping[str, Any]) -> Shape:
    """The shape of a model, or CantConvert."""
    text = {**config, **(config.get("text_config") or {})}
    kind = str(text.get("model_type"))
    if kind == "gemma3":
        kind = "gemma3_text"
    if kind not in KNOWN:
        raise CantConvert(
            f'a model of type "{kind}" can\'t be written as GGUF here',
            f"types that can: {', '.join(KNOWN)}; safetensors and onnx hold any",
        )
    heads = text["num_attention_heads"]
    head_width = text.get("head_dim") or text["hidden_size"] // heads
    rope = _rope(text)
    if kind == "gemma3_text":
        _check_gemma(text, head_width)
    window = text.get("sliding_window") if kind == "gemma3_text" else None
    if kind != "gemma3_text" and "sliding_attention" in (text.get("layer_types") or ()):
        raise CantConvert("sliding-window layers can be written for Gemma 3 only")
    return Shape(
        KNOWN[kind],
        layers=text["num_hidden_layers"],
        width=text["hidden_size"],
        inner=text["intermediate_size"],
        heads=heads,
        kv_heads=text.get("num_key_value_heads") or heads,
        head_width=head_width,
        vocabulary=text["vocab_size"],
        context=text["max_position_embeddings"],
        epsilon=text.get("rms_norm_eps", 1e-6),
        rope_base=float(rope.get("rope_theta") or 10_000.0),
        rope_factors=_factors(rope, head_width),
        rope_linear=float(rope["factor"]) if _rope_kind(rope) == "linear" else None,
        window=window,
        tied=bool(text.get("tie_word_embeddings", False)),
    )


def _rope(text: Mapping[str, Any]) -> dict[str, Any]:
    """The rotary settings of the layers that see everything, in the form of transformers 5."""
    written = text.get("rope_parameters") or {}
    if "full_attention" in written:
        local = written.get("sliding_attention") or {}
        base = float(local.get("rope_theta") or _GEMMA_LOCAL_BASE)
        if base != _GEMMA_LOCAL_BASE:
            raise CantConvert(f"a local rotary base of {base:g} can't be written; llama.cpp takes 10,000")
        written = written["full_attention"]
    found = {"rope_theta": text.get("rope_theta"), **(text.get("rope_scaling") or {}), **written}
    if _rope_kind(found) not in ("default", "llama3", "linear"):
        raise CantConvert(f'rotary scaling of kind "{_rope_kind(found)}" can\'t be written')
    return found


def _rope_kind(rope: Mapping[str, Any]) -> str:
    return str(rope.get("rope_type") or rope.get("type") or "default")


def _factors(rope: Mapping[str, Any], head_width: int) -> tuple[float, ...] | None:
    """Llama 3's factors of the rotary frequencies: long waves are stretched, short ones are kept."""
    if _rope_kind(rope) != "llama3":
        return None
    low, high = rope.get("low_freq_factor", 1.0), rope.get("high_freq_factor", 4.0)
    old, factor = rope["original_max_position_embeddings"], rope["factor"]
    found = []
    for at in range(0, head_width, 2):
        wave = 2 * math.pi * float(rope["rope_theta"]) ** (at / head_width)
        if wave < old / high:
            found.append(1.0)
        elif wave > old / low:
            found.append(float(factor))
        else:
            smooth = (old / wave - low) / (high - low)
            found.append(1.0 / ((1 - smooth) / factor + smooth))
    return tuple(found)


def _check_gemma(text: Mapping[str, Any], head_width: int) -> None:
    kinds = text.get("layer_types")
    wanted = [
        "full_attention" if (number + 1) % _GEMMA_PERIOD == 0 else "sliding_attention"
        for number in range(text["num_hidden_layers"])
    ]
    if kinds is not None and list(kinds) != wanted:
        raise CantConvert("llama.cpp lets every sixth layer of Gemma 3 see everything; this model differs")
    if text.get("query_pre_attn_scalar", head_width) != head_width:
        raise CantConvert("llama.cpp scales Gemma 3's attention by the head's width; this model differs")
    if text.get("final_logit_softcapping") or text.get("attn_logit_softcapping"):
        raise CantConvert("llama.cpp knows no soft cap in Gemma 3; this model has one")
