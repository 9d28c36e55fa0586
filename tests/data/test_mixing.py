"""Mixes of datasets: shares, sizes and order, for any sizes, weights and seeds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idiolect.data.mixing import BadMix, Source, mix, share_of


@st.composite
def sources(draw: st.DrawFn) -> list[Source[tuple[int, int]]]:
    cuts = sorted(draw(st.lists(st.integers(0, 100), max_size=4)))
    weights = [end - start for start, end in zip([0, *cuts], [*cuts, 100], strict=True)]
    sizes = [draw(st.integers(1, 60)) for _ in weights]
    return [
        Source(f"s{at}", weight, [(at, number) for number in range(size)])
        for at, (weight, size) in enumerate(zip(weights, sizes, strict=True))
    ]


MIXES = {
    "sampling": st.sampled_from(["weighted", "random"]),
    "shuffle": st.booleans(),
    "percent": st.integers(1, 100),
    "seed": st.integers(0, 5),
}


@given(sources(), st.fixed_dictionaries(MIXES))
def test_a_mix_uses_nothing_twice_and_is_decided_by_its_seed(parts, how) -> None:
    mixed = mix(parts, **how)
    assert mixed
    assert len(set(mixed)) == len(mixed)
    assert set(mixed) <= {record for part in parts for record in part.records}
    assert mixed == mix(parts, **how)


@given(sources(), st.integers(0, 3))
def test_weighted_shares_are_the_weights_to_the_nearest_example(parts, seed) -> None:
    mixed = mix(parts, seed=seed)
    for at, part in enumerate(parts):
        count = sum(record[0] == at for record in mixed)
        assert abs(count - len(mixed) * part.weight / 100) < 1


@given(sources())
def test_a_weighted_mix_is_as_large_as_its_scarcest_source_allows(parts) -> None:
    mixed = mix(parts)
    wanted = [(len(mixed) + 1) * part.weight / 100 > len(part.records) for part in parts]
    assert any(wanted)


@given(sources(), st.integers(1, 100))
def test_random_takes_from_all_examples_alike_whatever_the_weights(parts, percent) -> None:
    total = sum(len(part.records) for part in parts)
    assert len(mix(parts, sampling="random", percent=percent)) == share_of(total, percent)
    assert sorted(mix(parts, sampling="random")) == sorted(
        record for part in parts for record in part.records
    )


@given(sources())
def test_without_a_shuffle_each_source_keeps_its_order(parts) -> None:
    for sampling in ("weighted", "random"):
        mixed = mix(parts, sampling=sampling, shuffle=False)
        for at in range(len(parts)):
            own = [number for source, number in mixed if source == at]
            assert own == sorted(own)


def test_every_stretch_of_a_weighted_mix_has_about_its_shares() -> None:
    mixed = mix([Source("a", 75, ["a"] * 300), Source("b", 25, ["b"] * 100)])
    assert len(mixed) == 400
    assert all(4 <= mixed[start : start + 20].count("b") <= 6 for start in range(0, 400, 20))


def test_seeds_give_different_orders() -> None:
    parts = [Source("a", 100, list(range(50)))]
    assert mix(parts, seed=1) != mix(parts, seed=2)


@pytest.mark.parametrize(
    ("weights", "sizes", "percent", "told"),
    [
        ((60, 30), (5, 5), 100, "add up to 90, not 100"),
        ((120, -20), (5, 5), 100, "add up to 100|not 100"),
        ((), (), 100, "names no source"),
        ((50, 50), (5, 0), 100, "s1 has the weight 50 and no example"),
        ((50, 50), (5, 5), 0, "dataset_percent is 0"),
    ],
)
def test_a_wrong_mix_is_refused_in_words(weights, sizes, percent, told) -> None:
    parts = [
        Source(f"s{at}", weight, range(size))
        for at, (weight, size) in enumerate(zip(weights, sizes, strict=True))
    ]
    with pytest.raises(BadMix, match=told):
        mix(parts, percent=percent)


def test_a_source_of_weight_zero_may_be_empty() -> None:
    assert sorted(mix([Source("a", 100, [1, 2]), Source("b", 0, [])])) == [1, 2]
