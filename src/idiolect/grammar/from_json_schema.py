"""Lowers a JSON Schema (draft 4 to 2020-12) into a grammar, and writes values the way it takes them.

Canonical text: no white space at all; object keys in the order in which the schema first says them,
keys that it does not name behind those; numbers as plain decimals (no exponent, no `.0`, at most 40
digits on a side); strings raw but for `"`, `\\` and control characters. What can't be enforced raises
`NotEnforceable`, or with `post_check=True` is listed as a post-check. References are never fetched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from idiolect.grammar.automaton import TooLarge
from idiolect.grammar.checks import productive
from idiolect.grammar.form import Grammar, PostCheck
from idiolect.grammar.json_schema.emit import Emitter
from idiolect.grammar.json_schema.normalize import Normalizer
from idiolect.grammar.json_schema.resolve import NotEnforceable, Schema, Schemas
from idiolect.grammar.json_schema.shapes import Spec, spec_of
from idiolect.grammar.json_schema.write import Writer
from idiolect.grammar.rewrite import prune

__all__ = ["LoweredSchema", "NotEnforceable", "lower_schema"]


@dataclass(frozen=True, slots=True)
class LoweredSchema:
    """A schema's grammar and the serializer that belongs to it."""

    grammar: Grammar
    post_checks: tuple[PostCheck, ...]
    _writer: Writer = field(repr=False)
    _root: Spec = field(repr=False)

    def write(self, value: Any) -> str:
        """The value's canonical text; ValueError with a pointer where it does not fit the schema."""
        return self._writer.write(self._root, value)


def lower_schema(
    schema: Mapping[str, Any] | bool,
    *,
    post_check: bool = False,
    store: Mapping[str, Schema] | None = None,
    default_draft: int = 2020,
) -> LoweredSchema:
    """The grammar of a schema's values. `store` holds other schemas by address, for references."""
    try:
        written = json.dumps([schema, store or {}])
    except (TypeError, ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise NotEnforceable("", "schema", reason, "give a schema as JSON values") from None
    return _lowered(written, post_check, default_draft)


@lru_cache(maxsize=128)
def _lowered(written: str, post_check: bool, default_draft: int) -> LoweredSchema:
    schema, store = json.loads(written)
    schemas = Schemas(schema, store, default_draft)
    normalizer = Normalizer(schemas, post_check=post_check)
    root = spec_of(schemas.root)
    emitter = Emitter(normalizer)
    try:
        start = emitter.emit(root)
    except TooLarge as error:
        raise NotEnforceable("", "pattern", str(error), "write shorter patterns") from None
    if start not in productive(emitter.rules, set(emitter.terminals)):
        raise NotEnforceable(
            "", "schema", "no finite value fits it", "loosen it; its rules exclude each other"
        )
    rules, terminals = prune(emitter.rules, emitter.terminals, start)
    checks = (*normalizer.checks.values(), *emitter.checks.values())
    # Not checked again as a whole: that would take a fifth of the time, and tests do it for every schema.
    made = Grammar(rules, terminals, start, (), checks, tuple(normalizer.notes), parted=True)
    return LoweredSchema(made, checks, Writer(normalizer), root)
