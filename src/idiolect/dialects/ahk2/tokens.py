"""Splits the code of a logical line into tokens. Reports nothing: what is odd becomes a token of its own."""

from __future__ import annotations

import re
from typing import NamedTuple

from idiolect.dialects.ahk2.lines import end_of_string


class Token(NamedTuple):
    """One token; `space` says whether white space stands before it.

    Kinds: name, number, badnumber, string, member (".name"), op, comma, open, close, percent, odd.
    """

    kind: str
    text: str
    start: int
    end: int
    space: bool


_NAME = r"[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*"
_TOKEN = re.compile(
    rf"""(?P<white>(?:[ \t\r\n]|`[nrts])+)
    | (?P<name>{_NAME})
    | (?P<number>0[xX][0-9a-fA-F]+ | \d+(?:\.(?![A-DF-Za-df-z_\x80-\U0010ffff])\d*)?(?:[eE][+-]?\d+)?
        | \.\d+(?:[eE][+-]?\d+)?)
    | (?P<comma>`?,)
    | (?P<open>[(\[{{])
    | (?P<close>[)\]}}])
    | (?P<quote>["'])
    | (?P<percent>%)
    | (?P<op>>>>=|>>>|\?\?|//=|<<=|>>=|!==|==|!=|:=|\+=|-=|\*=|/=|\.=|\|=|&=|\^=|\*\*|//|&&|\|\||\+\+|--
        |<<|>>|~=|<=|>=|=>|[-+*/&|^~!<>=?:.])
    | (?P<odd>.)""",
    re.X | re.S,
)
_MEMBER = re.compile(r"\.[\w\x80-\U0010ffff]+")
_NAME_REST = re.compile(r"[\w\x80-\U0010ffff]+")
_WORDS = {"and", "or", "not", "is", "in", "contains"}


def tokenize(text: str, start: int = 0) -> list[Token]:
    """The tokens of `text` from an offset on."""
    tokens: list[Token] = []
    position, space, length = start, False, len(text)
    while position < length:
        match = _TOKEN.match(text, position)
        assert match is not None
        kind, end = str(match.lastgroup), match.end()
        if kind == "white":
            position, space = end, True
            continue
        if text[position] == "." and tokens and _ends_operand(tokens[-1]):
            member = _MEMBER.match(text, position)
            if member is not None:
                kind, end = "member", member.end()
            elif kind == "number":
                kind, end = "op", position + 1
        if kind == "number" and (rest := _NAME_REST.match(text, end)):
            kind, end = "badnumber", rest.end()
        elif kind == "quote":
            closing = end_of_string(text, end, text[position])
            kind, end = "string", closing if closing > 0 else length
        tokens.append(Token(kind, text[position:end], position, end, space))
        position, space = end, False
    return tokens


def _ends_operand(token: Token) -> bool:
    if token.kind == "name":
        return token.text.lower() not in _WORDS
    if token.kind == "op":
        return token.text in ("++", "--")
    return token.kind in ("number", "badnumber", "string", "member", "close", "percent")


def match_brackets(tokens: list[Token]) -> dict[int, int]:
    """For each opening bracket's index the index of its closing one."""
    pairs: dict[int, int] = {}
    stack: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind == "open":
            stack.append(index)
        elif token.kind == "close" and stack:
            pairs[stack.pop()] = index
    return pairs
