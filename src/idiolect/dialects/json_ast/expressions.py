"""A small language for rules over JSON values: paths, arithmetic, comparison, a few functions.

    start <= end          sum(lines[*].amount) == total          $.tables[*].name
    has(limit) or not has(offset)          status in ['open', 'closed']

Read by a parser of our own into plain tuples and evaluated by a table of functions: no code of the
user's runs. It knows nothing of rules or schemas. A path that leads nowhere is `MISSING`, and so is
every result that rests on it, except in `has` and behind `and`/`or`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

from idiolect.source import Span

MAX_NESTING = 40
MAX_TOKENS = 200  # chains of operators nest as well; this keeps every walk over an expression shallow
TOKEN = re.compile(
    r"""\s*+(?:(?P<number>\d+(?:\.\d+)?)
    |(?P<text>'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")
    |(?P<name>[^\W\d]\w*+)
    |(?P<mark>\[\*\]|==|!=|<=|>=|[-+*/%<>()\[\],.$@])
    |(?P<end>\Z))""",
    re.VERBOSE,
)
LITERALS = {"true": True, "false": False, "null": None}
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">", "in")
FUNCTIONS = {
    "has": "path: whether it leads to a value",
    "count": "path or array: how many",
    "sum": "path or array of numbers",
    "min": "path or array",
    "max": "path or array",
    "length": "text: how many characters",
    "unique": "path or array: whether no two are equal",
    "sorted": "path or array: whether in ascending order",
    "keys": "object: its keys",
    "abs": "number",
    "lower": "text",
    "date": "text: as a date or a point in time",
    "days": "date, date: from the first to the second",
    "matches": "text, pattern with * and ?: whether all of it does",
    "all_in": "array, array: whether the first holds nothing else",
}


class ExpressionError(ValueError):
    """An expression that can't be read, with the place in it."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.span = span


@dataclass(frozen=True, slots=True)
class PathTerm:
    """A path: steps from the place of the rule, or from the root. "*" is each member or item."""

    steps: tuple[str | int, ...]
    from_root: bool = False


# An expression is a PathTerm, a constant as ("value", x), or (operator, operand, ...).
Expression = Any


def read_expression(text: str) -> Expression:
    """Parse an expression; `ExpressionError` says what was expected where."""
    reader = _Reader(text)
    found = reader.either()
    if reader.kind != "end":
        reader.fail("an operator or the end")
    return found


def paths_of(expression: Expression) -> list[PathTerm]:
    """The paths of an expression, from left to right."""
    if isinstance(expression, PathTerm):
        return [expression]
    if not isinstance(expression, tuple) or expression[0] == "value":
        return []
    return [path for part in expression[1:] for path in paths_of(part)]


class _Reader:
    """Reads by descent; the nesting is limited, so the descent is."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = self.count = 0
        self.at = self.start = 0
        self.kind, self.token = "", ""
        self.advance()

    def advance(self) -> str:
        token = self.token
        self.count += 1
        if self.count > MAX_TOKENS:
            self.fail(f"no more than {MAX_TOKENS} names, numbers and operators")
        found = TOKEN.match(self.text, self.at)
        if not found:
            self.start = self.at + len(self.text[self.at :]) - len(self.text[self.at :].lstrip())
            self.token = self.text[self.start]
            self.fail("a name, number, quoted text or operator")
        self.kind = str(found.lastgroup)
        self.token = found[self.kind]
        self.start, self.at = found.start(self.kind), found.end()
        return token

    def fail(self, wanted: str) -> NoReturn:
        shown = f'"{self.token}"' if self.token else "the end"
        span = Span(self.start, self.start + max(len(self.token), 1))
        raise ExpressionError(f"found {shown}, expected {wanted}", span)

    def accept(self, *tokens: str) -> str:
        if self.kind in ("mark", "name") and self.token in tokens:
            return self.advance()
        return ""

    def expect(self, token: str) -> None:
        if not self.accept(token):
            self.fail(f'"{token}"')

    def either(self) -> Expression:
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.fail(f"fewer than {MAX_NESTING} levels of brackets")
        left = self.both()
        while self.accept("or"):
            left = ("or", left, self.both())
        self.depth -= 1
        return left

    def both(self) -> Expression:
        left = self.negated()
        while self.accept("and"):
            left = ("and", left, self.negated())
        return left

    def negated(self) -> Expression:
        times = 0
        while self.accept("not"):
            times += 1
        found = self.compared()
        return ("not", found) if times % 2 else found

    def compared(self) -> Expression:
        left = self.added()
        if self.accept("not"):
            self.expect("in")
            return ("not", ("in", left, self.added()))
        operator = self.accept(*COMPARISONS)
        return (operator, left, self.added()) if operator else left

    def added(self) -> Expression:
        left = self.multiplied()
        while operator := self.accept("+", "-"):
            left = (operator, left, self.multiplied())
        return left

    def multiplied(self) -> Expression:
        left = self.signed()
        while operator := self.accept("*", "/", "%"):
            left = (operator, left, self.signed())
        return left

    def signed(self) -> Expression:
        if self.accept("-"):
            return ("-", ("value", 0), self.primary())
        return self.primary()

    def primary(self) -> Expression:
        if self.kind == "number":
            token = self.advance()
            return ("value", float(token) if "." in token else int(token))
        if self.kind == "text":
            return ("value", _unquoted(self.advance()))
        if self.kind == "name" and self.token in LITERALS:
            return ("value", LITERALS[self.advance()])
        if self.accept("("):
            found = self.either()
            self.expect(")")
            return found
        if self.accept("["):
            return self.listed()
        return self.call_or_path()

    def listed(self) -> Expression:
        parts = []
        while not self.accept("]"):
            parts.append(self.either())
            if not self.accept(","):
                self.expect("]")
                break
        return ("list", *parts)

    def call_or_path(self) -> Expression:
        if self.kind == "name" and self.token in ("and", "or", "in", "not"):
            self.fail("a value")
        name = self.token
        if self.kind == "name":
            here = Span(self.start, self.at)
            self.advance()
            if self.accept("("):
                return self.call(name, here)
            return PathTerm((name, *self.steps()))
        if self.accept("$"):
            return PathTerm(self.steps(), from_root=True)
        if not self.accept("@"):
            self.fail("a value")
        return PathTerm(self.steps())

    def call(self, name: str, span: Span) -> Expression:
        if name not in FUNCTIONS:
            raise ExpressionError(f'no function "{name}"; there are {", ".join(FUNCTIONS)}', span)
        arguments = self.listed_arguments()
        wanted = 1 + FUNCTIONS[name].split(":")[0].count(",")
        if len(arguments) != wanted:
            raise ExpressionError(f"{name} takes {wanted} arguments, not {len(arguments)}", span)
        return (name, *arguments)

    def listed_arguments(self) -> list[Expression]:
        arguments = []
        while not self.accept(")"):
            arguments.append(self.either())
            if not self.accept(","):
                self.expect(")")
                break
        return arguments

    def steps(self) -> tuple[str | int, ...]:
        steps: list[str | int] = []
        while True:
            if self.accept("[*]"):
                steps.append("*")
            elif self.accept("."):
                if self.kind != "name":
                    self.fail("a name")
                steps.append(self.advance())
            elif self.accept("["):
                steps.append(self.index())
                self.expect("]")
            else:
                return tuple(steps)

    def index(self) -> str | int:
        sign = -1 if self.accept("-") else 1
        if self.kind == "number" and self.token.isdecimal():
            return sign * int(self.advance())
        if self.kind != "text" or sign == -1:
            self.fail("a number, or a name in quotes")
        return _unquoted(self.advance())


def _unquoted(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1])
