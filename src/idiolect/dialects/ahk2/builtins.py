"""The names that AutoHotkey v2.0 brings along: functions, classes, variables, keys, directives.

Reads builtins.json, whose facts (names, least and most arguments) were asked of the interpreter
itself. It judges nothing.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple


class Arity(NamedTuple):
    """How many arguments a function takes; `most` is None where there is no limit."""

    name: str
    least: int
    most: int | None
    required: tuple[bool, ...] = ()  # for each of the first parameters: may it not be left out?


@cache
def _data() -> dict[str, Any]:
    text = files("idiolect.dialects.ahk2").joinpath("builtins.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def functions() -> dict[str, Arity]:
    """Built-in functions by lower-case name."""
    return {
        name.lower(): Arity(name, least, most, tuple(index < least for index in range(least)))
        for name, (least, most) in _data()["functions"].items()
    }


@cache
def classes() -> dict[str, str]:
    """Built-in classes by lower-case name, nested ones with their dots."""
    return {name.lower(): name for name in _data()["classes"]}


@cache
def variables() -> dict[str, tuple[str, bool]]:
    """Built-in variables by lower-case name: the name, and whether it can be assigned."""
    data = _data()["variables"]
    found = {name.lower(): (name, True) for name in data["writable"]}
    found.update((name.lower(), (name, False)) for name in data["readonly"])
    return found


@cache
def key_names() -> frozenset[str]:
    """Names of keys and buttons of more than one character, in lower case."""
    return frozenset(name.lower() for name in _data()["keys"])


@cache
def directives() -> dict[str, str]:
    """Directives of v2 by lower-case name without "#": how each reads its parameter."""
    loaded: dict[str, str] = _data()["directives"]
    return {name.lower(): rule for name, rule in loaded.items()}


RESERVED_OPERATORS = frozenset({"and", "or", "not", "is", "in", "contains", "as"})
RESERVED_VALUES = frozenset({"true", "false", "unset", "super", "isset"})
RESERVED_STATEMENTS = frozenset(
    [
        "break",
        "case",
        "catch",
        "continue",
        "else",
        "finally",
        "for",
        "global",
        "goto",
        "if",
        "local",
        "loop",
        "return",
        "static",
        "switch",
        "throw",
        "try",
        "until",
        "while",
    ]
)
RESERVED = RESERVED_OPERATORS | RESERVED_VALUES | RESERVED_STATEMENTS


@cache
def directive_names() -> dict[str, str]:
    """Directives as they are written, by lower-case name."""
    return {name.lower(): name for name in _data()["directives"]}
