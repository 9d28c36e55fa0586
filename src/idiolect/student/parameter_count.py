"""Estimates how many parameters a model has from its config.json, where weights can't be counted.

Formulas are for the layouts named in `estimate_parameters`; others give None, **not** a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_GATED = frozenset((
    "llama", "mistral", "mixtral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "phi3", "smollm3",
    "granite",
))  # fmt: skip
_TIED_BY_DEFAULT = frozenset(("gemma", "gemma2", "gemma3_text", "gpt2", "t5", "smollm3"))
_QKV_BIAS = frozenset(("qwen2",))
_HEAD_NORMS = frozenset(("gemma3_text", "qwen3"))  # a norm over each head's query and key
_FOUR_NORMS = frozenset(("gemma2", "gemma3_text"))


def estimate_parameters(config: Mapping[str, Any]) -> int | None:
    """Parameters by the layout of gated decoders (llama, gemma, qwen, ...), gpt2, bert or t5."""
    model_type = config.get("model_type")
    try:
        if model_type in _GATED:
            return _gated_decoder(config, str(model_type))
        if model_type == "gpt2":
            return _gpt2(config)
        if model_type in ("bert", "roberta"):
            return _bert(config)
        if model_type == "t5":
            return _t5(config)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None  # a config that lacks a size tells none
    return None


def _gated_decoder(config: Mapping[str, Any], model_type: str) -> int:
    hidden, inner, vocab = _sizes(config, "hidden_size", "intermediate_size", "vocab_size")
    (layers, heads) = _sizes(config, "num_hidden_layers", "num_attention_heads")
    groups = int(config.get("num_key_value_heads") or heads)
    width = int(config.get("head_dim") or hidden // heads)
    attention = hidden * width * (2 * heads + 2 * groups)
    if model_type in _QKV_BIAS or config.get("attention_bias"):
        attention += width * (heads + 2 * groups)
    experts = int(config.get("num_local_experts") or 1)
    feed_forward = experts * 3 * hidden * inner + (experts * hidden if experts > 1 else 0)
    norms = hidden * (4 if model_type in _FOUR_NORMS else 2)
    norms += 2 * width if model_type in _HEAD_NORMS else 0
    tied = config.get("tie_word_embeddings", model_type in _TIED_BY_DEFAULT)
    return vocab * hidden * (1 if tied else 2) + layers * (attention + feed_forward + norms) + hidden


def _gpt2(config: Mapping[str, Any]) -> int:
    hidden, layers, vocab, positions = _sizes(config, "n_embd", "n_layer", "vocab_size", "n_positions")
    inner = int(config.get("n_inner") or 4 * hidden)
    attention = 4 * hidden * hidden + 4 * hidden
    feed_forward = 2 * hidden * inner + inner + hidden
    return (vocab + positions) * hidden + layers * (attention + feed_forward + 4 * hidden) + 2 * hidden


def _bert(config: Mapping[str, Any]) -> int:
    hidden, inner, vocab = _sizes(config, "hidden_size", "intermediate_size", "vocab_size")
    layers, positions, kinds = _sizes(
        config, "num_hidden_layers", "max_position_embeddings", "type_vocab_size"
    )
    embeddings = (vocab + positions + kinds) * hidden + 2 * hidden
    layer = 4 * (hidden * hidden + hidden) + 2 * hidden * inner + inner + hidden + 4 * hidden
    return embeddings + layers * layer + hidden * hidden + hidden  # the last part is the pooler


def _t5(config: Mapping[str, Any]) -> int:
    hidden, inner, vocab, width = _sizes(config, "d_model", "d_ff", "vocab_size", "d_kv")
    layers, heads = _sizes(config, "num_layers", "num_heads")
    decoder_layers = int(config.get("num_decoder_layers") or layers)
    buckets = int(config.get("relative_attention_num_buckets", 32))
    gated = str(config.get("feed_forward_proj", "relu")).startswith("gated")
    attention = 4 * hidden * heads * width
    feed_forward = (3 if gated else 2) * hidden * inner
    encoder = layers * (attention + feed_forward + 2 * hidden)
    decoder = decoder_layers * (2 * attention + feed_forward + 3 * hidden)
    tied = config.get("tie_word_embeddings", True)
    positions = 2 * buckets * heads
    return vocab * hidden * (1 if tied else 2) + encoder + decoder + positions + 2 * hidden


def _sizes(config: Mapping[str, Any], *keys: str) -> tuple[int, ...]:
    found = tuple(config[key] for key in keys)
    if not all(type(value) is int and 0 < value < 2**40 for value in found):
        raise ValueError("a size in config.json is no positive number")
    return found
