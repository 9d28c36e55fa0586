"""Grammars in the forms that other people's engines take, each with what that engine wants at its head.

    lark         llguidance's Lark: vLLM with guidance, SGLang with llguidance, llama.cpp built with it
    ebnf         XGrammar's EBNF: vLLM and SGLang with their usual backend
    gbnf         llama.cpp
    json-schema  Ollama and whoever takes a JSON Schema only; for languages that are JSON

Only `lark` says everything; the others write items in any order out up to six, and in order beyond. A JSON
Schema is lowered first: what an engine would drop in silence is refused here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from idiolect.decode.trouble import DecodeError, trouble
from idiolect.grammar.form import Grammar
from idiolect.grammar.to_gbnf import print_gbnf
from idiolect.grammar.to_json_schema import print_json_schema
from idiolect.grammar.to_llguidance import print_llguidance
from idiolect.grammar.to_xgrammar import print_xgrammar

Form = Literal["lark", "ebnf", "gbnf", "json-schema"]
FORMS: tuple[Form, ...] = ("lark", "ebnf", "gbnf", "json-schema")

# The first line is for the engine (llguidance reads no comment before it); comments follow where they may.
_USE = {
    "lark": '// vLLM: --structured-outputs-config.backend guidance, structured_outputs={"grammar": ...}\n'
    "// SGLang: --grammar-backend llguidance, ebnf=...; llama.cpp: LLAMA_LLGUIDANCE=ON, grammar=...\n",
    "ebnf": '# vLLM: structured_outputs={"grammar": ...}; SGLang: ebnf=...; both with the backend xgrammar\n',
    "gbnf": "# llama.cpp: --grammar-file FILE, or grammar=... in a request; root is the start\n",
}


def export_grammar(grammar: Grammar, form: Form) -> str:
    """The grammar in a form, with a head that says how its engine is given it."""
    checks = [f"{check.name}: {check.reason}" for check in grammar.post_checks]
    match form:
        case "lark":
            head, rest = print_llguidance(grammar).split("\n", 1)
            return f"{head}\n{_USE[form]}{_comments(checks, '// ')}{rest.lstrip(chr(10))}"
        case "ebnf":
            return _USE[form] + _comments(checks, "# ") + print_xgrammar(grammar)
        case "gbnf":
            return _USE[form] + _comments(checks, "# ") + print_gbnf(grammar)
        case _:
            raise trouble("L710", "a JSON Schema is made of a JSON Schema only", "take lark, ebnf or gbnf")


def export_schema(schema: Mapping[str, Any]) -> str:
    """A JSON Schema for engines that take nothing else."""
    return json.dumps(lowered_schema(schema), indent=2, ensure_ascii=False) + "\n"


def lowered_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema with its logic worked out; DecodeError where no engine could be told what it means."""
    try:
        return print_json_schema(schema)
    except Exception as error:  # whatever keeps a schema from being lowered is what is told of it
        raise _not_lowered(error) from error


def _not_lowered(error: Exception) -> DecodeError:
    return trouble("L710", f"the schema can't be written for other engines: {error}", "loosen what is named")


def _comments(lines: list[str], mark: str) -> str:
    head = [f"{mark}What this grammar can't say, the verifier judges:"] if lines else []
    return "".join(f"{line}\n" for line in [*head, *(f"{mark}  {line}" for line in lines)])
