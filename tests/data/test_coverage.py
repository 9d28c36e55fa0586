"""What examples use of the grammar and the catalog is counted, and what none of them does is named."""

from __future__ import annotations

import random

import pytest

from idiolect.data.coverage import coverage_data, coverage_of, schema_names, symbols_in
from idiolect.data.example import Example
from idiolect.data.suite_choice import suites_of
from idiolect.dialects.catalog import Arg, Catalog, Proc, Variable
from idiolect.dialects.contract import EMPTY, Context
from idiolect.dialects.folder import load_folder
from idiolect.dialects.registry import built_in
from idiolect.dialects.user.starter import make_folder

CATALOG = Catalog(
    procs=(
        Proc(name="my::route", args=(Arg(name="net"), Arg(name="layer"))),
        Proc(name="my::route_all"),
        Proc(name="clock seconds"),
    ),
    variables=(Variable(name="::tech::corner"),),
)


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("my::route -net CLK", ["my::route", "my::route -net"]),
        ("::my::route_all", ["my::route_all"]),
        ("your::my::route -net", []),
        ("puts $::tech::corner; set x [clock seconds]", ["clock seconds", "::tech::corner"]),
        ("set tech::corner tt ;# not my::routes", ["::tech::corner"]),
    ],
)
def test_symbols_are_found_by_their_whole_names(text, used):
    assert list(symbols_in(text, CATALOG)) == used


def asked(target: str, **more: object) -> Example:
    return Example(instruction=target, target=target, **more)  # type: ignore[arg-type]


def test_coverage_of_sets_names_what_is_tested_but_never_learned():
    dialect = built_in("gates")
    train = [asked("MODULE N(INPUT A, OUTPUT Y) { Y = ~A; }")]
    test = [asked("MODULE N(INPUT A, INPUT B, OUTPUT Y) { Y = A & B; }")]
    words = [asked("what a gate is", task="explain"), asked("MODULE (", valid=False)]
    found = coverage_of(dialect, EMPTY, {"train": train + words, "test": test})
    learned, measured = found.sets
    assert (learned.texts, learned.looked_at, learned.not_canonical) == (1, 1, 0)
    data = coverage_data(found)
    new = data["productions"]["not_learned"]["test"]
    assert new
    assert set(new) == set(measured.productions) - set(learned.productions)
    assert len(found.missing("productions")) == len(found.productions) - len(
        {*learned.productions, *measured.productions}
    )


def test_a_dialect_folder_tells_its_own_productions(tmp_path):
    make_folder("mine", tmp_path / "mine")
    dialect = load_folder(tmp_path / "mine")
    try:
        text = dialect.sample(random.Random(1)).text
        found = coverage_of(dialect, EMPTY, {"train": [asked(text)]})
        assert found.sets[0].productions
        assert set(found.sets[0].productions) <= set(found.productions) == set(dialect.productions)
    finally:
        dialect.close()


def test_names_of_a_schema_of_the_project_are_symbols():
    schema = {"properties": {"op": {"enum": ["and", "or"]}, "items": {"items": {"const": "x"}}}}
    assert sorted(schema_names(schema)) == ["and", "items", "op", "or", "x"]
    found = coverage_of(built_in("json_ast"), Context(schema=schema), {"train": [asked('{"op":"and"}')]})
    assert found.sets[0].symbols == {"and": 1, "op": 1}
    assert found.missing("symbols") == ("items", "or", "x")


def test_derivations_are_bounded_and_the_report_says_how_many_texts_were_looked_at():
    train = [asked(f"MODULE N{n}(INPUT A, OUTPUT Y) {{ Y = ~A; }}") for n in range(50)]
    found = coverage_of(built_in("gates"), EMPTY, {"train": train}, most_steps=30_000)
    assert 0 < found.sets[0].looked_at < 50
    assert found.sets[0].texts == 50


def test_suites_follow_metadata_recipe_and_level():
    test = [
        asked("a", level="micro"),
        asked("b", level="multi"),
        asked("c", level="scenario", metadata={"suite": "unit"}),
        asked("d"),
    ]
    suites = suites_of(test, {})
    assert {name: [one.target for one in found] for name, found in suites.items()} == {
        "unit": ["a", "c"],
        "scenario": ["b"],
    }


def test_without_exercises_the_syntax_suite_takes_the_most_varied_forms():
    test = [asked(str(n)) for n in range(200)]
    uses = {one.id: ("start", f"rule/{n % 5}") for n, one in enumerate(test)}
    syntax = suites_of(test, uses)["syntax"]
    assert len(syntax) == 64
    assert {uses[one.id][1] for one in syntax} == {f"rule/{n}" for n in range(5)}
