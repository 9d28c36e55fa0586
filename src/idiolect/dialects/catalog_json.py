"""Reads a catalog from JSON and writes it back in one stable order.

Strict at this edge: unknown keys, unknown type names, doubled names, empty enums and reversed
ranges are refused, all in one go, each with its JSON path and what to write instead. It does
**not** judge whether the symbols exist anywhere.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from idiolect.dialects.catalog import (
    BASE_TYPES,
    Arg,
    Catalog,
    Dsl,
    Embedding,
    Proc,
    SharedType,
    Statement,
    ValueType,
    Variable,
    bare,
    spell,
)
from idiolect.dialects.policy import NESTED as POLICY_NESTED
from idiolect.dialects.policy import Policy, plain_rules
from idiolect.dialects.records import (
    Problem,
    RecordsError,
    Steps,
    load_json,
    near_hint,
    path_text,
    read_record,
)

NESTED: dict[str, type] = {
    "procs": Proc,
    "args": Arg,
    "variables": Variable,
    "types": SharedType,
    "dsl": Dsl,
    "embedding": Embedding,
    "statements": Statement,
    "slots": Arg,
    "attributes": Arg,
    "constraints": Policy,
    **POLICY_NESTED,
}

NUMBERS = ("int", "float", "port")
SLOT = re.compile(r"<([^<>\s]+)>")


def read_catalog(path: Path) -> Catalog:
    """The catalog of a JSON file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        problem = Problem("$", f"not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}")
        raise RecordsError(str(path), [problem]) from error
    return parse_catalog(text, str(path))


def parse_catalog(text: str, name: str = "catalog.json") -> Catalog:
    """The catalog that a JSON text describes; RecordsError lists all that is wrong."""
    catalog = read_record(Catalog, _plain(load_json(text, name)), name, NESTED)
    if problems := list(_problems(catalog)):
        raise RecordsError(name, problems)
    return catalog


def dump_catalog(catalog: Catalog) -> str:
    """The catalog as JSON: fields in the records' order, defaults left out, symbols in catalog order."""
    return json.dumps(_written(catalog), indent=2, ensure_ascii=False) + "\n"


def _plain(raw: Any) -> Any:
    """The short forms that people write, written out: one DSL alone, bare names among the rules."""
    if not isinstance(raw, dict):
        return raw
    raw = dict(raw)
    if isinstance(raw.get("dsl"), dict):
        raw["dsl"] = [raw["dsl"]]
    if "constraints" in raw:
        raw["constraints"] = plain_rules(raw["constraints"])
    return raw


def _written(record: Any) -> Any:
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        made = {}
        for field in sorted(dataclasses.fields(record), key=lambda field: field.name != "name"):
            value = getattr(record, field.name, None) if field.init else None
            if field.init and (field.default is dataclasses.MISSING or value != field.default):
                made[field.name] = _written(value)
        return made
    return [_written(item) for item in record] if isinstance(record, tuple) else record


def _problems(catalog: Catalog) -> Iterator[Problem]:
    yield from _doubled("procs", [proc.name for proc in catalog.procs])
    yield from _doubled("variables", [item.name for item in catalog.variables])
    yield from _doubled("types", [item.name for item in catalog.types])
    for number, shared in enumerate(catalog.types):
        path: Steps = ("types", number)
        if shared.name in BASE_TYPES:
            yield Problem(path_text((*path, "name")), f'"{shared.name}" is a built-in type')
        if shared.type not in BASE_TYPES:
            hint = near_hint(shared.type, BASE_TYPES)
            yield Problem(
                path_text((*path, "type")),
                f'a shared type rests on a built-in one, not "{shared.type}"',
                hint,
            )
        yield from _value_problems(catalog, shared, path)
    for number, proc in enumerate(catalog.procs):
        yield from _args_problems(catalog, proc.args, ("procs", number, "args"))
    for number, item in enumerate(catalog.variables):
        yield from _value_problems(catalog, item, ("variables", number))
        yield from _default_problems(catalog, item, item.default, ("variables", number, "default"))
    for number, dsl in enumerate(catalog.dsl):
        yield from _dsl_problems(catalog, dsl, ("dsl", number))


def _doubled(where: str, names: list[str]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for number, name in enumerate(names):
        if not name.strip():
            yield Problem(path_text((where, number, "name")), "a name must not be empty")
        elif bare(name) in seen:
            first = path_text((where, seen[bare(name)]))
            yield Problem(path_text((where, number, "name")), f'"{name}" is already defined at {first}')
        seen.setdefault(bare(name), number)


def _args_problems(catalog: Catalog, args: tuple[Arg, ...], path: Steps) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, arg in enumerate(args):
        here = (*path, number)
        if not arg.name.strip() or any(character.isspace() for character in arg.name):
            yield Problem(path_text((*here, "name")), f"{arg.name!r} is no name for an argument")
        if arg.name in seen:
            yield Problem(path_text((*here, "name")), f'argument "{arg.name}" is defined twice')
        seen.add(arg.name)
        if arg.variadic and (
            arg.passed != "positional" or any(a.passed == "positional" for a in args[number + 1 :])
        ):
            yield Problem(path_text((*here, "variadic")), "only the last positional argument can be variadic")
        yield from _value_problems(catalog, arg, here)
        if not arg.list:
            yield from _default_problems(catalog, arg, arg.default, (*here, "default"))


def _value_problems(catalog: Catalog, value: ValueType, path: Steps) -> Iterator[Problem]:
    shared = {item.name for item in catalog.types}
    base, unit = split_unit(value.type)
    if value.type not in shared and base not in BASE_TYPES:
        hint = near_hint(value.type, shared | set(BASE_TYPES))
        yield Problem(path_text((*path, "type")), f'unknown type "{value.type}"', hint)
        return
    resolved = catalog.resolve(value)
    if resolved.type == "enum" and not resolved.values:
        hint = 'write "values": ["...", "..."]'
        yield Problem(path_text((*path, "values")), "an enum needs its values", hint)
    if value.values and len(set(value.words)) < len(value.words):
        yield Problem(path_text((*path, "values")), "a value stands twice")
    if value.range is not None:
        low, high = value.range
        numbers = [side for side in value.range if side is not None]
        if any(not math.isfinite(side) for side in numbers) or (
            len(numbers) == 2 and numbers[0] > numbers[1]
        ):
            yield Problem(path_text((*path, "range")), f"from {low} to {high} holds no number")
        if split_unit(resolved.type)[0] not in NUMBERS:
            hint = f"give it a type of {', '.join(NUMBERS)}"
            yield Problem(path_text((*path, "range")), f'type "{resolved.type}" has no range', hint)
    if value.unit and unit:
        yield Problem(path_text((*path, "unit")), f'type "{value.type}" names its unit already')
    if value.pattern is not None:
        try:
            re.compile(value.pattern)
        except (re.error, RecursionError, OverflowError) as error:
            yield Problem(path_text((*path, "pattern")), f"not a regular expression: {error}")


def _default_problems(catalog: Catalog, value: ValueType, default: Any, path: Steps) -> Iterator[Problem]:
    words = catalog.resolve(value).words
    if default is not None and words and spell(default) not in words:
        yield Problem(
            path_text(path), f'"{spell(default)}" is not one of the values', f"values: {', '.join(words)}"
        )


def _dsl_problems(catalog: Catalog, dsl: Dsl, path: Steps) -> Iterator[Problem]:
    for key in ("open", "close"):
        if not getattr(dsl.embedding, key).strip():
            yield Problem(path_text((*path, "embedding", key)), "must not be empty")
    yield from _args_problems(catalog, dsl.attributes, (*path, "attributes"))
    for number, form in enumerate(dsl.statements):
        here = (*path, "statements", number)
        yield from _args_problems(catalog, form.slots, (*here, "slots"))
        slots = {slot.name for slot in form.slots}
        used = SLOT.findall(form.form)
        if not form.form.strip():
            yield Problem(path_text((*here, "form")), "must not be empty")
        if any(len(SLOT.findall(token)) > 1 for token in form.form.split()):
            yield Problem(path_text((*here, "form")), "one token holds two slots", "put a space between them")
        for name in used:
            if name not in slots:
                hint = near_hint(name, slots) if slots else 'add it to "slots"'
                yield Problem(path_text((*here, "form")), f"<{name}> is not among the slots", hint)
        for name in sorted(slots - set(used)):
            yield Problem(path_text((*here, "slots")), f'slot "{name}" does not stand in the form')


def split_unit(type_name: str) -> tuple[str, str | None]:
    """`float_um` is a float counted in um, written without the unit; other names stay as they are."""
    base, mark, unit = type_name.partition("_")
    return (base, unit) if mark and base in ("int", "float") and unit else (type_name, None)
