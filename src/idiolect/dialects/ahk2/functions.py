"""Reads function definitions: `name(parameters) {`, the same with the brace on the next line, or `=>`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idiolect.dialects.ahk2 import builtins
from idiolect.dialects.ahk2.expressions import Expression
from idiolect.dialects.ahk2.parameters import Parameters, read_parameters
from idiolect.dialects.ahk2.script import Statement, Symbol

if TYPE_CHECKING:
    from idiolect.dialects.ahk2.loader import Loader

_NEVER = builtins.RESERVED_STATEMENTS - {"as", "finally", "global", "local", "static"}


def read_function(loader: Loader, statement: Statement) -> bool:
    """Read a definition, if the statement is one."""
    start, static = statement.start, False
    tokens, end = statement.tokens, statement.end
    if tokens[start].text.lower() == "static" and _is_head(statement, start + 1):
        start, static = start + 1, True
    if not _is_head(statement, start) or tokens[start].text.lower() in _NEVER:
        return False
    close = statement.pairs.get(start + 1, -1)
    if close < 0 or close >= end:
        return False
    arrow = close + 1 < end and tokens[close + 1].text == "=>"
    if not arrow and (close + 1 != end or not loader.starts_block(statement)):
        return False
    if static and not loader.in_function:
        loader.faults.add("parse.function.static", statement.span(statement.start, close))
    _define(loader, statement, start, close, arrow)
    return True


def _is_head(statement: Statement, index: int) -> bool:
    if index + 2 >= len(statement.tokens) or index + 2 > statement.end:
        return False
    name, opener = statement.tokens[index], statement.tokens[index + 1]
    return name.kind in ("name", "badnumber") and opener.text == "(" and not opener.space


def _define(loader: Loader, statement: Statement, start: int, close: int, arrow: bool) -> None:
    span = statement.span(start)
    name = statement.tokens[start].text
    block = loader.block
    if block.body_is_due:
        loader.faults.add("parse.function.body", span)
        block.finish_statement()
    block.start_statement()
    params = read_parameters(statement.line, statement.tokens, start + 1, close, loader.faults)
    if loader.waiting_hotkey is not None:
        _check_hotkey_function(loader, statement, params, start)
    if params is not None:
        loader.define_function(name, span, params.arity(name))
        least = sum(params.required)
        loader.script.symbols.append(
            Symbol("function", name, span, params=tuple(params.shown), least=least, variadic=params.variadic)
        )
        check_defaults(loader, statement, params)
    scope = loader.scope.child(params.names if params else set())
    if arrow:
        read_arrow_body(loader, statement, close, Expression(
            statement.line, statement.tokens, statement.pairs, scope, loader.faults))  # fmt: skip
    else:
        loader.open_block("function", span, scope)


def check_defaults(loader: Loader, statement: Statement, params: Parameters) -> None:
    """Read the default values of parameters as expressions."""
    for first, last in params.defaults:
        loader.expression(statement).check(first, last)


def read_arrow_body(loader: Loader, statement: Statement, close: int, expression: Expression) -> None:
    """Read the one expression of a function that `=>` defines."""
    arrow = close + 1
    if arrow + 1 >= statement.end:
        loader.faults.add("parse.function.arrow", statement.span(arrow))
        return
    found = expression.check(arrow + 1, statement.end)
    if found is not None and len(found[0]) > 1:
        loader.faults.add("parse.many", statement.span(arrow), word="=>", most=1)


def _check_hotkey_function(
    loader: Loader, statement: Statement, params: Parameters | None, start: int
) -> None:
    loader.waiting_hotkey = None
    if params is None:
        return
    if not params.required and not params.variadic:
        loader.faults.add("parse.hotkey.parameter", statement.span(start))
    elif sum(params.required) > 1:
        loader.faults.add("parse.hotkey.parameters", statement.span(start))
