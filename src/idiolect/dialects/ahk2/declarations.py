"""Reads `global`, `local` and `static` declarations and keeps track of what they say of a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idiolect.dialects.ahk2 import builtins
from idiolect.dialects.ahk2.scopes import Scope
from idiolect.dialects.ahk2.script import Statement

if TYPE_CHECKING:
    from idiolect.dialects.ahk2.loader import Loader

_ASSIGN = frozenset({":=", "+=", "-=", "*=", "/=", "//=", ".=", "|=", "&=", "^=", ">>=", "<<=", ">>>="})


def read_declaration(loader: Loader, statement: Statement) -> bool:
    """Read a declaration, if the statement is one."""
    start, end = statement.start, statement.end
    word = statement.tokens[start].text.lower()
    if start + 1 < end and statement.tokens[start + 1].kind not in ("name", "badnumber", "number"):
        return False
    loader.block.start_statement()
    if start + 1 >= end:
        _read_bare(loader, statement, word)
    elif not loader.in_function and word != "global":
        loader.faults.add("parse.declaration.place", statement.whole, word=word)
    else:
        index = start + 1
        while index < end:
            index = _read_item(loader, statement, index, word)
    loader.block.finish_statement()
    return True


def _read_bare(loader: Loader, statement: Statement, word: str) -> None:
    scope = loader.scope
    if word == "local" or not loader.in_function or scope.assigned - set(scope.declared):
        loader.faults.add("parse.declaration.place", statement.whole, word=word)
    else:
        scope.assume = word


def _read_item(loader: Loader, statement: Statement, index: int, word: str) -> int:
    """Read one name with its value; the index after its comma."""
    tokens, end = statement.tokens, statement.end
    stop = index
    while stop < end and tokens[stop].kind != "comma":
        stop = statement.pairs.get(stop, stop) + 1 if tokens[stop].kind == "open" else stop + 1
    stop = min(stop, end)
    name = tokens[index]
    span = statement.span(index)
    if name.kind in ("badnumber", "number"):
        loader.faults.add("name.digit", span, name=name.text)
    elif name.kind != "name":
        loader.faults.add("parse.declaration", span, found=name.text)
    elif name.text.lower() in builtins.RESERVED:
        loader.faults.add("name.reserved", span, name=name.text, what="variable")
    elif stop > index + 1 and not (tokens[index + 1].kind == "op" and tokens[index + 1].text in _ASSIGN):
        loader.faults.add("parse.declaration", statement.span(index, stop - 1), found=tokens[index + 1].text)
    else:
        _declare(loader, statement, index, word)
        if stop > index + 1:
            loader.expression(statement).check(index, stop)
    if stop + 1 == end and tokens[stop].kind == "comma":
        loader.faults.add("parse.declaration", statement.span(stop), found=",")
    return stop + 1


def _declare(loader: Loader, statement: Statement, index: int, word: str) -> None:
    scope: Scope = loader.scope
    name = statement.tokens[index].text
    lowered = name.lower()
    if scope.is_global:
        return
    earlier = scope.declared.get(lowered)
    other = ""
    if lowered in scope.params:
        other = "parameter"
    elif earlier is not None and earlier != word:
        other = f"{earlier} variable"
    elif word != "global" and lowered in builtins.variables():
        other = "built-in variable"
    if other:
        loader.faults.add("name.declared", statement.span(index), name=name, what=word, other=other)
    scope.declared.setdefault(lowered, word)
