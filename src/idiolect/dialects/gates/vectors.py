"""Makes test vectors: whole truth tables, corners, random patterns, and walks through states.

It chooses inputs only; what a circuit should answer comes from a model of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

from idiolect.dialects.gates.netlist import Netlist
from idiolect.dialects.gates.simulator import Simulation, planes_of
from idiolect.dialects.gates.syntax import Number, Program, nodes

Row = dict[str, int]
Widths = Mapping[str, int]

MAX_TABLE_BITS = 16


def truth_table(widths: Widths) -> Iterator[Row]:
    """Every combination of inputs, the last input changing fastest; ValueError past 16 bits."""
    total = sum(widths.values())
    if total > MAX_TABLE_BITS:
        raise ValueError(f"a truth table of {total} input bits is too long; at most {MAX_TABLE_BITS}")
    for number in range(1 << total):
        row: Row = {}
        for name, width in reversed(list(widths.items())):
            row[name] = number & ((1 << width) - 1)
            number >>= width
        yield {name: row[name] for name in widths}


def corners(width: int) -> list[int]:
    """Values at which arithmetic goes wrong: the ends, the sign's turn, alternating bits."""
    top = (1 << width) - 1
    turn = 1 << (width - 1)
    alternating = sum(1 << bit for bit in range(0, width, 2))
    return sorted(
        {0, 1 & top, top, turn, turn - 1, top - 1 if width > 1 else 0, alternating, top ^ alternating}
    )


def hints_of(program: Program) -> list[int]:
    """The numbers that a text mentions, and their neighbours: where comparisons turn."""
    numbers = {node.value for node in nodes(program) if isinstance(node, Number)}
    return sorted({near for value in numbers for near in (value - 1, value, value + 1) if near >= 0})


def random_row(rng: random.Random, widths: Widths, hints: Sequence[int] = ()) -> Row:
    """One random value for each input, a third of them corners and, where they fit, a third hints."""
    row = {}
    for name, width in widths.items():
        fitting = [hint for hint in hints if not hint >> width]
        chance = rng.random()
        if chance < 0.33:
            row[name] = rng.choice(corners(width))
        elif chance < 0.66 and fitting:
            row[name] = rng.choice(fitting)
        else:
            row[name] = rng.getrandbits(width)
    return row


def rows(rng: random.Random, widths: Widths, count: int, hints: Sequence[int] = ()) -> list[Row]:
    """At most `count` different rows: a truth table that is so short, else ends, hints and random ones."""
    if sum(widths.values()) < 20 and 1 << sum(widths.values()) <= count:
        return list(truth_table(widths))
    found: dict[tuple[int, ...], Row] = {}
    for extreme in (0, -1):
        row = {name: extreme & ((1 << width) - 1) for name, width in widths.items()}
        found[tuple(row.values())] = row
    if len(widths) == 1:  # a comparison with a number shows at that number only
        ((name, width),) = widths.items()
        fitting = [hint for hint in hints if not hint >> width]
        found |= {(hint,): {name: hint} for hint in rng.sample(fitting, min(len(fitting), count // 2))}
    for _ in range(count * 10):
        if len(found) >= count:
            break
        row = random_row(rng, widths, hints)
        if rng.random() < 0.25:  # equal operands show what comparisons do
            shared = rng.choice(list(row.values()))
            row = {name: shared & ((1 << widths[name]) - 1) for name in row}
        found.setdefault(tuple(row.values()), row)
    return list(found.values())


def sequence(
    rng: random.Random, widths: Widths, cycles: int, reset: str | None = None, hints: Sequence[int] = ()
) -> list[Row]:
    """Random inputs for successive cycles; inputs tend to hold, and the reset comes seldom."""
    made: list[Row] = []
    for cycle in range(cycles):
        row = random_row(rng, {name: width for name, width in widths.items() if name != reset}, hints)
        if made and rng.random() < 0.3:
            kept = rng.choice(list(row)) if row else None
            row |= {kept: made[-1][kept]} if kept else {}
        if reset is not None:
            row[reset] = int(cycle > 0 and rng.random() < 0.08)
        made.append({name: row[name] for name in widths})
    return made


def walk(
    rng: random.Random,
    netlist: Netlist,
    cycles: int,
    reset: str | None = None,
    hints: Sequence[int] = (),
    tries: int = 6,
) -> list[Row]:
    """Inputs for successive cycles that go to register states not yet seen, where some input leads there."""
    widths = {name: len(word) for name, word in netlist.inputs.items()}
    simulation = Simulation(netlist)
    seen = {simulation.state()}
    made: list[Row] = []
    for _ in range(cycles):
        best: Row | None = None
        before = simulation.state()
        for _ in range(tries):
            row = sequence(rng, widths, 1, reset, hints)[0]
            simulation.restore(before)
            _step(simulation, row)
            best = row if best is None else best
            if simulation.state() not in seen:
                best = row
                break
        assert best is not None
        simulation.restore(before)
        _step(simulation, best)
        seen.add(simulation.state())
        made.append(best)
    return made


def _step(simulation: Simulation, row: Row) -> None:
    words = simulation.netlist.inputs
    simulation.settle({name: planes_of([value], len(words[name])) for name, value in row.items()})
    simulation.tick()
