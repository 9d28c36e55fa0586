"""Runs a netlist: many vectors at once, clock cycle by clock cycle.

Words of many lanes are kept bit by bit ("planes": plane b holds bit b of every lane). It works on
values that fit; `testrun` and `run` look at what people hand in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from idiolect.dialects.gates.bits import TooLarge
from idiolect.dialects.gates.checker import Checked, check
from idiolect.dialects.gates.netlist import Netlist, build
from idiolect.dialects.gates.reader import NotParsed, read
from idiolect.dialects.gates.syntax import PortKind
from idiolect.dialects.verdict import Severity

Planes = list[int]

# Gates times cycles, each with some lanes: about half a second.
MAX_STEPS = 5_000_000
MAX_CYCLES = 10_000


class CannotRun(ValueError):
    """A text or its inputs can't be simulated; the message says why."""


def planes_of(values: Sequence[int], width: int) -> Planes:
    """Turn one word a lane into one plane a bit."""
    if len(values) == 1:
        return [(values[0] >> bit) & 1 for bit in range(width)]
    rows = [f"{value:0{width}b}" for value in reversed(values)]
    return [int("".join(column), 2) for column in reversed(list(zip(*rows, strict=True)))]


def values_of(planes: Planes, lanes: int) -> list[int]:
    """Turn one plane a bit into one word a lane."""
    if lanes == 1:
        return [sum((plane & 1) << bit for bit, plane in enumerate(planes))]
    columns = [f"{plane:0{lanes}b}" for plane in reversed(planes)]
    return [int("".join(row), 2) for row in reversed(list(zip(*columns, strict=True)))]


def every_value(first: int, width: int, total: int) -> Planes:
    """The planes of a word that counts through its values, in lanes that count `total` bits.

    The word stands at bits `first` and up of the lane's number: that is how all inputs together
    run through all their combinations.
    """
    lanes = 1 << total
    planes = []
    for bit in range(first, first + width):
        block = ((1 << (1 << bit)) - 1) << (1 << bit)  # 2^bit zeros, then as many ones
        span = 2 << bit
        while span < lanes:
            block |= block << span
            span *= 2
        planes.append(block)
    return planes


class Simulation:
    """One run of a netlist with some lanes, from reset on."""

    def __init__(self, netlist: Netlist, lanes: int = 1) -> None:
        self.netlist = netlist
        self.lanes = lanes
        self._ones = (1 << lanes) - 1
        self._values = [0] * netlist.network.size
        self._values[1] = self._ones
        self.restart()

    def restart(self) -> None:
        """Put every register at its reset value."""
        for register in self.netlist.registers:
            for bit, node in enumerate(register.now):
                self._values[node] = self._ones if register.reset >> bit & 1 else 0

    def state(self) -> tuple[int, ...]:
        """What the registers hold now, to go back to with `restore`."""
        return tuple(self._values[node] for register in self.netlist.registers for node in register.now)

    def restore(self, state: tuple[int, ...]) -> None:
        nodes = [node for register in self.netlist.registers for node in register.now]
        for node, plane in zip(nodes, state, strict=True):
            self._values[node] = plane

    def settle(self, inputs: Mapping[str, Planes]) -> dict[str, Planes]:
        """Apply inputs, those not named keeping their value, and read the outputs."""
        values = self._values
        for name, planes in inputs.items():
            for node, plane in zip(self.netlist.inputs[name], planes, strict=True):
                values[node] = plane
        self.netlist.network.evaluate(values)
        return {name: [values[node] for node in word] for name, word in self.netlist.outputs.items()}

    def tick(self) -> None:
        """Step the clock: every register takes its next value, all at once."""
        values = self._values
        following = [[values[node] for node in register.following] for register in self.netlist.registers]
        for register, planes in zip(self.netlist.registers, following, strict=True):
            for node, plane in zip(register.now, planes, strict=True):
                values[node] = plane


def check_effort(netlist: Netlist, cycles: int, lanes: int) -> None:
    """Refuse a run that would take longer than a verdict may."""
    steps = (len(netlist.network.gates) + 20) * cycles * (1 + lanes // 2_000)
    if steps > MAX_STEPS or cycles > MAX_CYCLES:
        raise TooLarge(f"{cycles} cycles of {len(netlist.network.gates)} gates are too much for one verdict")


@lru_cache(maxsize=16)
def compiled(text: str) -> Netlist:
    """The netlist of a text's top module; CannotRun if there is none."""
    try:
        checked = check(read(text))
    except NotParsed as stop:
        raise CannotRun(f"the text does not parse: {stop.faults[0].message}") from None
    return netlist_of(checked)


def netlist_of(checked: Checked) -> Netlist:
    """The netlist of a checked program; CannotRun if it has faults or is too large."""
    for fault in checked.faults:
        if fault.severity is Severity.ERROR:
            raise CannotRun(f"the text is not valid: {fault.message}")
    try:
        return build(checked)
    except TooLarge as stop:
        raise CannotRun(str(stop)) from None


def run(text: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Simulate a text's top module.

    Without a clock, numbers give numbers. With one, a list gives the values of successive cycles, a
    number holds through all of them, and the clock's own name may give how many cycles to run; the
    outputs are then lists.
    """
    netlist = compiled(text)
    clocks = {port.name.text for port in netlist.module.ports_of(PortKind.CLOCK)}
    unknown = [name for name in inputs if name not in netlist.inputs and name not in clocks]
    if unknown:
        raise CannotRun(f"module {netlist.module.name} has no input {unknown[0]}")
    sequences = {name: _sequence(netlist, name, inputs.get(name, 0)) for name in netlist.inputs}
    asked = [value for name, value in inputs.items() if name in clocks]
    cycles = _cycles(asked, sequences)
    if not clocks and any(isinstance(values, list) for values in sequences.values()):
        raise CannotRun(f"module {netlist.module.name} has no clock: give each input one number")
    try:
        check_effort(netlist, cycles, 1)
    except TooLarge as stop:
        raise CannotRun(str(stop)) from None
    simulation = Simulation(netlist)
    rows = []
    for cycle in range(cycles):
        now = {
            name: planes_of(
                [values[cycle] if isinstance(values, list) else values], len(netlist.inputs[name])
            )
            for name, values in sequences.items()
        }
        rows.append({name: values_of(planes, 1)[0] for name, planes in simulation.settle(now).items()})
        simulation.tick()
    if not clocks:
        return dict(rows[0])
    return {name: [row[name] for row in rows] for name in netlist.outputs}


def _sequence(netlist: Netlist, name: str, value: object) -> int | list[int]:
    if isinstance(value, list | tuple):
        return [_number(netlist, name, entry) for entry in value]
    return _number(netlist, name, value)


def _number(netlist: Netlist, name: str, value: object) -> int:
    if not isinstance(value, int):
        raise CannotRun(f"input {name} takes a whole number, not {value!r:.60}")
    if value < 0 or value >> len(netlist.inputs[name]):
        raise CannotRun(f"{value} does not fit input {name} of {len(netlist.inputs[name])} bits")
    return int(value)


def _cycles(asked: list[Any], sequences: Mapping[str, int | list[int]]) -> int:
    lengths = {len(values) for values in sequences.values() if isinstance(values, list)}
    lengths |= {count for count in asked if isinstance(count, int)}
    if len(lengths) > 1:
        raise CannotRun(f"the inputs have different numbers of cycles: {sorted(lengths)}")
    if any(not isinstance(count, int) for count in asked) or any(
        not 0 < count <= MAX_CYCLES for count in lengths
    ):
        raise CannotRun(f"a run has 1 to {MAX_CYCLES} cycles")
    return lengths.pop() if lengths else 1
