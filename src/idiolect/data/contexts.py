"""What an example's target is judged and constrained against, made again from the example itself.

An example travels as text. Its schema is its `context` (json_ast), its test vectors are `tests`, and
symbols of its own are `metadata["catalog"]`, in the form of a catalog file. What an example does not
carry, the project gives.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from idiolect.data.example import Example
from idiolect.dialects.catalog import Catalog
from idiolect.dialects.catalog_json import parse_catalog
from idiolect.dialects.contract import EMPTY, Context

CATALOG = "catalog"  # the key in an example's metadata


def context_of(example: Example, project: Context = EMPTY) -> Context:
    """The context of one example; `project` holds what the script's DIALECT block names."""
    schema = project.schema if project.schema is not None else schema_in(example.context)
    catalog = _own_catalog(example) or project.catalog
    return replace(project, schema=schema, catalog=catalog, tests=example.tests, level=example.level)


def schema_in(text: str) -> dict[str, Any] | None:
    """The JSON Schema that a context is, or begins with; None where it is none."""
    text = text.lstrip()
    if not text.startswith("{"):
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _own_catalog(example: Example) -> Catalog | None:
    raw = example.metadata.get(CATALOG)
    return _catalog_of(json.dumps(raw)) if isinstance(raw, Mapping) else None


@lru_cache(maxsize=64)  # examples of one slice of a catalog stand together
def _catalog_of(text: str) -> Catalog:
    return parse_catalog(text, "catalog of an example")
