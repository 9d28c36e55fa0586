"""Families of pipelines made of named stages. Level scenario."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from idiolect.dialects.gates.families.circuit import Circuit, Picker, Pin, Row, family, inp, mask, out, pins

_NAMES = (
    ("FETCH", "EXECUTE", "WRITE"),
    ("FIRST", "SECOND", "THIRD"),
    ("LOAD", "COMPUTE", "STORE"),
    ("S1", "S2", "S3"),
    ("IN_STAGE", "MIDDLE", "OUT_STAGE"),
    ("CAPTURE", "WORK", "FINISH"),
)


def _stages(p: Picker, *special: str) -> tuple[str, ...]:
    """Names of three stages; at times names that tell the job."""
    return p.rng.choice([special, *_NAMES])


def _pipe(
    depth: int, outputs: Callable[[Any], Row], compute: Callable[[Row], Any], empty: Any
) -> tuple[Any, Any]:
    """A model of a pipeline: what was computed goes through `depth` registers."""

    def step(s: tuple[Any, ...], i: Row) -> tuple[Row, Any]:
        return outputs(s[-1]), (compute(i), *s[:-1])

    return step, (empty,) * depth


def _timing(depth: int, reset: Pin | None) -> str:
    words = f" Results come {depth} clock steps after their inputs; all stage values start at 0."
    return words + (f" A clock step with {reset.name} at 1 empties all stages." if reset else "")


@family("scenario")
def multiply_accumulate(p: Picker) -> Circuit:
    width, (clock, reset) = p.number(2, 8), p.control()
    (a, b), y = p.pair(), p.name("ACC_OUT", "Y", "TOTAL")
    double = 2 * width
    to = double + p.number(0, 8)
    mul, acc, _ = _stages(p, "MULTIPLY", "ACCUMULATE", "")
    acc_name, prod = p.one("SUM", "ACC"), p.one("PRODUCT", "P")
    wide = f"{mul}.{prod}" if to == double else f"{{{to - double}'d0, {mul}.{prod}}}"

    def step(s: tuple[int, int], i: Row) -> tuple[Row, Any]:
        product, total = s
        return {y: total}, (i[a] * i[b], (total + product) & mask(to))

    body = (
        f"STAGE {mul} {{ {prod}[{double}] <= {a} * {b}; }} "
        f"STAGE {acc} AFTER {mul} {{ {acc_name}[{to}] <= {acc}.{acc_name} + {wide}; }} {y} = "
        f"{acc}.{acc_name};"
    )
    return Circuit(
        p.module("MAC", "MACC", "MULT_ACC"),
        "pipelined multiply-accumulate",
        pins(clock, reset, inp(a, width), inp(b, width), out(y, to)),
        body,
        f"Stage {mul} latches the full product of {a} and {b} as {prod}; stage {acc}, which comes "
        f"after it, adds {prod} to its value {acc_name}, modulo 2^{to}. "
        f"{y} is {acc_name}." + _timing(2, reset),
        step,
        (0, 0),
    )


@family("scenario")
def multiply_add(p: Picker) -> Circuit:
    width, (clock, reset) = p.number(2, 8), p.control()
    (a, b), c, y = p.pair(), p.name("C", "OFFSET", "BIAS"), p.result()
    mul, add, _ = _stages(p, "MULT", "ADD", "")
    double = 2 * width
    body = (
        f"STAGE {mul} {{ P[{double}] <= {a} * {b}; KEPT[{double}] <= {c}; }} "
        f"STAGE {add} AFTER {mul} {{ R[{double}] <= {mul}.P + {mul}.KEPT; }} {y} = {add}.R;"
    )
    step, start = _pipe(2, lambda v: {y: v}, lambda i: (i[a] * i[b] + i[c]) & mask(double), 0)
    return Circuit(
        p.module("MULADD", "FMA", "SCALE_ADD"),
        "two-stage multiply-add",
        pins(clock, reset, inp(a, width), inp(b, width), inp(c, double), out(y, double)),
        body,
        f"Stage {mul} multiplies {a} by {b} and carries {c} along as KEPT; stage {add} adds both, "
        f"modulo 2^{double}. {y} is the result." + _timing(2, reset),
        step,
        start,
    )


@family("scenario")
def three_stage_average(p: Picker) -> Circuit:
    width, (clock, reset) = p.number(3, 12), p.control()
    names, y = p.one(("A", "B", "C", "D"), ("D0", "D1", "D2", "D3")), p.name("AVG", "MEAN", "Y")
    s1, s2, s3 = _stages(p, "PAIRS", "TOTAL", "DIVIDE")
    a, b, c, d = names
    body = (
        f"STAGE {s1} {{ LEFT[{width + 1}] <= {{1'b0, {a}}} + {{1'b0, {b}}}; RIGHT[{width + 1}] <= "
        f"{{1'b0, {c}}} + {{1'b0, {d}}}; }} "
        f"STAGE {s2} AFTER {s1} {{ ALL[{width + 2}] <= {{1'b0, {s1}.LEFT}} + {{1'b0, {s1}.RIGHT}}; }} "
        f"STAGE {s3} AFTER {s2} {{ QUARTER[{width}] <= {s2}.ALL[{width + 1}:2]; }} {y} = {s3}.QUARTER;"
    )
    step, start = _pipe(3, lambda v: {y: v}, lambda i: sum(i[name] for name in names) >> 2, 0)
    return Circuit(
        p.module("AVERAGE4", "MEAN4", "PIPE_AVG"),
        "three-stage average of four",
        pins(clock, reset, *(inp(n, width) for n in names), out(y, width)),
        body,
        f"Stage {s1} adds {a} to {b} and {c} to {d}, stage {s2} adds the two sums, and stage {s3} "
        f"divides by 4, rounding down; no bit is lost on the way. {y} is the average." + _timing(3, reset),
        step,
        start,
    )


@family("scenario")
def pipelined_choice(p: Picker) -> Circuit:
    width, (clock, reset) = p.number(3, 16), p.control()
    (a, b), m, y, v = p.pair(), p.name("OP", "MODE"), p.result(), p.name("ZERO", "EMPTY")
    s1, s2, _ = _stages(p, "COMPUTE", "CHECK", "")
    first, second = p.rng.sample([("+", "plus"), ("-", "minus"), ("&", "AND"), ("|", "OR"), ("^", "XOR")], 2)
    body = (
        f"STAGE {s1} {{ R[{width}] <= {m} ? {a} {second[0]} {b} : {a} {first[0]} {b}; }} "
        f"STAGE {s2} AFTER {s1} {{ VALUE[{width}] <= {s1}.R; FLAG <= {s1}.R == 0; }} {y} = "
        f"{s2}.VALUE; {v} = {s2}.FLAG;"
    )

    def apply(sign: str, i: Row) -> int:
        left, right = i[a], i[b]
        value = {
            "+": left + right,
            "-": left - right,
            "&": left & right,
            "|": left | right,
            "^": left ^ right,
        }[sign]
        return value & mask(width)

    def compute(i: Row) -> tuple[int, int]:
        value = apply(second[0] if i[m] else first[0], i)
        return value, int(value == 0)

    def step(s: Any, i: Row) -> tuple[Row, Any]:
        (held, (shown, flag)) = s
        return {y: shown, v: flag}, (compute(i)[0], (held, int(held == 0)))

    return Circuit(
        p.module("PIPE", "PIPE_ALU", "FLOW"),
        "two-stage arithmetic pipeline",
        pins(clock, reset, inp(m), inp(a, width), inp(b, width), out(y, width), out(v)),
        body,
        f"Stage {s1} computes {a} {first[1]} {b} if {m} is 0, and {a} {second[1]} {b} if {m} is 1, "
        f"modulo 2^{width}; stage {s2} carries the result and latches whether it is 0. "
        f"{y} is the result and {v} is 1 if it is 0." + _timing(2, reset),
        step,
        (0, (0, 0)),
    )


@family("scenario")
def absolute_difference_pipe(p: Picker) -> Circuit:
    width, (clock, reset) = p.number(3, 16), p.control()
    (a, b), y = p.pair(), p.name("DIST", "Y", "DELTA")
    s1, s2, _ = _stages(p, "SUBTRACT", "CORRECT", "")
    body = (
        f"STAGE {s1} {{ D[{width}] <= {a} - {b}; NEG <= {a} < {b}; }} "
        f"STAGE {s2} AFTER {s1} {{ WIRE FLIPPED[{width}] = -{s1}.D; R[{width}] <= {s1}.NEG ? FLIPPED "
        f": {s1}.D; }} {y} = {s2}.R;"
    )
    step, start = _pipe(2, lambda v: {y: v}, lambda i: abs(i[a] - i[b]), 0)
    return Circuit(
        p.module("ABS_PIPE", "DIST_PIPE"),
        "two-stage absolute difference",
        pins(clock, reset, inp(a, width), inp(b, width), out(y, width)),
        body,
        f"Stage {s1} subtracts {b} from {a} and notes whether {a} is less than {b} (unsigned); stage "
        f"{s2} negates the difference in that case. "
        f"{y} is the absolute difference." + _timing(2, reset),
        step,
        start,
    )


@family("scenario")
def max_of_four(p: Picker) -> Circuit:
    width, (clock, reset), low = p.number(2, 12), p.control(), p.one(True, False)
    names, y = p.one(("A", "B", "C", "D"), ("W0", "W1", "W2", "W3")), p.name("BEST", "Y", "WINNER")
    s1, s2, _ = _stages(p, "SEMIFINAL", "FINAL", "")
    a, b, c, d = names
    sign = "<" if low else ">"
    body = (
        f"STAGE {s1} {{ L[{width}] <= {a} {sign} {b} ? {a} : {b}; R[{width}] <= {c} {sign} {d} ? {c} "
        f": {d}; }} "
        f"STAGE {s2} AFTER {s1} {{ M[{width}] <= {s1}.L {sign} {s1}.R ? {s1}.L : {s1}.R; }} {y} = {s2}.M;"
    )
    choose = min if low else max
    step, start = _pipe(2, lambda v: {y: v}, lambda i: choose(i[name] for name in names), 0)
    word = "smallest" if low else "largest"
    return Circuit(
        p.module("TOURNAMENT", "BEST4", "EXTREME4"),
        f"pipelined {'minimum' if low else 'maximum'} of four",
        pins(clock, reset, *(inp(n, width) for n in names), out(y, width)),
        body,
        f"Stage {s1} finds the {word} of {a} and {b} and the {word} of {c} and {d}; stage {s2} finds "
        f"the {word} of the two. {y} is the result, unsigned." + _timing(2, reset),
        step,
        start,
    )
