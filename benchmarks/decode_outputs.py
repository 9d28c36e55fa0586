"""Constrained outputs of an untrained model: does every one parse, name only what exists, and end whole?

Writes N answers for each dialect with a tiny random model (no training: it chooses nearly at random among
what the grammar allows) and judges each by the dialect's own verifier. Printed: how many were cut, parse,
name a symbol that does not exist, and pass all of the verifier's checks; by closing or by themselves.

    python benchmarks/decode_outputs.py [N] [dialect ...]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]

from idiolect.decode.generate import Generator  # noqa: E402
from idiolect.decode.guard import unknown_names  # noqa: E402
from idiolect.decode.records import Request, Sampling  # noqa: E402
from idiolect.dialects.catalog_json import parse_catalog  # noqa: E402
from idiolect.dialects.contract import Context, Dialect  # noqa: E402
from idiolect.dialects.registry import load_dialect  # noqa: E402
from idiolect.student.load import load_student  # noqa: E402
from tiny_models import tiny_model  # noqa: E402

ROOT = Path(__file__).parents[1]
DIALECTS = ("json_ast", "tcl", "shopsql", "gates", "ahk2")
BUDGET = 100  # tokens, of which closing may take 80
BATCH = 128
SCHEMAS = 40  # different ones for json_ast

# A catalog with typed arguments, predicates, loops and an embedded rule language with statements of its own.
CATALOG = """{"procs": [
 {"name": "net::route", "args": [{"name": "net", "type": "string"}, {"name": "layer", "type": "enum",
  "values": ["M1", "M2", "M3"]}, {"name": "width", "type": "float", "range": [0.1, 9], "required": false}]},
 {"name": "net::keepout", "args": [{"name": "net", "type": "string"}, {"name": "width", "type": "float"}]},
 {"name": "net::is_routed", "args": [{"name": "net", "type": "string"}], "returns": "bool"},
 {"name": "port::open", "args": [{"name": "port", "type": "int", "range": [1, 4094]},
  {"name": "force", "type": "bool", "passed": "switch", "required": false}]}],
 "variables": [{"name": "::tech::corner", "values": ["tt", "ss", "ff"]}],
 "dsl": {"embedding": {"open": "dsl {", "close": "}"}, "statements": [
  {"name": "spacing", "form": "rule \\"<id>\\" apply_to: <net> spacing: <gap>um", "slots": [
   {"name": "id", "type": "identifier"}, {"name": "net", "type": "identifier"},
   {"name": "gap", "type": "float", "range": [0, 5]}]},
  {"name": "order", "form": "order <side>", "slots": [{"name": "side", "type": "enum",
   "values": ["left", "right"]}]}]}}"""


@dataclass(slots=True)
class Tally:
    """What became of one dialect's outputs."""

    count: int = 0
    cut: int = 0
    closed: int = 0
    parsed: int = 0
    unknown: int = 0
    good: int = 0
    not_judged: int = 0
    tokens: int = 0
    forced: int = 0
    seconds: float = 0.0
    longest_closing: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def contexts(name: str) -> tuple[Dialect, list[Context]]:
    """A dialect and what its texts are asked for."""
    if name == "shopsql":
        folder = ROOT / "tests" / "dialects" / "user" / "folders" / "shopsql"
        return load_dialect(str(folder), allow_code=False), [Context()]
    dialect, rng = load_dialect(name), random.Random(7)
    if name == "json_ast":
        return dialect, [dialect.sample(rng).context for _ in range(SCHEMAS)]
    if name == "tcl":
        return dialect, [Context(catalog=parse_catalog(CATALOG, "catalog"))]
    return dialect, [Context()]


def measure(name: str, count: int, generator: Generator, *, seed: int = 0) -> Tally:
    """Write and judge so many outputs of a dialect."""
    dialect, asked = contexts(name)
    grammars = [dialect.constraint(context) for context in asked]
    tally = Tally()
    sampling = Sampling(max_tokens=BUDGET, temperature=1.0, seed=seed)
    while tally.count < count:
        size = min(BATCH, count - tally.count)
        numbers = [(tally.count + at) % len(asked) for at in range(size)]
        requests = [
            Request(
                ({"role": "user", "content": f"Task {number}"},),
                grammar=grammars[number],
                seed=tally.count + at,
            )
            for at, number in enumerate(numbers)
        ]
        started = time.perf_counter()
        answers = generator.generate(requests, sampling)
        tally.seconds += time.perf_counter() - started
        for number, (answer,) in zip(numbers, answers, strict=True):
            judge(tally, dialect, asked[number], answer)
    return tally


def judge(tally: Tally, dialect: Dialect, context: Context, answer: Any) -> None:
    """Count one output by its verdict."""
    tally.count += 1
    tally.cut += not answer.finished
    tally.closed += answer.ended == "closed"
    tally.tokens += len(answer.ids)
    tally.forced += answer.forced
    verdict = dialect.verify(answer.text, context)
    tally.not_judged += not verdict.judged
    tally.parsed += verdict.parsed is True
    tally.unknown += bool(unknown_names(verdict))
    tally.good += verdict.ok
    errors = {fault.code for fault in verdict.faults if fault.severity.value == "error"}
    tally.faults.update(errors)
    if verdict.parsed is not True and len(tally.broken) < 3:
        tally.broken.append(f"{sorted(errors)}: {answer.text!r}")


def tiny_generator() -> Generator:
    """A tiny random student with a tokenizer that knows these languages' words."""
    folder = Path(tempfile.mkdtemp(prefix="idiolect-outputs-"))
    return Generator(
        load_student(tiny_model(folder / "tiny", "llama"), root=folder, device="cpu"), most_rows=BATCH
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    generator = tiny_generator()
    print(f"{count} outputs a dialect, budget {BUDGET} tokens, temperature 1, an untrained model")
    print("dialect      cut  parsed  unknown name  all checks  closed  forced  tokens  seconds")
    for name in sys.argv[2:] or DIALECTS:
        found = measure(name, count, generator)
        share, length = found.forced / max(found.tokens, 1), found.tokens / found.count
        print(
            f"{name:10} {found.cut:5} {found.parsed:7} {found.unknown:13} {found.good:11} {found.closed:7} "
            f"{share:6.0%} {length:7.0f} {found.seconds:8.0f}",
            flush=True,
        )
        print(f"             faults: {dict(found.faults.most_common(6))}")
        for text in found.broken:
            print(f"             does not parse: {text}")


if __name__ == "__main__":
    main()
