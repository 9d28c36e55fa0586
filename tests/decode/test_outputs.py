"""Outputs of an untrained model: all parse, all are whole, and all name what exists."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from decode_outputs import DIALECTS, measure, tiny_generator


@pytest.fixture(scope="module")
def generator():
    return tiny_generator()


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    "count", [12, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(4 * 3600)])]
)
def test_every_output_is_whole_parses_and_names_what_exists(name, count, generator):
    found = measure(name, count, generator, seed=1)
    assert found.count == count
    assert found.cut == 0
    assert found.parsed == count, found.broken
    assert found.unknown == 0, found.faults
    assert found.not_judged == 0
