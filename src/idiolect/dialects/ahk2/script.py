"""What loading a script finds, and the statement that its readers hand around. Holds data, reads nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from idiolect.dialects.ahk2.faults import Faults
from idiolect.dialects.ahk2.lines import Line
from idiolect.dialects.ahk2.scopes import Call, Scope
from idiolect.dialects.ahk2.tokens import Token
from idiolect.source import Span


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something that a script defines."""

    kind: str  # function, class, method, property, field, hotkey, hotstring
    name: str
    span: Span
    owner: str = ""  # the class of a member
    static: bool = False
    params: tuple[str, ...] = ()
    least: int = 0
    variadic: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """One #Include: the path as written, whether it may be missing, and whether it names a library."""

    path: str
    span: Span
    optional: bool = False
    library: bool = False


@dataclass(frozen=True, slots=True)
class Laid:
    """A logical line's place and depth, for the formatter."""

    line: Line
    depth: int


@dataclass(slots=True)
class Script:
    """What loading found."""

    faults: Faults
    scope: Scope
    symbols: list[Symbol] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    layout: list[Laid] = field(default_factory=list)
    requires: list[tuple[str, Span]] = field(default_factory=list)
    unknown: list[Call] = field(default_factory=list)  # calls of names that the script does not define
    gone: list[tuple[str, str, Span]] = field(default_factory=list)  # calls of commands that v1 had

    def calls(self) -> list[tuple[str, Span]]:
        """Every call by plain name, with its place."""
        found: list[tuple[str, Span]] = []
        waiting = [self.scope]
        while waiting:
            scope = waiting.pop()
            found.extend((call.name, call.span) for call in scope.calls)
            waiting.extend(scope.children)
        return found


@dataclass(slots=True)
class Statement:
    """A part of a line: its tokens from `start` to `end`; `opens` tells that a block's brace follows."""

    line: Line
    tokens: list[Token]
    pairs: dict[int, int]
    start: int
    end: int
    opens: bool

    def span(self, first: int, last: int | None = None) -> Span:
        """The source span of a range of tokens (both ends inclusive)."""
        last = first if last is None else last
        return self.line.span(self.tokens[first].start, self.tokens[max(first, last)].end)

    def from_index(self, start: int) -> Statement:
        """The same statement, from a later token on."""
        return Statement(self.line, self.tokens, self.pairs, start, self.end, self.opens)

    @property
    def whole(self) -> Span:
        return self.span(self.start, self.end - 1) if self.end > self.start else self.span(self.start)
