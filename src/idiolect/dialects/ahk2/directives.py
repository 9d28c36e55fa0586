"""Reads directives: lines that begin with "#". Included files are noted, never opened."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from idiolect.dialects.ahk2 import builtins, legacy
from idiolect.dialects.ahk2.lines import Line
from idiolect.dialects.ahk2.script import Include
from idiolect.source import Span

if TYPE_CHECKING:
    from idiolect.dialects.ahk2.loader import Loader

_DIRECTIVE = re.compile(r"#([A-Za-z]\w*)(?=[ \t(]|$)[ \t]*(.*)$", re.S)
_CHOICES = {
    "single": {"", "force", "ignore", "prompt", "off"},
    "boolean": {"", "0", "1", "true", "false"},
    "warn": {"", "all", "varunset", "localsameasglobal", "unreachable"},
}


def read_directive(loader: Loader, line: Line, position: int) -> None:
    """Read the directive that a line is."""
    start = position + len(line.text[position:]) - len(line.text[position:].lstrip())
    match = _DIRECTIVE.match(line.text, start)
    word = re.match(r"#\w*", line.text[start:])
    head = line.span(start, start + len(word.group() if word else "#"))
    name = match[1].lower() if match else ""
    rule = builtins.directives().get(name)
    if match is None or rule is None:
        _unknown(loader, line, start, head)
        return
    value = match[2].strip()
    span = line.span(match.start(2), match.end()) if value else head
    if rule == "hotif":
        _hotif(loader, line, match.start(2), value, head)
    elif rule == "include":
        _include(loader, value, span)
    elif rule == "requires":
        _requires(loader, value, span)
    elif rule in _CHOICES:
        said = re.split(r"[ \t,]", value.lower())[0] if rule == "warn" else value.lower()
        if said not in _CHOICES[rule]:
            _invalid(loader, match[1], value, span, sorted(choice for choice in _CHOICES[rule] if choice))
    elif rule == "level" and re.fullmatch(r"\d+", value) and int(value[:6]) > 100:
        _invalid(loader, match[1], value, span, ["0 to 100"])


def _invalid(loader: Loader, name: str, value: str, span: Span, allowed: list[str]) -> None:
    loader.faults.add("directive.value", span, name=name, value=value, allowed=", ".join(allowed))


def _unknown(loader: Loader, line: Line, start: int, head: Span) -> None:
    found = re.match(r"#(\w*)(,?)", line.text[start:])
    name = found[1] if found else ""
    lowered = name.lower()
    if lowered in legacy.directives():
        loader.faults.add("v1.directive", head, name=name, hint=legacy.directives()[lowered])
    elif lowered in builtins.directives() and found is not None and found[2]:
        loader.faults.add(
            "v1.comma", head, name=f"#{name}", hint=f"write #{name} and its parameter without a comma"
        )
    else:
        from difflib import get_close_matches

        near = get_close_matches(lowered, builtins.directives(), n=1, cutoff=0.7)
        hint = f"did you mean #{builtins.directive_names()[near[0]]}?" if near else None
        loader.faults.add("parse.directive", head, name=name, hint=hint)


def _hotif(loader: Loader, line: Line, start: int, value: str, head: Span) -> None:
    if loader.in_function or loader.block.kind in ("class", "property"):
        loader.faults.add("directive.place", head, name="HotIf")
        return
    loader.context = re.sub(r"\s+", " ", value)
    if not value or not line.sound:
        return
    statement = loader.read_statement(line, start)
    statement.end = len(statement.tokens)
    found = loader.expression(statement).check(0, statement.end)
    if found is not None and len(found[0]) > 1:
        loader.faults.add("parse.many", head, word="#HotIf", most=1)


def _include(loader: Loader, value: str, span: Span) -> None:
    optional = re.match(r"\*i[ \t]+", value, re.I)
    path = value[optional.end() :] if optional else value
    if not path:
        loader.faults.add("parse.few", span, word="#Include")
        return
    library = path.startswith("<") and path.endswith(">")
    if library or (len(path) > 1 and path[0] in "\"'" and path[-1] == path[0]):
        path = path[1:-1]
    loader.script.includes.append(Include(path, span, optional is not None, library))


def _requires(loader: Loader, value: str, span: Span) -> None:
    if not value:
        loader.faults.add("parse.few", span, word="#Requires")
        return
    loader.script.requires.append((value, span))
