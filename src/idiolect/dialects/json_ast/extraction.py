"""A catalog of the symbols that JSON Schemas define: objects, fields, operators and enums.

Objects become symbols of kind "object" whose arguments are their members. A member that names a
field or an operator (as in filters) makes one symbol of kind "field" or "operator" for each of its
values, and a field's symbol takes the value that the same branch allows. It judges no schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from idiolect.dialects.catalog import Arg, Catalog, Proc, SharedType
from idiolect.dialects.json_ast.describe import member_names
from idiolect.dialects.json_ast.resources import Resources, subschemas
from idiolect.dialects.json_ast.schemas import read_schema

TYPES = {"integer": "int", "number": "float", "boolean": "bool", "string": "string"}
ROLES = {"field": "field", "operator": "operator"}  # role of a member -> kind of the symbols it names


def extract_catalog(sources: Sequence[Path]) -> Catalog:
    """The catalog of schema files, and of those in folders."""
    reader = _Reader()
    for path in _schema_files(sources):
        document = read_schema(path)
        reader.read(document, Resources(document, "2020-12", {}), path)
    types = tuple(
        SharedType(name=name, type="enum", values=values) for name, values in sorted(reader.enums.items())
    )
    return Catalog(types=types, procs=tuple(reader.procs.values()))


def _schema_files(sources: Sequence[Path]) -> Iterator[Path]:
    for source in sources:
        yield from sorted(source.rglob("*.json")) if source.is_dir() else [source]


class _Reader:
    def __init__(self) -> None:
        self.procs: dict[tuple[str, str], Proc] = {}  # by kind and name
        self.enums: dict[str, tuple[Any, ...]] = {}

    def read(self, document: Any, resources: Resources, path: Path) -> None:
        waiting = [(document, path.stem)]
        seen = set()
        while waiting:
            schema, name = waiting.pop(0)
            if not isinstance(schema, dict) or id(schema) in seen:
                continue
            seen.add(id(schema))
            if isinstance(schema.get("properties"), dict):
                self.object(schema, schema.get("title", name), resources, path)
            for steps, part in subschemas(schema):
                waiting.append((part, name if steps[0] in KEEP_NAME else str(steps[-1])))

    def object(self, schema: dict[str, Any], name: str, resources: Resources, path: Path) -> None:
        members = {key: _resolved(part, resources) for key, part in schema["properties"].items()}
        required = schema.get("required", ())
        args = tuple(_arg(key, part, resources, required=key in required) for key, part in members.items())
        if "type" in schema or required:
            self.add(Proc(name=name, kind="object", args=args, notes=_notes(schema), defined_in=str(path)))
        for arg in args:
            if arg.values:
                known = self.enums.get(arg.name, ())
                self.enums[arg.name] = known + tuple(one for one in arg.values if one not in known)
        value = next((arg for arg in args if arg.name in member_names("value")), None)
        for role, kind in ROLES.items():
            for key in member_names(role):
                for symbol, notes in _named_values(members.get(key, {})):
                    takes = (value,) if value is not None and kind == "field" else ()
                    self.add(Proc(name=symbol, kind=kind, args=takes, notes=notes, defined_in=str(path)))

    def add(self, proc: Proc) -> None:
        """Keep a symbol; of two with one name and kind, the one that says more."""
        held = self.procs.get((proc.kind, proc.name))
        if held is None or len(proc.args) > len(held.args):
            self.procs[proc.kind, proc.name] = proc


KEEP_NAME = ("allOf", "anyOf", "oneOf", "if", "then", "else", "items", "not")


def _resolved(part: Any, resources: Resources) -> dict[str, Any]:
    for _ in range(20):
        if not isinstance(part, dict):
            return {}
        if not isinstance(part.get("$ref"), str):
            return part
        part = resources.resolve(part["$ref"], resources.base(part))
    return {}


def _named_values(part: dict[str, Any]) -> list[tuple[str, str]]:
    """The texts that a subschema allows, each with what is said about it."""
    if isinstance(part.get("const"), str):
        return [(part["const"], _notes(part))]
    if isinstance(part.get("enum"), list):
        return [(value, "") for value in part["enum"] if isinstance(value, str)]
    branches = part.get("oneOf", part.get("anyOf", ()))
    return [named for branch in branches if isinstance(branch, dict) for named in _named_values(branch)]


def _notes(part: dict[str, Any]) -> str:
    notes = part.get("description", "")
    return notes if isinstance(notes, str) else ""


def _arg(name: str, part: dict[str, Any], resources: Resources, *, required: bool) -> Arg:
    listed = part.get("type") == "array"
    item = _resolved(part.get("items"), resources) if listed else part
    values = tuple(value for value, _ in _named_values(item)) or tuple(_scalars(item))
    low, high = item.get("minimum"), item.get("maximum")
    bounded = low is not None or high is not None
    kind = item.get("type")
    pattern = item.get("pattern")
    return Arg(
        name=name,
        passed="flag",
        type="enum" if values else TYPES.get(kind if isinstance(kind, str) else "", "any"),
        values=values,
        range=(low, high) if bounded else None,
        pattern=pattern if isinstance(pattern, str) else None,
        required=required,
        list=listed,
        notes=_notes(part) or str(item.get("format", "")),
    )


def _scalars(part: dict[str, Any]) -> list[Any]:
    allowed = [part["const"]] if "const" in part else part.get("enum", [])
    return [value for value in allowed if not isinstance(value, list | dict)]
