"""The token trie: a batch of token sequences in which every shared prefix stands once.

    trie = build_trie([*branches_of(row_a), *branches_of(pair_b)])

The trie is laid out depth first in one row of tokens. Token `q` may attend to token `k` iff
`k <= q < end[k]`, where `end[k]` closes k's subtree; with a sliding window of W also
`depth[q] - depth[k] < W`. Supervision is a list of edges (source index, target token, weight, sequence): the
first token of an answer is predicted by the last token of its prompt, so one source may have many targets,
and the last token of a sequence predicts nothing and is not run.

It knows arrays and no model: `train/attention.py` reads its layout, `train/trie_scores.py` runs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from idiolect.student.row import Pair, Row

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


class NothingToPredict(ValueError):
    """A row without a prompt or without an answer: no token of it could be supervised."""

    def __init__(self, row: str, lacks: str) -> None:
        super().__init__(f'row "{row}" has no {lacks} token, so it supervises nothing')
        self.row = row


@dataclass(frozen=True, slots=True)
class Branch:
    """One sequence: a prompt and an answer that is supervised, each of its tokens with the same weight."""

    id: str
    tokens: tuple[int, ...]
    prompt: int  # how many of the tokens are the prompt's
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Node:
    """A run of tokens in which nothing branches: `start` to `stop` in the layout; its parent's number."""

    start: int
    stop: int
    parent: int  # -1: a root


@dataclass(frozen=True)
class TokenTrie:
    """Token sequences as one row, depth first, with every edge that is supervised."""

    ids: Ints  # [tokens]
    depth: Ints  # [tokens] the position in each sequence that the token stands in
    end: Ints  # [tokens] where the subtree under the token ends
    source: Ints  # [edges] whose hidden state predicts
    target: Ints  # [edges] which token id
    weight: Floats  # [edges]
    sequence: Ints  # [edges] of which sequence, in the order given
    last: Ints  # [sequences] the last token that is run
    names: tuple[str, ...]  # [sequences]
    row_tokens: int  # how many tokens separate rows would run

    @property
    def tokens(self) -> int:
        """How many tokens are run."""
        return len(self.ids)

    @property
    def sequences(self) -> int:
        return len(self.last)

    @property
    def supervised_weight(self) -> float:
        """The sum of the weights: what a loss over this batch alone is divided by."""
        return float(self.weight.sum(dtype=np.float64))

    def path(self, sequence: int) -> Ints:
        """Where the tokens of a sequence stand, from its first to the last that is run."""
        leaf = int(self.last[sequence])
        found: Ints = np.flatnonzero(self.end[: leaf + 1] > leaf)
        return found

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The unbranched runs in layout order; a parent comes before its children."""
        return tuple(_nodes(self.depth, self.end))


def branches_of(row: Row | Pair) -> tuple[Branch, ...]:
    """The sequences of a row (one) or of a pair (the chosen answer, then the rejected)."""
    answers = (row.answer,) if isinstance(row, Row) else (row.chosen, row.rejected)
    if not row.prompt:
        raise NothingToPredict(row.id, "prompt")
    if not all(answers):
        raise NothingToPredict(row.id, "answer")
    return tuple(Branch(row.id, row.prompt + answer, len(row.prompt), row.weight) for answer in answers)


def trie_of(rows: Iterable[Row | Pair]) -> TokenTrie:
    """The trie of rows and pairs; a pair makes two sequences, one after the other."""
    return build_trie([branch for row in rows for branch in branches_of(row)])


def build_trie(branches: Sequence[Branch]) -> TokenTrie:
    """Lay sequences out as a trie. Equal ones share every token, and each keeps its edges and its weight."""
    if not branches:
        raise ValueError("a trie of no sequences has nothing to train on")
    order = sorted(range(len(branches)), key=lambda at: branches[at].tokens)
    inputs = [np.asarray(branches[at].tokens, dtype=np.int64) for at in order]
    shared = [0, *(shared_length(a[:-1], b[:-1]) for a, b in pairwise(inputs))]
    starts = np.cumsum([0, *(len(tokens) - 1 - lcp for tokens, lcp in zip(inputs, shared, strict=True))])
    where = np.zeros(max(len(tokens) for tokens in inputs), dtype=np.int64)  # of the sequence at hand
    last = np.zeros(len(branches), dtype=np.int64)
    edges: list[tuple[Ints, Ints, Floats, Ints]] = [_NO_EDGES] * len(branches)
    for at, tokens, lcp, start in zip(order, inputs, shared, starts, strict=False):
        branch, run = branches[at], len(tokens) - 1
        where[lcp:run] = np.arange(start, start + run - lcp)
        last[at] = where[run - 1]
        source, target = where[branch.prompt - 1 : run].copy(), tokens[branch.prompt :]
        weight = np.full(len(target), branch.weight, dtype=np.float32)
        edges[at] = (source, target, weight, np.full(len(target), at, dtype=np.int64))
    source, target, weight, sequence = (np.concatenate(part) for part in zip(*edges, strict=True))
    return TokenTrie(
        ids=np.concatenate([tokens[lcp:-1] for tokens, lcp in zip(inputs, shared, strict=True)]),
        depth=np.concatenate(
            [np.arange(lcp, len(tokens) - 1) for tokens, lcp in zip(inputs, shared, strict=True)]
        ),
        end=_ends(starts, shared, [len(tokens) - 1 for tokens in inputs]),
        source=source,
        target=target,
        weight=weight,
        sequence=sequence,
        last=last,
        names=tuple(branch.id for branch in branches),
        row_tokens=sum(len(tokens) - 1 for tokens in inputs),
    )


_NO_EDGES = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.int64))


def shared_length(a: Ints, b: Ints) -> int:
    """How many tokens two sequences have in common from their first on."""
    size = min(len(a), len(b))
    differs = a[:size] != b[:size]
    return int(differs.argmax()) if differs.any() else size


def _ends(starts: Ints, shared: Sequence[int], lengths: Sequence[int]) -> Ints:
    """Where each token's subtree ends. `starts` closes with the number of all tokens."""
    end = np.full(int(starts[-1]), int(starts[-1]), dtype=np.int64)
    open_runs: list[
        tuple[int, int, int]
    ] = []  # (layout index, depth, depth where it ends) of the path at hand
    for start, lcp, length in zip(starts, shared, lengths, strict=False):
        while open_runs and open_runs[-1][2] > lcp:
            at, depth, stop = open_runs.pop()
            kept = max(lcp - depth, 0)
            end[at + kept : at + stop - depth] = start
            if kept:
                open_runs.append((at, depth, lcp))
        if length > lcp:
            open_runs.append((int(start), lcp, length))
    return end


def _nodes(depth: Ints, end: Ints) -> Iterable[Node]:
    new = np.ones(len(depth), dtype=bool)
    new[1:] = (depth[1:] != depth[:-1] + 1) | (end[1:] != end[:-1])
    starts = np.flatnonzero(new)
    above: list[tuple[int, int]] = []  # (number, end) of the nodes that are open
    for number, (start, stop) in enumerate(zip(starts, [*starts[1:], len(depth)], strict=True)):
        while above and above[-1][1] <= start:
            above.pop()
        yield Node(int(start), int(stop), above[-1][0] if above else -1)
        above.append((number, int(end[start])))
