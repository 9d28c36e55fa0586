"""Reads what is no keyword's statement: calls with or without parentheses, and expressions.

The forms of v1 that survive here (`MsgBox, text`, `x = text`, commands that are gone) are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idiolect.dialects.ahk2 import builtins, legacy
from idiolect.dialects.ahk2.script import Statement
from idiolect.dialects.ahk2.tokens import Token

if TYPE_CHECKING:
    from idiolect.dialects.ahk2.loader import Loader

_ASSIGN = frozenset({":=", "+=", "-=", "*=", "/=", "//=", ".=", "|=", "&=", "^=", ">>=", "<<=", ">>>="})
_STARTS = frozenset({"(", "%"})
_NO_CALLEE = frozenset({"not", "and", "or", "is", "in", "contains", "as"})


def read_action(loader: Loader, statement: Statement) -> None:
    """Read a statement that starts with no keyword."""
    first = statement.tokens[statement.start]
    if first.kind in ("name", "percent", "badnumber") and first.text.lower() not in _NO_CALLEE:
        _read_named(loader, statement)
    elif (
        first.text in _STARTS
        or first.text in ("++", "--")
        or first.kind in ("name", "badnumber")
        or (first.kind == "string" and _is_member(statement, statement.start + 1))
    ):
        loader.expression(statement).check(statement.start, statement.end)
    elif first.kind == "comma":
        loader.faults.add("parse.comma", statement.span(statement.start), name=",")
    else:
        _unknown(loader, statement)


def _is_member(statement: Statement, index: int) -> bool:
    return index < statement.end and statement.tokens[index].kind == "member"


def _unknown(loader: Loader, statement: Statement) -> None:
    text = statement.line.text[statement.tokens[statement.start].start :]
    loader.faults.add("parse.action", statement.whole, text=text)


def _read_named(loader: Loader, statement: Statement) -> None:
    """A statement that starts with a variable: find whether it is called without parentheses."""
    end = _callee_end(statement)
    if end >= statement.end:
        _call(loader, statement, end)
        return
    following = statement.tokens[end]
    plain = end == statement.start + 1 and statement.tokens[statement.start].kind == "name"
    if following.kind == "comma" and not following.space:
        _comma_first(loader, statement, following, plain)
    elif following.kind == "op" and following.text == "=":
        _equals_sign(loader, statement, end)
    elif following.space and not _continues_expression(following, plain):
        _call(loader, statement, end)
    elif _is_expression(following):
        loader.expression(statement).check(statement.start, statement.end)
    else:
        _unknown(loader, statement)


def _callee_end(statement: Statement) -> int:
    """The index after `name`, `name.member`, `%name%` and their mixtures."""
    tokens, index, end = statement.tokens, statement.start, statement.end
    while index < end:
        token = tokens[index]
        glued = index > statement.start and not token.space
        if token.kind == "percent" and (glued or index == statement.start):
            index = _percent_end(statement, index)
        elif (
            (token.kind == "member" and glued)
            or (token.text == "." and glued and index + 1 < end and tokens[index + 1].kind == "percent")
            or (token.kind in ("name", "number", "badnumber") and (index == statement.start or glued))
        ):
            index += 1
        else:
            break
    return index


def _percent_end(statement: Statement, index: int) -> int:
    index += 1
    while index < statement.end and statement.tokens[index].kind != "percent":
        index += 1
    return min(index + 1, statement.end)


def _continues_expression(following: Token, plain: bool) -> bool:
    """Whether an operator after white space makes the statement an expression."""
    if following.kind != "op":
        return following.kind in ("close", "member")
    if following.text in _ASSIGN or following.text in ("==", ":", "=>"):
        return True
    if plain:
        return following.text in ("?", "??")
    return following.text in ("++", "--")


def _is_expression(following: Token) -> bool:
    if following.kind in ("open", "percent"):
        return following.text != "{"
    if following.kind == "op":
        return following.text in _ASSIGN or following.text in ("++", "--", "?", "??")
    return following.kind in ("member", "close", "string", "odd")


def _equals_sign(loader: Loader, statement: Statement, end: int) -> None:
    name = statement.line.text[statement.tokens[statement.start].start : statement.tokens[end - 1].end]
    value = statement.line.text[statement.tokens[end].end :].strip()
    legacy.plain_assignment(loader.faults, statement.span(statement.start, statement.end - 1),
                            statement.span(end), name, value)  # fmt: skip


def _comma_first(loader: Loader, statement: Statement, comma: Token, plain: bool) -> None:
    name = statement.tokens[statement.start].text
    span = statement.span(statement.start)
    at = statement.line.span(comma.start, comma.end)
    if not plain:
        _unknown(loader, statement)
    else:
        legacy.comma_call(loader.faults, name, span, at)


def _call(loader: Loader, statement: Statement, end: int) -> None:
    """A call without parentheses."""
    start = statement.start
    callee = statement.tokens[start]
    plain = end == start + 1 and callee.kind == "name"
    if plain and callee.text.lower() in builtins.RESERVED_STATEMENTS:
        loader.faults.add("name.reserved", statement.span(start), name=callee.text, what="variable")
        return
    expression = loader.expression(statement)
    if not plain and expression.check(start, end) is None:
        return
    if plain:
        legacy.note_gone(loader.script, callee.text, statement, end)
    given: tuple[list[bool], bool] | None = ([], False)
    if end < statement.end:
        expression = loader.expression(statement)
        expression.lenient = True
        given = expression.check(end, statement.end, "arguments")
    if plain and given is not None:
        if callee.text.lower() in ("true", "false", "super"):
            loader.expression(statement).check(start, end)
            return
        loader.scope.call(callee.text, statement.span(start), tuple(given[0]), given[1])
