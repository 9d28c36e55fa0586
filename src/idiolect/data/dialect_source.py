"""How a dialect and what its texts are judged against are loaded, in this process and in others.

A record that can be sent to another process and called there. It does **not** ask whether code may run:
what is not to be run is left out of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idiolect.dialects.contract import Context, Dialect


class BadContext(Exception):
    """A schema, catalog, policy or other part of a dialect that can't be used."""


@dataclass(frozen=True, slots=True)
class DialectSource:
    """A dialect by name or folder, with what is put on top of it and what its texts are judged against."""

    name: str
    base: Path | None = None
    allow_code: bool = False
    schema: Path | None = None
    catalog: Path | None = None
    policy: Path | None = None
    grammar: Path | None = None
    embed: str | None = None  # the dialect inside this one's blocks, by name or folder
    embed_allow_code: bool = False
    command: str | None = None  # an outside validator; it runs, so it is allowed

    def __call__(self) -> tuple[Dialect, Context]:
        """The dialect and its context; BadContext, UnknownDialect or BadDialect say what is wrong."""
        from idiolect.dialects.composed import BadComposition, composed
        from idiolect.dialects.registry import load_dialect

        context = self.context()
        inner = (
            load_dialect(self.embed, self.base, allow_code=self.embed_allow_code)
            if self.embed is not None
            else None
        )
        try:
            dialect = composed(
                self.name,
                self.base,
                allow_code=self.allow_code,
                grammar=self.grammar,
                embedded=inner,
                command=self.command,
            )
        except BadComposition as error:
            raise BadContext(f"{error}\n   help: {error.help}" if error.help else str(error)) from error
        return dialect, context

    def context(self) -> Context:
        """The schema, catalog and policy."""
        from idiolect.dialects.catalog_json import read_catalog
        from idiolect.dialects.policy import read_policy
        from idiolect.dialects.records import RecordsError

        try:
            return Context(
                schema=_schema(self.schema) if self.schema else None,
                catalog=read_catalog(self.catalog) if self.catalog else None,
                policy=read_policy(self.policy) if self.policy else None,
            )
        except (RecordsError, ValueError, RecursionError, OSError) as error:
            raise BadContext(str(error)) from error


def _schema(path: Path) -> Mapping[str, Any]:
    try:
        schema = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise BadContext(f"{path}: not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise BadContext(f"{path}: a JSON Schema is an object here")
    return schema
