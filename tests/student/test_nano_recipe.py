"""The recipe that the nano base's corpus is made by: small draws of every source."""

import random
import sys
from itertools import islice
from pathlib import Path

import pytest

from idiolect.data.contexts import context_of
from idiolect.dialects.registry import built_in

RECIPE = Path(__file__).parents[2] / "recipes" / "nano"
sys.path.insert(0, str(RECIPE))

names = pytest.importorskip("names")
recipe = pytest.importorskip("sources")

OWN = ("json_ast", "gates", "tcl", "ahk2", "json", "english", "french", "pages")


def test_every_source_and_every_script_is_there() -> None:
    found = set(recipe.sources())
    assert set(OWN) <= found
    assert {path.stem for path in (RECIPE / "scripts").glob("*.okt")} == found - set(OWN)


@pytest.mark.parametrize("name", OWN)
def test_the_same_seed_draws_the_same_examples(name: str) -> None:
    def draw(seed: int) -> list[str]:
        return [one.id for one in islice(recipe.sources()[name](random.Random(seed), 12), 12)]

    assert draw(1) == draw(1)
    if name != "pages":
        assert draw(1) != draw(2)


@pytest.mark.parametrize("name", ["json_ast", "gates", "tcl", "ahk2"])
def test_targets_verify_even_those_of_repairs(name: str) -> None:
    dialect = built_in(name)
    examples = list(recipe.sources()[name](random.Random(5), 40))
    assert {example.task for example in examples} == {"describe", "repair"}
    assert all(dialect.verify(example.target, context_of(example)).parsed for example in examples)


def test_held_out_names_stand_in_the_test_split_alone() -> None:
    rng = random.Random(3)
    for test in (False, True):
        assert all(names.held_out(names.stem(rng, test)) is test for _ in range(200))
    catalog = recipe.random_catalog(rng, True)
    assert len(catalog.procs) >= 2


def test_random_catalogs_give_tcl_texts_that_verify() -> None:
    from idiolect.dialects.contract import Context

    rng, tcl = random.Random(9), built_in("tcl")
    for test in (False, True):
        for _ in range(5):
            given = Context(catalog=recipe.random_catalog(rng, test))
            sample = tcl.sample(rng, given)
            assert tcl.verify(sample.text, sample.context).ok
