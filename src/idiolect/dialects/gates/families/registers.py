"""Families of clocked circuits: counters, shift registers, detectors. Level scenario."""

from __future__ import annotations

from typing import Any

from idiolect.dialects.gates.families.circuit import (
    Circuit,
    Picker,
    Pin,
    Row,
    bits_for,
    family,
    inp,
    mask,
    out,
    pins,
)


def on_reset(reset: Pin | None, value: object, start: str = "The register starts") -> str:
    """What a description says of the reset value."""
    if reset is None:
        return f" {start} at {value}."
    back = "goes" if start.endswith("starts") else "go"
    return f" {start} at {value} and {back} back to it at a clock step with {reset.name} at 1."


@family("scenario")
def counter(p: Picker) -> Circuit:
    width, (clock, reset) = p.width(2, 16), p.control()
    en, y, r, down = (
        p.one(None, p.name("EN", "STEP", "INC")),
        p.name("Q", "VALUE", "COUNT"),
        p.name("C", "R", "CNT"),
        p.one(True, False),
    )
    start = p.one(0, 0, p.number(1, mask(width)))
    sign = "-" if down else "+"
    following = f"{en} ? {r} {sign} 1 : {r}" if en else f"{r} {sign} 1"

    def step(s: int, i: Row) -> tuple[Row, int]:
        move = i[en] if en else 1
        return {y: s}, (s - move if down else s + move) & mask(width)

    return Circuit(
        p.module("COUNTER", "COUNT", f"CNT{width}"),
        f"{width}-bit {'down' if down else 'up'} counter",
        pins(clock, reset, inp(en) if en else None, out(y, width)),
        f"REG {r}[{width}] = {width}'d{start}; {r} <= {following}; {y} = {r};",
        f"{y} counts {'down' if down else 'up'} by one at every clock "
        f"step{f' at which {en} is 1' if en else ''}, wrapping round." + on_reset(reset, start),
        step,
        start,
    )


@family("scenario")
def up_down_counter(p: Picker) -> Circuit:
    width, (clock, reset) = p.width(2, 12), p.control()
    up, down, y = p.name("UP", "INC"), p.name("DOWN", "DEC"), p.name("Q", "LEVEL", "VALUE")

    def step(s: int, i: Row) -> tuple[Row, int]:
        return {y: s}, (s + int(i[up] > i[down]) - int(i[up] < i[down])) & mask(width)

    return Circuit(
        p.module("UPDOWN", "LEVEL", "BIDIR_COUNT"),
        f"{width}-bit up-down counter",
        pins(clock, reset, inp(up), inp(down), out(y, width)),
        f"REG N[{width}] = {width}'d0; N <= {up} & ~{down} ? N + 1 : {down} & ~{up} ? N - 1 : N; {y} = N;",
        f"At each clock step {y} goes up by one if only {up} is 1, down by one if only {down} is 1, "
        "and stays otherwise; it wraps round." + on_reset(reset, 0),
        step,
        0,
    )


@family("scenario")
def modulo_counter(p: Picker) -> Circuit:
    limit, (clock, reset) = p.one(3, 5, 6, 10, 12, p.number(3, 60)), p.control()
    width = bits_for(limit)
    y, carry = p.name("Q", "DIGIT", "VALUE"), p.name("LAST", "CARRY", "DONE")

    def step(s: int, i: Row) -> tuple[Row, int]:
        return {y: s, carry: int(s == limit - 1)}, (s + 1) % limit

    return Circuit(
        p.module(f"MOD{limit}", "CYCLE", "WRAP"),
        f"counter modulo {limit}",
        pins(clock, reset, out(y, width), out(carry)),
        f"REG N[{width}] = {width}'d0; {carry} = N == {limit - 1}; N <= {carry} ? 0 : N + 1; {y} = N;",
        f"{y} counts 0, 1, ... {limit - 1} and starts again, one step a clock; {carry} is 1 while "
        f"{y} is {limit - 1}." + on_reset(reset, 0),
        step,
        0,
    )


@family("scenario")
def loadable_register(p: Picker) -> Circuit:
    width, (clock, reset) = p.width(2, 32), p.control()
    d, load, y = p.data(), p.name("LOAD", "LD", "WE", "EN"), p.name("Q", "OUT", "HELD")
    start = p.one(0, p.number(0, mask(width)))
    return Circuit(
        p.module("REGISTER", "HOLD", f"REG{width}"),
        f"{width}-bit register with load",
        pins(clock, reset, inp(load), inp(d, width), out(y, width)),
        f"REG R[{width}] = {width}'d{start}; R <= {load} ? {d} : R; {y} = R;",
        f"At a clock step with {load} at 1 the register takes {d}; otherwise it keeps its value. {y} "
        "shows it." + on_reset(reset, start),
        lambda s, i: ({y: s}, i[d] if i[load] else s),
        start,
    )


@family("scenario")
def toggle(p: Picker) -> Circuit:
    (clock, reset), t, y = p.control(), p.name("T", "TOGGLE", "FLIP"), p.name("Q", "STATE_OUT", "LED")
    return Circuit(
        p.module("TFF", "TOGGLE", "FLIPPER"),
        "toggle flip-flop",
        pins(clock, reset, inp(t), out(y)),
        f"REG R = 1'b0; R <= R ^ {t}; {y} = R;",
        f"{y} changes at every clock step at which {t} is 1." + on_reset(reset, 0),
        lambda s, i: ({y: s}, s ^ i[t]),
        0,
    )


@family("scenario")
def accumulator(p: Picker) -> Circuit:
    width, (clock, reset) = p.width(4, 24), p.control()
    d, clear, y = p.data(), p.one(None, p.name("CLEAR", "ZERO")), p.name("TOTAL", "ACC_OUT", "Y")
    narrow = p.number(2, width)
    term = d if narrow == width else f"{{{width - narrow}'d0, {d}}}"
    following = f"{clear} ? 0 : ACC + {term}" if clear else f"ACC + {term}"
    return Circuit(
        p.module("ACCUMULATE", "ACC", "INTEGRATOR"),
        f"{width}-bit accumulator",
        pins(clock, reset, inp(clear) if clear else None, inp(d, narrow), out(y, width)),
        f"REG ACC[{width}] = {width}'d0; ACC <= {following}; {y} = ACC;",
        f"{y} grows by {d} (unsigned) at every clock step, modulo 2^{width}"
        + (f", but becomes 0 at a step with {clear} at 1." if clear else ".")
        + on_reset(reset, 0),
        lambda s, i: ({y: s}, 0 if clear and i[clear] else (s + i[d]) & mask(width)),
        0,
    )


@family("scenario")
def running_extreme(p: Picker) -> Circuit:
    width, (clock, reset), low = p.width(3, 16), p.control(), p.one(True, False)
    d, y = p.data(), p.name("BEST", "PEAK", "Y")
    start = mask(width) if low else 0
    choose = min if low else max
    return Circuit(
        p.module("PEAK", "EXTREME", "TRACK"),
        f"{width}-bit running {'minimum' if low else 'maximum'}",
        pins(clock, reset, inp(d, width), out(y, width)),
        f"REG R[{width}] = {width}'d{start}; R <= {d} {'<' if low else '>'} R ? {d} : R; {y} = R;",
        f"{y} is the {'smallest' if low else 'largest'} value that {d} had at the clock steps so far."
        + on_reset(reset, start),
        lambda s, i: ({y: s}, choose(s, i[d])),
        start,
    )


@family("scenario")
def register_file(p: Picker) -> Circuit:
    width, bits, (clock, reset) = p.width(2, 16), p.number(1, 2), p.control()
    count = 1 << bits
    d, we, wa, ra, y = (
        p.data(),
        p.name("WE", "WRITE"),
        p.name("WA", "WADDR"),
        p.name("RA", "RADDR"),
        p.name("Q", "RDATA", "Y"),
    )
    names = [f"R{k}" for k in range(count)]
    body = " ".join(
        f"REG {name}[{width}] = {width}'d0; {name} <= {we} & ({wa} == {k}) ? {d} : {name};"
        for k, name in enumerate(names)
    )
    arms = ", ".join(f"{bits}'d{k}: {name}" for k, name in enumerate(names[:-1]))

    def step(s: tuple[int, ...], i: Row) -> tuple[Row, Any]:
        following = tuple(i[d] if i[we] and k == i[wa] else old for k, old in enumerate(s))
        return {y: s[i[ra]]}, following

    return Circuit(
        p.module("REGFILE", "SCRATCH", "BANK"),
        f"register file of {count} words of {width} bits",
        pins(clock, reset, inp(we), inp(wa, bits), inp(d, width), inp(ra, bits), out(y, width)),
        f"{body} {y} = CASE ({ra}) {{ {arms}, DEFAULT: {names[-1]} }};",
        f"At a clock step with {we} at 1, the register whose number is {wa} takes {d}. {y} shows the "
        f"register whose number is {ra}." + on_reset(reset, 0, "All registers start"),
        step,
        (0,) * count,
    )


@family("scenario")
def moving_sum(p: Picker) -> Circuit:
    width, (clock, reset) = p.width(2, 12), p.control()
    d, y = p.data(), p.name("SUM", "Y", "WINDOW")
    return Circuit(
        p.module("MOVING_SUM", "FIR", "SMOOTH"),
        "moving sum of three",
        pins(clock, reset, inp(d, width), out(y, width + 2)),
        f"REG H1[{width}] = 0; REG H2[{width}] = 0; H1 <= {d}; H2 <= H1; {y} = {{2'd0, {d}}} + "
        "{2'd0, H1} + {2'd0, H2};",
        f"{y} is the sum of {d} now and at the two clock steps before."
        + on_reset(reset, 0, "Both registers start"),
        lambda s, i: ({y: i[d] + s[0] + s[1]}, (i[d], s[0])),
        (0, 0),
    )
