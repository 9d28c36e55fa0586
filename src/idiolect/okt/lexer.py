"""Text of a script to tokens. Never fails: what can't be read becomes a token that says so.

Comments are kept beside the tokens, since the formatter needs them; white space is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from idiolect.source import Span


class TokenKind(StrEnum):
    WORD = "word"
    STRING = "string"
    NUMBER = "number"
    PUNCTUATION = "punctuation"  # { } [ ] : , and the operators
    OPEN_STRING = "open string"  # a quote that is not closed on its line
    ODD_STRING = "odd string"  # text between typographic or single quotes
    ELLIPSIS = "ellipsis"
    STRAY = "stray"  # a character that the language does not have
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    kind: TokenKind
    text: str
    span: Span
    line: int  # from 1


@dataclass(frozen=True, slots=True)
class Comment:
    text: str  # with the "#", without trailing white space
    span: Span
    line: int
    own_line: bool  # nothing but white space before it


_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\f\v\u00a0]+)
  | (?P<newline>\r\n|\n|\r)
  | (?P<comment>\#[^\r\n]*)
  | (?P<string>"(?:[^"\\\r\n]|\\[^\r\n])*")
  | (?P<open_string>"(?:[^"\\\r\n]|\\[^\r\n])*\\?)
  | (?P<odd_string>[\u201c\u201d\u201e\u00ab][^\u201c\u201d\u201e\u00bb"\r\n]*[\u201c\u201d\u00bb"]?
      | '[^'"\r\n]*')
  | (?P<ellipsis>\.\.\.+|\u2026)
  | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?:%|[A-Za-z]+)?)
  | (?P<word>[^\W\d]\w*)
  | (?P<punctuation>>=|<=|==|!=|[{}\[\]:,<>=])
  | (?P<stray>.)
    """,
    re.VERBOSE | re.DOTALL,
)

_KINDS = {kind.name.lower(): kind for kind in TokenKind}


def tokenize(text: str) -> tuple[list[Token], list[Comment]]:
    """All tokens, closed by one of kind END, and all comments."""
    tokens: list[Token] = []
    comments: list[Comment] = []
    line = 1
    line_has_token = False
    position = 1 if text.startswith("\ufeff") else 0
    for match in _TOKEN.finditer(text, position):
        group = match.lastgroup
        if group == "space":
            continue
        if group == "newline":
            line += 1
            line_has_token = False
            continue
        span = Span(*match.span())
        if group == "comment":
            comments.append(Comment(match.group().rstrip(), span, line, not line_has_token))
            continue
        line_has_token = True
        assert group is not None
        tokens.append(Token(_KINDS[group], match.group(), span, line))
    tokens.append(Token(TokenKind.END, "", Span(len(text), len(text)), line))
    return tokens, comments


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def decode_string(inner: str) -> tuple[str, list[int]]:
    """The text between two quotes with its escapes decoded, and the offsets of escapes that are not known.

    An unknown escape keeps its backslash.
    """
    if "\\" not in inner:
        return inner, []
    unknown: list[int] = []

    def one(match: re.Match[str]) -> str:
        known = _ESCAPES.get(match.group(1))
        if known is None:
            unknown.append(match.start())
            return match.group()
        return known

    return _ESCAPE.sub(one, inner), unknown


def encode_string(text: str) -> str:
    """A text as a quoted string of the language."""
    out = (
        text.replace("\\", "\\\\")
        .replace('"', '\\"')
        .replace("\n", "\\n")
        .replace("\t", "\\t")
        .replace("\r", "\\r")
    )
    return f'"{out}"'


_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(%|[A-Za-z]*)")


def split_number(text: str) -> tuple[int | float, str]:
    """The number of a token and its unit."""
    match = _NUMBER.fullmatch(text)
    assert match is not None
    digits, unit = match.groups()
    # int() of a number with thousands of digits is slow and refused by Python; nothing needs one.
    if re.fullmatch(r"[-+]?\d{1,18}", digits):
        return int(digits), unit
    return float(digits), unit
