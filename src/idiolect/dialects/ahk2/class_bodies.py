"""Reads classes: their heads, and the members of their bodies (methods, properties, fields, classes)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idiolect.dialects.ahk2 import builtins
from idiolect.dialects.ahk2.blocks import Members
from idiolect.dialects.ahk2.expressions import Expression
from idiolect.dialects.ahk2.functions import check_defaults, read_arrow_body
from idiolect.dialects.ahk2.parameters import Parameters, read_parameters
from idiolect.dialects.ahk2.script import Statement, Symbol
from idiolect.source import Span

if TYPE_CHECKING:
    from idiolect.dialects.ahk2.loader import Loader

MOST_NESTED = 5  # classes in classes, as the interpreter has it
_INHERITED = {("field", "prototype", True), ("field", "__class", False), ("method", "__init", True)}


def read_class(loader: Loader, statement: Statement) -> None:
    """Read `class Name extends Base` and open its body."""
    start, end = statement.start, statement.end
    outer = loader.block.members if loader.block.kind == "class" else None
    name_at = start + 1
    span = statement.span(name_at)
    if outer is None:
        loader.block.start_statement()
        loader.block.finish_statement()
    if outer is None and loader.in_function:
        loader.faults.add("parse.class.place", statement.whole)
    name = statement.tokens[name_at].text
    base = _read_head(loader, statement, name_at)
    full = f"{outer.name}.{name}" if outer else name
    if outer is not None and outer.name.count(".") >= MOST_NESTED - 1:
        loader.faults.add("parse.class.nesting", span, most=MOST_NESTED)
        full = name
    _define(loader, name, full, span, outer)
    members = Members(full, span, base)
    loader.classes.setdefault(full.lower(), members)
    if not loader.starts_block(statement):
        loader.faults.add("parse.class.brace", statement.span(end - 1))
        return
    loader.open_block("class", span, loader.scope.child(set(), in_class=True), members)


def _read_head(loader: Loader, statement: Statement, at: int) -> str:
    """Check what follows the name; the base class as written."""
    tokens, end = statement.tokens, statement.end
    rest = tokens[at + 1 : end]
    if not rest:
        return ""
    if not rest[0].space:
        text = statement.line.text[tokens[at].start : rest[0].end]
        loader.faults.add("parse.class.name", statement.span(at, at + 1), text=text)
    elif rest[0].text.lower() != "extends" or len(rest) == 1 or not rest[0].space:
        code = "parse.class.brace" if rest[0].text == "{" else "parse.class.head"
        loader.faults.add(code, statement.span(at + 1, end - 1), found=rest[0].text)
    else:
        return statement.line.text[rest[1].start : rest[-1].end]
    return ""


def _define(loader: Loader, name: str, full: str, span: Span, outer: Members | None) -> None:
    root = loader.script.scope
    word = name.lower()
    if word in builtins.RESERVED:
        loader.faults.add("name.reserved", span, name=name, what="class")
    elif name[0].isdigit():
        loader.faults.add("name.digit", span, name=name)
    elif outer is not None:
        if ("class", word, True) in outer.taken:
            loader.faults.add("name.duplicate", span, name=name)
        outer.taken.add(("class", word, True))
    elif word in root.classes or word in builtins.classes():
        loader.faults.add("name.conflict", span, name=name, what="class", other="class")
    elif word in root.functions:
        loader.faults.add("name.conflict", span, name=name, what="class", other="function")
    root.classes.setdefault(full.lower(), full)
    loader.script.symbols.append(Symbol("class", full, span, owner=outer.name if outer else ""))


def read_member(loader: Loader, statement: Statement) -> None:
    """Read one member of a class body."""
    tokens, start, end = statement.tokens, statement.start, statement.end
    if start >= end:
        loader.faults.add(
            "parse.brace.stray", statement.line.span(len(statement.line.text) - 1, len(statement.line.text))
        )
        loader.open_block("block", statement.line.span(0, 1))
        return
    word = tokens[start].text.lower()
    static = word == "static" and start + 1 < end and tokens[start + 1].space
    if static:
        start += 1
    following = tokens[start + 1] if start + 1 < end else None
    named = tokens[start].kind in ("name", "badnumber", "number")
    if word == "class" and not static and following is not None and following.kind in ("name", "badnumber"):
        read_class(loader, statement)
    elif named and following is not None and following.text == "(" and not following.space:
        _read_method(loader, statement, start, static)
    elif named and (
        following is None or following.text == "=>" or (following.text == "[" and not following.space)
    ):
        _read_property(loader, statement, start, static)
    elif named and following is not None and (following.text == ":=" or following.kind == "member"):
        _read_fields(loader, statement, start, static)
    else:
        _not_a_member(loader, statement)


def _not_a_member(loader: Loader, statement: Statement) -> None:
    text = statement.line.text[statement.tokens[statement.start].start :]
    loader.faults.add("parse.member", statement.whole, text=text)
    if statement.opens:
        loader.open_block(
            "block", statement.span(statement.start), loader.scope.child({"this"}, in_class=True)
        )


def _note(loader: Loader, kind: str, name: str, span: Span, static: bool) -> None:
    """Note a member; two of a kind with one name are at fault."""
    members = loader.block.members
    assert members is not None
    key = (kind, name.lower(), static)
    inherited = key in _INHERITED or (key[0] == "field" and key[1] == "__class" and not static)
    implied = key == ("method", "__init", False) and any(
        what == "field" and not st for what, _, st in members.taken
    )
    if key in members.taken or inherited or implied:
        loader.faults.add("name.duplicate", span, name=name)
    members.taken.add(key)


def _read_method(loader: Loader, statement: Statement, at: int, static: bool) -> None:
    tokens, end = statement.tokens, statement.end
    close = statement.pairs.get(at + 1, -1)
    arrow = close >= 0 and close + 1 < end and tokens[close + 1].text == "=>"
    if close < 0 or (not arrow and (close + 1 != end or not loader.starts_block(statement))):
        _not_a_member(loader, statement)
        return
    name, span = tokens[at].text, statement.span(at)
    if name[0].isdigit():
        loader.faults.add("name.digit", span, name=name)
    _note(loader, "method", name, span, static)
    params = read_parameters(statement.line, tokens, at + 1, close, loader.faults, ("this",))
    _symbol(loader, "method", name, span, static, params)
    _open_body(loader, statement, params, close, arrow, span)


def _symbol(
    loader: Loader, kind: str, name: str, span: Span, static: bool, params: Parameters | None
) -> None:
    members = loader.block.members
    assert members is not None
    shown = tuple(params.shown) if params else ()
    least = sum(params.required) if params else 0
    variadic = params.variadic if params else False
    loader.script.symbols.append(Symbol(kind, name, span, members.name, static, shown, least, variadic))


def _open_body(
    loader: Loader, statement: Statement, params: Parameters | None, close: int, arrow: bool, span: Span
) -> None:
    if params is not None:
        check_defaults(loader, statement, params)
    scope = loader.scope.child(params.names if params else {"this"}, in_class=True)
    if arrow:
        body = Expression(statement.line, statement.tokens, statement.pairs, scope, loader.faults)
        read_arrow_body(loader, statement, close, body)
    else:
        loader.open_block("function", span, scope)


def _read_property(loader: Loader, statement: Statement, at: int, static: bool) -> None:
    tokens, end = statement.tokens, statement.end
    close, params = at, Parameters(names={"this"})
    if at + 1 < end and tokens[at + 1].text == "[":
        close = statement.pairs.get(at + 1, end - 1)
        if close == at + 2:
            loader.faults.add("parse.property.empty", statement.span(at + 1, close))
        found = read_parameters(statement.line, tokens, at + 1, close, loader.faults, ("this",))
        params = found or params
    name, span = tokens[at].text, statement.span(at)
    arrow = close + 1 < end and tokens[close + 1].text == "=>"
    if close + 1 < end and not arrow:
        _not_a_member(loader, statement)
        return
    if not arrow and not loader.starts_block(statement):
        loader.faults.add("parse.action", statement.whole, text=name)
        return
    _note(loader, "property", name, span, static)
    _symbol(loader, "property", name, span, static, params)
    if arrow:
        _open_body(loader, statement, params, close, True, span)
        return
    members = Members(name, span)
    scope = loader.scope.child(set(params.names), in_class=True)
    loader.open_block("property", span, scope, members, static=static)


def read_accessor(loader: Loader, statement: Statement) -> None:
    """Read `get` or `set` in a property's body."""
    start, end = statement.start, statement.end
    word = statement.tokens[start].text.lower() if start < end else ""
    arrow = start + 1 < end and statement.tokens[start + 1].text == "=>"
    if word not in ("get", "set") or (not arrow and (end != start + 1 or not loader.starts_block(statement))):
        loader.faults.add("parse.accessor", statement.whole, text=statement.line.text.strip())
        if statement.opens:
            loader.open_block("function", statement.whole, loader.scope.child({"this"}, in_class=True))
        return
    span = statement.span(start)
    _note(loader, "method", word, span, False)
    names = set(loader.scope.params) | {"this"} | ({"value"} if word == "set" else set())
    if arrow:
        body = loader.expression(statement)
        body.scope = loader.scope.child(names, in_class=True)
        read_arrow_body(loader, statement, start, body)
    else:
        loader.open_block("function", span, loader.scope.child(names, in_class=True))


def _read_fields(loader: Loader, statement: Statement, start: int, static: bool) -> None:
    """Fields with initial values, separated by commas."""
    tokens, end = statement.tokens, statement.end
    index = start
    while index < end:
        stop = index
        while stop < end and tokens[stop].kind != "comma":
            stop = statement.pairs.get(stop, stop) + 1 if tokens[stop].kind == "open" else stop + 1
        stop = min(stop, end)
        if not _read_field(loader, statement, index, stop, static):
            return
        index = stop + 1
    if statement.opens:
        _not_a_member(loader, statement)


def _read_field(loader: Loader, statement: Statement, index: int, stop: int, static: bool) -> bool:
    tokens = statement.tokens
    at = index + 1
    while at < stop and tokens[at].kind == "member":
        at += 1
    if tokens[index].kind == "comma" or at >= stop or tokens[at].text != ":=":
        _not_a_member(loader, statement)
        return False
    span, name = statement.span(index), tokens[index].text
    members = loader.block.members
    assert members is not None
    if at > index + 1:
        if ("field", name.lower(), static) not in members.taken:
            loader.faults.add("parse.field.unknown", span, name=name)
    else:
        _note(loader, "field", name, span, static)
        _symbol(loader, "field", name, span, static, None)
    if at + 1 >= stop:
        loader.faults.add("parse.operand", statement.span(at), operator=":=")
        return False
    scope = loader.scope.child({"this"}, in_class=True)
    Expression(statement.line, tokens, statement.pairs, scope, loader.faults).check(at + 1, stop)
    return True
