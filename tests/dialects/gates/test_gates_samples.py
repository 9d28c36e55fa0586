"""Samples, vectors, mutants and altered circuits, over every family."""

from __future__ import annotations

import random
import re

import pytest
from gates_expressions import ones

from idiolect.dialects.contract import Context
from idiolect.dialects.gates.alter import alter
from idiolect.dialects.gates.dialect import Gates
from idiolect.dialects.gates.mutate import BREAKS, mutate
from idiolect.dialects.gates.reader import read
from idiolect.dialects.gates.sample import families, sample
from idiolect.dialects.gates.simulator import Simulation, compiled
from idiolect.dialects.gates.syntax import PortKind
from idiolect.dialects.gates.vectors import corners, rows, sequence, truth_table, walk

GATES = Gates()
FAMILIES = [(level, name) for level, names in families().items() for name in names]


def test_there_are_many_families_on_every_level():
    assert len(FAMILIES) >= 80
    assert all(len(names) >= 10 for names in families().values())
    assert len({name for _, name in FAMILIES}) == len(FAMILIES)


@pytest.mark.parametrize(("level", "name"), FAMILIES)
def test_a_sample_verifies_passes_its_tests_and_is_canonical(level, name):
    for seed in range(4):
        made = sample(random.Random(f"{name} {seed}"), level, name)
        verdict = GATES.verify(made.text, made.context)
        assert verdict.ok
        assert verdict.faults == ()
        assert verdict.tests_passed >= 2
        assert GATES.canonical(made.text) == made.text
        assert made.level == level


@pytest.mark.slow
@pytest.mark.parametrize(("level", "name"), FAMILIES)
def test_many_samples_of_a_family_verify(level, name):
    for seed in range(100):
        made = sample(random.Random(f"many {seed}"), level, name)
        assert GATES.verify(made.text, made.context).ok


@pytest.mark.parametrize(("level", "name"), FAMILIES)
def test_the_description_names_the_module_and_every_port_with_its_width(level, name):
    made = sample(random.Random(name), level, name)
    top = read(made.text).top
    assert re.search(rf"\b{top.name}\b", made.description)
    for port in top.ports:
        width = f" ({port.width} bits)" if port.width > 1 else ""
        assert f"{port.kind.lower()} {port.name}{width}" in made.description
    outputs = top.ports_of(PortKind.OUTPUT)
    behaviour = made.description.partition(f"{outputs[-1].name}")[2]
    assert all(output.name.text in behaviour or "outputs" in behaviour for output in outputs[:1])


def test_samples_are_the_same_for_the_same_seed_and_vary_with_it():
    first = [GATES.sample(random.Random(seed)) for seed in range(30)]
    again = [GATES.sample(random.Random(seed)) for seed in range(30)]
    assert first == again
    assert len({made.text for made in first}) >= 29


def test_wording_varies_within_a_family():
    made = [sample(random.Random(seed), "multi", "adder") for seed in range(40)]
    openings = {re.sub(r"\d+|\b[A-Z_0-9]+\b", "", item.description).split(".")[0] for item in made}
    assert len(openings) >= 5


def test_a_level_is_kept_and_an_unknown_one_refused():
    for level in families():
        assert GATES.sample(random.Random(1), Context(level=level)).level == level
    with pytest.raises(ValueError, match="no level"):
        GATES.sample(random.Random(1), Context(level="huge"))


def test_samples_use_every_construct():
    used = {word for made in POOL for word in made.productions}
    assert used >= {
        "wire", "reg", "const", "drive", "instance", "stage", "value", "choice", "reduction",
        "negation", "row", "concat", "case", "index", "slice",
    }  # fmt: skip


# Vectors


def test_a_truth_table_has_every_row_once():
    table = list(truth_table({"A": 2, "B": 1}))
    assert len(table) == 8
    assert {(row["A"], row["B"]) for row in table} == {(a, b) for a in range(4) for b in range(2)}
    with pytest.raises(ValueError, match="too long"):
        next(truth_table({"A": 17}))


@pytest.mark.parametrize("width", [1, 2, 3, 8, 32])
def test_corners_fit_their_width(width):
    found = corners(width)
    assert {0, ones(width)} <= set(found)
    assert all(0 <= value <= ones(width) for value in found)


def test_rows_are_different_and_as_many_as_asked():
    found = rows(random.Random(1), {"A": 16, "B": 16}, 16)
    assert len({tuple(row.values()) for row in found}) == len(found) == 16
    assert len(rows(random.Random(1), {"A": 2}, 16)) == 4


def test_hints_are_tried():
    found = rows(random.Random(1), {"A": 16}, 16, [12345])
    assert {"A": 12345} in found


def test_a_walk_visits_more_states_than_chance():
    lock = (
        "MODULE LOCK(CLOCK CLK, INPUT D[4], OUTPUT Y) { REG S[3] = 3'd0; "
        "S <= D == {1'b0, S} ? S + 1 : 0; Y = S == 7; }"
    )
    netlist = compiled(lock)

    def states(story):
        simulation, seen = Simulation(netlist), set()
        for row in story:
            simulation.settle({"D": [row["D"] >> bit & 1 for bit in range(4)]})
            simulation.tick()
            seen.add(simulation.state())
        return len(seen)

    walked = states(walk(random.Random(2), netlist, 60, tries=24))
    drifted = states(sequence(random.Random(2), {"D": 4}, 60))
    assert walked >= 6 > drifted


# Mutants


def _pool():
    return [sample(random.Random(f"pool {name}"), level, name) for level, name in FAMILIES]


POOL = _pool()


@pytest.mark.parametrize("kind", sorted(BREAKS))
def test_every_kind_of_break_is_possible_and_fails_with_its_code(kind):
    broken = 0
    for seed, made in enumerate(POOL):
        mutant = mutate(made.text, random.Random(seed), kind)
        if mutant is None:
            continue
        verdict = GATES.verify(mutant.text)
        errors = [fault.code for fault in verdict.faults]
        assert not verdict.ok
        assert verdict.judged
        assert mutant.kind == kind
        assert mutant.syntax == (verdict.parsed is False)
        assert errors[0].startswith(BREAKS[kind].code)
        broken += 1
    assert broken >= 1


def test_there_are_at_least_fifteen_kinds():
    assert len(BREAKS) >= 15


def test_a_text_that_is_not_good_has_no_mutant():
    assert mutate("MODULE", random.Random(1)) is None
    assert mutate("MODULE M(OUTPUT Y) { }", random.Random(1)) is None


def test_mutants_are_the_same_for_the_same_seed():
    for seed, made in enumerate(POOL[:20]):
        assert mutate(made.text, random.Random(seed)) == mutate(made.text, random.Random(seed))


def test_a_random_mutant_is_found_for_every_sample():
    for seed, made in enumerate(POOL):
        mutant = GATES.mutate(made.text, random.Random(seed))
        assert mutant is not None
        assert mutant.text != made.text


def test_raw_edits_are_nearly_always_seen_by_the_verifier():
    """The score before `mutate` throws away what still verifies."""
    from idiolect.dialects.gates.breaks import Good

    seen = tried = 0
    for seed, made in enumerate(POOL):
        good = Good(made.text, read(made.text), random.Random(seed))
        for kind in BREAKS.values():
            broken = kind.edit(good)
            if broken is not None and broken != made.text:
                tried += 1
                seen += not GATES.verify(broken).ok
    print(f"\nmutation score of the verifier: {seen} of {tried}, {seen / tried:.1%}")
    assert tried > 1_000
    assert seen / tried >= 0.95


def test_the_tests_of_samples_see_wrong_circuits():
    """Valid circuits that do something else: how many of them fail the sample's tests."""
    killed = tried = 0
    for seed, made in enumerate(POOL):
        for turn in range(3):
            wrong = alter(made.text, random.Random(f"{seed} {turn}"))
            if wrong is not None:
                tried += 1
                verdict = GATES.verify(wrong, made.context)
                assert verdict.valid
                killed += not verdict.ok
    print(f"\nmutation score of the samples' tests: {killed} of {tried}, {killed / tried:.1%}")
    assert tried > 150
    assert killed / tried >= 0.95
