"""Families of clocked circuits that move bits along, or watch and make signals in time. Level scenario."""

from __future__ import annotations

from typing import Any

from idiolect.dialects.gates.families.circuit import (
    Circuit,
    Picker,
    Row,
    bits_for,
    family,
    inp,
    mask,
    out,
    pins,
)
from idiolect.dialects.gates.families.registers import on_reset

_TAPS = {
    3: (2, 1),
    4: (3, 2),
    5: (4, 2),
    6: (5, 4),
    7: (6, 5),
    8: (7, 5, 4, 3),
    9: (8, 4),
    10: (9, 6),
    15: (14, 13),
    16: (15, 14, 12, 3),
}


@family("scenario")
def delay_line(p: Picker) -> Circuit:
    width, depth, (clock, reset) = p.width(1, 16), p.number(2, 5), p.control()
    d, y = p.data(), p.name("Y", "Q", "LATE")
    names = [f"D{k}" if d != "D1" else f"T{k}" for k in range(1, depth + 1)]
    size = f"[{width}]" if width > 1 else ""
    body = " ".join(
        f"REG {name}{size} = 0; {name} <= {before};" for name, before in zip(names, [d, *names], strict=False)
    )

    def step(s: tuple[int, ...], i: Row) -> tuple[Row, Any]:
        return {y: s[-1]}, (i[d], *s[:-1])

    return Circuit(
        p.module("DELAY", "LAG", f"DELAY{depth}"),
        f"delay of {depth} clocks",
        pins(clock, reset, inp(d, width), out(y, width)),
        f"{body} {y} = {names[-1]};",
        f"{y} is the value that {d} had {depth} clock steps ago." + on_reset(reset, 0, "The registers start"),
        step,
        (0,) * depth,
    )


@family("scenario")
def shift_register(p: Picker) -> Circuit:
    width, (clock, reset), left = p.number(3, 16), p.control(), p.one(True, False)
    d, en, y = p.name("SI", "D", "SERIAL"), p.one(None, p.name("EN", "SHIFT_EN")), p.name("Q", "PO", "TAPS")
    moved = f"{{R[{width - 2}:0], {d}}}" if left else f"{{{d}, R[{width - 1}:1]}}"

    def step(s: int, i: Row) -> tuple[Row, int]:
        if en and not i[en]:
            return {y: s}, s
        return {y: s}, (s << 1 | i[d]) & mask(width) if left else s >> 1 | i[d] << (width - 1)

    return Circuit(
        p.module("SHIFTREG", "SIPO", "SHIFT"),
        f"{width}-bit shift register",
        pins(clock, reset, inp(en) if en else None, inp(d), out(y, width)),
        f"REG R[{width}] = {width}'d0; R <= {f'{en} ? {moved} : R' if en else moved}; {y} = R;",
        f"At every clock step{f' with {en} at 1' if en else ''} {y} shifts "
        f"{'left' if left else 'right'} by one place, "
        f"and {d} comes in as its {'lowest' if left else 'top'} bit." + on_reset(reset, 0),
        step,
        0,
    )


@family("scenario")
def parallel_load_shifter(p: Picker) -> Circuit:
    width, (clock, reset) = p.number(3, 16), p.control()
    d, load, y = p.data(), p.name("LOAD", "LD", "START"), p.name("SO", "SERIAL_OUT", "BIT")
    return Circuit(
        p.module("PISO", "SERIALIZER", "SENDER"),
        f"{width}-bit serializer",
        pins(clock, reset, inp(load), inp(d, width), out(y)),
        f"REG R[{width}] = {width}'d0; R <= {load} ? {d} : {{1'b0, R[{width - 1}:1]}}; {y} = R[0];",
        f"With {load} at 1 a clock step loads {d}; otherwise it shifts the register right by one, "
        f"zeros coming in. {y} is the lowest bit of the register." + on_reset(reset, 0),
        lambda s, i: ({y: s & 1}, i[d] if i[load] else s >> 1),
        0,
    )


@family("scenario")
def lfsr(p: Picker) -> Circuit:
    width, (clock, reset) = p.one(*_TAPS), p.control()
    taps, start, y = _TAPS[width], p.number(1, mask(width)), p.name("Q", "RANDOM", "NOISE")
    feedback = " ^ ".join(f"R[{tap}]" for tap in taps)

    def step(s: int, i: Row) -> tuple[Row, int]:
        bit = sum(s >> tap & 1 for tap in taps) & 1
        return {y: s}, (s << 1 | bit) & mask(width)

    listed = ", ".join(str(tap) for tap in taps[:-1]) + f" and {taps[-1]}"
    return Circuit(
        p.module("LFSR", "PRNG", f"LFSR{width}"),
        f"{width}-bit linear feedback shift register",
        pins(clock, reset, out(y, width)),
        f"REG R[{width}] = {width}'d{start}; R <= {{R[{width - 2}:0], {feedback}}}; {y} = R;",
        f"{y} shifts left by one place at every clock step; the exclusive OR of its bits {listed} "
        "comes in as the lowest bit." + on_reset(reset, start),
        step,
        start,
    )


@family("scenario")
def ring_counter(p: Picker) -> Circuit:
    width, (clock, reset), twisted, y = (
        p.number(3, 10),
        p.control(),
        p.one(True, False),
        p.name("Q", "RING", "PHASES"),
    )
    start = 0 if twisted else 1
    last = f"R[{width - 1}]"

    def step(s: int, i: Row) -> tuple[Row, int]:
        return {y: s}, (s << 1 | (s >> (width - 1)) ^ int(twisted)) & mask(width)

    return Circuit(
        p.module("RING", "JOHNSON" if twisted else "ONEHOT", "PHASER"),
        f"{width}-bit {'Johnson' if twisted else 'ring'} counter",
        pins(clock, reset, out(y, width)),
        f"REG R[{width}] = {width}'d{start}; R <= {{R[{width - 2}:0], "
        f"{'~' if twisted else ''}{last}}}; {y} = R;",
        f"At every clock step {y} shifts left by one place, and its top "
        f"bit{', inverted,' if twisted else ''} comes in as its lowest bit." + on_reset(reset, start),
        step,
        start,
    )


@family("scenario")
def clock_divider(p: Picker) -> Circuit:
    half, (clock, reset), y = p.number(2, 12), p.control(), p.name("SLOW", "TICK", "Y")
    bits = bits_for(half)

    def step(s: tuple[int, int], i: Row) -> tuple[Row, Any]:
        level, count = s
        return {y: level}, (level ^ 1, 0) if count == half - 1 else (level, count + 1)

    return Circuit(
        p.module("DIVIDER", f"DIV{2 * half}", "PRESCALE"),
        f"clock divider by {2 * half}",
        pins(clock, reset, out(y)),
        f"REG N[{bits}] = {bits}'d0; REG LEVEL = 1'b0; WIRE LAST = N == {half - 1}; N <= LAST ? 0 : "
        f"N + 1; LEVEL <= LEVEL ^ LAST; {y} = LEVEL;",
        f"{y} starts at 0 and changes after every {half} clock steps."
        + (f" When {reset.name} is 1 at a clock step, it starts afresh." if reset else ""),
        step,
        (0, 0),
    )


@family("scenario")
def pwm(p: Picker) -> Circuit:
    width, (clock, reset) = p.number(3, 8), p.control()
    duty, y = p.name("DUTY", "LEVEL_IN", "D"), p.name("PWM_OUT", "Y", "MOTOR")
    return Circuit(
        p.module("PWM", "DIMMER", "PULSES"),
        f"{width}-bit pulse width modulator",
        pins(clock, reset, inp(duty, width), out(y)),
        f"REG PHASE[{width}] = {width}'d0; PHASE <= PHASE + 1; {y} = PHASE < {duty};",
        f"A register counts up by one at every clock step, wrapping round; {y} is 1 while the "
        f"register is less than {duty}." + on_reset(reset, 0),
        lambda s, i: ({y: int(s < i[duty])}, (s + 1) & mask(width)),
        0,
    )


@family("scenario")
def edge_detector(p: Picker) -> Circuit:
    (clock, reset), d, y = p.control(), p.name("D", "BTN", "SIGNAL", "IN"), p.name("PULSE", "EDGE", "Y")
    body, words, function = p.one(
        (f"{d} & ~LAST", "from 0 to 1", lambda now, last: now & ~last & 1),
        (f"~{d} & LAST", "from 1 to 0", lambda now, last: ~now & last & 1),
        (f"{d} ^ LAST", "from 0 to 1 or from 1 to 0", lambda now, last: now ^ last),
    )
    return Circuit(
        p.module("EDGE", "EDGE_DETECT", "ONE_PULSE"),
        "edge detector",
        pins(clock, reset, inp(d), out(y)),
        f"REG LAST = 1'b0; LAST <= {d}; {y} = {body};",
        f"{y} is 1 in each cycle in which {d} has changed {words} since the cycle before. A register "
        f"holds the last {d}." + on_reset(reset, 0),
        lambda s, i: ({y: function(i[d], s)}, i[d]),
        0,
    )


@family("scenario")
def debouncer(p: Picker) -> Circuit:
    count, (clock, reset), d, y = (
        p.number(2, 6),
        p.control(),
        p.name("BTN", "RAW", "NOISY"),
        p.name("CLEAN", "Y", "STABLE"),
    )
    bits = bits_for(count)
    body = (
        f"REG LEVEL = 1'b0; REG SEEN[{bits}] = {bits}'d0; WIRE FLIP = ({d} != LEVEL) & (SEEN == "
        f"{count - 1}); "
        f"LEVEL <= FLIP ? {d} : LEVEL; SEEN <= {d} == LEVEL | FLIP ? 0 : SEEN + 1; {y} = LEVEL;"
    )

    def step(s: tuple[int, int], i: Row) -> tuple[Row, Any]:
        level, seen = s
        if i[d] == level:
            return {y: level}, (level, 0)
        return {y: level}, (i[d], 0) if seen + 1 == count else (level, seen + 1)

    return Circuit(
        p.module("DEBOUNCE", "FILTER", "STEADY"),
        "debouncer",
        pins(clock, reset, inp(d), out(y)),
        body,
        f"{y} takes over the value of {d} once {d} has differed from {y} at {count} clock steps in a row."
        + on_reset(reset, 0, "The registers start"),
        step,
        (0, 0),
    )
