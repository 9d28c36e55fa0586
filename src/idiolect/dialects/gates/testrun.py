"""Runs the tests of a context against a circuit: how many pass, and what the failing ones saw.

A test that does not say what it wants (no value for an input, no expectation) can't be judged, and
neither can a circuit that is too large; both are reasons, never failures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idiolect.dialects.gates.bits import TooLarge
from idiolect.dialects.gates.netlist import Netlist
from idiolect.dialects.gates.simulator import Planes, Simulation, check_effort, planes_of, values_of
from idiolect.dialects.gates.syntax import PortKind
from idiolect.dialects.verdict import Fault, Level

MAX_TESTS = 10_000
MAX_VALUES = 500_000  # inputs and outputs over all cycles of all tests: about half a second
_MAX_FAULTS = 10

Row = Mapping[str, Any]


class UnclearTest(ValueError):
    """A test that says too little, or something that is no test."""


@dataclass(frozen=True, slots=True)
class Outcome:
    passed: int
    total: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Test:
    number: int
    inputs: Sequence[Row]
    expected: Sequence[Row]


def judge(netlist: Netlist, tests: Sequence[Mapping[str, Any]]) -> Outcome:
    """Run all tests side by side; UnclearTest or TooLarge if nobody could say how they end."""
    if len(tests) > MAX_TESTS:
        raise TooLarge(f"{len(tests)} tests; at most {MAX_TESTS} are run for one verdict")
    read = [_read(number, test, netlist) for number, test in enumerate(tests, start=1)]
    strange = _interface_faults(netlist, read)
    if strange:
        return Outcome(0, len(read), tuple(strange))
    cycles = max(len(test.inputs) for test in read)
    values = sum(len(test.inputs) for test in read) * (len(netlist.inputs) + len(netlist.outputs))
    if values > MAX_VALUES:
        raise TooLarge(f"the tests hold {values} values; at most {MAX_VALUES} are compared for one verdict")
    check_effort(netlist, cycles, len(read))
    wrong = _compare(netlist, read, cycles)
    faults = tuple(wrong[number] for number in sorted(wrong)[:_MAX_FAULTS])
    return Outcome(len(read) - len(wrong), len(read), faults)


def _read(number: int, test: Mapping[str, Any], netlist: Netlist) -> _Test:
    """A test as rows, one a cycle."""
    if not isinstance(test, Mapping) or "input" not in test or "expected" not in test:
        raise UnclearTest(f'test {number} is no mapping with "input" and "expected"')
    inputs, expected = test["input"], test["expected"]
    if isinstance(inputs, Mapping) and isinstance(expected, Mapping):
        inputs, expected = [inputs], [expected]
    elif not (isinstance(inputs, list | tuple) and isinstance(expected, list | tuple)):
        raise UnclearTest(f'test {number}: "input" and "expected" are both mappings, or both lists of them')
    if len(inputs) != len(expected) or not inputs:
        raise UnclearTest(f"test {number} has {len(inputs)} inputs and {len(expected)} expectations")
    for row in (*inputs, *expected):
        if not isinstance(row, Mapping) or not all(isinstance(value, int) for value in row.values()):
            raise UnclearTest(f"test {number}: {row!r:.60} does not give whole numbers by name")
    if not any(expected):
        raise UnclearTest(f"test {number} expects nothing")
    clocks = [port.name.text for port in netlist.module.ports_of(PortKind.CLOCK)]
    for row in inputs:
        if any(clock in row for clock in clocks):
            raise UnclearTest(f"test {number} gives the clock {clocks[0]} a value; each entry is one cycle")
    return _Test(number, inputs, expected)


def _interface_faults(netlist: Netlist, tests: Sequence[_Test]) -> list[Fault]:
    """Ports that the tests name and the module lacks, or the other way round, and values too wide."""
    module = netlist.module
    span = module.name.span
    widest: dict[str, int] = {}
    for test in tests:
        for row in test.inputs:
            for name, value in row.items():
                widest[name] = max(widest.get(name, 0), value if value >= 0 else 1 << 300)
    faults = []
    for name, value in widest.items():
        if name not in netlist.inputs:
            faults.append(
                _fault("port", f"the tests drive {name}, and {module.name} has no such input", span)
            )
        elif value >> len(netlist.inputs[name]):
            width = len(netlist.inputs[name])
            faults.append(
                _fault("port", f"the tests drive {name} with values that its {width} bits can't hold", span)
            )
    resets = {port.name.text for port in module.ports_of(PortKind.RESET)}
    for name in netlist.inputs:
        if name not in widest and name not in resets:
            faults.append(_fault("port", f"{module.name} has an input {name} that no test drives", span))
    outputs = {name for test in tests for row in test.expected for name in row}
    for name in sorted(outputs - set(netlist.outputs)):
        faults.append(_fault("port", f"the tests read {name}, and {module.name} has no such output", span))
    if not module.clocked and any(len(test.inputs) > 1 for test in tests):
        faults.append(_fault("port", f"the tests run several cycles, and {module.name} has no clock", span))
    if not faults:
        _check_complete(netlist, tests, resets)
    return faults


def _check_complete(netlist: Netlist, tests: Sequence[_Test], resets: set[str]) -> None:
    for test in tests:
        lacking = [name for name in netlist.inputs if name not in test.inputs[0] and name not in resets]
        if lacking:
            raise UnclearTest(f"test {test.number} gives no value for input {lacking[0]}")


def _compare(netlist: Netlist, tests: Sequence[_Test], cycles: int) -> dict[int, Fault]:
    """The first thing that each failing test saw; one lane a test, short ones idle at the end."""
    simulation = Simulation(netlist, len(tests))
    held = [dict.fromkeys(netlist.inputs, 0) for _ in tests]
    resets = [port.name.text for port in netlist.module.ports_of(PortKind.RESET)]
    wrong: dict[int, Fault] = {}
    for cycle in range(cycles):
        for row, test in zip(held, tests, strict=True):
            row.update(dict.fromkeys(resets, 0))
            row.update(test.inputs[cycle] if cycle < len(test.inputs) else {})
        inputs = {name: _planes(held, name, len(word)) for name, word in netlist.inputs.items()}
        seen = {name: values_of(planes, len(tests)) for name, planes in simulation.settle(inputs).items()}
        for lane, test in enumerate(tests):
            if cycle >= len(test.expected) or test.number in wrong:
                continue
            for name, value in test.expected[cycle].items():
                if seen[name][lane] != value:
                    wrong[test.number] = _seen(netlist, test, cycle, name, value, seen[name][lane])
                    break
        simulation.tick()
    return wrong


def _planes(rows: Sequence[Row], name: str, width: int) -> Planes:
    return planes_of([int(row[name]) for row in rows], width)


def _seen(netlist: Netlist, test: _Test, cycle: int, name: str, wanted: int, found: int) -> Fault:
    given = ", ".join(f"{port}={value}" for port, value in test.inputs[cycle].items())
    when = f" in cycle {cycle + 1}" if len(test.inputs) > 1 else ""
    message = (
        f"test {test.number}{when}: with {given or 'no inputs'}, {name} is {found} and should be {wanted}"
    )
    return _fault("value", message, netlist.module.name.span)


def _fault(code: str, message: str, span: Any) -> Fault:
    return Fault(f"gates.test.{code}", message, span, level=Level.TESTS)
