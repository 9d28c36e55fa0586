"""The blocks of queries and FlexAttention's block masks, against the definition of who sees whom."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from test_trie import schemas  # noqa: E402

from idiolect.student.row import Row  # noqa: E402
from idiolect.train import attention_flex  # noqa: E402
from idiolect.train.attention_blocks import blocks_of, query_runs  # noqa: E402
from idiolect.train.trie import TokenTrie, trie_of  # noqa: E402

_tokens = st.lists(st.integers(0, 2), min_size=1, max_size=12).map(tuple)
_tries = st.lists(st.tuples(_tokens, _tokens), min_size=1, max_size=10).map(
    lambda made: trie_of(Row(f"r{n}", *one) for n, one in enumerate(made))
)


def seen(trie: TokenTrie, window: int | None) -> np.ndarray:
    q, k = np.arange(trie.tokens)[:, None], np.arange(trie.tokens)[None]
    mask = (k <= q) & (q < trie.end[k])
    return mask if window is None else mask & (trie.depth[q] - trie.depth[k] < window)


@settings(max_examples=150, deadline=None)
@given(_tries, st.sampled_from([None, 1, 3, 8]), st.sampled_from([2, 5, 256]))
def test_blocks_see_just_what_their_queries_see(trie: TokenTrie, window: int | None, largest: int) -> None:
    mask = seen(trie, window)
    at = 0
    for block in blocks_of(trie, window, "cpu", largest):
        assert block.start == at
        assert block.stop - block.start <= largest
        at = block.stop
        columns = [key for a, b in block.runs for key in range(a, b)]
        assert columns == sorted(set(columns))
        found = np.ones((block.stop - block.start, len(columns)), dtype=bool)
        if block.hidden is not None:
            found[:, block.masked] = ~block.hidden.numpy()
        whole = np.zeros((block.stop - block.start, trie.tokens), dtype=bool)
        whole[:, columns] = found
        assert np.array_equal(whole, mask[block.start : block.stop])
    assert at == trie.tokens


@settings(max_examples=60, deadline=None)
@given(_tries, st.sampled_from([None, 1, 4]))
def test_block_masks_of_flex_attention_leave_nothing_out(trie: TokenTrie, window: int | None) -> None:
    side = 4
    size = -(-trie.tokens // side) * side
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention_flex, "SIDE", side)
        end, depth = attention_flex.padded(trie, size)
        full, partial = attention_flex.block_kinds(end, depth, window)
    q, k = np.arange(size)[:, None], np.arange(size)[None]
    mask = (k <= q) & (q < end[k])
    if window is not None:
        mask &= depth[q] - depth[k] < window
    blocks = mask.reshape(size // side, side, size // side, side).transpose(0, 2, 1, 3)
    some, every = blocks.any((2, 3)), blocks.all((2, 3))
    assert not (full & ~every).any()
    assert not (some & ~full & ~partial).any()
    assert not (full & partial).any()
    if window is None:
        assert np.array_equal(full, every)
        assert np.array_equal(partial, some & ~every)


def test_the_work_is_that_of_the_unmasked_area() -> None:
    rng = np.random.default_rng(0)
    prompt = tuple(rng.integers(0, 900, 2000).tolist())
    trie = trie_of(Row(f"{n}", (*prompt, n), tuple(rng.integers(0, 900, 60).tolist())) for n in range(16))
    for window in (None, 512):
        work = sum((b.stop - b.start) * b.columns for b in blocks_of(trie, window, "cpu"))
        assert work < 1.3 * seen(trie, window).sum()


def test_short_branches_meet_in_one_block_and_strangers_do_not() -> None:
    assert len(list(query_runs(trie_of(schemas(1, 30)), 512))) == 1
    rng = np.random.default_rng(1)
    far = [Row(f"{n}", tuple(rng.integers(0, 900, 900).tolist()), (1, 2, 3)) for n in range(3)]
    starts = {start for start, _ in query_runs(trie_of(far))}
    assert {node.start for node in trie_of(far).nodes} <= starts


@pytest.mark.parametrize("tokens", [1, 128, 129, 1000, 3232, 9000, 70_001])
def test_lengths_come_in_few_buckets(tokens: int) -> None:
    size = attention_flex.bucket(tokens)
    assert size % attention_flex.SIDE == 0
    assert tokens <= size <= max(128, tokens * 1.125 + 128)
    assert len({attention_flex.bucket(n) for n in range(1, 70_000, 7)}) < 80
