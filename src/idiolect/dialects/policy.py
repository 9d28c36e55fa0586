"""What a project allows: forbidden and deprecated symbols, required headers, lines and packages, limits.

A policy is a `policy.toml`, or the `constraints` of a catalog; both have this one shape. Names are
globs (`file delete`, `socket*`, `internal::*`). Here are the record, its reader and the checks that
hold for any language (lines and limits); which words of a text are symbols is the dialect's knowledge.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from fnmatch import translate
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from idiolect.dialects.verdict import Fault, Fix, Level, Severity
from idiolect.source import SourceText, Span

STRICT: dict[str, Any] = {"extra": "forbid", "strict": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forbidden:
    """A symbol that must not be used."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    name: str
    why: str = ""
    instead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprecated:
    """A symbol that should no longer be used."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    name: str
    replacement: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """What a text must contain."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    first_line: str = ""  # a glob, such as "#!/usr/bin/env tclsh"
    headers: tuple[str, ...] = ()  # globs; each matches a line before the first line of code
    lines: tuple[str, ...] = ()  # globs; each matches some line
    packages: tuple[str, ...] = ()  # names that the language's own "require" must load


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How big a text may be; None means no limit."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    max_characters: int | None = None
    max_lines: int | None = None
    max_line_length: int | None = None
    max_statements: int | None = None
    max_blocks: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything a project forbids, discourages and demands."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    forbidden: tuple[Forbidden, ...] = ()
    deprecated: tuple[Deprecated, ...] = ()
    deny_deprecated: bool = False  # an error, not a warning
    required: Required = Required()
    limits: Limits = Limits()
    notes: str = ""
    _exact: dict[str, Forbidden] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        exact = {rule.name: rule for rule in self.forbidden if not _is_glob(rule.name)}
        object.__setattr__(self, "_exact", exact)

    def forbids(self, *names: str) -> Forbidden | None:
        """The rule that forbids a symbol under any of the names it goes by."""
        for name in names:
            if name in self._exact:
                return self._exact[name]
        return next(
            (rule for rule in self.forbidden if _is_glob(rule.name) and _any_match(rule.name, names)), None
        )

    def deprecates(self, *names: str) -> Deprecated | None:
        """The rule that deprecates a symbol under any of the names it goes by."""
        return next((rule for rule in self.deprecated if _any_match(rule.name, names)), None)

    def joined(self, other: Policy) -> Policy:
        """Both policies at once; where each sets one value, the stricter or this one's wins."""
        mine, theirs = self.required, other.required
        return Policy(
            forbidden=_union(self.forbidden, other.forbidden),
            deprecated=_union(self.deprecated, other.deprecated),
            deny_deprecated=self.deny_deprecated or other.deny_deprecated,
            required=Required(
                first_line=mine.first_line or theirs.first_line,
                headers=_union(mine.headers, theirs.headers),
                lines=_union(mine.lines, theirs.lines),
                packages=_union(mine.packages, theirs.packages),
            ),
            limits=Limits(**{name: _smaller(self.limits, other.limits, name) for name in _LIMIT_NAMES}),
            notes="\n".join(note for note in (self.notes, other.notes) if note),
        )


_LIMIT_NAMES = tuple(item.name for item in fields(Limits))


def read_policy(path: Path) -> Policy:
    """The policy of a `policy.toml`."""
    return parse_policy(path.read_text(encoding="utf-8-sig"), str(path))


def parse_policy(text: str, name: str = "policy.toml") -> Policy:
    """The policy that TOML text describes; RecordsError lists all that is wrong."""
    from idiolect.dialects.records import Problem, RecordsError

    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecordsError(name, [Problem("$", f"not TOML: {error}")]) from error
    except RecursionError as error:
        raise RecordsError(name, [Problem("$", "nested too deeply to be read")]) from error
    return policy_of(raw, name)


def policy_of(raw: Any, name: str) -> Policy:
    """The policy that plain data describes. A bare string among the rules stands for its name."""
    from idiolect.dialects.records import read_record

    return read_record(Policy, plain_rules(raw), name, NESTED)


NESTED = {"forbidden": Forbidden, "deprecated": Deprecated, "required": Required, "limits": Limits}


def plain_rules(raw: Any) -> Any:
    """Policy data with bare names (`forbidden = ["exec"]`) written out as rules."""
    if not isinstance(raw, dict):
        return raw
    raw = dict(raw)
    for key in ("forbidden", "deprecated"):
        if isinstance(raw.get(key), list):
            raw[key] = [{"name": item} if isinstance(item, str) else item for item in raw[key]]
    return raw


def text_faults(policy: Policy, text: str, prefix: str, comment: str = "#") -> Iterator[Fault]:
    """Faults of required lines and of size limits, for a language whose line comments start so."""
    source = SourceText(text)
    lines = [source.line(number) for number in range(1, source.line_count + 1)]
    yield from _required_faults(policy.required, lines, prefix, comment)
    yield from _limit_faults(policy.limits, source, lines, prefix)


def _required_faults(required: Required, lines: list[str], prefix: str, comment: str) -> Iterator[Fault]:
    if required.first_line and not _matches(required.first_line, lines[0]):
        known = not _is_glob(required.first_line)
        yield Fault(
            f"{prefix}.policy.header",
            f'the first line must be "{required.first_line}"',
            Span(0, len(lines[0])),
            f"start the text with: {required.first_line}",
            Level.POLICY,
            fix=Fix(Span(0, 0), required.first_line + "\n") if known else None,
        )
    header = []
    for line in lines:
        if line.strip() and not line.lstrip().startswith(comment):
            break
        header.append(line.rstrip())
    for wanted in required.headers:
        if not any(_matches(wanted, line) for line in header):
            yield Fault(
                f"{prefix}.policy.header",
                f'no header line matches "{wanted}"',
                Span(0, len(lines[0])),
                f"write it before the first line of code: {wanted}",
                Level.POLICY,
            )
    for wanted in required.lines:
        if not any(_matches(wanted, line.rstrip()) for line in lines):
            yield Fault(
                f"{prefix}.policy.line",
                f'no line matches "{wanted}"',
                None,
                f"add the line: {wanted}",
                Level.POLICY,
            )


def _limit_faults(limits: Limits, source: SourceText, lines: list[str], prefix: str) -> Iterator[Fault]:
    code = f"{prefix}.policy.limit"
    size = len(source.text)
    if limits.max_characters is not None and size > limits.max_characters:
        span = Span(limits.max_characters, size)
        yield over_limit(code, f"{size} characters", limits.max_characters, span)
    if limits.max_lines is not None and len(lines) > limits.max_lines:
        span = Span(source.offset(limits.max_lines + 1), size)
        yield over_limit(code, f"{len(lines)} lines", limits.max_lines, span)
    if limits.max_line_length is None:
        return
    for number, line in enumerate(lines, 1):
        if len(line) > limits.max_line_length:
            start = source.offset(number)
            span = Span(start + limits.max_line_length, start + len(line))
            yield over_limit(code, f"a line of {len(line)} characters", limits.max_line_length, span)


def over_limit(code: str, found: str, limit: int, span: Span | None) -> Fault:
    """The fault of a text that is bigger than a limit."""
    return Fault(code, f"{found}, where the policy allows {limit}", span, None, Level.POLICY)


def forbidden_fault(rule: Forbidden, name: str, span: Span, prefix: str) -> Fault:
    """The fault of using a forbidden symbol."""
    why = f": {rule.why}" if rule.why else ""
    hint = f"use {rule.instead}" if rule.instead else None
    return Fault(f"{prefix}.policy.forbidden", f'"{name}" is forbidden{why}', span, hint, Level.POLICY)


def deprecated_fault(
    name: str, span: Span, prefix: str, *, replacement: str, why: str = "", deny: bool = False
) -> Fault:
    """The fault of using a deprecated symbol: a warning, unless the policy denies it."""
    return Fault(
        f"{prefix}.policy.deprecated",
        f'"{name}" is deprecated' + (f": {why}" if why else ""),
        span,
        f"use {replacement}" if replacement else None,
        Level.POLICY,
        Severity.ERROR if deny else Severity.WARNING,
        Fix(span, replacement) if replacement else None,
    )


def _is_glob(name: str) -> bool:
    return any(mark in name for mark in "*?[")


@lru_cache(maxsize=4096)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob))


def _matches(glob: str, text: str) -> bool:
    return text == glob or (_is_glob(glob) and _compiled(glob).match(text) is not None)


def _any_match(glob: str, names: tuple[str, ...]) -> bool:
    return any(_matches(glob, name) for name in names)


def _union(left: tuple[Any, ...], right: tuple[Any, ...]) -> tuple[Any, ...]:
    return left + tuple(item for item in right if item not in left)


def _smaller(left: Limits, right: Limits, name: str) -> int | None:
    known = [value for value in (getattr(left, name), getattr(right, name)) if value is not None]
    return min(known) if known else None
