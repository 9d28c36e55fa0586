"""A diagnostic: first an object (code, span, message, help, edits), then its text.

It does **not** decide anything; the checker does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from idiolect.source import SourceText, Span


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Edit:
    """A change that cures a diagnostic: put `text` in place of `span`."""

    title: str
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing to say about a place of a script."""

    code: str
    severity: Severity
    message: str
    span: Span
    help: str | None = None
    edits: tuple[Edit, ...] = ()
    related: tuple[tuple[Span, str], ...] = ()  # other places that belong to this one


def hardened(diagnostic: Diagnostic) -> Diagnostic:
    """A warning as an error, which is what --strict makes of it."""
    if diagnostic.severity is not Severity.WARNING:
        return diagnostic
    return replace(diagnostic, severity=Severity.ERROR)


def order(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """By place, then by code; an exact repeat is dropped."""
    unique = dict.fromkeys(diagnostics)
    return sorted(unique, key=lambda item: (item.span.start, item.span.end, item.code))


def render(diagnostic: Diagnostic, source: SourceText) -> str:
    """The text of a diagnostic: place, line with a caret, help and related places."""
    head = (
        f"{_place(diagnostic.span, source)}: {diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"
    )
    lines = [head, *_excerpt(diagnostic.span, source)]
    if diagnostic.help:
        lines.append(f"   help: {diagnostic.help}")
    lines.extend(f"   note: {_place(span, source)}: {text}" for span, text in diagnostic.related)
    return "\n".join(lines)


def as_json(diagnostic: Diagnostic, source: SourceText) -> dict[str, Any]:
    """The object of a diagnostic, as `--json` prints it."""
    start, end = source.place(diagnostic.span.start), source.place(diagnostic.span.end)
    return {
        "file": source.name,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "severity": diagnostic.severity.value,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "help": diagnostic.help,
        "related": [
            {
                "line": source.place(span.start).line,
                "column": source.place(span.start).column,
                "message": text,
            }
            for span, text in diagnostic.related
        ],
    }


def _place(span: Span, source: SourceText) -> str:
    place = source.place(span.start)
    return f"{source.name}:{place.line}:{place.column}"


# Lines of a minified or hostile file may be megabytes long: show the part around the fault.
_SHOWN = 140


def _excerpt(span: Span, source: SourceText) -> list[str]:
    start, end = source.place(span.start), source.place(span.end)
    text = source.line(start.line)
    last = end.column if end.line == start.line else len(text) + 1
    first_shown = max(0, start.column - 1 - _SHOWN // 2) if len(text) > _SHOWN else 0
    shown = "".join(c if c.isprintable() else " " for c in text[first_shown : first_shown + _SHOWN])
    left = start.column - 1 - first_shown
    width = max(1, min(last - start.column, len(shown) - left))
    gutter = " " * len(str(start.line))
    return [f"   {start.line} | {shown}".rstrip(), f"   {gutter} | {' ' * left}{'^' * width}"]


class Reporter:
    """Collects diagnostics."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def error(self, code: str, span: Span, message: str, help: str | None = None, **more: Any) -> None:
        self.found.append(Diagnostic(code, Severity.ERROR, message, span, help, **more))

    def warning(self, code: str, span: Span, message: str, help: str | None = None, **more: Any) -> None:
        self.found.append(Diagnostic(code, Severity.WARNING, message, span, help, **more))

    def info(self, code: str, span: Span, message: str, help: str | None = None, **more: Any) -> None:
        self.found.append(Diagnostic(code, Severity.INFO, message, span, help, **more))
