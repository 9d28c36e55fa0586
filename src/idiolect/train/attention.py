"""Attention over a token trie, as a function that every model of the library can call.

`TrieLayout` says who sees whom: token `q` sees token `k` iff `k <= q < end[k]`, and with a sliding window
of W also `depth[q] - depth[k] < W`. Three ways to compute it give the same:

- `dense`: the mask as a matrix. Obvious and slow: the reference.
- `blocks`: queries in blocks, each over just the keys that some of it sees; masks only where a block sees
  a part of a run. The work is that of the unmasked area, on any device and with no kernel of our own.
- `flex`: FlexAttention with block masks, for CUDA (`train/attention_flex.py`).

A model is called with `trie_layout=layout`; without one, the attention is the one that the model had
before. Dropout of attention weights, attention sinks and position biases are not supported: `Unsupported`
is raised.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from idiolect.train.attention_blocks import BLOCK, Block, block_attention, blocks_of
from idiolect.train.trie import TokenTrie

Way = Literal["dense", "blocks", "flex"]
PREFIX = "idiolect_trie_over_"  # of the names under which the function is registered, one a former attention


class Unsupported(RuntimeError):
    """The model's attention does something that can't be computed over a trie."""


@dataclass
class TrieLayout:
    """Who sees whom, on one device, and what was computed from it once for all layers."""

    trie: TokenTrie
    device: Any
    way: Way
    size: int = 0  # tokens with padding; only `flex` pads
    largest: int = BLOCK  # queries of a block; the check on first use makes them small
    windows: list[int | None] = field(default_factory=list)  # what the layers asked for
    _masks: dict[int | None, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.size = self.size or self.trie.tokens

    def seen(self, window: int | None) -> Any:
        """The dense mask, [tokens, tokens]."""
        if window not in self._masks:
            end, depth = (torch.from_numpy(part).to(self.device) for part in (self.trie.end, self.trie.depth))
            at = torch.arange(self.trie.tokens, device=self.device)
            mask = (at[None] <= at[:, None]) & (at[:, None] < end[None])
            if window is not None:
                mask &= depth[:, None] - depth[None] < window
            self._masks[window] = mask
        return self._masks[window]

    def blocks(self, window: int | None) -> tuple[Block, ...]:
        """The blocks of queries with what each of them sees."""
        if window not in self._masks:
            self._masks[window] = blocks_of(self.trie, window, self.device, self.largest)
        made: tuple[Block, ...] = self._masks[window]
        return made

    def block_mask(self, window: int | None) -> Any:
        """FlexAttention's form of the mask."""
        if window not in self._masks:
            from idiolect.train.attention_flex import block_mask

            self._masks[window] = block_mask(self.trie, self.size, window, self.device)
        return self._masks[window]


def trie_attention(
    module: Any,
    query: Any,  # [1, heads, tokens, width]
    key: Any,  # [1, groups, tokens, width]
    value: Any,
    *,
    layout: TrieLayout,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **others: Any,
) -> tuple[Any, None]:
    """Attention as the library's models call it, over a trie."""
    _refuse(module, dropout, others)
    scale = scaling if scaling is not None else float(query.shape[-1]) ** -0.5
    query, key, value = _one_type(query, key, value)
    window = sliding_window if sliding_window and sliding_window < layout.trie.depth.max() + 1 else None
    layout.windows.append(sliding_window)
    if layout.way == "flex":
        from idiolect.train.attention_flex import flex

        return flex(query, key, value, layout.block_mask(window), scale, softcap), None
    if layout.way == "dense":
        return _dense(query, key, value, layout.seen(window), scale, softcap), None
    return block_attention(query, key, value, layout.blocks(window), scale, softcap), None


def _dense(query: Any, key: Any, value: Any, seen: Any, scale: float, softcap: float | None) -> Any:
    fold = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(fold, 1), value.repeat_interleave(fold, 1)
    scores = query @ key.transpose(2, 3) * scale
    if softcap:
        scores = torch.tanh(scores / softcap) * softcap
    scores = scores.masked_fill(~seen, float("-inf"))
    weights = torch.softmax(scores, -1, dtype=torch.float32).to(query.dtype)
    return (weights @ value).transpose(1, 2).contiguous()


def _refuse(module: Any, dropout: float, others: dict[str, Any]) -> None:
    if dropout:
        raise Unsupported("attention dropout would differ between shared and separate rows; set it to 0")
    if others.get("s_aux") is not None:
        raise Unsupported("attention sinks are not computed over a trie")
    if others.get("position_bias") is not None:
        raise Unsupported("position biases are not computed over a trie")
    if getattr(module, "is_causal", True) is False:
        raise Unsupported("the model's attention looks ahead")


def _one_type(query: Any, key: Any, value: Any) -> Iterator[Any]:
    """Queries, keys and values in one number type: the one that autocast wants, or the values'."""
    kind = value.dtype
    if torch.is_autocast_enabled(query.device.type):
        kind = torch.get_autocast_dtype(query.device.type)
    return (part.to(kind) for part in (query, key, value))


def use_trie_attention(core: Any) -> None:
    """Let a model's attention take a `trie_layout`; without one it stays what it was."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

    former = core.config._attn_implementation or "eager"
    if former.startswith(PREFIX):
        return
    name = PREFIX + former
    AttentionInterface.register(name, _over(former))
    if former in ALL_MASK_ATTENTION_FUNCTIONS:
        AttentionMaskInterface.register(name, ALL_MASK_ATTENTION_FUNCTIONS[former])
    core.set_attn_implementation(name)


def _over(former: str) -> Any:
    def attention(
        module: Any,
        query: Any,
        key: Any,
        value: Any,
        attention_mask: Any,
        trie_layout: TrieLayout | None = None,
        **settings: Any,
    ) -> Any:
        if trie_layout is not None:
            return trie_attention(module, query, key, value, layout=trie_layout, **settings)
        if former == "eager":
            return _eager(module, query, key, value, attention_mask, **settings)
        from transformers import AttentionInterface

        return AttentionInterface()[former](module, query, key, value, attention_mask, **settings)

    return attention


def _eager(module: Any, *states: Any, **settings: Any) -> Any:
    """The attention that the model's own file defines."""
    import sys

    return sys.modules[type(module).__module__].eager_attention_forward(module, *states, **settings)
