"""Near repeats, beside a slow and obvious count of shared shingles."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idiolect.data.near import (
    WIDTH,
    Groups,
    candidates,
    jaccard,
    join_alike,
    near_repeats,
    rows_per_band,
    signatures,
)


def plain_jaccard(left: str, right: str) -> float:
    def shingles(text: str) -> set[tuple[str, ...]]:
        tokens = text.split() + [""] * (WIDTH - 1)
        return {tuple(tokens[at : at + WIDTH]) for at in range(len(tokens) - WIDTH + 1)}

    one, other = shingles(left), shingles(right)
    return len(one & other) / len(one | other)


words = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40).map(" ".join)


@given(words, words)
def test_likeness_is_the_share_of_shingles_in_common(left: str, right: str) -> None:
    assert jaccard(left, right) == pytest.approx(plain_jaccard(left, right))


def family(rng: random.Random, size: int, changed: int) -> list[str]:
    base = [f"w{rng.randrange(10**6)}" for _ in range(200)]
    made = []
    for _ in range(size):
        copy = list(base)
        for at in rng.sample(range(200), changed):
            copy[at] = f"x{rng.randrange(10**6)}"
        made.append(" ".join(copy))
    return made


@pytest.mark.parametrize("threshold", [0.6, 0.85])
def test_pairs_at_the_threshold_are_found(threshold: float) -> None:
    rng = random.Random(7)
    texts = [text for _ in range(60) for text in family(rng, 2, 1)]
    texts += [text for _ in range(60) for text in family(rng, 2, 4)]
    found = {tuple(pair) for pair in candidates(signatures(texts), threshold).tolist()}
    wanted = {
        (at, at + 1) for at in range(0, len(texts), 2) if plain_jaccard(texts[at], texts[at + 1]) >= threshold
    }
    assert len(wanted) >= 50
    assert len(wanted - found) <= 0.02 * len(wanted)
    repeats = near_repeats(signatures(texts), threshold, texts.__getitem__)
    assert all(repeat.likeness >= threshold for repeat in repeats.values())
    assert {(repeat.like, at) for at, repeat in repeats.items()} <= wanted


def test_of_a_family_one_is_kept_and_others_go_though_first_ones_go() -> None:
    texts = family(random.Random(3), 40, 0)
    assert set(near_repeats(signatures(texts), 0.9, texts.__getitem__)) == set(range(1, 40))


def test_nothing_and_one_text_have_no_repeats() -> None:
    assert near_repeats(signatures([]), 0.85, str) == {}
    assert near_repeats(signatures(["", "a"]), 0.85, ["", "a"].__getitem__) == {}


@settings(max_examples=30)
@given(st.lists(words, max_size=8))
def test_a_text_has_one_signature_in_any_company(texts: list[str]) -> None:
    together = signatures(texts)
    assert len(together) == len(texts)
    assert all((together[at] == signatures([text])[0]).all() for at, text in enumerate(texts))


def test_signatures_are_the_same_in_another_process() -> None:
    probe = "from idiolect.data.near import signatures; print(signatures(['lamp hall on']).sum())"
    runs = {
        subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True).stdout for _ in "ab"
    }
    assert runs == {f"{signatures(['lamp hall on']).sum()}\n".encode()}


def test_groups_are_joined_through_chains() -> None:
    groups = Groups(6)
    groups.join(4, 2)
    groups.join(2, 0)
    groups.join_equal(["x", None, None, "y", None, "y"])
    assert [groups.of(at) for at in range(6)] == [0, 1, 0, 3, 0, 3]
    texts = family(random.Random(5), 3, 2)
    chain = Groups(3)
    join_alike(chain, signatures(texts), 0.6)
    assert {chain.of(at) for at in range(3)} == {0}


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.6, 0.7, 0.85, 0.95])
def test_bands_find_99_of_100_at_the_threshold(threshold: float) -> None:
    rows = rows_per_band(threshold)
    assert 1 - (1 - threshold**rows) ** (128 // rows) >= 0.99
