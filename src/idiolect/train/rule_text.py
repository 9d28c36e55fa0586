"""Conditions and statements of CONTROL as a script writes them, on one line: for logs and messages."""

from __future__ import annotations

from collections.abc import Iterable

from idiolect.okt.control import Act, Answer, Change, Comparison, Every, Save, Say, Set, Statement, When
from idiolect.okt.fields import render_literal


def condition_text(comparisons: Iterable[Comparison]) -> str:
    """`val_loss > 2 AND epoch >= 2`."""
    return " AND ".join(_comparison(one) for one in comparisons)


def _comparison(one: Comparison) -> str:
    if one.unit == "bytes" and not isinstance(one.value, str):
        return f"{one.signal} {one.operator} {one.value / 1024**3:g}GB"
    percent = "%" if one.unit == "percent" else ""
    return f"{one.signal} {one.operator} {render_literal(one.value)}{percent}"


def statement_text(statement: Statement) -> str:
    """A statement without its body."""
    match statement:
        case Set():
            return f"SET {statement.parameter} = {render_literal(statement.value)}"
        case Change():
            percent = statement.relative and statement.amount >= 1
            amount = f"{100 * statement.amount:g}%" if percent else f"{statement.amount:g}"
            return f"{statement.do} {statement.parameter} BY {amount}"
        case Say():
            return f"LOG {statement.metric}" if statement.metric else f'LOG "{statement.text}"'
        case Save():
            return f'SAVE "{statement.name}"' if statement.what == "named" else f"SAVE {statement.what}"
        case Answer():
            with_word = " WITH" if statement.do == "REPLACE" else ""
            return f'{statement.do}{with_word} "{statement.text}"'
        case Act():
            return statement.do
        case When():
            return f"{statement.do} {condition_text(statement.conditions)}"
        case Every():
            return f"EVERY {statement.count} {statement.unit}"
