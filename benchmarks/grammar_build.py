"""How long it takes from a schema or a catalog to a grammar that an engine can mask with.

Ours: lowering, printing and llguidance's compilation, all of it. Beside it XGrammar, where it is
installed: its own schema converter on the same schema, and its compilation of our printed grammar.
Prints milliseconds of processor time (median of several runs, caches cleared before each) and the ratio.

    python benchmarks/grammar_build.py
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from idiolect.grammar import from_catalog, from_json_schema, replay
from idiolect.grammar.form import Grammar, Ref, grammar, listed
from idiolect.grammar.to_llguidance import print_llguidance


def query_schema(fields: int, values: int) -> dict[str, Any]:
    """A query language as a schema: each field has its own kind of value, told by if/then."""
    kinds: list[dict[str, Any]] = [
        {"type": "string", "format": "date"},
        {"type": "number", "minimum": 0, "maximum": 1_000_000},
        {"type": "integer", "minimum": 1, "maximum": 4094},
        {"type": "string", "minLength": 1, "maxLength": 60},
    ]
    names = [f"field_{number:03d}" for number in range(fields)]
    rules = []
    for number, name in enumerate(names[1:]):
        kind = kinds[number % 5] if number % 5 < 4 else {"enum": [f"{name}_value_{n}" for n in range(values)]}
        rules.append(
            {
                "if": {"properties": {"field": {"const": name}}},
                "then": {"properties": {"value": kind}},
            }
        )
    condition = {
        "type": "object",
        "properties": {
            "field": {"enum": names},
            "op": {"enum": ["eq", "ne", "lt", "le", "gt", "ge"]},
            "value": {"type": ["string", "number", "boolean"]},
        },
        "required": ["field", "op", "value"],
        "additionalProperties": False,
        "allOf": rules,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "where": {"type": "array", "items": {"$ref": "#/$defs/condition"}, "minItems": 1, "maxItems": 8},
            "from": {"type": "string", "format": "date"},
            "to": {"type": "string", "format": "date"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 500},
            "refusal": {"type": "string", "minLength": 1, "maxLength": 200},
        },
        "additionalProperties": False,
        "dependentRequired": {"from": ["to"], "to": ["from"]},
        "oneOf": [{"required": ["where"]}, {"required": ["refusal"]}],
        "not": {"required": ["refusal", "limit"]},
        "$defs": {"condition": condition},
    }


def catalog_grammar(size: int) -> Grammar:
    """A command language of many procs with two to four typed flags each, one call a line."""
    values = {
        "PORT": from_catalog.port(),
        "VLAN": from_catalog.integer(1, 4094),
        "NAME": from_catalog.identifier(),
        "ADDRESS": from_catalog.ipv4(),
        "NETWORK": from_catalog.cidr(),
        "WIDTH": from_catalog.decimal(0, 100, places=3, unit="um"),
        "LABEL": from_catalog.quoted(),
        "MODE": from_catalog.enum(["auto", "full", "half"]),
    }
    kinds = sorted(values)
    spaces = ("net", "sys", "phy", "drc", "lib", "ui", "log", "tech")
    verbs = ("create", "delete", "set", "get", "list", "route", "check", "export", "import", "merge")
    procs = []
    for number in range(size):
        flags = tuple(
            from_catalog.Flag(f"-{kinds[(number + n) % 8].lower()}", Ref(kinds[(number + n) % 8]), n == 0)
            for n in range(2 + number % 3)
        )
        name = f"{spaces[number % 8]}::{verbs[number // 8 % 10]}_item{number:04d}"
        procs.append(from_catalog.Call(name, (), flags))
    rules = {"start": listed(Ref("call"), "\n"), **from_catalog.calls(procs)}
    return grammar("start", rules, values)


def milliseconds(work: Callable[[], object], runs: int = 7) -> float:
    taken = []
    for _ in range(runs):
        start = time.process_time()
        work()
        taken.append((time.process_time() - start) * 1000)
    return statistics.median(taken)


def ours(lower: Callable[[], Grammar]) -> object:
    """Everything from the source to a matcher, nothing remembered."""
    from_json_schema._lowered.cache_clear()
    replay._compiled.cache_clear()
    return replay._compiled(print_llguidance(lower()))


def xgrammar_compiler() -> Any:
    """XGrammar with a vocabulary of single bytes, or None where it is not installed."""
    try:
        import xgrammar
    except ImportError:
        return None
    info = xgrammar.TokenizerInfo(
        [bytes([number]) for number in range(256)] + [b"</s>"], stop_token_ids=[256]
    )
    return xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=False)


def main() -> None:
    compiler = xgrammar_compiler()
    replay._byte_tokenizer()
    ours(lambda: from_json_schema.lower_schema(query_schema(2, 2)).grammar)  # first use of the engine
    print(f"{'case':34} {'ours':>10} {'XGrammar':>10}   (ms)")
    for fields, values in ((12, 20), (200, 20)):
        schema = query_schema(fields, values)
        mine = milliseconds(lambda schema=schema: ours(lambda: from_json_schema.lower_schema(schema).grammar))  # type: ignore[misc]
        line = f"schema, {fields} fields x {values} values"
        if compiler is None:
            print(f"{line:34} {mine:10.1f} {'absent':>10}")
            continue
        text = json.dumps(schema)
        theirs = milliseconds(lambda text=text: compiler.compile_json_schema(text))  # type: ignore[misc]
        print(f"{line:34} {mine:10.1f} {theirs:10.1f}   ratio {theirs / mine:.1f}")
    for size in (100, 1_000, 5_000):
        mine = milliseconds(lambda size=size: ours(lambda: catalog_grammar(size)), 3)  # type: ignore[misc]
        print(f"{f'catalog, {size} procs':34} {mine:10.1f}")


if __name__ == "__main__":
    main()
