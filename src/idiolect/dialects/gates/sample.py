"""Draws circuits from the families: text, description and tests.

Tests come from a family's model in Python, never from the text itself, so that a text which does
not do what its description says can't leave here.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from idiolect.dialects.contract import Context, Sample
from idiolect.dialects.gates.checker import check
from idiolect.dialects.gates.families.circuit import FAMILIES, Circuit, Picker, Pin, Row
from idiolect.dialects.gates.netlist import Netlist, build
from idiolect.dialects.gates.printer import render
from idiolect.dialects.gates.reader import read
from idiolect.dialects.gates.simulator import Simulation
from idiolect.dialects.gates.syntax import Program, nodes
from idiolect.dialects.gates.testrun import judge
from idiolect.dialects.gates.vectors import hints_of, rows, sequence, walk

_MODULES = ("logic", "words", "arithmetic", "registers", "timing", "machines", "pipelines", "hierarchy")
_MAX_TRIES = 50
_PROBE_LANES = 256
_PROBE_CYCLES = 40

# What each statement or expression node is called in `Sample.productions`.
_PRODUCTIONS = {
    "Wire": "wire", "Reg": "reg", "Const": "const", "Drive": "drive", "Instance": "instance",
    "Stage": "stage",
    "Latch": "value", "Choice": "choice", "Reduction": "reduction", "Unary": "negation", "Chain": "row",
    "Concat": "concat", "Case": "case", "Bit": "index", "Slice": "slice",
}  # fmt: skip


def families() -> dict[str, list[str]]:
    """The names of all families, by level."""
    for name in _MODULES:
        import_module(f"idiolect.dialects.gates.families.{name}")
    return {level: sorted(known) for level, known in FAMILIES.items()}


def sample(
    rng: random.Random, level: str | None = None, family: str | None = None, *, invented: float = 0.0
) -> Sample:
    """A circuit of a level, or of one family; its outputs do depend on its inputs and its past.

    `invented` is the share of names that are made up rather than usual ones.
    """
    known = families()
    if level is not None and level not in known:
        raise ValueError(f'no level "{level}"; write one of {", ".join(known)}')
    for _ in range(_MAX_TRIES):
        drawn = level or rng.choice(list(known))
        if family is not None:
            drawn = next(name for name, names in known.items() if family in names)
        name = family or rng.choice(known[drawn])
        circuit = FAMILIES[drawn][name](Picker(rng, invented=invented))
        program = read(circuit.text)
        checked = check(program)
        assert not checked.faults, f"family {name} made {checked.faults[0].message}: {circuit.text}"
        netlist = build(checked)
        if _is_lively(rng, netlist):
            return _finish(rng, circuit, program, netlist, drawn, name)
    raise RuntimeError(f"no lively circuit in {_MAX_TRIES} tries")  # pragma: no cover


def _finish(
    rng: random.Random, circuit: Circuit, program: Program, netlist: Netlist, level: str, name: str
) -> Sample:
    text = render(program)
    tests = make_tests(rng, circuit, netlist, hints_of(program))
    outcome = judge(netlist, tests)
    assert outcome.passed == outcome.total, f"family {name}: {outcome.faults[0].message}\n{text}"
    return Sample(
        text=text,
        description=describe_circuit(rng, circuit),
        context=Context(tests=tests, level=level),
        level=level,
        productions=_used(program),
        details={"family": name, "module": circuit.name},
    )


def make_tests(
    rng: random.Random, circuit: Circuit, netlist: Netlist, hints: Sequence[int] = ()
) -> list[dict[str, Any]]:
    """Vectors with the model's answers: a truth table if short, or corners, or sequences of cycles."""
    widths = circuit.pins_of("INPUT", "RESET")
    if not circuit.clocked:
        chosen = rows(rng, widths, 16, hints)
        return [{"input": row, "expected": circuit.step(None, row)[0]} for row in chosen]
    reset = next(iter(circuit.pins_of("RESET")), None)
    tests = []
    for number in range(4):
        cycles = rng.randint(10, 16)
        if number % 2:
            inputs = walk(rng, netlist, cycles, reset, hints)
        else:
            inputs = sequence(rng, widths, cycles, reset, hints)
        tests.append({"input": inputs, "expected": replay(circuit, inputs, reset)})
    return tests


def replay(circuit: Circuit, inputs: Sequence[Row], reset: str | None) -> list[Row]:
    """The model's outputs, cycle by cycle."""
    state, seen = circuit.start, []
    for row in inputs:
        outputs, following = circuit.step(state, row)
        seen.append(outputs)
        state = circuit.start if reset is not None and row[reset] else following
    return seen


def _is_lively(rng: random.Random, netlist: Netlist) -> bool:
    """Whether every output changes, and every input makes a difference somewhere."""
    widths = {name: len(word) for name, word in netlist.inputs.items()}
    cycles = _PROBE_CYCLES if netlist.registers else 1
    story = [{name: _noise(rng, width) for name, width in widths.items()} for _ in range(cycles)]
    base = _watch(netlist, story)
    for name in netlist.outputs:
        seen = {tuple(row[name]) for row in base}
        flat = all(plane in (0, (1 << _PROBE_LANES) - 1) for planes in seen for plane in planes)
        if flat and len(seen) == 1:
            return False
    for name, width in widths.items():
        other = [row | {name: _noise(rng, width)} for row in story]
        if _watch(netlist, other) == base:
            return False
    return True


def _noise(rng: random.Random, width: int) -> list[int]:
    """Random words in all lanes, bit plane by bit plane."""
    return [rng.getrandbits(_PROBE_LANES) for _ in range(width)]


def _watch(netlist: Netlist, story: list[dict[str, list[int]]]) -> list[dict[str, list[int]]]:
    simulation = Simulation(netlist, _PROBE_LANES)
    seen = []
    for row in story:
        seen.append(simulation.settle(row))
        simulation.tick()
    return seen


def describe_circuit(rng: random.Random, circuit: Circuit) -> str:
    """The request for a circuit: its name and kind, its ports, and what it does."""
    title, name = circuit.title, circuit.name
    article = "an" if title[0] in "aeioAEIO8" and not title.startswith("one") else "a"
    opening = rng.choice([
        f"Design {article} {title} named {name}.",
        f"Write a module {name}: {article} {title}.",
        f"Create module {name}, {article} {title}.",
        f"I need {article} {title}. Call the module {name}.",
        f"Implement {article} {title} as module {name}.",
        f"Module {name} is {article} {title}.",
        f"Please design {article} {title}; its name is {name}.",
        f"Wanted: {article} {title}, as a module called {name}.",
        f"Describe {article} {title} in a module {name}.",
        f"Build module {name}. It is {article} {title}.",
        f"We need a module {name} that works as {article} {title}.",
    ])  # fmt: skip
    return f"{opening} {_ports(rng, circuit)} {circuit.behaviour}"


def _ports(rng: random.Random, circuit: Circuit) -> str:
    """All ports in their order, so that the interface can be written from the words."""
    shown = [_port(pin) for pin in circuit.pins]
    listed = ", ".join(shown[:-1]) + f" and {shown[-1]}"
    opening = rng.choice(
        [
            "Its ports are, in order,",
            "Ports, in this order:",
            "It has the ports",
            "In order, the ports are",
            "Interface:",
            "Port list:",
            "The interface is",
        ]
    )
    return f"{opening} {listed}."


def _port(pin: Pin) -> str:
    bits = f" ({pin.width} bits)" if pin.width > 1 else ""
    return f"{pin.kind.lower()} {pin.name}{bits}"


def productions(text: str) -> tuple[str, ...]:
    """The constructs that a text uses."""
    return _used(read(text))


def _used(program: Program) -> tuple[str, ...]:
    found = {type(node).__name__ for node in nodes(program)}
    return tuple(sorted(_PRODUCTIONS[name] for name in found if name in _PRODUCTIONS))
