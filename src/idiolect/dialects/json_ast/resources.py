"""Where the references of a schema lead: its parts by URI, anchor and JSON pointer.

Nothing is read or fetched: other documents come from the given store. It does not validate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from idiolect.dialects.json_ast.document import Path

DIALECT_URIS = {
    "http://json-schema.org/draft-04/schema": "draft4",
    "http://json-schema.org/draft-06/schema": "draft6",
    "http://json-schema.org/draft-07/schema": "draft7",
    "https://json-schema.org/draft/2019-09/schema": "2019-09",
    "https://json-schema.org/draft/2020-12/schema": "2020-12",
}
URI_OF = {draft: uri for uri, draft in DIALECT_URIS.items()}
OLD = ("draft4", "draft6", "draft7")  # here "$ref" hides its siblings

# Keywords whose value is a schema, a list of schemas, or schemas by name.
ONE = (
    *("additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not"),
    *("propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"),
)
MANY = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
NAMED = ("$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties")


def subschemas(schema: Any) -> Iterator[tuple[Path, Any]]:
    """The schemas right inside one, each with the steps to it."""
    if not isinstance(schema, dict):
        return
    for keyword in ONE:
        if isinstance(schema.get(keyword), dict | bool):
            yield (keyword,), schema[keyword]
    for keyword in MANY:
        if isinstance(schema.get(keyword), list):
            yield from (((keyword, index), part) for index, part in enumerate(schema[keyword]))
    for keyword in NAMED:
        if isinstance(schema.get(keyword), dict):
            named = schema[keyword].items()
            yield from (((keyword, name), part) for name, part in named if isinstance(part, dict | bool))


NOT_SINGLE = ("$id", "id", "$dynamicRef", "$recursiveRef")


def joined(base: str, reference: str) -> str:
    """A reference from a base; a base without a hierarchy (urn:...) keeps its own fragments."""
    return urldefrag(base)[0] + reference if reference.startswith("#") else urljoin(base, reference)


class Resources:
    """The parts of a schema and of all that it refers to, by where they are."""

    def __init__(self, document: Any, draft: str, store: Mapping[str, Any]) -> None:
        self.draft = draft
        self.store = store
        self.roots: dict[str, Any] = {}  # base URI -> the schema it names
        self.anchors: dict[tuple[str, str], Any] = {}
        self.dynamic: dict[tuple[str, str], Any] = {}
        self._bases: dict[int, tuple[Any, str]] = {}  # by id; the schema is held so that its id stays its own
        self._known: set[str] = set()
        self._places: dict[int, Path] = {}  # of the parts of the document itself
        self.single = True  # whether all of the document shares one base, and no reference is dynamic
        self.add(document, "", draft)

    def add(self, document: Any, uri: str, draft: str) -> None:
        """Index a document."""
        self._known.add(uri)
        declared = document.get("$schema") if isinstance(document, dict) else None
        if isinstance(declared, str):
            draft = DIALECT_URIS.get(declared.rstrip("#"), draft)
        self.roots.setdefault(uri, document)
        stack: list[tuple[Any, str, Path]] = [(document, uri, ())]
        while stack:
            schema, base, path = stack.pop()
            if not isinstance(schema, dict) or id(schema) in self._bases:
                continue
            if uri == "":
                self._places[id(schema)] = path
                self.single &= not any(keyword in schema for keyword in NOT_SINGLE)
            base = self._index(schema, base, draft)
            stack.extend((part, base, path + steps) for steps, part in subschemas(schema))

    def _index(self, schema: dict[str, Any], base: str, draft: str) -> str:
        own = schema.get("id" if draft == "draft4" else "$id")
        if isinstance(own, str) and not (draft in OLD and "$ref" in schema):
            whole, fragment = urldefrag(joined(base, own))
            if not fragment:
                base = whole
                self.roots[base] = schema
            elif draft in OLD:
                self.anchors[whole or base, fragment] = schema
        for keyword in ("$anchor", "$dynamicAnchor"):
            if isinstance(schema.get(keyword), str):
                self.anchors[base, schema[keyword]] = schema
        if isinstance(schema.get("$dynamicAnchor"), str):
            self.dynamic[base, schema["$dynamicAnchor"]] = schema
        self._bases[id(schema)] = (schema, base)
        return base

    def base(self, schema: Any) -> str:
        """The base URI of a part."""
        held = self._bases.get(id(schema))
        return held[1] if held else ""

    def place(self, schema: Any) -> Path | None:
        """Where in the document a part stands, if that is enough to compile it alone."""
        return self._places.get(id(schema)) if self.single else None

    def resolve(self, reference: str, base: str) -> Any:
        """The schema that a reference from a base leads to; None for a draft's own schema and the unknown."""
        uri, fragment = urldefrag(joined(base, reference))
        if uri not in self.roots and uri not in self._known:
            held = self.store.get(uri, self.store.get(uri + "#"))
            if held is None:
                return None
            self.add(held, uri, self.draft)
        root = self.roots.get(uri)
        if not fragment:
            return root
        if fragment.startswith("/"):
            return self._descend(root, uri, fragment)
        return self.anchors.get((uri, unquote(fragment)))

    def _descend(self, root: Any, uri: str, fragment: str) -> Any:
        found, base = root, uri
        for step in unquote(fragment)[1:].split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            base = self.base(found) or base
            if isinstance(found, dict) and step in found:
                found = found[step]
            elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
                found = found[int(step)]
            else:
                return None
        if isinstance(found, dict) and id(found) not in self._bases:  # under a keyword of no meaning
            self._index(found, base, self.draft)
            for _, part in subschemas(found):
                if id(part) not in self._bases:
                    self.add(part, base, self.draft)
        return found
