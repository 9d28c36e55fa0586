"""FlexAttention over a trie: block masks from the trie's own arrays, and lengths in buckets.

Compiled kernels are kept by shape, so a batch is padded to the next of a few lengths: a new one would
cost seconds. Which blocks of 128 by 128 are empty, full or partial follows from counts, without a mask of
all tokens by all tokens; only partial ones ask the mask function inside of the kernel.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch

from idiolect.train.trie import TokenTrie

SIDE = 128  # of a block
_WIDEST_HEAD = 256  # backward passes of wider heads need more shared memory than cards have


def usable(config: Any) -> tuple[bool, str]:
    """Whether FlexAttention can run a model on the card at hand, and why."""
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if width > _WIDEST_HEAD:
        return False, f"heads of {width} are too wide for FlexAttention's backward pass"
    # Measured by others: the backward pass of 256 wide heads asks 114,688 bytes of shared memory a block.
    shared = getattr(torch.cuda.get_device_properties(0), "shared_memory_per_block_optin", 0)
    if width > SIDE and shared and shared < 114_688:
        return False, f"heads of {width} need more shared memory than the card's {shared:,} bytes"
    return True, "FlexAttention with block masks"


def bucket(tokens: int) -> int:
    """The length to pad to: at most an eighth more, on a few lengths only, each whole blocks."""
    step = max(SIDE, 1 << max(0, tokens.bit_length() - 4))
    return -(-tokens // step) * step


def block_mask(trie: TokenTrie, size: int, window: int | None, device: Any) -> Any:
    """FlexAttention's mask of a trie that is padded to `size`; padding sees itself."""
    from torch.nn.attention.flex_attention import BlockMask

    end, depth = padded(trie, size)
    full, partial = block_kinds(end, depth, window)
    ends, depths = (torch.from_numpy(part).to(device) for part in (end, depth))

    def seen(batch: Any, head: Any, q: Any, k: Any) -> Any:
        visible = (k <= q) & (q < ends[k])
        return visible if window is None else visible & (depths[q] - depths[k] < window)

    return BlockMask.from_kv_blocks(
        *_listed(partial, device), *_listed(full, device), BLOCK_SIZE=SIDE, mask_mod=seen
    )


def padded(trie: TokenTrie, size: int) -> tuple[Any, Any]:
    """Subtree ends and depths with padding: tokens that are trees of their own."""
    more = size - trie.tokens
    end = np.concatenate([trie.end, np.arange(trie.tokens + 1, size + 1)])
    return end, np.concatenate([trie.depth, np.zeros(more, dtype=np.int64)])


def block_kinds(end: Any, depth: Any, window: int | None) -> tuple[Any, Any]:
    """[query blocks, key blocks] which are seen in full and which in part."""
    count = len(end) // SIDE
    low = np.arange(count) * SIDE
    keys = np.arange(len(end))
    # how many queries of each block lie in the subtree of each key
    inside = np.minimum(low[:, None] + SIDE, end[None]) - np.maximum(low[:, None], keys[None])
    pairs = np.maximum(inside, 0).reshape(count, count, SIDE).sum(-1)
    some, full = pairs > 0, pairs == SIDE * SIDE
    if window is not None:
        blocks = depth.reshape(count, SIDE)
        nearest = blocks.min(1)[:, None] - blocks.max(1)[None]
        farthest = blocks.max(1)[:, None] - blocks.min(1)[None]
        some &= nearest < window
        full &= farthest < window
    return full, some & ~full


def _listed(blocks: Any, device: Any) -> tuple[Any, Any]:
    """How many key blocks each query block has, and their numbers, first those that count."""
    order = np.argsort(~blocks, axis=1, kind="stable").astype(np.int32)
    numbers = blocks.sum(1, dtype=np.int32)
    return torch.from_numpy(numbers)[None, None].to(device), torch.from_numpy(order)[None, None].to(device)


def flex(query: Any, key: Any, value: Any, mask: Any, scale: float, softcap: float | None) -> Any:
    """[1, tokens, heads, width] by FlexAttention: compiled on CUDA, uncompiled where there is no compiler."""
    attend = _compiled() if query.device.type == "cuda" else _plain()
    heads = query.shape[1]
    grouped = heads != key.shape[1]
    if grouped and heads & (heads - 1):  # grouped heads must be a power of two
        fold = heads // key.shape[1]
        key, value, grouped = key.repeat_interleave(fold, 1), value.repeat_interleave(fold, 1), False
    bend = _cap(softcap) if softcap else None
    settings = {"score_mod": bend, "block_mask": mask, "scale": scale, "enable_gqa": grouped}
    return attend(query, key, value, **settings).transpose(1, 2).contiguous()


@cache
def _cap(softcap: float) -> Any:
    def bend(scores: Any, batch: Any, head: Any, q: Any, k: Any) -> Any:
        return softcap * torch.tanh(scores / softcap)

    return bend


@cache
def _compiled() -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=False)


def _plain() -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return flex_attention
