"""Measures the gates dialect: verdicts a second, samples a second, and simulated vectors a second.

Beside the bit-parallel simulator stand the same netlist with one vector at a time, and the circuit's
formula written in Python by hand. Run it from the repository root: python benchmarks/gates_verdicts.py
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from lark import Lark

from idiolect.dialects.contract import Context
from idiolect.dialects.gates.dialect import Gates
from idiolect.dialects.gates.reader import grammar_text
from idiolect.dialects.gates.sample import sample
from idiolect.dialects.gates.simulator import Simulation, compiled, every_value, planes_of, values_of

GATES = Gates()
ADDER = (
    "MODULE ADD(INPUT A[8], INPUT B[8], OUTPUT S[8], OUTPUT C) "
    "{ WIRE T[9] = {1'b0, A} + {1'b0, B}; S = T[7:0]; C = T[8]; }"
)
MAC = (
    "MODULE MAC(CLOCK CLK, INPUT A[8], INPUT B[8], OUTPUT Y[20]) { STAGE MUL { P[16] <= A * B; } "
    "STAGE ACC AFTER MUL { S[20] <= ACC.S + {4'd0, MUL.P}; } Y = ACC.S; }"
)
LANES = 4_096
CYCLES = 100


def seconds(work: Callable[[], object], least: float = 0.5) -> float:
    """Seconds that one call takes, over enough calls to say."""
    work()
    calls, started = 0, time.perf_counter()
    while time.perf_counter() - started < least:
        work()
        calls += 1
    return (time.perf_counter() - started) / calls


def show(what: str, rate: float, unit: str) -> None:
    print(f"{what:58} {rate:14,.0f} {unit}")


def verdicts() -> None:
    made = [sample(random.Random(seed)) for seed in range(60)]
    characters = sum(len(one.text) for one in made)
    plain = seconds(lambda: [GATES.verify(one.text) for one in made])
    bare = Lark(grammar_text(), parser="lalr", lexer="contextual")
    alone = seconds(lambda: [bare.parse(one.text) for one in made])
    tested = seconds(lambda: [GATES.verify(one.text, Context(tests=one.context.tests)) for one in made])
    show("verdicts on samples, form and rules", len(made) / plain, "texts/s")
    show("  the same in characters", characters / plain, "characters/s")
    show("  lark alone, form only, a tree and no rules", len(made) / alone, "texts/s")
    show("verdicts on samples, with their tests run", len(made) / tested, "texts/s")
    numbers = iter(range(10**9))
    show(
        "samples, each verified with tests",
        1 / seconds(lambda: sample(random.Random(next(numbers)))),
        "texts/s",
    )
    one = made[0].text
    show(
        "mutants, each verified",
        1 / seconds(lambda: GATES.mutate(one, random.Random(next(numbers)))),
        "texts/s",
    )


def adder() -> None:
    netlist = compiled(ADDER)
    everything = {"A": every_value(0, 8, 16), "B": every_value(8, 8, 16)}
    parallel = Simulation(netlist, 1 << 16)
    whole = seconds(lambda: parallel.settle(everything))
    show("8-bit adder, all 65,536 inputs side by side", 65_536 / whole, "vectors/s")
    pairs = [(a, b) for b in range(256) for a in range(256)]
    left, right = [a for a, _ in pairs], [b for _, b in pairs]

    def from_lists() -> list[int]:
        outputs = parallel.settle({"A": planes_of(left, 8), "B": planes_of(right, 8)})
        return values_of(outputs["S"], 1 << 16)

    packed = seconds(from_lists)
    show("  the same, from lists of numbers to a list of numbers", 65_536 / packed, "vectors/s")
    single = Simulation(netlist)
    once = seconds(lambda: single.settle({"A": [1, 0] * 4, "B": [0, 1] * 4}))
    show("  one vector at a time", 1 / once, "vectors/s")
    by_hand = seconds(lambda: [((a + b) & 255, a + b >> 8) for a, b in pairs])
    show("  the formula in Python, by hand", 65_536 / by_hand, "vectors/s")
    print(f"side by side against one at a time: {65_536 / whole * once:,.0f} times")
    print(f"side by side against Python by hand: {by_hand / whole:,.0f} times")


def pipeline() -> None:
    netlist = compiled(MAC)
    rng = random.Random(1)
    story = [{name: [rng.getrandbits(LANES) for _ in range(8)] for name in "AB"} for _ in range(CYCLES)]

    def run() -> None:
        simulation = Simulation(netlist, LANES)
        for row in story:
            simulation.settle(row)
            simulation.tick()

    took = seconds(run)
    gates = len(netlist.network.gates)
    show(
        f"pipelined multiply-accumulate ({gates} gates), {LANES:,} sequences",
        LANES * CYCLES / took,
        "cycles/s",
    )


if __name__ == "__main__":
    verdicts()
    adder()
    pipeline()
