"""Attention over a trie in blocks of queries, each over just the keys that some of it sees.

A block is a run of queries of at most some hundreds of tokens: a piece of a long prefix, or several short
branches beside each other, where together they cost less than apart. Its keys are the runs of its nodes
and their ancestors, cut to the window. A mask is needed only on columns that some query of the block does
not see. So a prefix runs causally once and its branches over its keys and values, on as many levels as
there are, and the work is that of the unmasked area. Scores are made again in the backward pass: none
outlive their block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from idiolect.train.trie import Node, TokenTrie

BLOCK = 128  # queries; forward and backward on a CPU over 8k tokens, seconds: 64: 4.8, 128: 4.4, 512: 4.7,
# and with a window of 512: 0.59, 0.58 and 0.98
_CALL = 10_000  # scores that could be computed in the time that a block more costs
_SCORES = 1 << 24  # of a block at a time; more heads are taken one after the other


@dataclass(frozen=True, slots=True)
class Block:
    """Queries `start` to `stop`, the runs of keys that they see, and a mask over a part of those columns."""

    start: int
    stop: int
    runs: tuple[tuple[int, int], ...]
    masked: slice  # of the columns
    hidden: Any  # [queries, masked columns] True where a query does not see a key; None: all see all

    @property
    def columns(self) -> int:
        return sum(b - a for a, b in self.runs)


def blocks_of(trie: TokenTrie, window: int | None, device: Any, largest: int = BLOCK) -> tuple[Block, ...]:
    """The blocks of a trie, in its order, of at most so many queries."""
    tops = [node.start for node in trie.nodes]
    made = []
    for start, stop in query_runs(trie, largest):
        first = int(np.searchsorted(tops, start, "right")) - 1
        nodes = _with_ancestors(trie, range(first, int(np.searchsorted(tops, stop))))
        made.append(_block(trie, start, stop, nodes, window, device))
    return tuple(made)


def query_runs(trie: TokenTrie, largest: int = BLOCK) -> Iterator[tuple[int, int]]:
    """Cut the layout into blocks: long nodes into pieces, short neighbours put together where it pays."""
    start = stop = columns = 0
    call = _CALL * largest**2 // BLOCK**2
    known: set[int] = set()
    for number, node in enumerate(trie.nodes):
        length, path = node.stop - node.start, int(trie.depth[node.stop - 1]) + 1
        missing = length + sum(trie.nodes[at].stop - trie.nodes[at].start for at in _new(trie, number, known))
        together = (stop - start + length) * (columns + missing)
        apart = (stop - start) * columns + length * path + call
        if stop > start and (stop - start + length > largest or together > apart):
            yield start, stop
            start, columns, known = stop, 0, set()
            missing = path
        stop = node.stop
        columns += missing
        known |= {number, *_new(trie, number, known)}
        while stop - start > largest:
            yield start, start + largest
            start += largest
    if stop > start:
        yield start, stop


def _new(trie: TokenTrie, number: int, known: set[int]) -> list[int]:
    """The ancestors of a node that are not among the known ones."""
    found = []
    at = trie.nodes[number].parent
    while at >= 0 and at not in known:
        found.append(at)
        at = trie.nodes[at].parent
    return found


def _with_ancestors(trie: TokenTrie, numbers: Sequence[int]) -> list[Node]:
    known: set[int] = set()
    for number in numbers:
        known |= {number, *_new(trie, number, known)}
    return [trie.nodes[number] for number in sorted(known)]


def _block(
    trie: TokenTrie, start: int, stop: int, nodes: Sequence[Node], window: int | None, device: Any
) -> Block:
    runs: list[tuple[int, int]] = []
    partial: list[int] = []  # columns where masked parts begin and end
    column = 0
    for low, high, whole in _seen_parts(trie, start, stop, nodes, window):
        if runs and runs[-1][1] == low:
            runs[-1] = (runs[-1][0], high)
        else:
            runs.append((low, high))
        if not whole:
            partial += [column, column + high - low]
        column += high - low
    if not partial:
        return Block(start, stop, tuple(runs), slice(0, 0), None)
    masked = slice(min(partial), max(partial))
    keys = np.concatenate([np.arange(a, b) for a, b in runs])[masked][None]
    queries = np.arange(start, stop)[:, None]
    seen = (keys <= queries) & (queries < trie.end[keys])
    if window is not None:
        seen &= trie.depth[queries] - trie.depth[keys] < window
    return Block(start, stop, tuple(runs), masked, torch.from_numpy(~seen).to(device))


def _seen_parts(
    trie: TokenTrie, start: int, stop: int, nodes: Sequence[Node], window: int | None
) -> Iterator[tuple[int, int, bool]]:
    """Runs of keys that some query of the block sees, and whether all of them see all of it."""
    for node in nodes:
        low, high, end = node.start, min(node.stop, stop), int(trie.end[node.start])
        queries = trie.depth[max(start, low) : min(stop, end)]
        edge = low
        if window is not None:
            first = int(trie.depth[low])
            low = max(low, low + int(queries.min()) - window + 1 - first)
            edge = min(max(low, node.start + int(queries.max()) - window + 1 - first), high)
        if low >= high:
            continue
        before = max(low, min(high, start))  # keys from here on stand in the block itself
        if stop > end:
            yield low, high, False
            continue
        cut = min(edge, before)
        if cut > low:
            yield low, cut, False
        if before > cut:
            yield cut, before, True
        if high > before:
            yield before, high, False


def block_attention(
    query: Any, key: Any, value: Any, blocks: Sequence[Block], scale: float, softcap: float | None
) -> Any:
    """[1, tokens, heads, width] from queries [1, heads, tokens, width] over their blocks' keys and values."""
    groups, size = key.shape[1], query.shape[2]
    folded = query[0].reshape(groups, -1, size, query.shape[3])
    return _Blocks.apply(folded, key[0], value[0], blocks, scale, softcap)[None]


class _Blocks(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(
        ctx: Any,
        query: Any,
        key: Any,
        value: Any,
        blocks: Sequence[Block],
        scale: float,
        softcap: float | None,
    ) -> Any:
        groups, fold, size, _ = query.shape
        key, value = key.contiguous(), value.contiguous()
        out = query.new_empty(size, groups, fold, value.shape[-1])
        for block in blocks:
            for some in _head_parts(groups, fold, block):
                asked, keys, values = _parts(query, key, value, block, some, scale)
                weights = torch.softmax(_scores(asked, keys, block, softcap)[0], -1)
                got = (weights @ values).unflatten(1, (fold, -1))  # [groups, fold, queries, width]
                out[block.start : block.stop, some] = got.permute(2, 0, 1, 3)
        ctx.save_for_backward(query, key, value)
        ctx.blocks, ctx.scale, ctx.softcap = blocks, scale, softcap
        return out.flatten(1, 2)

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Any) -> tuple[Any, ...]:
        query, key, value = ctx.saved_tensors
        groups, fold, _, _ = query.shape
        grad = grad.unflatten(1, (groups, fold))
        by_query = torch.empty_like(query, memory_format=torch.contiguous_format)
        by_key, by_value = (torch.zeros_like(part, dtype=torch.float32) for part in (key, value))
        for block in ctx.blocks:
            for some in _head_parts(groups, fold, block):
                asked, keys, values = _parts(query, key, value, block, some, ctx.scale)
                scores, slope = _scores(asked, keys, block, ctx.softcap, slope=True)
                weights = torch.softmax(scores, -1)
                by_out = grad[block.start : block.stop, some].permute(1, 2, 0, 3).flatten(1, 2)
                _add(by_value[some], block, weights.transpose(1, 2) @ by_out)
                by_weights = by_out @ values.transpose(1, 2)
                by_scores = torch._softmax_backward_data(by_weights, weights, -1, weights.dtype)
                if slope is not None:
                    by_scores = by_scores * slope
                _add(by_key[some], block, by_scores.transpose(1, 2) @ asked)
                by_asked = (by_scores @ keys).unflatten(1, (fold, -1))
                by_query[some, :, block.start : block.stop] = by_asked.mul_(ctx.scale)
        return by_query, by_key.to(key.dtype), by_value.to(value.dtype), None, None, None


def _head_parts(groups: int, fold: int, block: Block) -> Iterator[slice]:
    step = max(1, _SCORES // max(1, fold * (block.stop - block.start) * block.columns))
    return (slice(at, min(at + step, groups)) for at in range(0, groups, step))


def _parts(query: Any, key: Any, value: Any, block: Block, some: slice, scale: float) -> tuple[Any, Any, Any]:
    """The block's queries with all heads of a group in one row each, scaled, and its keys and values."""
    asked = query[some, :, block.start : block.stop].flatten(1, 2) * scale
    if len(block.runs) == 1:
        run = slice(*block.runs[0])
        return asked, key[some, run], value[some, run]
    return asked, *(torch.cat([part[some, a:b] for a, b in block.runs], 1) for part in (key, value))


def _scores(
    asked: Any, keys: Any, block: Block, softcap: float | None, slope: bool = False
) -> tuple[Any, Any]:
    """Scores, minus infinity where nothing is seen, and their slope by the raw ones under a cap."""
    scores = torch.bmm(asked, keys.transpose(1, 2))
    bent = None
    if softcap:
        bounded = torch.tanh(scores / softcap)
        bent = 1 - bounded.square() if slope else None
        scores = bounded * softcap
    if block.hidden is not None:
        rows = scores.unflatten(1, (-1, block.stop - block.start))
        rows[..., block.masked].masked_fill_(block.hidden, float("-inf"))
    return scores, bent


def _add(total: Any, block: Block, more: Any) -> None:
    at = 0
    for start, stop in block.runs:
        total[:, start:stop] += more[:, at : at + stop - start]
        at += stop - start
