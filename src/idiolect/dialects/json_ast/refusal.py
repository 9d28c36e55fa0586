"""Refusal objects: the form in which a model says that it can't answer, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """The shape of a refusal: `{"refusal": "the schema has no field for this"}`.

    `accept` makes the shape valid beside every schema; without it, it is recognised where a
    schema's own branch admits it.
    """

    key: str = "refusal"
    accept: bool = False

    def reason(self, value: Any) -> str | None:
        """The reason that a refusal gives, or None for anything else."""
        if not isinstance(value, Mapping) or self.key not in value:
            return None
        reason = value[self.key]
        return reason if isinstance(reason, str) and reason.strip() else None

    def accepts(self, value: Any) -> bool:
        """Whether this value is valid by being a refusal and nothing else."""
        return self.accept and self.reason(value) is not None and len(value) == 1

    def schema(self) -> dict[str, Any]:
        """The shape as a JSON Schema."""
        return {
            "type": "object",
            "properties": {self.key: {"type": "string", "minLength": 1, "pattern": "\\S"}},
            "required": [self.key],
            "additionalProperties": False,
        }
