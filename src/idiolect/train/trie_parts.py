"""The gradient of a trie in parts: a prefix forward once, what hangs on it over its keys and values, a
prefix backward.

    told = backward_in_parts(model, trie, weights / step_weight, tokens=4096)    # gradients are in .grad now

It needs no attention function of ours: the library's own key-value cache does the work. Only the states
of one path of the trie and of one batch of leaves live at a time, so memory is bounded by `tokens`
however many branches hang on a prefix. Branches write their gradient into the keys and values of their
prefix, and the prefix takes the sum backward once.

The loss has to be a weighted sum of log-probabilities. Where it is not (DPO), score the trie first
without gradients, differentiate the loss by the log-probabilities, and pass that as the weights
(`edge_weights`). Wrappers of several processes see nothing of it: gradients have to be summed by the
caller.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from idiolect.train.loss import CHUNK_MB, EdgeScores, Head, head_of, score
from idiolect.train.trie import TokenTrie
from idiolect.train.trie_scores import install


def edge_weights(trie: TokenTrie, by_sequence: Any) -> Any:
    """[edges] The weights of a loss whose derivative by each sequence's log-probability is known.

    The loss falls by `weight` for each unit that a token's log-probability rises.
    """
    return -by_sequence[torch.from_numpy(trie.sequence).to(by_sequence.device)]


def backward_in_parts(
    model: Any, trie: TokenTrie, weights: Any, *, tokens: int = 8192, chunk_mb: float = CHUNK_MB
) -> EdgeScores:
    """Add the gradient of `-(weights * logp).sum()` to `.grad`; returns the scores, detached."""
    core = install(model)
    device = core.get_input_embeddings().weight.device
    count = len(trie.source)
    told = EdgeScores(
        torch.zeros(count, device=device),
        torch.zeros(count, device=device),
        torch.zeros(count, dtype=torch.bool, device=device),
    )
    run = _Run(core, trie, weights.to(device), tokens, chunk_mb, head_of(core), told, device)
    with _without_checkpointing(core):
        run.children(-1, None)
    return told


@dataclass
class _Run:
    core: Any
    trie: TokenTrie
    weights: Any
    tokens: int
    chunk_mb: float
    head: Head
    told: EdgeScores
    device: Any

    def __post_init__(self) -> None:
        self.below: dict[int, list[int]] = {}
        for number, node in enumerate(self.trie.nodes):
            self.below.setdefault(node.parent, []).append(number)
        names = inspect.signature(type(self.core.get_decoder()).forward).parameters
        self.cache_name = "cache" if "cache" in names else "past_key_values"
        self.source = torch.from_numpy(self.trie.source)

    def children(self, parent: int, cache: Any) -> None:
        """Everything under a node, whose keys and values are leaves of the graph from here on."""
        under = self.below.get(parent, [])
        for number in under:
            if number in self.below:
                self.branch(number, cache)
        for some in self.leaf_batches([number for number in under if number not in self.below]):
            self.backward(self.forward(some, cache)[0], [], [])

    def branch(self, number: int, cache: Any) -> None:
        """A node with children: forward, its children, then one backward with what they want of it."""
        loss, made = self.forward([number], cache)
        frozen = _cut_off(made)
        self.children(number, frozen)
        outputs, gradients = [], []
        for layer, leaf in zip(made.layers, frozen.layers, strict=True):
            for state, copied in ((layer.keys, leaf.keys), (layer.values, leaf.values)):
                if copied.grad is not None and state.requires_grad:
                    outputs.append(state)
                    gradients.append(copied.grad)
        self.backward(loss, outputs, gradients)

    def forward(self, numbers: Sequence[int], cache: Any) -> tuple[Any, Any]:
        """The weighted loss of the edges in some nodes, and the cache with their keys and values."""
        nodes = [self.trie.nodes[number] for number in numbers]
        width = max(node.stop - node.start for node in nodes)
        ids = torch.zeros(len(nodes), width, dtype=torch.int64)
        depth = torch.zeros_like(ids)
        for row, node in enumerate(nodes):
            first, size = int(self.trie.depth[node.start]), node.stop - node.start
            ids[row, :size] = torch.from_numpy(self.trie.ids[node.start : node.stop])
            depth[row] = torch.arange(first, first + width)
        past = _cache_for(self.core, cache, len(nodes))
        states = self.core.get_decoder()(
            input_ids=ids.to(self.device),
            position_ids=depth.to(self.device),
            use_cache=True,
            **{self.cache_name: past},
        ).last_hidden_state
        losses = [self.loss(states[row], node.start, node.stop) for row, node in enumerate(nodes)]
        found = [loss for loss in losses if loss is not None]
        return (torch.stack(found).sum() if found else None), past

    def loss(self, states: Any, start: int, stop: int) -> Any:
        edges = torch.nonzero((self.source >= start) & (self.source < stop))[:, 0]
        if not len(edges):
            return None
        targets = torch.from_numpy(self.trie.target)[edges].to(self.device)
        scores = score(
            states[(self.source[edges] - start).to(self.device)], targets, self.head, chunk_mb=self.chunk_mb
        )
        edges = edges.to(self.device)
        self.told.logp[edges] = scores.logp.detach()
        self.told.entropy[edges] = scores.entropy
        self.told.correct[edges] = scores.correct
        return -(self.weights[edges] * scores.logp).sum()

    def backward(self, loss: Any, outputs: list[Any], gradients: list[Any]) -> None:
        wanted = [(loss, None)] if loss is not None and loss.requires_grad else []
        wanted += list(zip(outputs, gradients, strict=True))
        if wanted:
            torch.autograd.backward([one for one, _ in wanted], [by for _, by in wanted])

    def leaf_batches(self, numbers: list[int]) -> Iterator[list[int]]:
        """Nodes without children, as many at a time as the budget allows when padded to the longest."""
        lengths = {n: self.trie.nodes[n].stop - self.trie.nodes[n].start for n in numbers}
        some: list[int] = []
        for number in sorted(numbers, key=lengths.__getitem__):
            if some and (len(some) + 1) * lengths[number] > self.tokens:
                yield some
                some = []
            some.append(number)
        if some:
            yield some


def _cache_for(core: Any, cache: Any, rows: int) -> Any:
    """A cache to write into: an empty one, or a prefix's with its states seen by each of the rows."""
    from transformers import DynamicCache

    if cache is None:
        return DynamicCache(config=core.config)
    wide = copy.copy(cache)
    wide.layers = [copy.copy(layer) for layer in cache.layers]
    for layer in wide.layers:
        layer.keys = layer.keys.expand(rows, -1, -1, -1)
        layer.values = layer.values.expand(rows, -1, -1, -1)
    return wide


def _cut_off(cache: Any) -> Any:
    """The same cache with keys and values that are leaves: what hangs on them leaves its gradient there."""
    cut = copy.copy(cache)
    cut.layers = [copy.copy(layer) for layer in cache.layers]
    for layer in cut.layers:
        layer.keys = layer.keys.detach().requires_grad_()
        layer.values = layer.values.detach().requires_grad_()
    return cut


@contextmanager
def _without_checkpointing(core: Any) -> Iterator[None]:
    """Checkpointed layers drop their cache; in parts, memory is bounded without it."""
    on = [layer for layer in core.modules() if getattr(layer, "gradient_checkpointing", False) is True]
    for layer in on:
        layer.gradient_checkpointing = False
    try:
        yield
    finally:
        for layer in on:
            layer.gradient_checkpointing = True
