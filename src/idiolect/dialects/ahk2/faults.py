"""Builds the faults of AutoHotkey v2 scripts from the table faults.json.

The table gives each code its level, message and hint; here they only get their values. It decides
nothing about scripts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from idiolect.dialects.verdict import Fault, Fix, Level, Severity
from idiolect.source import Span

MOST_FAULTS = 200  # of each severity; a hostile text gets no more, the list would help nobody


@cache
def table() -> dict[str, dict[str, Any]]:
    """The fault codes (without the leading "ahk2.") with level, severity, message and hint."""
    text = files("idiolect.dialects.ahk2").joinpath("faults.json").read_text("utf-8")
    loaded: dict[str, dict[str, Any]] = json.loads(text)
    return loaded


@dataclass(slots=True)
class Faults:
    """Collects the faults of one script."""

    found: list[Fault] = field(default_factory=list)
    _seen: set[tuple[str, int]] = field(default_factory=set)
    _counts: dict[Severity, int] = field(default_factory=dict)

    def add(
        self,
        code: str,
        span: Span,
        *,
        hint: str | None = None,
        fix: Fix | None = None,
        **values: str | int | None,
    ) -> None:
        """Note a fault; the same code at the same place is noted once."""
        entry = table()[code]
        severity = Severity(entry.get("severity", "error"))
        count = self._counts.get(severity, 0)
        if count >= MOST_FAULTS or (code, span.start) in self._seen:
            return
        self._counts[severity] = count + 1
        self._seen.add((code, span.start))
        shown = {name: _short(value) for name, value in values.items()}
        message = str(entry["message"]).format(**shown)
        template = entry.get("hint")
        if hint is None and template is not None:
            hint = str(template).format(**shown)
        self.found.append(
            Fault(
                f"ahk2.{code}",
                message,
                span,
                hint,
                Level(entry["level"]),
                severity,
                fix,
            )
        )


def _short(value: object) -> str:
    text = str(value).replace("\n", " ").replace("\x01", "`")
    return text if len(text) <= 60 else text[:57] + "..."
