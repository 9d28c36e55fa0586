"""Families of circuits made of other modules. Level scenario."""

from __future__ import annotations

from typing import Any

from idiolect.dialects.gates.families.circuit import Circuit, Picker, Row, family, gates, inp, mask, out, pins
from idiolect.dialects.gates.families.registers import on_reset

_FULL_ADDER = (
    "MODULE {name}(INPUT A, INPUT B, INPUT CI, OUTPUT S, OUTPUT CO) "
    "{{ S = A ^ B ^ CI; CO = A & B | (A ^ B) & CI; }} "
)


@family("scenario")
def ripple_adder(p: Picker) -> Circuit:
    width, (a, b), s, cout = p.number(2, 6), p.pair(), p.name("SUM", "S", "T"), p.name("COUT", "CARRY")
    cell, named = p.name("FA", "FULL_ADDER", "BIT_ADD"), p.one(True, False)
    carry = p.name("C", "CHAIN")
    lines = [f"WIRE {carry}[{width + 1}]; {carry}[0] = 1'b0;"]
    for k in range(width):
        ends = (f"{a}[{k}]", f"{b}[{k}]", f"{carry}[{k}]", f"{s}[{k}]", f"{carry}[{k + 1}]")
        given = [f"{port} = {end}" for port, end in zip(("A", "B", "CI", "S", "CO"), ends, strict=True)]
        lines.append(f"{cell} U{k}({', '.join(given if named else ends)});")
    return Circuit(
        p.module("RIPPLE", "RCA", f"RCA{width}"),
        f"{width}-bit ripple-carry adder",
        pins(inp(a, width), inp(b, width), out(s, width), out(cout)),
        f"{' '.join(lines)} {cout} = {carry}[{width}];",
        f"{s} is {a} + {b} modulo 2^{width} and {cout} the carry. Build it from {width} instances U0 "
        f"to U{width - 1} of a full adder module {cell} with inputs A, B, CI and outputs S, CO"
        f"{', connected by name' if named else ', connected in order'}.",
        gates(lambda i: {s: (i[a] + i[b]) & mask(width), cout: (i[a] + i[b]) >> width}),
        library=_FULL_ADDER.format(name=cell),
    )


@family("scenario")
def adder_of_halves(p: Picker) -> Circuit:
    (a, b), c, s, cout = p.pair(), p.name("CIN", "CI"), p.name("S", "SUM"), p.name("COUT", "CO")
    cell = p.name("HALF", "HA", "HALF_ADDER")
    library = f"MODULE {cell}(INPUT A, INPUT B, OUTPUT S, OUTPUT C) {{ S = A ^ B; C = A & B; }} "
    body = (
        f"{cell} H1(A = {a}, B = {b}); {cell} H2(A = H1.S, B = {c}); {s} = H2.S; {cout} = H1.C | H2.C;"
        if p.one(True, False)
        else f"WIRE S1; WIRE C1; WIRE C2; {cell} H1({a}, {b}, S1, C1); {cell} H2(S1, {c}, {s}, C2); "
        f"{cout} = C1 | C2;"
    )
    return Circuit(
        p.module("FULL", "FULL_ADDER", "FA2"),
        "full adder of two half adders",
        pins(inp(a), inp(b), inp(c), out(s), out(cout)),
        body,
        f"{s} and {cout} are sum bit and carry of {a} + {b} + {c}. Build it from two instances H1 "
        f"and H2 of a half adder module {cell} with inputs A, B and outputs S, C.",
        gates(lambda i: {s: (i[a] + i[b] + i[c]) & 1, cout: (i[a] + i[b] + i[c]) >> 1}),
        library=library,
    )


@family("scenario")
def mux_tree(p: Picker) -> Circuit:
    width, names, s, y = p.width(1, 12), ["D0", "D1", "D2", "D3"], p.name("S", "SEL"), p.result()
    cell = p.name("MUX2", "PICK2")
    size = f"[{width}]" if width > 1 else ""
    library = f"MODULE {cell}(INPUT A{size}, INPUT B{size}, INPUT S, OUTPUT Y{size}) {{ Y = S ? B : A; }} "
    body = f"{cell} LOW(D0, D1, {s}[0], L); {cell} HIGH(D2, D3, {s}[0], H); {cell} LAST(L, H, {s}[1], {y});"
    return Circuit(
        p.module("MUX4", "MUXTREE"),
        f"4-to-1 multiplexer of {width} bits made of three 2-to-1 ones",
        pins(*(inp(n, width) for n in names), inp(s, 2), out(y, width)),
        f"WIRE L{size}; WIRE H{size}; {body}",
        f"{y} is the input D0, D1, D2 or D3 whose number is {s}. Use three instances LOW, HIGH and "
        f"LAST of a module {cell} with inputs A, B, S and output Y, which is A if S is 0 and B if S is 1.",
        gates(lambda i: {y: i[names[i[s]]]}),
        library=library,
    )


@family("scenario")
def cascaded_counter(p: Picker) -> Circuit:
    (clock, reset), limit, en = p.control(), p.number(3, 10), p.name("EN", "STEP")
    ones, tens = p.name("ONES", "LOW"), p.name("TENS", "HIGH")
    cell = p.name("DIGIT", "DECADE", "STAGE_COUNT")
    library = (
        f"MODULE {cell}(CLOCK CLK, RESET RST, INPUT EN, OUTPUT Q[4], OUTPUT CARRY) "
        f"{{ REG N[4] = 4'd0; CARRY = EN & (N == {limit - 1}); N <= CARRY ? 0 : EN ? N + 1 : N; Q = N; }} "
    )
    zero = reset.name if reset else "1'b0"
    body = (
        f"{cell} UNIT(CLK = {clock.name}, RST = {zero}, EN = {en}, Q = {ones}); "
        f"{cell} NEXT(CLK = {clock.name}, RST = {zero}, EN = UNIT.CARRY, Q = {tens});"
    )

    def step(s: int, i: Row) -> tuple[Row, int]:
        return {ones: s % limit, tens: s // limit}, (s + i[en]) % (limit * limit)

    return Circuit(
        p.module("TWO_DIGITS", "ODOMETER", "CASCADE"),
        f"two-digit counter to the base {limit}",
        pins(clock, reset, inp(en), out(ones, 4), out(tens, 4)),
        body,
        f"{ones} and {tens} are the two digits of a number to the base {limit} that goes up by one "
        f"at every clock step with {en} at 1, from {limit * limit - 1} back to 0. "
        f"Use two instances UNIT and NEXT of a one-digit counter module {cell} (ports CLK, RST, EN, "
        "Q, CARRY)." + on_reset(reset, 0, "Both digits start"),
        step,
        0,
        library,
    )


@family("scenario")
def synchronized_edge(p: Picker) -> Circuit:
    (clock, reset), d, y = p.control(), p.name("D", "ASYNC_IN", "BTN"), p.name("PULSE", "EVENT")
    sync, edge = p.name("SYNC", "SYNC2"), p.name("RISE", "EDGE")
    library = (
        f"MODULE {sync}(CLOCK CLK, RESET RST, INPUT D, OUTPUT Q) {{ REG M = 1'b0; REG R = 1'b0; M <= "
        "D; R <= M; Q = R; } "
        f"MODULE {edge}(CLOCK CLK, RESET RST, INPUT D, OUTPUT P) {{ REG LAST = 1'b0; LAST <= D; P = "
        "D & ~LAST; } "
    )
    zero = reset.name if reset else "1'b0"
    body = (
        f"WIRE CALM; {sync} S0({clock.name}, {zero}, {d}, CALM); {edge} E0({clock.name}, {zero}, CALM, {y});"
    )

    def step(s: tuple[int, int, int], i: Row) -> tuple[Row, Any]:
        first, second, last = s
        return {y: second & ~last & 1}, (i[d], first, second)

    return Circuit(
        p.module("EVENT_IN", "INPUT_STAGE", "ARRIVAL"),
        "synchronizer with edge detector",
        pins(clock, reset, inp(d), out(y)),
        body,
        f"{d} goes through a module {sync} of two registers one after the other (ports CLK, RST, D, "
        f"Q), and its output through a module {edge} (ports CLK, RST, D, P) "
        f"that gives 1 in a cycle in which its input is 1 and was 0 in the cycle before. {y} is that pulse."
        + on_reset(reset, 0, "All registers start"),
        step,
        (0, 0, 0),
        library,
    )


@family("scenario")
def comparator_tree(p: Picker) -> Circuit:
    width, names, y = p.number(2, 12), ["A", "B", "C"], p.name("MID", "MEDIAN", "Y")
    cell = p.name("SORTER", "SWAP2", "ORDER2")
    library = (
        f"MODULE {cell}(INPUT A[{width}], INPUT B[{width}], OUTPUT LO[{width}], OUTPUT HI[{width}]) "
        "{ WIRE T = A < B; LO = T ? A : B; HI = T ? B : A; } "
    )
    body = (
        f"{cell} U1(A = A, B = B); {cell} U2(A = U1.HI, B = C); {cell} U3(A = U1.LO, B = U2.LO); {y} = U3.HI;"
    )
    return Circuit(
        p.module("MEDIAN", "MIDDLE", "MEDIAN3"),
        f"{width}-bit median of three",
        pins(*(inp(n, width) for n in names), out(y, width)),
        body,
        f"{y} is the middle one of the unsigned numbers A, B and C. Use three instances U1, U2 and "
        f"U3 of a module {cell} with inputs A, B and outputs LO (the smaller) and HI (the larger).",
        gates(lambda i: {y: sorted(i[n] for n in names)[1]}),
        library=library,
    )
