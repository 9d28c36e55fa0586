import random
from collections import Counter

import pytest

from idiolect.dialects.ahk2.dialect import Ahk2
from idiolect.dialects.ahk2.mutants import BREAKS
from idiolect.dialects.contract import Context

DIALECT = Ahk2()


@pytest.mark.parametrize("level", ["micro", "multi", "scenario"])
def test_samples_verify_without_a_warning_and_are_canonical(level):
    rng = random.Random(3)
    for _ in range(40):
        sample = DIALECT.sample(rng, Context(level=level))
        assert DIALECT.verify(sample.text).faults == ()
        assert DIALECT.canonical(sample.text) == sample.text
        assert len(sample.description) > 10
        assert "<<" not in sample.text + sample.description


def test_samples_are_many_and_the_same_for_a_seed():
    drawn = [DIALECT.sample(random.Random(seed)).text for seed in range(60)]
    assert len(set(drawn)) > 50
    assert drawn == [DIALECT.sample(random.Random(seed)).text for seed in range(60)]


def test_mutants_never_verify_and_come_in_many_kinds():
    rng = random.Random(4)
    kinds = Counter()
    for _ in range(250):
        mutant = DIALECT.mutate(DIALECT.sample(rng).text, rng)
        assert mutant is not None
        verdict = DIALECT.verify(mutant.text)
        assert not verdict.ok
        assert mutant.syntax == (verdict.parsed is False)
        kinds[mutant.kind] += 1
    assert len(kinds) >= 25
    assert len(BREAKS) >= 30


def test_an_unknown_level_is_refused_by_name():
    with pytest.raises(ValueError, match="micro, multi, scenario"):
        DIALECT.sample(random.Random(1), Context(level="huge"))
