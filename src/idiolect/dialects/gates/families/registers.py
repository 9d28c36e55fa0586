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
