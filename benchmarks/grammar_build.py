"""How long it takes from a schema or a catalog to a grammar that an engine can mask with.

Ours: lowering, printing and llguidance's compilation, all of it. Beside it XGrammar, where it is
installed: its compilation of our printed grammar (lowering included), and its own schema converter,
which is quick because it drops what it does not know: the last line counts what it then accepts.
Prints milliseconds of processor time (median of several runs, caches cleared before each).

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
from idiolect.grammar.to_xgrammar import print_xgrammar


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


def wrong_documents() -> list[str]:
    """Documents that the 12-field schema forbids, one rule broken in each."""
    good = '{"where":[{"field":"field_001","op":"eq","value":"2024-02-29"}]}'
    return [
        good.replace("2024", "2023"),  # no 29 February in that year
        good.replace('"2024-02-29"', "17"),  # another field's kind of value
        good.replace("eq", "like"),
        good.replace("field_001", "field_099"),
        good.replace("]}", '],"refusal":"no"}'),  # both branches of oneOf
        good.replace("]}", '],"from":"2024-01-01"}'),  # "from" asks for "to"
        '{"refusal":"no","limit":5}',
        good.replace("]}", '],"limit":501}'),
        '{"where":[]}',
        "{}",
        "[1,2,3]",
        '"hello"',
    ]


class XGrammar:
    """XGrammar with a vocabulary of single bytes, which is its cheapest case."""

    def __init__(self) -> None:
        import xgrammar

        tokens = [bytes([number]) for number in range(256)] + [b"</s>"]
        info = xgrammar.TokenizerInfo(tokens, stop_token_ids=[256])
        self.module = xgrammar
        self.compiler = xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=False)

    def schema(self, text: str) -> object:
        """Its own converter."""
        return self.compiler.compile_json_schema(text)

    def ours(self, lower: Callable[[], Grammar]) -> object:
        """Our lowering and print, its compilation."""
        from_json_schema._lowered.cache_clear()
        return self.compiler.compile_grammar(self.module.Grammar.from_ebnf(print_xgrammar(lower())))

    def wrongly_accepted(self, schema: dict[str, Any]) -> int:
        from xgrammar.testing import _is_grammar_accept_string

        converted = self.module.Grammar.from_json_schema(json.dumps(schema))
        return sum(_is_grammar_accept_string(converted, text) for text in wrong_documents())


def show(case: str, *numbers: float | None) -> None:
    print(f"{case:34}" + "".join(f"{'-' if one is None else format(one, '.1f'):>12}" for one in numbers))


def main() -> None:
    try:
        other = XGrammar()
    except ImportError:
        other = None
    ours(lambda: from_json_schema.lower_schema(query_schema(2, 2)).grammar)  # first use of the engine
    print(f"{'milliseconds':34}{'ours':>12}{'XGrammar':>12}{'XGrammar':>12}")
    print(f"{'':34}{'llguidance':>12}{'our print':>12}{'its own':>12}")
    for fields in (12, 200):
        schema = query_schema(fields, 20)

        def lower(schema: dict[str, Any] = schema) -> Grammar:
            return from_json_schema.lower_schema(schema).grammar

        text = json.dumps(schema)
        show(
            f"schema, {fields} fields x 20 values",
            milliseconds(lambda lower=lower: ours(lower)),  # type: ignore[misc]
            milliseconds(lambda lower=lower: other.ours(lower), 3) if other else None,  # type: ignore[misc]
            milliseconds(lambda text=text: other.schema(text), 3) if other else None,  # type: ignore[misc]
        )
    for size in (100, 1_000, 5_000):
        show(
            f"catalog, {size} procs",
            milliseconds(lambda size=size: ours(lambda: catalog_grammar(size)), 3),  # type: ignore[misc]
            milliseconds(lambda size=size: other.ours(lambda: catalog_grammar(size)), 1) if other else None,  # type: ignore[misc]
            None,
        )
    schema = query_schema(12, 20)
    made = from_json_schema.lower_schema(schema).grammar
    wrong = sum(replay.replay(made, text).accepted for text in wrong_documents())
    count = len(wrong_documents())
    print(f"\ninvalid documents accepted: ours {wrong} of {count}", end="")
    print(f", XGrammar's own converter {other.wrongly_accepted(schema)} of {count}" if other else "")


if __name__ == "__main__":
    main()
