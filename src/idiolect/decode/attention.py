"""Attention for a few new tokens over a long cache, registered with transformers under a name of its own.

Where several query heads share a key head, the queries are put side by side instead of copying keys and
values for each of them. The mask is always given, one for all heads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAME = "idiolect_decode"


@contextmanager
def decoding_attention(config: Any) -> Iterator[None]:
    """This attention in place of transformers' SDPA; other implementations stay as they are."""
    before = config._attn_implementation
    if before != "sdpa":
        yield
        return
    _register()
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = before


def _register() -> None:
    from transformers import AttentionInterface

    if NAME not in AttentionInterface._global_mapping:
        AttentionInterface.register(NAME, _attend)


def _attend(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, scaling: float | None = None, **_: Any
) -> tuple[Any, None]:
    from torch.nn.functional import scaled_dot_product_attention

    batch, heads, length, width = query.shape
    shared = heads // key.shape[1]
    if shared > 1:  # heads of one group become further queries
        query = query.reshape(batch, key.shape[1], shared * length, width)
        places = attention_mask.shape[-1]
        mask = attention_mask.unsqueeze(2).expand(-1, -1, shared, -1, -1)
        attention_mask = mask.reshape(attention_mask.shape[0], 1, shared * length, places)
    found = scaled_dot_product_attention(query, key, value, attn_mask=attention_mask, scale=scaling)
    found = found.reshape(batch, heads, length, value.shape[-1])
    return found.transpose(1, 2).contiguous(), None
