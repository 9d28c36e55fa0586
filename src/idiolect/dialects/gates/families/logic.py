"""Families of one gate or one expression: level micro."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from idiolect.dialects.gates.families.circuit import Circuit, Picker, Row, family, gates, inp, mask, out, pins

_GATES: dict[str, tuple[str, str, Callable[[int, int], int]]] = {
    "AND": ("&", "the AND", lambda a, b: a & b),
    "OR": ("|", "the OR", lambda a, b: a | b),
    "XOR": ("^", "the exclusive OR", lambda a, b: a ^ b),
    "NAND": ("~&", "the NAND", lambda a, b: ~(a & b)),
    "NOR": ("~|", "the NOR", lambda a, b: ~(a | b)),
    "XNOR": ("~^", "the XNOR (equivalence)", lambda a, b: ~(a ^ b)),
}


@family("micro")
def two_input_gate(p: Picker) -> Circuit:
    kind = p.one(*_GATES)
    operator, words, function = _GATES[kind]
    a, b = p.pair()
    y = p.result()
    behaviour = p.one(f"{y} is {words} of {a} and {b}.", f"It drives {y} with {words} of {a} and {b}.")
    return Circuit(
        p.module("G", f"{kind}2", f"{kind}_GATE"),
        f"2-input {kind} gate",
        pins(inp(a), inp(b), out(y)),
        f"{y} = {a} {operator} {b};",
        behaviour,
        gates(lambda i: {y: function(i[a], i[b]) & 1}),
    )


@family("micro")
def many_input_gate(p: Picker) -> Circuit:
    kind, count = p.one(*_GATES), p.number(3, 5)
    operator = _GATES[kind][0]
    names, y = ("A", "B", "C", "D", "E")[:count], p.name("Y", "OUT", "Z", "F")
    base = operator[-1]
    joined = f" {base} ".join(names)
    body = f"{y} = ~({joined});" if operator[0] == "~" else f"{y} = {joined};"
    base_function = {"&": _GATES["AND"], "|": _GATES["OR"], "^": _GATES["XOR"]}[base][2]
    listed = ", ".join(names[:-1]) + f" and {names[-1]}"
    what = {
        "AND": f"1 only if {listed} are all 1",
        "OR": f"1 if any of {listed} is 1",
        "XOR": f"1 if an odd number of {listed} are 1",
        "NAND": f"0 only if {listed} are all 1",
        "NOR": f"1 only if {listed} are all 0",
        "XNOR": f"1 if an even number of {listed} are 1",
    }[kind]

    def model(i: Row) -> Row:
        value = reduce(base_function, (i[name] for name in names))
        return {y: value ^ 1 if operator[0] == "~" else value}

    return Circuit(
        p.module("G", f"{kind}{count}"),
        f"{count}-input {kind} gate",
        pins(*map(inp, names), out(y)),
        body,
        f"{y} is {what}.",
        gates(model),
    )


@family("micro")
def inverter(p: Picker) -> Circuit:
    width, a, y = p.one(1, 1, 4, 8, 16), p.data(), p.result()
    every = "" if width == 1 else p.one("every bit of ", "each bit of ")
    return Circuit(
        p.module("INV", "NOT1", "INVERT"),
        "inverter" if width == 1 else f"{width}-bit inverter",
        pins(inp(a, width), out(y, width)),
        f"{y} = ~{a};",
        p.one(f"{y} is {every}{a} inverted.", f"{y} is the complement of {a}."),
        gates(lambda i: {y: ~i[a] & mask(width)}),
    )


@family("micro")
def word_gate(p: Picker) -> Circuit:
    kind, width = p.one(*_GATES), p.width(2, 32)
    operator, words, function = _GATES[kind]
    a, b = p.pair()
    y = p.result()
    return Circuit(
        p.module(f"{kind}_WORD", f"{kind}{width}", "BITWISE"),
        f"{width}-bit bitwise {kind}",
        pins(inp(a, width), inp(b, width), out(y, width)),
        f"{y} = {a} {operator} {b};",
        p.one(
            f"{y} is {words} of {a} and {b}, bit by bit.",
            f"Each bit of {y} is {words} of the same bits of {a} and {b}.",
        ),
        gates(lambda i: {y: function(i[a], i[b]) & mask(width)}),
    )


@family("micro")
def reduction_gate(p: Picker) -> Circuit:
    width, a, y = p.width(2, 32), p.data(), p.result()
    operator, words, function = p.one(
        ("&", f"1 if all bits of {a} are 1, and 0 otherwise", lambda v: int(v == mask(width))),
        ("|", f"1 if any bit of {a} is 1, and 0 otherwise", lambda v: int(v != 0)),
        ("^", f"1 if {a} has an odd number of ones, and 0 otherwise", lambda v: v.bit_count() & 1),
        ("~|", f"1 if no bit of {a} is 1, and 0 otherwise", lambda v: int(v == 0)),
        ("~&", f"0 if all bits of {a} are 1, and 1 otherwise", lambda v: int(v != mask(width))),
        ("~^", f"1 if {a} has an even number of ones, and 0 otherwise", lambda v: 1 - (v.bit_count() & 1)),
    )
    return Circuit(
        p.module("REDUCE", "ALL_BITS", "FOLD"),
        f"{width}-bit reduction",
        pins(inp(a, width), out(y)),
        f"{y} = {operator}{a};",
        f"{y} is {words}.",
        gates(lambda i: {y: function(i[a])}),
    )


@family("micro")
def compare_constant(p: Picker) -> Circuit:
    width, a, y = p.width(3, 16), p.data(), p.name("HIT", "Y", "MATCH", "FLAG")
    limit = p.number(1, mask(width) - 1)
    operator, words, function = p.one(
        ("==", "equal to", lambda v: v == limit),
        ("!=", "different from", lambda v: v != limit),
        ("<", "less than", lambda v: v < limit),
        (">=", "at least", lambda v: v >= limit),
        (">", "greater than", lambda v: v > limit),
        ("<=", "at most", lambda v: v <= limit),
    )
    shown, spoken = p.one(
        (f"{width}'d{limit}", f"{limit}"),
        (f"{width}'h{limit:X}", f"hexadecimal {limit:X}"),
        (f"{limit}", f"{limit}"),
    )
    return Circuit(
        p.module("COMPARE", "CHECK", "THRESHOLD"),
        f"{width}-bit comparison with a constant",
        pins(inp(a, width), out(y)),
        f"{y} = {a} {operator} {shown};",
        f"{y} is 1 if {a}, read as an unsigned number, is {words} {spoken}, and 0 otherwise.",
        gates(lambda i: {y: int(function(i[a]))}),
    )


@family("micro")
def constant_shift(p: Picker) -> Circuit:
    width, a, y = p.width(4, 32), p.data(), p.result()
    by = p.number(1, width - 1)
    operator, words = p.one(
        ("<<", f"{a} shifted left by {by}, zeros coming in on the right"),
        (">>", f"{a} shifted right by {by}, zeros coming in on the left"),
        (">>>", f"{a} shifted right by {by}, copies of its top bit coming in on the left"),
    )

    def model(i: Row) -> Row:
        value = i[a]
        if operator == "<<":
            return {y: value << by & mask(width)}
        fill = mask(by) << (width - by) if operator == ">>>" and value >> (width - 1) else 0
        return {y: value >> by | fill}

    return Circuit(
        p.module("SHIFT", "SHIFTER", "MOVE"),
        f"{width}-bit shift by a constant",
        pins(inp(a, width), out(y, width)),
        f"{y} = {a} {operator} {by};",
        f"{y} is {words}.",
        gates(model),
    )


@family("micro")
def field_extract(p: Picker) -> Circuit:
    width = p.width(5, 32)
    low = p.number(0, width - 2)
    high = p.number(low + 1, width - 1)
    high -= int((high, low) == (width - 1, 0))
    a, y = p.data(), p.name("FIELD", "Y", "PART", "OUT")
    size = high - low + 1
    body = f"{y} = {a}[{high}:{low}];" if size > 1 else f"{y} = {a}[{low}];"
    words = f"bits {high} to {low}" if size > 1 else f"bit {low}"
    return Circuit(
        p.module("FIELD", "SLICE", "EXTRACT"),
        f"bit field extractor for {width}-bit words",
        pins(inp(a, width), out(y, size)),
        body,
        p.one(f"{y} is {words} of {a}.", f"It takes {words} out of {a} and puts them on {y}."),
        gates(lambda i: {y: i[a] >> low & mask(size)}),
    )


@family("micro")
def joiner(p: Picker) -> Circuit:
    first, second = p.width(1, 12), p.width(2, 12)
    a, b = p.pair()
    y = p.result()
    return Circuit(
        p.module("JOIN", "PACK", "CONCAT"),
        "concatenation",
        pins(inp(a, first), inp(b, second), out(y, first + second)),
        f"{y} = {{{a}, {b}}};",
        p.one(
            f"{y} is {a} followed by {b}: {a} forms the upper bits, {b} the lower ones.",
            f"The upper {first} bits of {y} are {a} and the lower {second} bits are {b}.",
        ),
        gates(lambda i: {y: i[a] << second | i[b]}),
    )


@dataclass(frozen=True, slots=True)
class _Phrase:
    """An expression three times: as Gates text, in English, and as a function."""

    text: str
    words: str
    function: Callable[[Row], int]
    single: bool = False

    def inner_text(self) -> str:
        return self.text if self.single else f"({self.text})"

    def inner_words(self) -> str:
        return self.words if self.single else f"({self.words})"


def _phrase(p: Picker, names: list[str], depth: int) -> _Phrase:
    """A random boolean expression that uses each of the names once."""
    if len(names) == 1:
        name = names[0]
        if p.rng.random() < 0.3:
            return _Phrase(f"~{name}", f"NOT {name}", lambda i: 1 - i[name], True)
        return _Phrase(name, name, lambda i: i[name], True)
    cut = p.number(1, len(names) - 1)
    left, right = _phrase(p, names[:cut], depth + 1), _phrase(p, names[cut:], depth + 1)
    kind = p.one(*_GATES) if depth else p.one("AND", "OR", "XOR")
    operator, _, function = _GATES[kind]
    return _Phrase(
        f"{left.inner_text()} {operator} {right.inner_text()}",
        f"{left.inner_words()} {kind} {right.inner_words()}",
        lambda i: function(left.function(i), right.function(i)) & 1,
    )


@family("micro")
def expression(p: Picker) -> Circuit:
    names = list(p.one("ABCD", "XYZW", "PQRS"))[: p.number(3, 4)]
    p.rng.shuffle(names)
    y, phrase = p.name("F", "OUT", "RESULT"), _phrase(p, names, 0)
    return Circuit(
        p.module("LOGIC", "EXPR", "F", "FUNC"),
        "logic function",
        pins(*map(inp, sorted(names)), out(y)),
        f"{y} = {phrase.text};",
        p.one(f"{y} is {phrase.words}.", f"It computes {y} = {phrase.words}."),
        gates(lambda i: {y: phrase.function(i)}),
    )


@family("micro")
def selector(p: Picker) -> Circuit:
    width = p.one(1, p.width(2, 32))
    a, b = p.pair()
    s, y = p.name("S", "SEL", "PICK", "CHOOSE"), p.result()
    return Circuit(
        p.module("MUX2", "SELECT", "MUX"),
        f"{width}-bit 2-to-1 multiplexer" if width > 1 else "2-to-1 multiplexer",
        pins(inp(a, width), inp(b, width), inp(s), out(y, width)),
        f"{y} = {s} ? {b} : {a};",
        p.one(
            f"{y} is {a} if {s} is 0 and {b} if {s} is 1.",
            f"When {s} is 1, {y} follows {b}; otherwise it follows {a}.",
        ),
        gates(lambda i: {y: i[b] if i[s] else i[a]}),
    )


@family("micro")
def bit_pick(p: Picker) -> Circuit:
    bits = p.number(2, 4)
    width = 1 << bits
    a, s, y = p.data(), p.name("S", "INDEX", "SEL", "N"), p.result()
    return Circuit(
        p.module("PICK", "BITSEL", f"MUX{width}"),
        f"{width}-to-1 bit selector",
        pins(inp(a, width), inp(s, bits), out(y)),
        f"{y} = {a}[{s}];",
        f"{y} is the bit of {a} whose number is {s}.",
        gates(lambda i: {y: i[a] >> i[s] & 1}),
    )
