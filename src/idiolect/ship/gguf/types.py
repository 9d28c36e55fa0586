"""Which number type each tensor of a GGUF file gets, and the packing itself.

The K mixes follow llama.cpp's recipe: embedding and head finer, attention values and down projections finer
in the first and last eighths and every third layer between. Rows that don't part into blocks fall back to
types with smaller ones. Norms and other vectors stay in full precision.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from idiolect.ship.gguf.kquants import SUPER, pack

# The names that EXPORT.gguf_type takes, with f32 for tests; llama.cpp's number for the file as a whole.
FILE_TYPES: Mapping[str, int] = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 7, "q4_k_m": 15, "q5_k_m": 17}
_PLAIN = {"f32": "F32", "f16": "F16", "q4_0": "Q4_0", "q8_0": "Q8_0"}
_K = {"q4_k_m": "Q4_K", "q5_k_m": "Q5_K"}
_FALLBACK = {"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}
_SMALL_BLOCK = 32
_LAYER = re.compile(r"blk\.(\d+)\.(attn_v|ffn_down)\.weight")


@dataclass(frozen=True, slots=True)
class TypeChoice:
    """The types of a file's tensors; `tied` says that the head is the embedding."""

    file_type: str
    layers: int
    tied: bool

    def of(self, name: str, shape: tuple[int, ...]) -> str:
        """The type of one tensor, named as in GGUF."""
        if len(shape) < 2 or "norm" in name:
            return "F32"
        wanted = self._wanted(name)
        if wanted in _FALLBACK and shape[-1] % SUPER:
            wanted = _FALLBACK[wanted]
        if wanted not in ("F32", "F16") and shape[-1] % _SMALL_BLOCK:
            return "F16"
        return wanted

    def _wanted(self, name: str) -> str:
        if self.file_type in _PLAIN:
            plain = _PLAIN[self.file_type]
            # llama.cpp keeps the head of 4-bit files finer: it decides every token
            finer = name == "output.weight" or (name == "token_embd.weight" and self.tied)
            return "Q6_K" if plain == "Q4_0" and finer else plain
        if name == "output.weight" or (name == "token_embd.weight" and self.tied):
            return "Q6_K"
        found = _LAYER.fullmatch(name)
        if found and self._finer(int(found[1])):
            return "Q6_K"
        return _K[self.file_type]

    def _finer(self, layer: int) -> bool:
        eighth = self.layers // 8
        return layer < eighth or layer >= 7 * self.layers // 8 or (layer - eighth) % 3 == 2


def packed(weights: Any, kind: str) -> Any:
    """Weights as a number type: an array whose last axis is bytes, or floats as they are."""
    import gguf

    if kind in ("F32", "F16"):
        return weights.astype(np.float32 if kind == "F32" else np.float16)
    if kind in ("Q4_K", "Q5_K", "Q6_K"):
        return pack(weights.astype(np.float32), kind)
    return gguf.quants.quantize(weights.astype(np.float32), gguf.GGMLQuantizationType[kind])
