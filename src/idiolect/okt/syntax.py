"""The syntax tree of a script: what stands where, and nothing about what it means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from idiolect.okt.lexer import Comment, Token
from idiolect.source import SourceText, Span


@dataclass(frozen=True, slots=True)
class String:
    text: str  # decoded
    span: Span
    raw: str  # as written, with its quotes


@dataclass(frozen=True, slots=True)
class Number:
    number: int | float
    unit: str
    span: Span
    raw: str


@dataclass(frozen=True, slots=True)
class Word:
    """A bare word as a value: true, false, or something that lacks its quotes."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class List:
    items: tuple[Value, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Body:
    """Braces and what is between them."""

    entries: tuple[Entry, ...]
    span: Span
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Missing:
    """A value that is not there; already reported."""

    span: Span


Value = String | Number | Word | List | Body | Missing


@dataclass(frozen=True, slots=True)
class Field:
    """`name: value`."""

    name: str
    name_span: Span
    value: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Scalar:
    """`KEYWORD value` at the top of a script."""

    keyword: str
    keyword_span: Span
    value: Value
    span: Span


@dataclass(frozen=True, slots=True)
class BlockNode:
    """`KEYWORD { ... }` or `KEYWORD "label" { ... }`, top-level or nested."""

    keyword: str
    keyword_span: Span
    label: String | None
    body: Body
    span: Span


@dataclass(frozen=True, slots=True)
class Flag:
    """A bare word that is an entry of its own, with an optional string behind it: `custom "name"`."""

    word: str
    span: Span
    argument: String | None = None


@dataclass(frozen=True, slots=True)
class Compare:
    """`signal operator value`."""

    signal: str
    signal_span: Span
    operator: str
    value: Value
    span: Span


@dataclass(frozen=True, slots=True)
class ConditionEntry:
    """Comparisons joined by AND, as an entry of a block of conditions."""

    comparisons: tuple[Compare, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class StatementNode:
    """A CONTROL statement. Which parts are set depends on the keyword."""

    keyword: str
    keyword_span: Span
    span: Span
    conditions: tuple[Compare, ...] = ()  # IF, WHEN
    name: str | None = None  # SET, DECREASE, INCREASE: the parameter; EVERY: the unit; LOG, SAVE: a bare word
    name_span: Span | None = None
    value: Value | None = None  # SET, BY, EVERY's count, and every quoted text
    body: Body | None = None  # IF, WHEN, EVERY


@dataclass(frozen=True, slots=True)
class Unread:
    """Tokens that make no entry; already reported."""

    span: Span


Entry = Field | BlockNode | Flag | ConditionEntry | StatementNode | Unread
Item = Scalar | BlockNode | Unread


@dataclass(frozen=True, slots=True)
class Pragma:
    version: str
    span: Span  # of the version between its quotes
    line: int


@dataclass(frozen=True, slots=True)
class Script:
    """A parsed file. `tokens` and `comments` serve the formatter and the editor."""

    source: SourceText
    items: tuple[Item, ...]
    pragma: Pragma | None
    tokens: list[Token] = field(repr=False, compare=False, default_factory=list)
    comments: list[Comment] = field(repr=False, compare=False, default_factory=list)

    def blocks(self, keyword: str) -> Iterator[BlockNode]:
        return (item for item in self.items if isinstance(item, BlockNode) and item.keyword == keyword)
