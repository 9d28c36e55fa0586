"""Families of combinational circuits over words: codes, selection, order. Level multi."""

from __future__ import annotations

from idiolect.dialects.gates.families.circuit import (
    Circuit,
    Picker,
    Row,
    bits_for,
    family,
    gates,
    inp,
    mask,
    out,
    pins,
)


@family("multi")
def wide_mux(p: Picker) -> Circuit:
    bits, width = p.number(2, 3), p.width(1, 16)
    names, s, y = [f"D{k}" for k in range(1 << bits)], p.name("S", "SEL", "SELECT"), p.result()
    arms = ", ".join(f"{bits}'d{k}: {name}" for k, name in enumerate(names[:-1]))
    body = f"{y} = CASE ({s}) {{ {arms}, DEFAULT: {names[-1]} }};"
    return Circuit(
        p.module(f"MUX{len(names)}", "SELECTOR"),
        f"{len(names)}-to-1 multiplexer of {width}-bit words",
        pins(*(inp(name, width) for name in names), inp(s, bits), out(y, width)),
        body,
        f"{y} is the input whose number is {s}: {names[0]} for 0, {names[1]} for 1, and so on up to "
        f"{names[-1]}.",
        gates(lambda i: {y: i[names[i[s]]]}),
    )


@family("multi")
def demux(p: Picker) -> Circuit:
    bits = p.number(1, 2)
    width, d, s = p.width(1, 8), p.data(), p.name("S", "SEL", "DEST")
    names = [f"Y{k}" for k in range(1 << bits)]
    body = " ".join(f"{name} = {s} == {k} ? {d} : 0;" for k, name in enumerate(names))
    return Circuit(
        p.module(f"DEMUX{len(names)}", "ROUTE"),
        f"1-to-{len(names)} demultiplexer",
        pins(inp(d, width), inp(s, bits), *(out(name, width) for name in names)),
        body,
        f"The output whose number is {s} follows {d}; all other outputs are 0.",
        gates(lambda i: {name: i[d] if i[s] == k else 0 for k, name in enumerate(names)}),
    )


@family("multi")
def decoder(p: Picker) -> Circuit:
    bits = p.number(2, 4)
    a, y, enable = p.data(), p.result(), p.one(None, p.name("EN", "ENABLE", "G"))
    shift = f"{1 << bits}'d1 << {a}"
    body = f"{y} = {enable} ? {shift} : 0;" if enable else f"{y} = {shift};"
    when = f" while {enable} is 1; while {enable} is 0, {y} is 0" if enable else ""
    return Circuit(
        p.module("DECODE", f"DEC{bits}TO{1 << bits}"),
        f"{bits}-to-{1 << bits} decoder" + (" with enable" if enable else ""),
        pins(inp(a, bits), inp(enable) if enable else None, out(y, 1 << bits)),
        body,
        f"Bit number {a} of {y} is 1 and all its other bits are 0{when}.",
        gates(lambda i: {y: 1 << i[a] if enable is None or i[enable] else 0}),
    )


@family("multi")
def priority_encoder(p: Picker) -> Circuit:
    width, highest = p.number(3, 8), p.one(True, False)
    d, y, v = p.data(), p.name("N", "CODE", "POS"), p.name("VALID", "ANY", "V")
    bits = bits_for(width)
    order = range(width - 1, 0, -1) if highest else range(width - 1)
    chain = " : ".join(f"{d}[{k}] ? {bits}'d{k}" for k in order) + f" : {bits}'d{0 if highest else width - 1}"
    body = f"{v} = |{d}; {y} = ~|{d} ? 0 : {chain};" if not highest else f"{v} = |{d}; {y} = {chain};"

    def model(i: Row) -> Row:
        ones = [k for k in range(width) if i[d] >> k & 1]
        return {y: (max(ones) if highest else min(ones)) if ones else 0, v: int(bool(ones))}

    return Circuit(
        p.module("PRIO", "ENCODER", "PRIENC"),
        f"{width}-bit priority encoder",
        pins(inp(d, width), out(y, bits), out(v)),
        body,
        f"{y} is the number of the {'highest' if highest else 'lowest'} bit of {d} that is 1, or 0 "
        "if there is none; "
        f"{v} is 1 if any bit of {d} is 1.",
        gates(model),
    )


@family("multi")
def gray_encoder(p: Picker) -> Circuit:
    width, b, g = p.width(3, 16), p.name("B", "BIN", "N"), p.name("G", "GRAY", "CODE")
    return Circuit(
        p.module("BIN2GRAY", "GRAY_ENC"),
        f"{width}-bit binary to Gray converter",
        pins(inp(b, width), out(g, width)),
        f"{g} = {b} ^ {b} >> 1;",
        f"{g} is the Gray code of the binary number {b}.",
        gates(lambda i: {g: i[b] ^ i[b] >> 1}),
    )


@family("multi")
def gray_decoder(p: Picker) -> Circuit:
    width, g, b = p.number(3, 8), p.name("G", "GRAY", "CODE"), p.name("B", "BIN", "N")
    drives = [f"{b}[{width - 1}] = {g}[{width - 1}];"]
    drives += [f"{b}[{k}] = {b}[{k + 1}] ^ {g}[{k}];" for k in range(width - 2, -1, -1)]

    def model(i: Row) -> Row:
        value, rest = i[g], i[g] >> 1
        while rest:
            value, rest = value ^ rest, rest >> 1
        return {b: value}

    return Circuit(
        p.module("GRAY2BIN", "GRAY_DEC"),
        f"{width}-bit Gray to binary converter",
        pins(inp(g, width), out(b, width)),
        " ".join(drives),
        f"{b} is the binary number whose Gray code is {g}.",
        gates(model),
    )


@family("multi")
def majority(p: Picker) -> Circuit:
    a, b, c = p.one(("A", "B", "C"), ("X", "Y", "Z"), ("R", "S", "T"))
    width, y = p.one(1, 1, 8, 16), p.name("M", "MAJ", "VOTE")
    by = "" if width == 1 else ", bit by bit"
    return Circuit(
        p.module("MAJORITY", "VOTER", "MAJ3"),
        "majority voter of three",
        pins(inp(a, width), inp(b, width), inp(c, width), out(y, width)),
        f"{y} = {a} & {b} | {a} & {c} | {b} & {c};",
        f"{y} is the value that at least two of {a}, {b} and {c} have{by}.",
        gates(lambda i: {y: i[a] & i[b] | i[a] & i[c] | i[b] & i[c]}),
    )


@family("multi")
def parity_generator(p: Picker) -> Circuit:
    width, d, even, odd = p.width(3, 32), p.data(), p.name("EVEN", "PE"), p.name("ODD", "PO")
    return Circuit(
        p.module("PARITY", "PARGEN"),
        f"{width}-bit parity generator",
        pins(inp(d, width), out(even), out(odd)),
        f"{odd} = ^{d}; {even} = ~^{d};",
        f"{odd} is 1 if the number of ones in {d} is odd; {even} is 1 if it is even.",
        gates(lambda i: {odd: i[d].bit_count() & 1, even: 1 - (i[d].bit_count() & 1)}),
    )


@family("multi")
def comparator(p: Picker) -> Circuit:
    width, (a, b) = p.width(2, 32), p.pair()
    lt, eq, gt = p.name("LT", "BELOW", "LESS"), p.name("EQ", "SAME", "EQUAL"), p.name("GT", "ABOVE", "MORE")
    return Circuit(
        p.module("COMPARE", "CMP", "COMPARATOR"),
        f"{width}-bit unsigned comparator",
        pins(inp(a, width), inp(b, width), out(lt), out(eq), out(gt)),
        f"{lt} = {a} < {b}; {eq} = {a} == {b}; {gt} = {a} > {b};",
        f"{lt} is 1 if {a} is less than {b}, {eq} if they are equal, and {gt} if {a} is greater; the "
        "others are 0.",
        gates(lambda i: {lt: int(i[a] < i[b]), eq: int(i[a] == i[b]), gt: int(i[a] > i[b])}),
    )


@family("multi")
def min_max(p: Picker) -> Circuit:
    width, (a, b) = p.width(2, 32), p.pair()
    low, high = p.name("MIN", "LOW", "SMALL"), p.name("MAX", "HIGH", "LARGE")
    t = p.name("T", "FIRST", "IS_LESS")
    return Circuit(
        p.module("MINMAX", "SORT2", "ORDER"),
        f"{width}-bit sorter of two",
        pins(inp(a, width), inp(b, width), out(low, width), out(high, width)),
        f"WIRE {t} = {a} < {b}; {low} = {t} ? {a} : {b}; {high} = {t} ? {b} : {a};",
        f"{low} is the smaller and {high} the larger of the unsigned numbers {a} and {b}.",
        gates(lambda i: {low: min(i[a], i[b]), high: max(i[a], i[b])}),
    )


@family("multi")
def popcount(p: Picker) -> Circuit:
    width, d, y = p.number(3, 8), p.data(), p.name("COUNT", "ONES", "N")
    bits = width.bit_length()
    terms = " + ".join(f"{{{bits - 1}'d0, {d}[{k}]}}" for k in range(width))
    return Circuit(
        p.module("POPCOUNT", "ONES", "COUNT_ONES"),
        f"{width}-bit population count",
        pins(inp(d, width), out(y, bits)),
        f"{y} = {terms};",
        f"{y} is the number of ones in {d}.",
        gates(lambda i: {y: i[d].bit_count()}),
    )


@family("multi")
def reverser(p: Picker) -> Circuit:
    width, d, y = p.number(3, 16), p.data(), p.result()
    return Circuit(
        p.module("REVERSE", "MIRROR", "BITREV"),
        f"{width}-bit reverser",
        pins(inp(d, width), out(y, width)),
        f"{y} = {{{', '.join(f'{d}[{k}]' for k in range(width))}}};",
        p.one(
            f"{y} is {d} with its bits in reverse order.",
            f"Bit 0 of {d} becomes the top bit of {y}, and so on.",
        ),
        gates(lambda i: {y: int(f"{i[d]:0{width}b}"[::-1], 2)}),
    )


@family("multi")
def rotator(p: Picker) -> Circuit:
    width, left = p.one(4, 8, 16, 32), p.one(True, False)
    bits, d, s, y = bits_for(width), p.data(), p.name("S", "BY", "AMOUNT"), p.result()
    to_left, to_right = f"({d} << {s})", f"({d} >> {s})"
    back = p.name("REST", "BACK")
    body = f"WIRE {back}[{bits + 1}] = {width} - {{1'b0, {s}}}; " + (
        f"{y} = {to_left} | ({d} >> {back});" if left else f"{y} = {to_right} | ({d} << {back});"
    )

    def model(i: Row) -> Row:
        by = i[s] if left else (width - i[s]) % width
        return {y: (i[d] << by | i[d] >> (width - by)) & mask(width)}

    return Circuit(
        p.module("ROTATE", "ROL" if left else "ROR", "BARREL"),
        f"{width}-bit rotator to the {'left' if left else 'right'}",
        pins(inp(d, width), inp(s, bits), out(y, width)),
        body,
        f"{y} is {d} rotated to the {'left' if left else 'right'} by {s} places; bits that leave on "
        "one side come in on the other.",
        gates(model),
    )


@family("multi")
def byte_swap(p: Picker) -> Circuit:
    size, count, d, y = p.one(4, 8), p.one(2, 4), p.data(), p.result()
    parts = ", ".join(f"{d}[{size * k + size - 1}:{size * k}]" for k in range(count))
    unit = "bytes" if size == 8 else "4-bit groups"

    def model(i: Row) -> Row:
        return {y: sum((i[d] >> size * k & mask(size)) << size * (count - 1 - k) for k in range(count))}

    return Circuit(
        p.module("SWAP", "ENDIAN", "BSWAP"),
        f"{size * count}-bit swapper",
        pins(inp(d, size * count), out(y, size * count)),
        f"{y} = {{{parts}}};",
        f"{y} is {d} with its {count} {unit} in reverse order.",
        gates(model),
    )


@family("multi")
def truth_functions(p: Picker) -> Circuit:
    """Two functions of three inputs, asked for by the rows in which they are 1."""
    names = p.one(["A", "B", "C"], ["X", "Y", "Z"], ["P", "Q", "R"])
    outputs = p.one(["F", "G"], ["F0", "F1"], ["U", "V"])
    tables = [sorted(p.rng.sample(range(8), p.number(2, 4))) for _ in outputs]
    word = p.name("ROW", "T", "IDX")
    drives = [
        f"{y} = " + " | ".join(f"({word} == {row})" for row in table) + ";"
        for y, table in zip(outputs, tables, strict=True)
    ]
    said = [
        f"{y} is 1 exactly for the values {', '.join(map(str, table[:-1]))} and {table[-1]}"
        for y, table in zip(outputs, tables, strict=True)
    ]
    joined = ", ".join(names)

    def model(i: Row) -> Row:
        row = i[names[0]] * 4 + i[names[1]] * 2 + i[names[2]]
        return {y: int(row in table) for y, table in zip(outputs, tables, strict=True)}

    return Circuit(
        p.module("TABLE", "TRUTH", "MINTERM"),
        "pair of logic functions of three inputs",
        pins(*map(inp, names), *map(out, outputs)),
        f"WIRE {word}[3] = {{{joined}}}; " + " ".join(drives),
        f"Read {joined} as a 3-bit number with {names[0]} at the top: {'; '.join(said)}.",
        gates(model),
    )


@family("multi")
def seven_segment(p: Picker) -> Circuit:
    d, y = p.name("DIGIT", "D", "BCD"), p.name("SEG", "LEDS", "Y")
    low = p.one(True, False)
    lit = [0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07, 0x7F, 0x6F]
    codes = [code ^ 0x7F if low else code for code in lit]
    blank = 0x7F if low else 0
    arms = ", ".join(f"4'd{k}: 7'b{code:07b}" for k, code in enumerate(codes))
    return Circuit(
        p.module("SEG7", "DISPLAY", "BCD7SEG"),
        "7-segment decoder",
        pins(inp(d, 4), out(y, 7)),
        f"{y} = CASE ({d}) {{ {arms}, DEFAULT: 7'b{blank:07b} }};",
        f"{y} lights the segments of the decimal digit {d}: bit 0 is segment a, bit 6 segment g, and "
        "a segment is lit by "
        f"{0 if low else 1}; for {d} above 9 all segments are dark. The digits 6 and 9 have their "
        "tails, 7 has three segments.",
        gates(lambda i: {y: codes[i[d]] if i[d] < 10 else blank}),
    )


@family("multi")
def masked_merge(p: Picker) -> Circuit:
    width, (a, b), m, y = p.width(4, 32), p.pair(), p.name("MASK", "SEL", "WHERE"), p.result()
    return Circuit(
        p.module("MERGE", "BLEND", "MIX"),
        f"{width}-bit merge under a mask",
        pins(inp(a, width), inp(b, width), inp(m, width), out(y, width)),
        f"{y} = {a} & ~{m} | {b} & {m};",
        f"Where a bit of {m} is 1, {y} has the bit of {b}; elsewhere the bit of {a}.",
        gates(lambda i: {y: i[a] & ~i[m] & mask(width) | i[b] & i[m]}),
    )


@family("multi")
def range_check(p: Picker) -> Circuit:
    width, d = p.width(4, 16), p.data()
    low = p.number(1, mask(width) // 2)
    high = p.number(low + 1, mask(width) - 1)
    below, inside, above = p.name("UNDER", "LOW"), p.name("INSIDE", "OK"), p.name("OVER", "HIGH")
    return Circuit(
        p.module("WINDOW", "RANGE", "LIMITS"),
        f"{width}-bit window check",
        pins(inp(d, width), out(below), out(inside), out(above)),
        f"CONST LOWEST = {width}'d{low}; CONST HIGHEST = {width}'d{high}; {below} = {d} < LOWEST; "
        f"{above} = {d} > HIGHEST; "
        f"{inside} = ~({below} | {above});",
        f"{below} is 1 if {d} is less than {low}, {above} is 1 if it is greater than {high}, and "
        f"{inside} is 1 if it is from {low} to {high}.",
        gates(lambda i: {below: int(i[d] < low), above: int(i[d] > high), inside: int(low <= i[d] <= high)}),
    )
