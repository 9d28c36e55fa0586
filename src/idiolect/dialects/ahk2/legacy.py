"""Tells apart the syntax of AutoHotkey v1 and names it, with the v2 form as a hint or a fix.

The table legacy.json lists v1's commands and directives. It does **not** translate scripts.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from idiolect.dialects.ahk2 import builtins
from idiolect.dialects.ahk2.faults import Faults
from idiolect.dialects.verdict import Fix
from idiolect.source import Span

if TYPE_CHECKING:
    from idiolect.dialects.ahk2.script import Script, Statement

_PERCENT_NAME = re.compile(r"%(\w+)%")


@cache
def _table() -> dict[str, Any]:
    text = files("idiolect.dialects.ahk2").joinpath("legacy.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def commands() -> dict[str, str]:
    """Commands that v2 does not have, by lower-case name, with what to write instead."""
    return {name.lower(): hint for name, hint in _table()["commands"].items()}


@cache
def directives() -> dict[str, str]:
    """Directives that v2 does not have, by lower-case name without "#", with what to do instead."""
    return {name.lower(): hint for name, hint in _table()["directives"].items()}


def comma_call(faults: Faults, name: str, span: Span, comma: Span) -> None:
    """`Name, arguments`: the command syntax of v1, or a stray comma."""
    lowered = name.lower()
    if lowered in commands():
        faults.add("v1.command", span, name=name, hint=commands()[lowered])
    elif lowered in builtins.functions():
        shown = builtins.functions()[lowered].name
        hint = f'write {shown} and its arguments as expressions: {shown} "text", or {shown}("text")'
        faults.add("v1.comma", span.to(comma), name=shown, hint=hint)
    elif lowered in builtins.classes() or lowered in ("menu", "gui"):
        faults.add("v1.comma", span.to(comma), name=name, hint=f"in v2 {name} is a class: call its methods")
    else:
        faults.add("parse.comma", comma, name=name)


def note_gone(script: Script, name: str, statement: Statement, end: int) -> None:
    """Note a command of v1 that is called as a function: it loads, and fails when it runs."""
    lowered = name.lower()
    if lowered in commands() and end < statement.end:
        script.gone.append((lowered, name, statement.span(statement.start)))


def report_gone(faults: Faults, script: Script) -> None:
    """Warn of v1's commands, unless the script defines a function of that name."""
    for lowered, name, span in script.gone:
        if lowered not in script.scope.functions and lowered not in script.scope.assigned:
            faults.add("v1.gone", span, name=name, hint=commands()[lowered])


def plain_assignment(faults: Faults, whole: Span, sign: Span, name: str, value: str) -> None:
    """`x = text`: v1 assigned text with it."""
    if re.fullmatch(r"[\w.]+", value) and not re.fullmatch(r"[\d.]+", value):
        hint = f'write {name} := "{value}" for text, or {name} := {value} for a variable'
    elif _PERCENT_NAME.fullmatch(value):
        hint = f"write {name} := {value[1:-1]}"
    else:
        hint = f"write {name} := and an expression; text stands in quotes"
    fix = Fix(sign, ":=") if re.fullmatch(r"""[\d.]+|"[^"]*"|'[^']*'""", value) else None
    faults.add("v1.assign", whole, name=name, hint=hint, fix=fix)
