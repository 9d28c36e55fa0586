"""Whether two circuits do the same: by every input where that is few, else by many random ones.

Random agreement is strong evidence and no proof; the answer says which of the two it is.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from idiolect.dialects.gates.netlist import Netlist
from idiolect.dialects.gates.simulator import (
    Planes,
    Simulation,
    compiled,
    every_value,
    values_of,
)

MAX_TABLE_BITS = 16
_RANDOM_LANES = 4_096
_CYCLES = 64
_WORK = 20_000_000  # gates times lanes: how many lanes large circuits get


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome: same or not, proved or not, and where they differ."""

    same: bool
    proved: bool
    vectors: int
    reason: str = ""
    counterexample: dict[str, Any] | None = None


def compare(left: str, right: str, seed: int = 0) -> Comparison:
    """Simulate the top modules of two valid texts side by side; CannotRun if one is not valid."""
    one, other = compiled(left), compiled(right)
    strange = _interfaces(one, other)
    if strange:
        return Comparison(False, True, 0, strange)
    widths = {name: len(word) for name, word in one.inputs.items()}
    total = sum(widths.values())
    if not one.registers and not other.registers and total <= MAX_TABLE_BITS:
        row, first = {}, 0
        for name, width in widths.items():
            row[name], first = every_value(first, width, total), first + width
        return _watch(one, other, [row], 1 << total, proved=True)
    rng = random.Random(seed)
    lanes = min(_RANDOM_LANES, max(64, _WORK // (len(one.network.gates) + len(other.network.gates) + 1)))
    cycles = _CYCLES if one.registers or other.registers else 1
    resets = {name for name in widths if one.module.clocked and _is_reset(one, name)}
    story = [
        {name: _noise(rng, width, lanes, name in resets) for name, width in widths.items()}
        for _ in range(cycles)
    ]
    return _watch(one, other, story, lanes, proved=False)


def equivalent(left: str, right: str, seed: int = 0) -> bool:
    """Whether no difference was found between two circuits."""
    return compare(left, right, seed).same


def _interfaces(one: Netlist, other: Netlist) -> str:
    for word, left, right in (("inputs", one.inputs, other.inputs), ("outputs", one.outputs, other.outputs)):
        mine = {name: len(bits) for name, bits in left.items()}
        theirs = {name: len(bits) for name, bits in right.items()}
        if mine != theirs:
            return f"the {word} differ: {mine} and {theirs}"
    return ""


def _is_reset(netlist: Netlist, name: str) -> bool:
    return any(port.name.text == name and port.kind == "RESET" for port in netlist.module.ports)


def _noise(rng: random.Random, width: int, lanes: int, seldom: bool) -> Planes:
    if not seldom:
        return [rng.getrandbits(lanes) for _ in range(width)]
    # A reset in one lane of sixteen leaves the others time to go somewhere.
    return [rng.getrandbits(lanes) & rng.getrandbits(lanes) & rng.getrandbits(lanes) & rng.getrandbits(lanes)]


def _watch(
    one: Netlist, other: Netlist, story: list[dict[str, Planes]], lanes: int, *, proved: bool
) -> Comparison:
    first, second = Simulation(one, lanes), Simulation(other, lanes)
    for cycle, row in enumerate(story):
        mine, theirs = first.settle(row), second.settle(row)
        for name, planes in mine.items():
            differing = 0
            for a, b in zip(planes, theirs[name], strict=True):
                differing |= a ^ b
            if differing:
                lane = (differing & -differing).bit_length() - 1
                shown = [_lane(past, lane) for past in story[: cycle + 1]]
                example: dict[str, Any] = {"input": shown if len(story) > 1 else shown[0], "output": name}
                return Comparison(False, True, lanes * len(story), f"{name} differs", example)
        first.tick()
        second.tick()
    return Comparison(True, proved, lanes * len(story))


def _lane(row: dict[str, Planes], lane: int) -> dict[str, int]:
    return {name: values_of([plane >> lane & 1 for plane in planes], 1)[0] for name, planes in row.items()}
