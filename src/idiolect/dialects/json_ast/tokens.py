"""The tokens of JSON that can be wrong inside: strings and numbers, each with what is wrong in it.

It knows no structure (that is `scan`).
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from idiolect.dialects.json_ast.document import show
from idiolect.source import Span

BLANK = re.compile(r"[ \t\r\n]*+")
COMMENT = re.compile(r"//[^\r\n]*+|/\*(?s:.*?)\*/|#[^\r\n]*+")
FENCE_START = re.compile(r"[ \t\r\n]*+```[A-Za-z0-9_-]*+[ \t]*+\r?\n")
FENCE_END = re.compile(r"```[ \t\r\n]*+\Z")
WORD = re.compile(r"-?[^\W\d][\w$-]*+")
VALUE_START = re.compile(r"""["'\[{\w.+-]""")
OPENERS, CLOSERS = "[{", "]}"

GOOD_STRING = re.compile(r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"')
ANY_STRING = re.compile(r'"[^"\\\r\n]*+(?:\\.[^"\\\r\n]*+)*+"')
SINGLE_STRING = re.compile(r"'[^'\\\r\n]*+(?:\\.[^'\\\r\n]*+)*+'")
BAD_PIECE = re.compile(r'[\x00-\x1f]|\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4}).?|\\.')
SURROGATE = re.compile("[\ud800-\udfff]")

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
NUMBER_LIKE = re.compile(r"[-+]?[0-9.][0-9A-Za-z._+-]*+|[-+]")
MAX_DIGITS = 1000  # past any number a program holds; longer ones cost quadratic time to convert


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a token."""

    code: str
    message: str
    span: Span
    hint: str
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A scalar that was read, with its problems; `fatal` if its end could not be found."""

    value: Any
    span: Span
    problems: tuple[Problem, ...] = ()
    fatal: bool = False


def read_string(text: str, start: int) -> Token:
    """The string that starts at a quote of either kind."""
    found = GOOD_STRING.match(text, start)
    if found:
        span = Span(start, found.end())
        value, halves = _check_surrogates(json.loads(found[0]), span)
        return Token(value, span, halves)
    pattern = ANY_STRING if text[start] == '"' else SINGLE_STRING
    found = pattern.match(text, start)
    if not found:
        end = re.compile(r"[^\r\n]*+").match(text, start + 1).end()  # type: ignore[union-attr]  # matches ""
        problem = Problem(
            "string.unclosed", "the string has no closing quote", Span(start, end), 'close it with "'
        )
        return Token("", Span(start, end), (problem,), fatal=True)
    span = Span(start, found.end())
    mended, problems = _mend(found[0][1:-1], start + 1)
    value, halves = _check_surrogates(mended, span)
    problems += halves
    if text[start] == "'":
        quoted = json.dumps(value, ensure_ascii=False)
        whole = Problem("string.quotes", "strings take double quotes", span, f"write {show(value)}", quoted)
        return Token(value, span, (whole, *halves))
    return Token(value, span, problems)


def _check_surrogates(value: str, span: Span) -> tuple[str, tuple[Problem, ...]]:
    """A string without half surrogate pairs, and the problem if there was one."""
    if value.isascii() or not SURROGATE.search(value):
        return value, ()
    message = "the string holds half of a surrogate pair, which is no character"
    problem = Problem("string.surrogate", message, span, "write both halves, or the character itself")
    return SURROGATE.sub("\ufffd", value), (problem,)


def _mend(body: str, offset: int) -> tuple[str, tuple[Problem, ...]]:
    """The likely value of a string's inside with bad escapes or control characters, and these."""
    problems: list[Problem] = []
    pieces: list[str] = []
    done = 0
    for found in BAD_PIECE.finditer(body):
        piece = found[0]
        pieces.append(body[done : found.start()])
        done = found.end()
        span = Span(offset + found.start(), offset + found.end())
        if piece[0] != "\\":
            escape = json.dumps(piece)[1:-1]
            message = f"control character U+{ord(piece):04X} in a string"
            problems.append(Problem("string.control", message, span, f"write {escape}", escape))
            pieces.append(escape)
        elif (
            len(piece) == 2
            and piece[1] in '"\\/bfnrtu'
            and not (piece[1] == "u" and _bad_unicode(body, found))
        ):
            pieces.append(piece)
        else:
            plain = piece[1:] or "\\"
            keep = plain if plain == "'" else "\\\\" + (plain if plain != "\\" else "")
            message = f"{piece} is not an escape of JSON"
            problems.append(Problem("string.escape", message, span, f"write {keep}", keep))
            pieces.append(keep)
    pieces.append(body[done:])
    joined = "".join(pieces)
    try:
        return json.loads(f'"{joined}"'), tuple(problems)
    except ValueError:  # a single-quoted string with a bare double quote in it
        return json.loads('"' + re.sub(r'(?<!\\)((?:\\\\)*+)"', r'\1\\"', joined) + '"'), tuple(problems)


def _bad_unicode(body: str, found: re.Match[str]) -> bool:
    return not re.compile("[0-9a-fA-F]{4}").match(body, found.end())


def read_number(text: str, start: int) -> Token:
    """The number that starts here, good or nearly good."""
    found = NUMBER_LIKE.match(text, start)
    assert found, "the caller saw a digit, a sign or a point"
    lexeme, span = found[0], Span(start, found.end())
    if NUMBER.fullmatch(lexeme):
        return _number(lexeme, span)
    mended = _mend_number(lexeme)
    hint = f"write {mended}" if mended else "write digits, then maybe . and digits, then maybe e and digits"
    problem = Problem("number", f"{show(lexeme)[1:-1]} is not a JSON number", span, hint, mended)
    return Token(json.loads(mended) if mended else 0, span, (problem,))


def _number(lexeme: str, span: Span) -> Token:
    value: Any = 0
    if len(lexeme) <= MAX_DIGITS:
        value = json.loads(lexeme)
        if isinstance(value, int) or math.isfinite(value):
            return Token(value, span)
    problem = Problem(
        "number.range", f"{show(lexeme, 30)[1:-1]} is too large a number", span, "write a smaller one"
    )
    return Token(0, span, (problem,))


def _mend_number(lexeme: str) -> str | None:
    sign = "-" if lexeme.startswith("-") else ""
    body = lexeme.lstrip("+-") if len(lexeme) > 1 else lexeme
    body = re.sub(r"(?<=[0-9])_(?=[0-9])", "", body)
    body = re.sub(r"^0++(?=[0-9])", "", body)
    body = re.sub(r"^\.(?=[0-9])", "0.", body)
    body = re.sub(r"(?<=[0-9])\.(?![0-9])", ".0", body)
    good = NUMBER.fullmatch(sign + body)
    if not good or len(body) > MAX_DIGITS or not math.isfinite(float(body)):
        return None
    return sign + body
