"""The grammar of a schema, and the one way to write its values: both from the same lowering.

What the grammar can't say is among its post-checks, and stays for the verifier. Nothing is lowered
here (that is `idiolect.grammar.from_json_schema`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from idiolect.dialects.json_ast.schemas import CompiledSchema

if TYPE_CHECKING:
    from idiolect.grammar.form import Grammar
    from idiolect.grammar.from_json_schema import LoweredSchema

YEARS = {"draft4": 4, "draft6": 6, "draft7": 7, "2019-09": 2019, "2020-12": 2020}


def write_sorted(value: Any) -> str:
    """Compact JSON with sorted keys: the canonical form where no schema gives one."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def lowered(compiled: CompiledSchema) -> LoweredSchema:
    """A schema's grammar and writer; `NotEnforceable` says which keyword has none."""
    from idiolect.grammar.from_json_schema import lower_schema

    return lower_schema(
        compiled.document, post_check=True, store=compiled.store, default_draft=YEARS[compiled.draft]
    )


def write_canonical(value: Any, compiled: CompiledSchema) -> str:
    """A value as its schema's grammar writes it; with sorted keys where there is no grammar for it."""
    from idiolect.grammar.from_json_schema import NotEnforceable

    try:
        return lowered(compiled).write(value)
    except (NotEnforceable, ValueError):
        return write_sorted(value)


def either(left: Grammar, right: Grammar) -> Grammar:
    """The grammar that takes what one of two takes."""
    from idiolect.grammar.form import Node, Ref, Terminal, choice, grammar, ref
    from idiolect.grammar.rewrite import fresh, map_nodes

    taken = {*left.rules, *left.terminals}
    names = {name: fresh(f"other_{name}", taken) for name in (*right.rules, *right.terminals)}

    def renamed(node: Node) -> Node:
        return Ref(names[node.name]) if isinstance(node, Ref) else node

    start = fresh("either", {*taken, *names.values()})
    rules = {names[name]: map_nodes(node, renamed) for name, node in right.rules.items()}
    terminals = {
        names[name]: Terminal(map_nodes(terminal.node, renamed), terminal.hint)
        for name, terminal in right.terminals.items()
    }
    return grammar(
        start,
        {start: choice(ref(left.start), ref(names[right.start])), **left.rules, **rules},
        {**left.terminals, **terminals},
        post_checks=(*left.post_checks, *right.post_checks),
        notes=(*left.notes, *right.notes),
        parted=left.parted and right.parted,
    )
