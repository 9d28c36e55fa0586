"""Reads the parameter list of a function, method, property or fat arrow."""

from __future__ import annotations

from dataclasses import dataclass, field

from idiolect.dialects.ahk2 import builtins
from idiolect.dialects.ahk2.builtins import Arity
from idiolect.dialects.ahk2.faults import Faults
from idiolect.dialects.ahk2.lines import Line
from idiolect.dialects.ahk2.tokens import Token


@dataclass(slots=True)
class Parameters:
    """Parameters by lower-case name, which of them must be given, and where default values stand."""

    names: set[str] = field(default_factory=set)
    shown: list[str] = field(default_factory=list)
    required: list[bool] = field(default_factory=list)
    variadic: bool = False
    defaults: list[tuple[int, int]] = field(default_factory=list)  # token ranges

    def arity(self, name: str) -> Arity:
        """How a function with these parameters is called."""
        least = sum(self.required)
        return Arity(name, least, None if self.variadic else len(self.required), tuple(self.required))


def read_parameters(
    line: Line, tokens: list[Token], opener: int, close: int, faults: Faults, taken: tuple[str, ...] = ()
) -> Parameters | None:
    """The parameters between two bracket tokens, or None if a fault was found."""
    found = Parameters(names=set(taken))
    index = opener + 1
    while index < close:
        after = _read_one(line, tokens, index, close, found, faults)
        if after is None:
            return None
        if after < close and tokens[after].kind != "comma":
            token = tokens[after]
            faults.add("parse.parameter.comma", line.span(token.start, token.end), found=token.text)
            return None
        if after == close - 1:
            token = tokens[after]
            faults.add("parse.parameter", line.span(token.start, token.end), found=token.text)
            return None
        if found.variadic and after < close:
            token = tokens[after]
            faults.add("parse.parameter.variadic", line.span(token.start, token.end))
            return None
        index = after + 1
    return found


def _read_one(
    line: Line, tokens: list[Token], index: int, close: int, found: Parameters, faults: Faults
) -> int | None:
    """Read one parameter; the index after it, or None if it is at fault."""
    token = tokens[index]
    if token.text == "*" and index + 1 == close:
        found.variadic = True
        return index + 1
    if token.text == "&" and token.kind == "op":
        index += 1
        token = tokens[index]
    span = line.span(token.start, token.end)
    if token.kind in ("badnumber", "number"):
        faults.add("name.digit", span, name=token.text)
        return None
    if token.kind != "name":
        faults.add("parse.parameter", span, found=token.text)
        return None
    word = token.text.lower()
    if word in builtins.RESERVED:
        faults.add("name.reserved", span, name=token.text, what="parameter")
        return None
    if word == "byref" and index + 1 < close and tokens[index + 1].kind == "name":
        faults.add("v1.byref", span, name=tokens[index + 1].text)
        return None
    if word in found.names or word in builtins.variables():
        what = "another parameter" if word in found.names else "a built-in variable"
        faults.add("name.parameter", span, name=token.text, other=what)
        return None
    found.names.add(word)
    found.shown.append(token.text)
    return _read_default(line, tokens, index + 1, close, found, faults)


def _read_default(
    line: Line, tokens: list[Token], index: int, close: int, found: Parameters, faults: Faults
) -> int | None:
    token = tokens[index]
    if index < close and token.kind == "op" and token.text == "*":
        found.variadic = True
        return index + 1
    if index < close and token.kind == "op" and token.text == "?":
        found.required.append(False)
        return index + 1
    if index < close and token.kind == "op" and token.text == "=":
        faults.add("v1.default", line.span(token.start, token.end))
        return None
    if index < close and token.kind == "op" and token.text == ":=":
        end, depth = index + 1, 0
        while end < close and (depth or tokens[end].kind != "comma"):
            depth += (tokens[end].kind == "open") - (tokens[end].kind == "close")
            end += 1
        if end == index + 1:
            faults.add("parse.operand", line.span(token.start, token.end), operator=":=")
            return None
        found.defaults.append((index + 1, end))
        found.required.append(False)
        return end
    if found.required and not found.required[-1] and not found.variadic:
        name = tokens[index - 1]
        faults.add("parse.parameter.default", line.span(name.start, name.end), name=name.text)
        return None
    found.required.append(True)
    return index
