"""How a dialect and what its texts are judged against are loaded, in this process and in others.

A record that can be sent to another process and called there. It does **not** ask whether code may run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idiolect.dialects.contract import Context, Dialect


class BadContext(Exception):
    """A schema, catalog or policy that can't be used."""


@dataclass(frozen=True, slots=True)
class DialectSource:
    """A dialect by name or folder, and the files that its texts are judged against."""

    name: str
    base: Path | None = None
    allow_code: bool = False
    schema: Path | None = None
    catalog: Path | None = None
    policy: Path | None = None

    def __call__(self) -> tuple[Dialect, Context]:
        from idiolect.dialects.catalog_json import read_catalog
        from idiolect.dialects.policy import read_policy
        from idiolect.dialects.records import RecordsError
        from idiolect.dialects.registry import load_dialect

        try:
            context = Context(
                schema=_schema(self.schema) if self.schema else None,
                catalog=read_catalog(self.catalog) if self.catalog else None,
                policy=read_policy(self.policy) if self.policy else None,
            )
        except (RecordsError, ValueError, OSError) as error:
            raise BadContext(str(error)) from error
        return load_dialect(self.name, self.base, allow_code=self.allow_code), context


def _schema(path: Path) -> Mapping[str, Any]:
    schema = json.loads(path.read_text(encoding="utf-8-sig"))
    if not isinstance(schema, dict):
        raise BadContext(f"{path}: a JSON Schema is an object here")
    return schema
