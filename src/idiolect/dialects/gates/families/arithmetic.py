"""Families of arithmetic circuits without a clock: level multi."""

from __future__ import annotations

from idiolect.dialects.gates.families.circuit import (
    Circuit,
    Picker,
    Row,
    extended,
    family,
    gates,
    inp,
    mask,
    out,
    pins,
    signed,
)


@family("multi")
def half_adder(p: Picker) -> Circuit:
    (a, b), s, c = p.pair(), p.name("S", "SUM"), p.name("C", "CARRY", "CO")
    return Circuit(
        p.module("HALF_ADDER", "HA", "HALF"),
        "half adder",
        pins(inp(a), inp(b), out(s), out(c)),
        f"{s} = {a} ^ {b}; {c} = {a} & {b};",
        f"{s} is the sum bit of {a} + {b} and {c} the carry.",
        gates(lambda i: {s: i[a] ^ i[b], c: i[a] & i[b]}),
    )


@family("multi")
def full_adder(p: Picker) -> Circuit:
    (a, b), cin, s, cout = p.pair(), p.name("CIN", "CI"), p.name("S", "SUM"), p.name("COUT", "CO")
    t = p.name("T", "HALF", "P1")
    return Circuit(
        p.module("FULL_ADDER", "FA", "ADD1"),
        "full adder",
        pins(inp(a), inp(b), inp(cin), out(s), out(cout)),
        f"WIRE {t} = {a} ^ {b}; {s} = {t} ^ {cin}; {cout} = {a} & {b} | {t} & {cin};",
        f"{s} and {cout} are the sum bit and the carry of {a} + {b} + {cin}.",
        gates(lambda i: {s: (i[a] + i[b] + i[cin]) & 1, cout: (i[a] + i[b] + i[cin]) >> 1}),
    )


@family("multi")
def adder(p: Picker) -> Circuit:
    width, (a, b), s = p.width(2, 32), p.pair(), p.name("S", "SUM", "TOTAL")
    cin, cout = p.one(None, p.name("CIN", "CARRY_IN")), p.name("COUT", "CARRY", "OVER")
    full = p.name("FULL", "T", "WIDE")
    more = f" + {{{width}'d0, {cin}}}" if cin else ""
    body = (
        f"WIRE {full}[{width + 1}] = {{1'b0, {a}}} + {{1'b0, {b}}}{more}; "
        f"{s} = {full}[{width - 1}:0]; {cout} = {full}[{width}];"
    )

    def model(i: Row) -> Row:
        total = i[a] + i[b] + (i[cin] if cin else 0)
        return {s: total & mask(width), cout: total >> width}

    plus = f"{a} + {b} + {cin}" if cin else f"{a} + {b}"
    return Circuit(
        p.module("ADD", "ADDER", f"ADD{width}"),
        f"{width}-bit adder with carry out",
        pins(inp(a, width), inp(b, width), inp(cin) if cin else None, out(s, width), out(cout)),
        body,
        p.one(
            f"{s} is {plus} modulo 2^{width} and {cout} is the carry out.",
            f"It adds: {s} takes the lower {width} bits of {plus}, {cout} the carry.",
        ),
        gates(model),
    )


@family("multi")
def subtractor(p: Picker) -> Circuit:
    width, (a, b), d, borrow = p.width(2, 32), p.pair(), p.name("D", "DIFF"), p.name("BORROW", "NEG", "BO")
    return Circuit(
        p.module("SUB", "SUBTRACT", f"SUB{width}"),
        f"{width}-bit subtractor with borrow",
        pins(inp(a, width), inp(b, width), out(d, width), out(borrow)),
        f"{d} = {a} - {b}; {borrow} = {a} < {b};",
        f"{d} is {a} - {b} modulo 2^{width}; {borrow} is 1 if {b} is greater than {a}.",
        gates(lambda i: {d: (i[a] - i[b]) & mask(width), borrow: int(i[a] < i[b])}),
    )


@family("multi")
def add_subtract(p: Picker) -> Circuit:
    width, (a, b), m, y = p.width(2, 32), p.pair(), p.name("SUB", "MODE", "MINUS"), p.result()
    zero = p.name("ZERO", "IS_ZERO")
    return Circuit(
        p.module("ADDSUB", "PLUSMINUS"),
        f"{width}-bit adder-subtractor",
        pins(inp(a, width), inp(b, width), inp(m), out(y, width), out(zero)),
        f"{y} = {m} ? {a} - {b} : {a} + {b}; {zero} = {y} == 0;",
        f"{y} is {a} + {b} if {m} is 0 and {a} - {b} if {m} is 1, modulo 2^{width}; {zero} is 1 if {y} is 0.",
        gates(
            lambda i: (lambda v: {y: v, zero: int(v == 0)})(
                (i[a] - i[b] if i[m] else i[a] + i[b]) & mask(width)
            )
        ),
    )


@family("multi")
def saturating_add(p: Picker) -> Circuit:
    width, (a, b), y = p.width(3, 16), p.pair(), p.result()
    full, sat = p.name("FULL", "T"), p.one(None, p.name("SAT", "CLIPPED"))
    body = (
        f"WIRE {full}[{width + 1}] = {{1'b0, {a}}} + {{1'b0, {b}}}; "
        f"{y} = {full}[{width}] ? {{{width}{{1'b1}}}} : {full}[{width - 1}:0];"
    ) + (f" {sat} = {full}[{width}];" if sat else "")

    def model(i: Row) -> Row:
        total = i[a] + i[b]
        return {y: min(total, mask(width))} | ({sat: int(total > mask(width))} if sat else {})

    return Circuit(
        p.module("SATADD", "ADD_SAT", "CLAMP_ADD"),
        f"{width}-bit saturating adder",
        pins(inp(a, width), inp(b, width), out(y, width), out(sat) if sat else None),
        body,
        f"{y} is {a} + {b}, but stays at {mask(width)} where the sum would be larger."
        + (f" {sat} is 1 exactly when that happens." if sat else ""),
        gates(model),
    )


@family("multi")
def absolute_difference(p: Picker) -> Circuit:
    width, (a, b), y = p.width(3, 32), p.pair(), p.name("Y", "DIST", "DELTA")
    return Circuit(
        p.module("ABSDIFF", "DISTANCE"),
        f"{width}-bit absolute difference",
        pins(inp(a, width), inp(b, width), out(y, width)),
        f"{y} = {a} < {b} ? {b} - {a} : {a} - {b};",
        f"{y} is the difference of the unsigned numbers {a} and {b}, the larger minus the smaller.",
        gates(lambda i: {y: abs(i[a] - i[b])}),
    )


@family("multi")
def multiplier(p: Picker) -> Circuit:
    first, second, (a, b), y = p.width(2, 12), p.width(2, 12), p.pair(), p.name("Y", "PROD", "P")
    return Circuit(
        p.module("MUL", "MULTIPLY", "PRODUCT"),
        f"{first} by {second} bit multiplier",
        pins(inp(a, first), inp(b, second), out(y, first + second)),
        f"{y} = {a} * {b};",
        p.one(
            f"{y} is the full unsigned product of {a} and {b}.",
            f"It multiplies {a} by {b} (unsigned) and puts all {first + second} bits on {y}.",
        ),
        gates(lambda i: {y: i[a] * i[b]}),
    )


@family("multi")
def negate_absolute(p: Picker) -> Circuit:
    width, d, y, sign = p.width(3, 32), p.data(), p.name("ABS", "MAG", "Y"), p.name("NEG", "SIGN")
    return Circuit(
        p.module("ABS", "MAGNITUDE"),
        f"{width}-bit absolute value",
        pins(inp(d, width), out(y, width), out(sign)),
        f"{sign} = {d}[{width - 1}]; {y} = {sign} ? -{d} : {d};",
        f"{y} is the absolute value of {d}, read as two's complement; {sign} is 1 if {d} is negative.",
        gates(lambda i: {y: abs(signed(i[d], width)) & mask(width), sign: i[d] >> (width - 1)}),
    )


@family("multi")
def signed_compare(p: Picker) -> Circuit:
    width, (a, b), y = p.width(3, 32), p.pair(), p.name("LT", "LESS", "BELOW")
    top = width - 1
    return Circuit(
        p.module("SLT", "SIGNED_LESS", "CMPS"),
        f"{width}-bit signed comparison",
        pins(inp(a, width), inp(b, width), out(y)),
        f"{y} = {a}[{top}] == {b}[{top}] ? {a} < {b} : {a}[{top}];",
        f"{y} is 1 if {a} is less than {b}, both read as two's complement numbers, and 0 otherwise.",
        gates(lambda i: {y: int(signed(i[a], width) < signed(i[b], width))}),
    )


@family("multi")
def extender(p: Picker) -> Circuit:
    width = p.width(3, 16)
    to = width + p.number(2, 16)
    d, m, y = p.data(), p.name("SIGNED", "SX", "MODE"), p.result()
    fill = to - width
    return Circuit(
        p.module("EXTEND", "WIDEN", "SEXT"),
        f"extender from {width} to {to} bits",
        pins(inp(d, width), inp(m), out(y, to)),
        f"{y} = {{{{{fill}{{{m} & {d}[{width - 1}]}}}}, {d}}};",
        f"{y} is {d} widened to {to} bits: with copies of its top bit if {m} is 1, and with zeros if "
        f"{m} is 0.",
        gates(lambda i: {y: i[d] | (mask(fill) << width if i[m] and i[d] >> (width - 1) else 0)}),
    )


@family("multi")
def average(p: Picker) -> Circuit:
    width, (a, b), y, up = p.width(3, 24), p.pair(), p.name("AVG", "MEAN", "Y"), p.one(True, False)
    t, more = p.name("T", "SUM", "WIDE"), " + 1" if up else ""
    return Circuit(
        p.module("AVERAGE", "MEAN", "AVG"),
        f"{width}-bit average of two",
        pins(inp(a, width), inp(b, width), out(y, width)),
        f"WIRE {t}[{width + 1}] = {{1'b0, {a}}} + {{1'b0, {b}}}{more}; {y} = {t}[{width}:1];",
        f"{y} is the average of the unsigned numbers {a} and {b}, rounded {'up' if up else 'down'}, "
        "with no overflow on the way.",
        gates(lambda i: {y: (i[a] + i[b] + int(up)) >> 1}),
    )


@family("multi")
def dot_product(p: Picker) -> Circuit:
    width, names, y = (
        p.number(2, 6),
        p.one(["A0", "B0", "A1", "B1"], ["P", "Q", "R", "S"]),
        p.name("Y", "DOT", "SUM"),
    )
    a, b, c, d = names
    return Circuit(
        p.module("DOT", "SUM_OF_PRODUCTS", "DOT2"),
        f"{width}-bit sum of two products",
        pins(*(inp(n, width) for n in names), out(y, 2 * width + 1)),
        f"WIRE FIRST[{2 * width}] = {a} * {b}; WIRE SECOND[{2 * width}] = {c} * {d}; {y} = {{1'b0, "
        "FIRST} + {1'b0, SECOND};",
        f"{y} is {a} times {b} plus {c} times {d}, with no bit lost.",
        gates(lambda i: {y: i[a] * i[b] + i[c] * i[d]}),
    )


@family("multi")
def alu(p: Picker) -> Circuit:
    width, (a, b), op, y, zero = (
        p.width(3, 32),
        p.pair(),
        p.name("OP", "F", "CODE"),
        p.result(),
        p.name("ZERO", "Z0"),
    )
    known = {
        "ADD": (f"{a} + {b}", f"{a} plus {b}", lambda u, v: u + v),
        "SUB": (f"{a} - {b}", f"{a} minus {b}", lambda u, v: u - v),
        "AND_OP": (f"{a} & {b}", f"{a} AND {b}", lambda u, v: u & v),
        "OR_OP": (f"{a} | {b}", f"{a} OR {b}", lambda u, v: u | v),
        "XOR_OP": (f"{a} ^ {b}", f"{a} XOR {b}", lambda u, v: u ^ v),
        "NOR_OP": (f"{a} ~| {b}", f"{a} NOR {b}", lambda u, v: ~(u | v)),
        "INC": (f"{a} + 1", f"{a} plus 1", lambda u, v: u + 1),
        "DEC": (f"{a} - 1", f"{a} minus 1", lambda u, v: u - 1),
        "SHL": (f"{a} << 1", f"{a} shifted left by one", lambda u, v: u << 1),
        "SHR": (f"{a} >> 1", f"{a} shifted right by one", lambda u, v: u >> 1),
        "PASS": (b, b, lambda u, v: v),
    }
    chosen = p.rng.sample(sorted(known), p.one(4, 4, 8))
    if not any(b in known[name][0] for name in chosen):
        chosen[0] = "ADD"
    bits = 2 if len(chosen) == 4 else 3
    constants = " ".join(f"CONST {name} = {bits}'d{k};" for k, name in enumerate(chosen[:-1]))
    arms = ", ".join(f"{name}: {known[name][0]}" for name in chosen[:-1])
    said = "; ".join(f"{k}: {known[name][1]}" for k, name in enumerate(chosen))

    def model(i: Row) -> Row:
        value = known[chosen[i[op]]][2](i[a], i[b]) & mask(width)
        return {y: value, zero: int(value == 0)}

    return Circuit(
        p.module("ALU", "EXEC", f"ALU{width}"),
        f"{width}-bit arithmetic logic unit",
        pins(inp(op, bits), inp(a, width), inp(b, width), out(y, width), out(zero)),
        f"{constants} {y} = CASE ({op}) {{ {arms}, DEFAULT: {known[chosen[-1]][0]} }}; {zero} = {y} == 0;",
        f"{op} chooses what {y} is, modulo 2^{width}. {said}. {zero} is 1 if {y} is 0.",
        gates(model),
    )


@family("multi")
def weighted_sum(p: Picker) -> Circuit:
    width, a, y = p.number(3, 10), p.data(), p.result()
    factor = p.one(3, 5, 9, 7, 10)
    to = width + factor.bit_length()
    wide = extended(a, width, to)
    shifts = {3: [1, 0], 5: [2, 0], 9: [3, 0], 10: [3, 1]}.get(factor)
    terms = (
        " + ".join(f"({wide} << {by})" if by else wide for by in shifts)
        if shifts
        else f"({wide} << 3) - {wide}"
    )
    return Circuit(
        p.module(f"TIMES{factor}", "SCALE"),
        f"multiplier by {factor}",
        pins(inp(a, width), out(y, to)),
        f"{y} = {terms};",
        f"{y} is {factor} times {a}, made of shifts and one {'addition' if shifts else 'subtraction'}.",
        gates(lambda i: {y: i[a] * factor}),
    )
