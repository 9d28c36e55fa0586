"""The quick run of the fuzzer; `python tests/fuzz/fuzz_okt.py` makes the long one."""

from __future__ import annotations

from random import Random

from fuzz_okt import Mutator, fuzz, seeds, vocabulary


def test_twenty_thousand_garbled_scripts_end_in_diagnostics() -> None:
    ended, _slowest, failures = fuzz(20_000, seed=20_251, longest=120)
    assert failures == []
    assert ended.total() == 20_000
    # The mutations are neither too mild nor too wild to reach what comes behind the parser.
    assert ended["refused"] > 1000
    assert ended["laid out with errors"] > 1000
    assert ended["no errors"] > 200


def test_the_fuzzer_starts_from_enough_and_repeats_itself() -> None:
    assert len(seeds(Random(1))) > 200
    assert len(vocabulary()) > 500
    one, other = (list(zip(range(50), Mutator(Random(3)).texts(), strict=False)) for _ in range(2))
    assert one == other
    assert len({text for _, text in one}) > 40
