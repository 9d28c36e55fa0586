"""Families of finite state machines. Level scenario."""

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


def _advance(pattern: str, matched: int, bit: str) -> int:
    """How many characters of a pattern are matched after one more bit, overlaps counted."""
    seen = pattern[:matched] + bit
    return next(size for size in range(min(len(seen), len(pattern)), -1, -1) if seen.endswith(pattern[:size]))


@family("scenario")
def sequence_detector(p: Picker) -> Circuit:
    length, (clock, reset) = p.number(3, 5), p.control()
    pattern = "".join(p.one("0", "1") for _ in range(length))
    d, y = p.name("D", "SI", "BIT_IN"), p.name("FOUND", "HIT", "MATCH")
    bits = bits_for(length)
    constants = " ".join(f"CONST S{k} = {bits}'d{k};" for k in range(length))

    def name(matched: int, bit: str) -> str:
        size = _advance(pattern, matched, bit)
        return f"S{size if size < length else _overlap(pattern)}"

    rows = [f"{d} ? {name(k, '1')} : {name(k, '0')}" for k in range(length)]
    arms = ", ".join(f"S{k}: {row}" for k, row in enumerate(rows))
    last = f"{d}" if pattern[-1] == "1" else f"~{d}"

    def step(seen: str, i: Row) -> tuple[Row, Any]:
        seen = (seen + str(i[d]))[-length:]
        return {y: int(seen == pattern)}, seen

    return Circuit(
        p.module("DETECT", "SEQ", f"SEQ{pattern}"),
        f"detector of the bit sequence {pattern}",
        pins(clock, reset, inp(d), out(y)),
        f"{constants} REG STATE[{bits}] = {bits}'d0; STATE <= CASE (STATE) {{ {arms}, DEFAULT: S0 "
        f"}}; {y} = (STATE == S{length - 1}) & {last};",
        f"{y} is 1 in each cycle in which {d}, after its values at the clock steps before, completes "
        f"the sequence {pattern} (the left bit first); "
        "sequences may overlap. It is a state machine whose states count how many bits are matched."
        + (f" A clock step with {reset.name} at 1 forgets all bits." if reset else ""),
        step,
        "",
    )


def _overlap(pattern: str) -> int:
    """The longest proper start of a pattern that is also its end."""
    return next(size for size in range(len(pattern) - 1, -1, -1) if pattern.endswith(pattern[:size]))


@family("scenario")
def traffic_light(p: Picker) -> Circuit:
    (clock, reset) = p.control()
    times = [p.number(2, 6), p.number(1, 3), p.number(2, 6)]
    red, yellow, green = p.name("RED", "R"), p.name("YELLOW", "AMBER"), p.name("GREEN", "G")
    bits = bits_for(max(times))
    body = (
        f"CONST GO = 2'd0; CONST SLOW = 2'd1; CONST HALT = 2'd2; REG STATE[2] = 2'd0; REG T[{bits}] "
        f"= {bits}'d0; "
        f"WIRE LIMIT[{bits}] = CASE (STATE) {{ GO: {times[0] - 1}, SLOW: {times[1] - 1}, DEFAULT: "
        f"{bits}'d{times[2] - 1} }}; "
        "WIRE OVER = T == LIMIT; T <= OVER ? 0 : T + 1; "
        "STATE <= OVER ? CASE (STATE) { GO: SLOW, SLOW: HALT, DEFAULT: GO } : STATE; "
        f"{green} = STATE == GO; {yellow} = STATE == SLOW; {red} = STATE == HALT;"
    )

    def step(s: tuple[int, int], i: Row) -> tuple[Row, Any]:
        state, t = s
        lights = {green: int(state == 0), yellow: int(state == 1), red: int(state == 2)}
        return lights, ((state + 1) % 3, 0) if t == times[state] - 1 else (state, t + 1)

    return Circuit(
        p.module("TRAFFIC", "LIGHTS", "SIGNALS"),
        "traffic light controller",
        pins(clock, reset, out(red), out(yellow), out(green)),
        body,
        f"{green} is 1 for {times[0]} cycles, then {yellow} for {times[1]}, then {red} for "
        f"{times[2]}, and so on from {green}; the other two outputs are 0."
        + (f" A clock step with {reset.name} at 1 starts again with {green}." if reset else ""),
        step,
        (0, 0),
    )


@family("scenario")
def handshake(p: Picker) -> Circuit:
    (clock, reset), work = p.control(), p.number(2, 7)
    req, busy, done = p.name("START", "REQ", "GO"), p.name("BUSY", "ACTIVE"), p.name("DONE", "ACK")
    bits = bits_for(work)
    body = (
        "CONST IDLE = 2'd0; CONST RUN = 2'd1; CONST FINISH = 2'd2; REG STATE[2] = 2'd0; REG "
        f"T[{bits}] = {bits}'d0; "
        f"WIRE LAST = T == {work - 1}; T <= (STATE == RUN) & ~LAST ? T + 1 : 0; "
        f"STATE <= CASE (STATE) {{ IDLE: {req} ? RUN : IDLE, RUN: LAST ? FINISH : RUN, DEFAULT: IDLE }}; "
        f"{busy} = STATE == RUN; {done} = STATE == FINISH;"
    )

    def step(s: int, i: Row) -> tuple[Row, int]:
        """States: 0 idle, 1 to `work` busy, then done."""
        outputs = {busy: int(1 <= s <= work), done: int(s == work + 1)}
        return outputs, i[req] if s == 0 else (s + 1) % (work + 2)

    return Circuit(
        p.module("HANDSHAKE", "SEQUENCER", "TASK_FSM"),
        "start-busy-done controller",
        pins(clock, reset, inp(req), out(busy), out(done)),
        body,
        f"It waits until {req} is 1 at a clock step; then {busy} is 1 for {work} cycles, then {done} "
        "is 1 for one cycle, and it waits again. "
        f"{req} counts only while it waits."
        + (f" A clock step with {reset.name} at 1 makes it wait." if reset else ""),
        step,
        0,
    )


@family("scenario")
def code_lock(p: Picker) -> Circuit:
    (clock, reset), width = p.control(), p.number(2, 4)
    code = [p.number(0, mask(width)) for _ in range(3)]
    key, enter, opened = p.name("KEY", "DIGIT", "D"), p.name("ENTER", "PUSH", "EN"), p.name("OPEN", "UNLOCK")
    names = ("FIRST", "SECOND", "THIRD")
    arms = ", ".join(
        f"{name}: {key} == {width}'d{code[k]} ? {names[k + 1] if k < 2 else 'OPENED'} : FIRST"
        for k, name in enumerate(names)
    )
    body = (
        "CONST FIRST = 2'd0; CONST SECOND = 2'd1; CONST THIRD = 2'd2; CONST OPENED = 2'd3; REG "
        "STATE[2] = 2'd0; "
        f"STATE <= {enter} ? CASE (STATE) {{ {arms}, DEFAULT: FIRST }} : STATE; {opened} = STATE == OPENED;"
    )

    def step(s: int, i: Row) -> tuple[Row, int]:
        outputs = {opened: int(s == 3)}
        if not i[enter]:
            return outputs, s
        return outputs, s + 1 if s < 3 and i[key] == code[s] else 0

    return Circuit(
        p.module("LOCK", "SAFE", "KEYPAD"),
        "code lock",
        pins(clock, reset, inp(enter), inp(key, width), out(opened)),
        body,
        f"{key} counts only at clock steps with {enter} at 1. After the keys {code[0]}, {code[1]}, "
        f"{code[2]} in this order {opened} is 1 until the next key. "
        "Any wrong key, and any key while open, goes back to the beginning; a wrong key is not taken "
        "as the first of a new try." + (f" So does a clock step with {reset.name} at 1." if reset else ""),
        step,
        0,
    )


@family("scenario")
def arbiter(p: Picker) -> Circuit:
    (clock, reset) = p.control()
    r0, r1 = p.one(("REQ0", "REQ1"), ("RA", "RB"), ("ASK0", "ASK1"))
    g0, g1 = p.one(("GNT0", "GNT1"), ("GA", "GB"), ("OK0", "OK1"))
    body = (
        f"REG LAST = 1'b1; {g0} = {r0} & (~{r1} | LAST); {g1} = {r1} & (~{r0} | ~LAST); "
        f"LAST <= {g0} ? 1'b0 : {g1} ? 1'b1 : LAST;"
    )

    def step(s: int, i: Row) -> tuple[Row, int]:
        winner = None if not (i[r0] or i[r1]) else (1 - s if i[r0] and i[r1] else int(i[r1]))
        return {g0: int(winner == 0), g1: int(winner == 1)}, s if winner is None else winner

    return Circuit(
        p.module("ARBITER", "ROUND_ROBIN", "SHARE"),
        "round-robin arbiter of two",
        pins(clock, reset, inp(r0), inp(r1), out(g0), out(g1)),
        body,
        f"A single request {r0} or {r1} is granted in the same cycle by {g0} or {g1}. If both ask, "
        "the one that was not granted last wins; "
        f"{r0} wins the first time. Nobody is granted without asking."
        + (f" A clock step with {reset.name} at 1 lets {r0} win next." if reset else ""),
        step,
        1,
    )


@family("scenario")
def vending_machine(p: Picker) -> Circuit:
    (clock, reset), price = p.control(), p.number(3, 7)
    one, two, sold = p.name("COIN1", "ONE"), p.name("COIN2", "TWO"), p.name("SOLD", "VEND", "DROP")
    paid = p.name("PAID", "CREDIT")
    body = (
        f"REG SUM[4] = 4'd0; WIRE ADDED[4] = {two} ? SUM + 2 : {one} ? SUM + 1 : SUM; {sold} = SUM "
        f">= {price}; "
        f"SUM <= {sold} ? 0 : ADDED; {paid} = SUM;"
    )

    def step(s: int, i: Row) -> tuple[Row, int]:
        coin = 2 if i[two] else i[one]
        return {sold: int(s >= price), paid: s}, 0 if s >= price else s + coin

    return Circuit(
        p.module("VENDING", "KIOSK", "SELLER"),
        "vending machine",
        pins(clock, reset, inp(one), inp(two), out(sold), out(paid, 4)),
        body,
        f"At a clock step {one} adds 1 and {two} adds 2 to the credit; if both are 1, only {two} "
        f"counts. {paid} shows the credit. "
        f"While the credit is {price} or more, {sold} is 1, and the next clock step makes the credit "
        "0 whatever the coins." + on_reset(reset, 0, "The credit starts"),
        step,
        0,
    )
