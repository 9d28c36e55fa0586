"""A JSON Schema as a graph of places: every subschema with its pointer, and what each reference means.

References are looked up in the schema itself and in a store that is given; nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

Schema = dict[str, Any] | bool

_ONE = ("additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not")
_ONE_MORE = ("propertyNames", "then", "unevaluatedItems", "unevaluatedProperties")
_MANY = ("allOf", "anyOf", "oneOf", "items", "prefixItems")
_NAMED = ("$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties")


class NotEnforceable(Exception):
    """A keyword that the grammar can't enforce: where it stands, why, and what to write instead."""

    def __init__(self, path: str, keyword: str, reason: str, instead: str) -> None:
        super().__init__(f'{path or "/"}: "{keyword}": {reason}; {instead}')
        self.path = path
        self.keyword = keyword
        self.reason = reason
        self.instead = instead


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A subschema, where it stands, and the address that its references are read against."""

    schema: Schema
    path: str
    base: str = field(repr=False)
    draft: int = field(repr=False)  # 4, 6, 7, 2019 or 2020


def pointer_step(step: str | int) -> str:
    return "/" + str(step).replace("~", "~0").replace("/", "~1")


def draft_of(schema: Schema, default: int) -> int:
    """The draft that a schema names by `$schema`."""
    name = schema.get("$schema", "") if isinstance(schema, dict) else ""
    for mark, draft in (
        ("draft-04", 4),
        ("draft-06", 6),
        ("draft-07", 7),
        ("2019-09", 2019),
        ("2020-12", 2020),
    ):
        if isinstance(name, str) and mark in name:
            return draft
    return default


class Schemas:
    """All places of a schema and its store, by identity and by address."""

    def __init__(self, root: Schema, store: Mapping[str, Schema], default_draft: int) -> None:
        self.places: dict[int, Place] = {}
        self.by_address: dict[str, Place] = {}
        self.dynamic: dict[str, list[Place]] = {}
        self.root = self._index(root, "", draft_of(root, default_draft))
        for address, schema in store.items():
            self._index(schema, urldefrag(address)[0], draft_of(schema, self.root.draft))

    def _index(self, root: Schema, address: str, draft: int) -> Place:
        stack: list[tuple[Schema, str, str]] = [(root, "", address)]
        first: Place | None = None
        while stack:
            schema, path, base = stack.pop()
            place = self._add(schema, path, base, draft)
            first = first or place
            if isinstance(schema, dict):
                stack += [(inner, path + step, place.base) for step, inner in subschemas(schema)]
        assert first is not None
        self.by_address.setdefault(address, first)
        return first

    def _add(self, schema: Schema, path: str, base: str, draft: int) -> Place:
        if isinstance(schema, dict):
            name = schema.get("id" if draft == 4 else "$id")
            lone = draft <= 7 and "$ref" in schema  # what stands beside a reference was ignored then
            if isinstance(name, str) and not lone:
                base = urljoin(base, name)
                if not urldefrag(name)[1]:
                    base = urldefrag(base)[0]
            place = Place(schema, path, urldefrag(base)[0], draft)
            if isinstance(name, str) and not lone:
                self.by_address.setdefault(base.removesuffix("#"), place)
            for keyword in ("$anchor", "$dynamicAnchor"):
                if isinstance(schema.get(keyword), str):
                    self.by_address.setdefault(f"{place.base}#{schema[keyword]}", place)
            if isinstance(schema.get("$dynamicAnchor"), str):
                self.dynamic.setdefault(schema["$dynamicAnchor"], []).append(place)
            self.places[id(schema)] = place
            return place
        return Place(schema, path, base, draft)

    def place(self, schema: Any, parent: Place, *steps: str | int) -> Place:
        """The place of a subschema found under its parent; booleans and made-up schemas get one here."""
        path = parent.path + "".join(map(pointer_step, steps))
        if not isinstance(schema, dict | bool):
            raise NotEnforceable(
                path, str(steps[0]), "this is no schema", "write an object, true or false here"
            )
        if isinstance(schema, bool):
            return Place(schema, path, parent.base, parent.draft)
        known = self.places.get(id(schema))
        if known is None:
            known = self.places[id(schema)] = Place(schema, path, parent.base, parent.draft)
        return known

    def target(self, place: Place, keyword: str) -> Place:
        """What a place's reference means."""
        assert isinstance(place.schema, dict)
        written = place.schema[keyword]
        if not isinstance(written, str):
            raise NotEnforceable(place.path, keyword, "a reference must be a string", "write a URI reference")
        if keyword != "$ref":
            self._check_dynamic(place, keyword, written)
        address, fragment = urldefrag(urljoin(place.base, written))
        found = self.by_address.get(f"{address}#{unquote(fragment)}" if fragment else address)
        if found is None and (not fragment or fragment.startswith("/")):
            document = self.by_address.get(address)
            found = self._follow(document, unquote(fragment)) if document else None
        if found is None:
            raise NotEnforceable(
                place.path,
                keyword,
                f'"{written}" is not in the schema',
                "put the schema that it means under $defs, or give it in the store",
            )
        return found

    def _check_dynamic(self, place: Place, keyword: str, written: str) -> None:
        name = urldefrag(written)[1]
        recursive = [one for one in self.places.values() if _recursive(one)]
        if len(self.dynamic.get(name, ())) > 1 or len(recursive) > 1:
            raise NotEnforceable(
                place.path, keyword, "what it means depends on the way that led here", "write a plain $ref"
            )

    def _follow(self, document: Place, pointer: str) -> Place | None:
        value: Any = document.schema
        steps = pointer.split("/")[1:]
        for step in steps:
            step = step.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and step in value:
                value = value[step]
            elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
                value = value[int(step)]
            else:
                return None
        return self.place(value, document, *steps) if isinstance(value, dict | bool) else None


def _recursive(place: Place) -> bool:
    return isinstance(place.schema, dict) and place.schema.get("$recursiveAnchor") is True


def subschemas(schema: dict[str, Any]) -> Iterator[tuple[str, Schema]]:
    """The subschemas directly inside, with the pointer steps that lead to each."""
    for keyword in (*_ONE, *_ONE_MORE):
        if isinstance(schema.get(keyword), dict | bool):
            yield pointer_step(keyword), schema[keyword]
    for keyword in _MANY:
        if isinstance(schema.get(keyword), list):
            for number, inner in enumerate(schema[keyword]):
                if isinstance(inner, dict | bool):
                    yield pointer_step(keyword) + pointer_step(number), inner
    for keyword in _NAMED:
        if isinstance(schema.get(keyword), dict):
            for name, inner in schema[keyword].items():
                if isinstance(inner, dict | bool):
                    yield pointer_step(keyword) + pointer_step(name), inner
