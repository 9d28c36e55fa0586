"""Reads a Gates text into its tree, by lark and the dialect's one grammar.

What the text's form breaks comes back as faults; names, widths and drives are not looked at here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args

from idiolect.dialects.gates import syntax
from idiolect.dialects.gates.parse_faults import (
    explain,
    missing_semicolon,
    too_deep,
    too_long,
    too_many_digits,
    unclosed_comment,
)
from idiolect.dialects.gates.syntax import LEVEL_OF, MAX_NESTING, MAX_TEXT, Expr, PortKind
from idiolect.dialects.verdict import Fault
from idiolect.source import Span

MAX_DIGITS = 400  # a 256-bit binary number with separators; also keeps int() from refusing
MAX_PARSE_FAULTS = 20


class NotParsed(ValueError):
    """A text that has not the language's form, and its faults."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults[0].message)
        self.faults = tuple(faults)


class _Refused(Exception):
    """A limit that the tree building met."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def grammar_text() -> str:
    """The dialect's grammar, in lark's language."""
    return (files(__package__) / "grammar.lark").read_text(encoding="utf-8")


def read(text: str) -> syntax.Program:
    """The tree of a text; NotParsed with every fault found if its form is broken."""
    if len(text) > MAX_TEXT:
        raise NotParsed([too_long(text)])
    repairs = _Repairs(text)
    try:
        tree = _parser().parse(text, on_error=repairs)
    except UnexpectedInput as stop:
        raise NotParsed([*repairs.faults, unclosed_comment(text, stop) or explain(text, stop)]) from None
    except _Refused as stop:
        raise NotParsed([*repairs.faults, stop.fault]) from None
    if repairs.faults:
        raise NotParsed(repairs.faults)
    assert isinstance(tree, syntax.Program)  # what the builder makes of the start rule
    return tree


@dataclass
class _Repairs:
    """Lark's error handler: notes a missing semicolon, supplies it and goes on, so that all are told."""

    text: str

    def __post_init__(self) -> None:
        self.faults: list[Fault] = []

    def __call__(self, error: UnexpectedInput) -> bool:
        if not isinstance(error, UnexpectedToken) or len(self.faults) >= MAX_PARSE_FAULTS:
            return False
        fault = missing_semicolon(self.text, error)
        if fault is None:
            return False
        self.faults.append(fault)
        parser = error.interactive_parser
        parser.feed_token(Token("SEMICOLON", ";", error.token.start_pos, end_pos=error.token.start_pos))
        try:
            parser.feed_token(error.token)
        except UnexpectedToken as stop:  # raised bare, and `explain` asks the parser what could stand
            stop.interactive_parser = parser
            raise
        return True


@cache
def _parser() -> Lark:
    return Lark(grammar_text(), parser="lalr", lexer="basic", maybe_placeholders=True, transformer=_Builder())


def _span(token: Token) -> Span:
    return Span(token.start_pos or 0, token.end_pos or 0)


def _name(token: Token) -> syntax.Name:
    return syntax.Name(_span(token), str(token))


def _depth(span: Span, *inside: Any) -> int:
    """One more than the deepest part; refuses what the later passes could not walk."""
    depth: int = 1 + max((part.depth for part in inside), default=0)
    if depth > MAX_NESTING:
        raise _Refused(too_deep(span))
    return depth


def _integer(token: Token, digits: str, base: int) -> int:
    if len(digits) > MAX_DIGITS:
        raise _Refused(too_many_digits(_span(token)))
    return int(digits.replace("_", ""), base)


def _plain(token: Token) -> int:
    return _integer(token, token, 10)


_BASES = {"b": 2, "d": 10, "h": 16}


class _Builder(Transformer[Token, Any]):
    """Makes tree nodes while lark reduces, innermost first, so that no depth of text recurses."""

    def start(self, modules: list[syntax.Module]) -> syntax.Program:
        return syntax.Program(modules[0].span.to(modules[-1].span), tuple(modules))

    def module(self, parts: list[Any]) -> syntax.Module:
        name, *rest = parts
        ports = tuple(part for part in rest if isinstance(part, syntax.Port))
        body = tuple(part for part in rest if not isinstance(part, syntax.Port))
        return syntax.Module(_span(name), _name(name), ports, body)

    @v_args(inline=True)
    def port(self, kind: Token, name: Token, width: int | None) -> syntax.Port:
        return syntax.Port(_span(kind).to(_span(name)), PortKind(kind), _name(name), _or_one(width))

    @v_args(inline=True)
    def width(self, bits: Token) -> int:
        return _plain(bits)

    @v_args(inline=True)
    def wire(self, name: Token, width: int | None, value: Expr | None) -> syntax.Wire:
        return syntax.Wire(_span(name), _name(name), _or_one(width), value)

    @v_args(inline=True)
    def reg(self, name: Token, width: int | None, reset: syntax.Number) -> syntax.Reg:
        return syntax.Reg(_span(name), _name(name), _or_one(width), reset)

    @v_args(inline=True)
    def const(self, name: Token, value: syntax.Number) -> syntax.Const:
        return syntax.Const(_span(name), _name(name), value)

    @v_args(inline=True)
    def drive(self, name: Token, select: syntax.Select | None, value: Expr) -> syntax.Drive:
        target = _reference(name, None, select)
        return syntax.Drive(target.span.to(value.span), target, value)

    @v_args(inline=True)
    def latch(self, name: Token, select: syntax.Select | None, _arrow: Token, value: Expr) -> syntax.Drive:
        target = _reference(name, None, select)
        return syntax.Drive(target.span.to(value.span), target, value, clocked=True)

    @v_args(inline=True)
    def instance(
        self, module: Token, name: Token, connections: tuple[syntax.Connection, ...] | None
    ) -> syntax.Instance:
        return syntax.Instance(_span(module).to(_span(name)), _name(module), _name(name), connections or ())

    def positional(self, values: list[Expr]) -> tuple[syntax.Connection, ...]:
        return tuple(syntax.Connection(value.span, None, value) for value in values)

    def named(self, connections: list[syntax.Connection]) -> tuple[syntax.Connection, ...]:
        return tuple(connections)

    @v_args(inline=True)
    def connection(self, port: Token, value: Expr) -> syntax.Connection:
        return syntax.Connection(_span(port).to(value.span), _name(port), value)

    def stage(self, parts: list[Any]) -> syntax.Stage:
        name, after, *items = parts
        return syntax.Stage(_span(name), _name(name), None if after is None else _name(after), tuple(items))

    @v_args(inline=True)
    def value(self, name: Token, width: int | None, _arrow: Token, value: Expr) -> syntax.Latch:
        return syntax.Latch(_span(name), _name(name), _or_one(width), value)

    @v_args(inline=True)
    def choice(self, condition: Expr, then: Expr, otherwise: Expr) -> syntax.Choice:
        span = condition.span.to(otherwise.span)
        return syntax.Choice(span, condition, then, otherwise, _depth(span, condition, then, otherwise))

    @v_args(inline=True)
    def reduction(self, operator: Token, operand: Expr) -> syntax.Reduction:
        span = _span(operator).to(operand.span)
        return syntax.Reduction(span, str(operator), operand, _depth(span, operand))

    def row(self, parts: list[Any]) -> Expr:
        return _grouped(parts)

    def negation(self, parts: list[Any]) -> Expr:
        *operators, operand = parts
        for operator in reversed(operators):
            span = _span(operator).to(operand.span)
            operand = syntax.Unary(span, str(operator), operand, _depth(span, operand))
        whole: Expr = operand
        return whole

    @v_args(inline=True)
    def reference(self, first: Token, second: Token | None, select: syntax.Select | None) -> syntax.Ref:
        return _reference(first, None, select) if second is None else _reference(second, first, select)

    def index(self, parts: list[Any]) -> syntax.Bit:
        span = _span(parts[0]).to(_span(parts[-1]))
        return syntax.Bit(span, parts[1], _depth(span, parts[1]))

    def slice(self, parts: list[Any]) -> syntax.Slice:
        span = _span(parts[0]).to(_span(parts[-1]))
        return syntax.Slice(span, _plain(parts[1]), _plain(parts[3]))

    def concat(self, parts: list[Any]) -> syntax.Concat:
        span, values = _span(parts[0]).to(_span(parts[-1])), _without_tokens(parts)
        return syntax.Concat(span, values, None, _depth(span, *values))

    def repeat(self, parts: list[Any]) -> syntax.Concat:
        span, values = _span(parts[0]).to(_span(parts[-1])), _without_tokens(parts)
        return syntax.Concat(span, values, _plain(parts[1]), _depth(span, *values))

    def case(self, parts: list[Any]) -> syntax.Case:
        span, values = _span(parts[0]).to(_span(parts[-1])), _without_tokens(parts)
        subject, *labelled, default = values
        arms = tuple(zip(labelled[0::2], labelled[1::2], strict=True))
        inside = (subject, *labelled[1::2], default)
        return syntax.Case(span, subject, arms, default, _depth(span, *inside))

    @v_args(inline=True)
    def label_name(self, name: Token) -> syntax.Name:
        return _name(name)

    @v_args(inline=True)
    def plain(self, digits: Token) -> syntax.Number:
        return syntax.Number(_span(digits), _plain(digits))

    @v_args(inline=True)
    def sized(self, token: Token) -> syntax.Number:
        width, _, digits = token.partition("'")
        value = _integer(token, digits[1:], _BASES[digits[0]])
        return syntax.Number(_span(token), value, _integer(token, width, 10), digits[0])


def _or_one(width: int | None) -> int:
    return 1 if width is None else width


def _without_tokens(parts: list[Any]) -> tuple[Any, ...]:
    return tuple(part for part in parts if not isinstance(part, Token))


def _reference(name: Token, owner: Token | None, select: syntax.Select | None) -> syntax.Ref:
    span = _span(owner or name).to(select.span if select else _span(name))
    depth = _depth(span, select) if select else 1
    return syntax.Ref(span, _name(name), _name(owner) if owner else None, select, depth)


def _grouped(parts: Sequence[Any]) -> Expr:
    """A row of operands and operators, grouped by precedence: split at the loosest level that occurs."""
    if len(parts) == 1:
        only: Expr = parts[0]
        return only
    loosest = max(LEVEL_OF[operator] for operator in parts[1::2])
    cuts = [place for place in range(1, len(parts), 2) if LEVEL_OF[parts[place]] == loosest]
    ends = [*cuts[1:], len(parts)]
    first = _grouped(parts[: cuts[0]])
    rest = tuple(
        (str(parts[cut]), _grouped(parts[cut + 1 : end])) for cut, end in zip(cuts, ends, strict=True)
    )
    span = first.span.to(rest[-1][1].span)
    if isinstance(first, syntax.Chain) and LEVEL_OF[first.rest[0][0]] == loosest:  # (A - B) - C is A - B - C
        rest = first.rest + rest
        first = first.first
    return syntax.Chain(span, first, rest, _depth(span, first, *(operand for _, operand in rest)))
