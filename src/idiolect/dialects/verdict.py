"""What a dialect says of a text.

A verdict has levels, each of which presumes the one before: *parsed* (the text has the language's
form), *valid* (it also keeps the language's rules: names, types, arguments), *policy* (it uses
nothing forbidden), and tests passed out of how many. "Could not be judged" is an outcome of its
own and never the same as "wrong".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from idiolect.source import SourceText, Span


class Level(StrEnum):
    """The level of a verdict that a fault breaks."""

    PARSE = "parse"
    VALID = "valid"
    POLICY = "policy"
    TESTS = "tests"


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Fix:
    """Text to put in place of a span: a repair that is known, not guessed."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a text.

    `code` is a dotted word of the dialect's taxonomy (`tcl.args.missing`), stable over releases:
    later stages count faults by it and aim synthesis at it.
    """

    code: str
    message: str
    span: Span | None = None
    hint: str | None = None
    level: Level = Level.PARSE
    severity: Severity = Severity.ERROR
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of judging one text. `None` at a level means that it was not reached or not asked."""

    parsed: bool | None = None
    valid: bool | None = None
    policy: bool | None = None
    tests_passed: int = 0
    tests_total: int = 0
    faults: tuple[Fault, ...] = ()
    not_judged: str | None = None  # why no judgement could be made: a time-out, a crash, a missing schema
    details: dict[str, Any] = field(default_factory=dict)  # free-form, for reports only

    @property
    def judged(self) -> bool:
        return self.not_judged is None

    @property
    def ok(self) -> bool:
        """True only if the text was judged and every level that was asked holds."""
        levels = (self.parsed, self.valid, self.policy)
        return (
            self.judged
            and self.parsed is True
            and False not in levels
            and self.tests_passed == self.tests_total
        )


def verdict_of(
    faults: Iterable[Fault],
    *,
    policy_asked: bool = True,
    tests: tuple[int, int] = (0, 0),
    details: dict[str, Any] | None = None,
) -> Verdict:
    """The verdict that faults amount to. Only errors break a level; a broken level hides later ones."""
    listed = tuple(faults)
    broken = {fault.level for fault in listed if fault.severity is Severity.ERROR}
    parsed = Level.PARSE not in broken
    valid = (Level.VALID not in broken) if parsed else None
    policy = (Level.POLICY not in broken) if parsed and policy_asked else None
    return Verdict(parsed, valid, policy, *tests, faults=listed, details=details or {})


def could_not_judge(reason: str) -> Verdict:
    """The verdict for a text that nobody could judge."""
    return Verdict(not_judged=reason)


def render_fault(fault: Fault, source: SourceText) -> str:
    """A fault as a compiler would print it: place, line, caret, message and hint."""
    if fault.span is None:
        head = f"{source.name}: {fault.severity}[{fault.code}]: {fault.message}"
        return head + (f"\n   help: {fault.hint}" if fault.hint else "")
    place = source.place(fault.span.start)
    text = source.line(place.line).expandtabs(1)
    end = source.place(fault.span.end)
    width = end.column - place.column if end.line == place.line else len(text) - place.column + 1
    gutter = " " * len(str(place.line))
    lines = [
        f"{source.name}:{place.line}:{place.column}: {fault.severity}[{fault.code}]: {fault.message}",
        f"   {place.line} | {text}",
        f"   {gutter} | {' ' * (place.column - 1)}{'^' * max(1, width)}",
    ]
    if fault.hint:
        lines.append(f"   help: {fault.hint}")
    return "\n".join(lines)
