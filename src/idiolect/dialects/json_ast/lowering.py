"""The grammar of a schema, and the one way to write its values: both from the same lowering.

Lowering costs milliseconds, so its results are kept by the schema's content. It does not lower
anything itself (that is `idiolect.grammar.from_json_schema`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from idiolect.dialects.json_ast.schemas import Schema

if TYPE_CHECKING:
    from idiolect.grammar.form import Grammar
    from idiolect.grammar.from_json_schema import LoweredSchema


def write_sorted(value: Any) -> str:
    """Compact JSON with sorted keys: the canonical form where no schema gives one."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def lowered_schema(schema: Schema) -> LoweredSchema:
    """A schema's grammar and writer; `NotEnforceable` says which keyword has none."""
    return _lowered(json.dumps(schema, default=_as_dict))


@lru_cache(maxsize=256)
def _lowered(schema: str) -> LoweredSchema:
    from idiolect.grammar.from_json_schema import lower_schema

    return lower_schema(json.loads(schema))


def _as_dict(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def write_canonical(value: Any, schema: Schema | None) -> str:
    """A value as its schema's grammar writes it; with sorted keys where there is no grammar for it."""
    if schema is None:
        return write_sorted(value)
    from idiolect.grammar.from_json_schema import NotEnforceable

    try:
        return lowered_schema(schema).write(value)
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

    start = fresh("start", {*taken, *names.values()})
    rules = {names[name]: map_nodes(node, renamed) for name, node in right.rules.items()}
    terminals = {
        names[name]: Terminal(map_nodes(terminal.node, renamed), terminal.hint)
        for name, terminal in right.terminals.items()
    }
    return grammar(
        start,
        {start: choice(ref(left.start), ref(names[right.start])), **left.rules, **rules},
        {**left.terminals, **terminals},
        ignore=left.ignore,
        post_checks=(*left.post_checks, *right.post_checks),
        notes=(*left.notes, *right.notes),
    )
