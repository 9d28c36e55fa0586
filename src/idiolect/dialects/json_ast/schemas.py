"""Compile JSON Schemas, drafts 4 to 2020-12, once each, and never by asking a network.

A reference that leaves the schema is looked up in a store that the project gives; nothing else is
read. It says whether a value is valid; why not is for `explain`.
"""

from __future__ import annotations

import json
import marshal
from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from idiolect.dialects.json_ast.document import MAX_DEPTH, pointer
from idiolect.dialects.json_ast.resources import DIALECT_URIS, Resources
from idiolect.dialects.json_ast.strict import LookCloser, nesting, read_strict

Schema = Mapping[str, Any] | bool
Store = Mapping[str, Any]  # URI -> schema

CLASSES: dict[str, type[jsonschema_rs.Validator]] = {
    "draft4": jsonschema_rs.Draft4Validator,
    "draft6": jsonschema_rs.Draft6Validator,
    "draft7": jsonschema_rs.Draft7Validator,
    "2019-09": jsonschema_rs.Draft201909Validator,
    "2020-12": jsonschema_rs.Draft202012Validator,
}
DOCUMENT = "urn:idiolect:document"  # the name by which a part of a schema refers to the whole
KEPT = 256  # compiled schemas held; a corpus has one schema for hundreds of rows
# A look-ahead or a back-reference needs a backtracking engine. Each try is held to so many steps,
# and strings to so many characters: past that, unanchored patterns took 18 s on 60,000 characters.
BACKTRACKS = 5_000
LONGEST_BACKTRACKED = 2_000


class SchemaUnusable(Exception):
    """A schema that is missing, malformed, or refers to what is not there."""


class CompiledSchema:
    """A schema that is ready to judge values."""

    def __init__(self, document: dict[str, Any] | bool, draft: str, store: Store) -> None:
        self.document = document
        self.draft = draft
        self.store = store
        self.linear_patterns = True
        self._validator = self._compile()
        self._pieces: dict[tuple[int, str], tuple[Any, jsonschema_rs.Validator]] = {}

    def _compile(self) -> jsonschema_rs.Validator:
        try:
            return self.build(self.document, jsonschema_rs.RegexOptions())
        except jsonschema_rs.ValidationError:
            self.linear_patterns = False
        try:
            return self.build(self.document, jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACKS))
        except jsonschema_rs.ValidationError as fault:
            raise SchemaUnusable(_why(fault)) from fault

    def build(self, schema: Any, patterns: Any = None) -> jsonschema_rs.Validator:
        """A validator with this schema's draft, store and pattern engine."""
        if patterns is None:
            patterns = (
                jsonschema_rs.RegexOptions()
                if self.linear_patterns
                else jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACKS)
            )
        declared = schema.get("$schema") if isinstance(schema, dict) else None
        known = not isinstance(declared, str) or declared.rstrip("#") in DIALECT_URIS
        make: Any = CLASSES[self.draft] if known else jsonschema_rs.validator_for
        try:
            made = make(schema, validate_formats=True, retriever=self._retrieve, pattern_options=patterns)
        except (ValueError, TypeError) as fault:
            if isinstance(fault, jsonschema_rs.ValidationError):
                raise
            raise SchemaUnusable(f"the schema can't be compiled: {fault}") from fault
        assert isinstance(made, jsonschema_rs.Validator)
        return made

    def _retrieve(self, uri: str) -> Any:
        if uri == DOCUMENT:
            return self.document
        found = self.store.get(uri, self.store.get(uri.rstrip("#")))
        if found is None:
            raise LookupError("it is not in the local store, and nothing is fetched from a network")
        return found

    def is_valid(self, value: Any) -> bool:
        return bool(self._validator.is_valid(value))

    @cached_property
    def speaks_of_unevaluated(self) -> bool:
        """Whether what one subschema speaks of can matter to another."""
        return "unevaluated" in repr(self.document)

    @cached_property
    def resources(self) -> Resources:
        """Where this schema's references lead."""
        return Resources(self.document, self.draft, self.store)

    def piece(self, schema: Any, part: str, made: Any) -> jsonschema_rs.Validator:
        """The validator of a part of this schema that refers to nothing, compiled on first use."""
        key = (id(schema), part)
        held = self._pieces.get(key)
        if held is None:
            held = self._pieces[key] = (schema, self.build(made))  # holds the schema, so its id stays its own
        return held[1]

    def part_holds(self, schema: Any, value: Any) -> bool | None:
        """Whether a value keeps a part of this schema; None if the part means something only in its place."""
        held = self._pieces.get((id(schema), "whole"))
        if held is None:
            place = self.resources.place(schema)
            if place is None:
                return None
            reference = f"{DOCUMENT}#{quote(pointer(place))}"
            return bool(self.piece(schema, "whole", {"$ref": reference}).is_valid(value))
        return bool(held[1].is_valid(value))


def _why(fault: jsonschema_rs.ValidationError) -> str:
    where = pointer(tuple(fault.instance_path))
    message = fault.message
    if isinstance(fault.kind, jsonschema_rs.ValidationErrorKind.Referencing):
        return f"the schema refers to what can't be found: {message}"
    return f"the schema itself is invalid at {where or 'its root'}: {message}"


class SchemaShelf:
    """Compiled schemas, found again by their content."""

    def __init__(self, store: Store | None = None, default_draft: str = "2020-12") -> None:
        if default_draft not in CLASSES:
            raise ValueError(f"no draft {default_draft!r}: write one of {', '.join(CLASSES)}")
        self.store: Store = dict(store or {})
        self.default_draft = default_draft
        self._kept: OrderedDict[bytes, CompiledSchema | SchemaUnusable] = OrderedDict()

    def compiled(self, schema: Schema) -> CompiledSchema:
        """The compiled form of a schema; `SchemaUnusable` with the reason where there is none."""
        plain: Any = schema
        try:
            key = marshal.dumps(plain, 2)  # only ever a key: the cheapest exact image of plain data
        except ValueError:
            plain = plain_schema(schema)
            key = marshal.dumps(plain, 2)
        held = self._kept.get(key)
        if held is None:
            held = self._kept[key] = self._compile(plain)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        if isinstance(held, SchemaUnusable):
            raise SchemaUnusable(str(held))
        return held

    def _compile(self, schema: Schema) -> CompiledSchema | SchemaUnusable:
        try:
            document = plain_schema(schema)
            declared = document.get("$schema") if isinstance(document, dict) else None
            draft = DIALECT_URIS.get(declared.rstrip("#")) if isinstance(declared, str) else None
            return CompiledSchema(document, draft or self.default_draft, self.store)
        except SchemaUnusable as fault:
            return fault


def plain_schema(schema: Any) -> Any:
    """A schema as plain JSON data of our own, so that no later change of the caller's reaches it."""
    if not isinstance(schema, Mapping | bool):
        raise SchemaUnusable(f"a schema is an object or a boolean, not {type(schema).__name__}")
    try:
        text = json.dumps(schema, allow_nan=False, default=_as_dict)
        if nesting(text) > MAX_DEPTH:
            raise SchemaUnusable(f"the schema nests deeper than {MAX_DEPTH}")
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as fault:
        raise SchemaUnusable(f"the schema is not JSON data: {fault}") from fault


def _as_dict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def read_schema(path: Path) -> Any:
    """A schema from a file."""
    try:
        return read_strict(path.read_text("utf-8-sig"))
    except OSError as fault:
        raise SchemaUnusable(f"{path}: {fault.strerror or fault}") from fault
    except UnicodeDecodeError as fault:
        raise SchemaUnusable(f"{path}: not UTF-8 at byte {fault.start}") from fault
    except LookCloser:
        from idiolect.dialects.json_ast.scan import scan
        from idiolect.dialects.verdict import render_fault
        from idiolect.source import SourceText

        source = SourceText(path.read_text("utf-8-sig"), str(path))
        raise SchemaUnusable(
            "\n".join(render_fault(fault, source) for fault in scan(source.text).faults)
            or f"{path}: not plain JSON"
        ) from None


def read_store(folder: Path, base: str = "") -> dict[str, Any]:
    """The schemas of a folder, by the base URI and their relative path, and by their own `$id`."""
    store: dict[str, Any] = {}
    for path in sorted(folder.rglob("*.json")):
        schema = read_schema(path)
        store[base + path.relative_to(folder).as_posix()] = schema
        own = schema.get("$id", schema.get("id")) if isinstance(schema, dict) else None
        if isinstance(own, str) and ":" in own:
            store.setdefault(own.rstrip("#"), schema)
    return store
