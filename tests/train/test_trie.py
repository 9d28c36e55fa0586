"""The trie's layout and its edges, against the definition; rows dealt to steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idiolect.student.row import Pair, Row
from idiolect.train.packing import Packer, RowTooLong, shares
from idiolect.train.trie import NothingToPredict, TokenTrie, branches_of, build_trie, trie_of

_tokens = st.lists(st.integers(0, 3), min_size=1, max_size=7).map(tuple)
_rows = st.lists(st.tuples(_tokens, _tokens, st.sampled_from([0.5, 1.0, 2.0])), min_size=1, max_size=14).map(
    lambda made: [Row(f"r{n}", prompt, answer, weight) for n, (prompt, answer, weight) in enumerate(made)]
)


def prefixes(rows: list[Row]) -> set[tuple[int, ...]]:
    """Every different run of first tokens that has to go through the model."""
    every = [row.prompt + row.answer for row in rows]
    return {tokens[:at] for tokens in every for at in range(1, len(tokens))}


@given(_rows)
def test_every_shared_prefix_stands_once_and_every_sequence_is_whole(rows: list[Row]) -> None:
    trie = trie_of(rows)
    assert trie.tokens == len(prefixes(rows))
    for at, row in enumerate(rows):
        path = trie.path(at)
        assert tuple(trie.ids[path]) == (row.prompt + row.answer)[:-1]
        assert list(trie.depth[path]) == list(range(len(path)))


@given(_rows)
def test_attention_by_ends_is_attention_to_ancestors(rows: list[Row]) -> None:
    trie = trie_of(rows)
    q, k = np.arange(trie.tokens)[:, None], np.arange(trie.tokens)[None]
    visible = (k <= q) & (q < trie.end[k])
    for at in range(trie.sequences):
        path = trie.path(at)
        for depth, token in enumerate(path):
            assert list(np.flatnonzero(visible[token])) == list(path[: depth + 1])


@given(_rows)
def test_every_answer_token_is_supervised_once_with_its_rows_weight(rows: list[Row]) -> None:
    trie = trie_of(rows)
    assert len(trie.source) == sum(len(row.answer) for row in rows)
    for at, row in enumerate(rows):
        mine = trie.sequence == at
        assert tuple(trie.target[mine]) == row.answer
        assert set(trie.weight[mine]) == {np.float32(row.weight)}
        depths = trie.depth[trie.source[mine]]
        assert list(depths) == list(range(len(row.prompt) - 1, len(row.prompt) + len(row.answer) - 1))
        assert set(trie.source[mine]) <= set(trie.path(at))


@given(_rows)
def test_nodes_are_the_unbranched_runs_of_the_layout(rows: list[Row]) -> None:
    trie = trie_of(rows)
    assert [a.stop for a in trie.nodes] == [*(b.start for b in trie.nodes[1:]), trie.tokens]
    for number, node in enumerate(trie.nodes):
        assert node.parent < number
        assert len(set(trie.end[node.start : node.stop])) == 1
        above = trie.nodes[node.parent] if node.parent >= 0 else None
        first = int(trie.depth[node.start])
        assert first == (int(trie.depth[above.stop - 1]) + 1 if above else 0)


def test_equal_rows_share_every_token_and_keep_their_weights() -> None:
    trie = trie_of([Row("a", (1, 2), (3, 4), 1.0), Row("b", (1, 2), (3, 4), 0.25)])
    assert trie.tokens == 3
    assert trie.row_tokens == 6
    assert trie.supervised_weight == 2.5
    assert list(trie.source) == [1, 2, 1, 2]


def test_levels_are_found_by_themselves_down_to_chosen_and_rejected() -> None:
    pairs = [
        Pair("p", (1, 1, 5, 5, 6), (7, 8), (7, 9)),
        Pair("q", (1, 1, 5, 5, 8), (7, 8), (9, 9)),
        Pair("r", (1, 1, 2, 2, 8), (7, 8), (9, 9)),
    ]
    trie = trie_of(pairs)
    assert isinstance(trie, TokenTrie)
    assert trie.names == ("p", "p", "q", "q", "r", "r")
    levels = {int(trie.depth[node.start]) for node in trie.nodes}
    assert levels == {0, 2, 4, 5}
    assert trie.tokens == 2 + 2 + (1 + 1) + (1 + 2) + (2 + 1 + 2)


@pytest.mark.parametrize(
    ("row", "lacks"),
    [
        (Row("x", (), (1,)), "prompt"),
        (Row("x", (1,), ()), "answer"),
        (Pair("x", (1,), (2,), ()), "answer"),
    ],
)
def test_rows_that_supervise_nothing_are_named(row: Row | Pair, lacks: str) -> None:
    with pytest.raises(NothingToPredict, match=f'"x" has no {lacks}'):
        branches_of(row)


def test_no_sequences_are_an_error() -> None:
    with pytest.raises(ValueError, match="no sequences"):
        build_trie([])


@settings(max_examples=60)
@given(_rows, st.integers(1, 6), st.integers(1, 4), st.integers(14, 40), st.integers(0, 3))
def test_every_row_comes_once_an_epoch_and_budgets_are_kept(
    rows: list[Row], rows_per_step: int, groups: int, budget: int, epoch: int
) -> None:
    packer = Packer(rows, budget=budget, rows_per_step=rows_per_step, seed=1, groups_per_step=groups)
    steps = packer.epoch(epoch)
    assert sorted(at for step in steps for at in step.rows) == list(range(len(rows)))
    assert [len(step.rows) for step in steps[:-1]] == [rows_per_step] * (len(steps) - 1)
    assert len(steps) == packer.steps_per_epoch()
    for step in steps:
        built = [trie_of(rows[at] for at in batch) for batch in step.batches]
        assert all(trie.tokens <= budget for trie in built)
        assert sum(trie.tokens for trie in built) == step.trie_tokens
        assert sum(trie.row_tokens for trie in built) == step.row_tokens
        assert step.weight == pytest.approx(sum(trie.supervised_weight for trie in built))


@settings(max_examples=40)
@given(_rows, st.integers(1, 6), st.integers(1, 4))
def test_steps_do_not_depend_on_budget_or_processes(
    rows: list[Row], rows_per_step: int, processes: int
) -> None:
    made = [
        Packer(rows, budget=budget, rows_per_step=rows_per_step, seed=3).epoch(2) for budget in (14, 1000)
    ]
    assert [set(step.rows) for step in made[0]] == [set(step.rows) for step in made[1]]
    for step in made[0]:
        dealt = shares(step, processes)
        assert len({len(mine) for mine in dealt}) == 1
        assert sorted(at for mine in dealt for batch in mine for at in batch) == sorted(step.rows)


@settings(max_examples=40)
@given(_rows, st.sets(st.integers(0, 13)))
def test_an_epoch_of_some_rows_has_just_those(rows: list[Row], wanted: set[int]) -> None:
    only = sorted(at for at in wanted if at < len(rows))
    steps = Packer(rows, budget=20, rows_per_step=3, seed=0).epoch(0, only=only)
    assert sorted(at for step in steps for at in step.rows) == only


def schemas(count: int, each: int) -> list[Row]:
    """Rows under long prompts: a system text, a schema, a query."""
    return [
        Row(f"{schema}/{query}", (1,) * 20 + (2 + schema,) * 100 + (50 + query,) * 3, (7, 8, 9))
        for schema in range(count)
        for query in range(each)
    ]


def test_rows_of_a_schema_come_together_and_a_step_sees_several_schemas() -> None:
    rows = schemas(8, 16)
    packer = Packer(rows, budget=4000, rows_per_step=16, seed=5, groups_per_step=2)
    for step in packer.epoch(0):
        seen = {rows[at].id.split("/")[0] for at in step.rows}
        assert len(seen) == 2
    report = packer.report()
    assert report.rows == 128
    assert report.sharing > 5
    assert report.saved == report.row_tokens - report.trie_tokens
    assert "times shared" in str(report)


def test_epochs_differ_and_the_same_epoch_is_the_same() -> None:
    rows = schemas(4, 12)
    first, again = (Packer(rows, budget=999, rows_per_step=8, seed=5) for _ in range(2))
    assert first.epoch(3) == again.epoch(3)
    assert first.epoch(3) != first.epoch(4)
    assert first.epoch(0) != Packer(rows, budget=999, rows_per_step=8, seed=6).epoch(0)


def test_without_shuffling_rows_keep_their_order() -> None:
    rows = schemas(3, 5)
    steps = Packer(rows, budget=500, rows_per_step=4, seed=0, shuffle=False).epoch(0)
    assert [at for step in steps for at in step.rows] == list(range(15))


def test_a_group_larger_than_the_budget_is_cut() -> None:
    rows = schemas(1, 40)
    packer = Packer(rows, budget=140, rows_per_step=40, seed=0, groups_per_step=1)
    (step,) = packer.epoch(0)
    assert len(step.batches) == 10
    assert {len(batch) for batch in step.batches} == {4}


def test_a_row_longer_than_the_budget_is_named() -> None:
    rows = [*schemas(1, 2), Row("endless", (1,) * 900, (2, 3))]
    with pytest.raises(RowTooLong, match='row "endless" has 901 tokens, and a batch holds 500'):
        Packer(rows, budget=500, rows_per_step=2, seed=0)
    with pytest.raises(RowTooLong, match='"0/0"'):
        Packer(rows[:2], budget=500, rows_per_step=2, seed=0).epoch(0, budget=50)


def test_models_that_cannot_share_count_separate_rows() -> None:
    rows = schemas(1, 8)
    (step,) = Packer(rows, budget=300, rows_per_step=8, seed=0, shared=False).epoch(0)
    assert {len(batch) for batch in step.batches} == {2}
    assert step.trie_tokens == step.row_tokens


def test_pairs_are_packed_by_their_prompts() -> None:
    pairs = [Pair(f"p{n}", (1,) * 50 + (n % 2,) * 5, (7, 8, n), (7, 9, 9)) for n in range(8)]
    packer = Packer(pairs, budget=200, rows_per_step=8, seed=0)
    for step in packer.epoch(0):
        for batch in step.batches:
            assert trie_of(pairs[at] for at in batch).tokens <= 200
    assert packer.report().sharing > 5


def test_more_processes_than_rows_get_an_empty_batch() -> None:
    (step,) = Packer(schemas(1, 2), budget=500, rows_per_step=2, seed=0).epoch(0)
    assert sorted(len(mine[0]) for mine in shares(step, 3)) == [0, 1, 1]
