"""Verdicts a second on JSON trees, beside the `jsonschema` package on the same schemas and texts.

Four rows a schema: valid texts under one project's schema; the same where each text brings its schema,
which is recognised by content; broken texts with their full verdict (codes, places, hints, repairs);
and as many of either. `jsonschema` gets a validator made once per schema, parses
the text by `json.loads`, and lists all its errors; it gives neither places in the text nor a nearest
branch. Both run in this process, in turns, and the best of several rounds counts.

    python benchmarks/json_ast_verdicts.py [--samples 60] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import jsonschema

from idiolect.dialects.contract import Context
from idiolect.dialects.json_ast.dialect import JsonAst
from idiolect.dialects.json_ast.families import sample_schema

DIALECT = JsonAst()


def many_fields(count: int, values: int) -> dict[str, Any]:
    """A schema as generated ones are: many fields, each with its operators and values by if/then."""
    fields = {f"field_{number}": [f"v{number}_{value}" for value in range(values)] for number in range(count)}
    return {
        "type": "object",
        "properties": {"field": {"enum": list(fields)}, "op": {"enum": ["eq", "neq", "in"]}, "value": {}},
        "required": ["field", "op", "value"],
        "additionalProperties": False,
        "allOf": [
            {
                "if": {"properties": {"field": {"const": name}}},
                "then": {"properties": {"value": {"enum": allowed}}},
            }
            for name, allowed in fields.items()
        ],
    }


def texts_for(schema: dict[str, Any], count: int) -> tuple[list[str], list[str]]:
    """Valid texts of a schema, and texts that parse but break it."""
    rng = random.Random(3)
    context = Context(schema=schema)
    good = [DIALECT.sample(rng, context).text for _ in range(count)]
    bad: list[str] = []
    while len(bad) < count:
        mutant = DIALECT.mutate(rng.choice(good), rng, context)
        if mutant is not None and not mutant.syntax and mutant.kind != "duplicate_key":
            bad.append(mutant.text)
    return good, bad


def rate(judge: Callable[[str], bool], texts: Sequence[str]) -> float:
    started = time.perf_counter()
    for text in texts:
        judge(text)
    return len(texts) / (time.perf_counter() - started)


def compare(name: str, schema: dict[str, Any], samples: int, rounds: int) -> None:
    good, bad = texts_for(schema, samples)
    context = Context(schema=schema)
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )

    project = JsonAst(schema)

    def ours(text: str) -> bool:
        return project.verify(text).ok

    def ours_by_example(text: str) -> bool:
        return DIALECT.verify(text, context).ok

    def theirs(text: str) -> bool:
        return not list(validator.iter_errors(json.loads(text)))

    for text in good + bad:
        assert ours(text) == theirs(text), f"the two disagree on {text}"
    rows = [("valid", good, ours), ("valid, schema per text", good, ours_by_example)]
    rows += [("broken", bad, ours), ("half and half", good + bad, ours)]
    for row, texts, judge in rows:
        rates = [(rate(judge, texts), rate(theirs, texts)) for _ in range(rounds)]
        mine, other = max(one for one, _ in rates), max(one for _, one in rates)
        beside = f"jsonschema {other:>8,.0f} /s  ratio {mine / other:6.1f}"
        print(f"{name:<23} {row:<23} {mine:>10,.0f} /s  {beside}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=60, help="valid and broken texts a schema")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rng = random.Random(1)
    for level in ("micro", "multi", "scenario"):
        compare(f"query, {level}", sample_schema(rng, level), options.samples, options.rounds)
    compare("12 fields, 8 values", many_fields(12, 8), options.samples, options.rounds)
    compare("200 fields, 20 values", many_fields(200, 20), max(6, options.samples // 6), options.rounds)


if __name__ == "__main__":
    main()
