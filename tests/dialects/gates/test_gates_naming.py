"""What a decoder may name in a Gates text: only what stands before."""

import random

import pytest

from idiolect.dialects.gates.dialect import Gates
from idiolect.dialects.gates.naming import names_after
from idiolect.grammar.completion import Completer, Machine, NoWay
from idiolect.grammar.replay import replay

GATES = Gates()
HALF = "MODULE H(CLOCK K, INPUT A, OUTPUT Y) { Y = A; } "
OPEN = "MODULE T(CLOCK C, RESET N, INPUT A[4], OUTPUT Z) { "


@pytest.fixture(scope="module")
def machine():
    return Machine(GATES.constraint())


def test_every_sample_can_be_written(machine):
    rng = random.Random(9)
    for _ in range(150):
        text = GATES.canonical(GATES.sample(rng).text)
        completer = Completer(machine)
        completer.read(text)
        assert completer.closing() == ""


NAMES = [
    (OPEN, "SIGNAL_USED", {"A", "Z", "N"}),
    (
        OPEN + "WIRE W = A[0]; REG R = 1'b0; CONST K = 2; WIRE V",
        "SIGNAL_USED",
        {"A", "Z", "N", "W", "R", "K"},
    ),
    (OPEN + "WIRE W = A[0]; WIRE V; ", "DRIVEN", {"Z", "V"}),
    (OPEN + "REG R[2] = 2'd0; ", "LATCHED", {"R"}),
    (OPEN + "CONST K = 2; ", "LABEL_USED", {"K"}),
    (OPEN, "MODULE_USED", set()),
    (HALF + OPEN, "MODULE_USED", {"H"}),
    (HALF + OPEN + "H u(", "PORT_USED", {"K", "A", "Y"}),
    (HALF + OPEN + "H u(", "SIGNAL_USED", {"A", "Z", "N", "C"}),
    (HALF + OPEN + "H u(C, A[0], Z); ", "PART_USED", {"u.Y"}),
    (OPEN + "STAGE s { v[4] <= A; } ", "PART_USED", {"s.v"}),
    (OPEN + "STAGE s { WIRE w = A[1]; v[4] <= ", "PART_USED", {"s.v"}),
    (OPEN + "STAGE s { WIRE w = A[1]; v[4] <= ", "SIGNAL_USED", {"A", "Z", "N", "w"}),
    (OPEN + "STAGE s { v[4] <= A; } STAGE t AFTER ", "STAGE_USED", {"s"}),
    (HALF, "SIGNAL_USED", set()),
    ("", "MODULE_USED", set()),
]


@pytest.mark.parametrize(("text", "kind", "names"), NAMES)
def test_names_are_read_off_what_stands_before(text, kind, names):
    assert set(names_after(text)[kind]) == names


REFUSED = [
    OPEN + "Z = B",
    OPEN + "B = A;",
    OPEN + "WIRE W = W",
    OPEN + "A <= ",
    OPEN + "STAGE t AFTER",
    OPEN + "H u",
    HALF + OPEN + "H u(B",
    HALF + OPEN + "H u(C, A[0], Z); Z = u.A",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_was_not_declared_can_not_be_written(machine, text):
    completer = Completer(machine)
    with pytest.raises(NoWay):
        completer.read(text.replace("{ ", "{\n    ").replace("; ", ";\n    ").replace("} M", "}\n\nM"))


def test_endings_name_only_what_is_there(machine):
    rng = random.Random(4)
    unknown = ("undeclared", "unknown")
    for _ in range(30):
        text = GATES.canonical(GATES.sample(rng).text)
        place = rng.randrange(len(text))
        completer = Completer(machine)
        completer.read(text[:place])
        whole = text[:place] + completer.closing()
        assert replay(GATES.constraint(), whole).accepted
        assert not [one for one in GATES.verify(whole).faults if one.code.endswith(unknown)], whole
