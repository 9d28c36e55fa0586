"""Checks Tcl expressions: the operators, functions and literals of `expr` in Tcl 8.6.

One pass with a stack of open parentheses and ternaries, so that deep nesting costs no recursion. It
does **not** compute anything and builds no tree: what is inside quotes, braces and brackets is
handed to the word splitter.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import NoReturn

from idiolect.dialects.tcl.words import Broken, Part, Splitter
from idiolect.dialects.verdict import Fault, Fix, Level, Severity
from idiolect.source import Span

GAP = re.compile(r"(?:[ \t\r\n\f\v]|\\\r?\n)+")
NUMBER = re.compile(
    r"0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
)
WORD = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_]|::+)*")
BINARY = re.compile(r"\*\*|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%<>&|^]|(?:eq|ne|in|ni)(?![A-Za-z])")
BOOLEAN = re.compile(r"t|tr|tru|true|f|fa|fal|fals|false|y|ye|yes|n|no|on|of|off", re.IGNORECASE)
FLOAT_WORD = re.compile(r"inf|infinity|nan", re.IGNORECASE)
BAD_OCTAL = re.compile(r"0[0-9]*[89][0-9]*(?![0-9.eE])")


@dataclass(slots=True)
class _Open:
    """An open parenthesis, function call or ternary."""

    kind: str  # "(", "f" or "?"
    at: int
    inside: int  # the offset behind the parenthesis or question mark
    name: str = ""
    commas: int = 0


@dataclass(slots=True)
class Checked:
    """What an expression holds: faults, and the substitutions in it."""

    faults: list[Fault] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    functions: list[tuple[str, Span]] = field(default_factory=list)


@cache
def function_arity() -> dict[str, tuple[int, int | None]]:
    """The math functions of Tcl 8.6 and how many arguments each takes."""
    text = files(__package__).joinpath("functions.json").read_text(encoding="utf-8")
    return {name: (low, high) for name, (low, high) in json.loads(text).items()}


def check_expr(splitter: Splitter, start: int, end: int) -> Checked:
    """Check the expression that stands verbatim in a region of the splitter's text."""
    return _Expr(splitter, start, end).check()


class _Stop(Exception):
    """The rest of the expression can't be judged."""


class _Expr:
    def __init__(self, splitter: Splitter, start: int, end: int) -> None:
        self.splitter, self.text = splitter, splitter.text
        self.start, self.at, self.end = start, start, end
        self.out = Checked()
        self.open: list[_Open] = []
        self.last = self.last_end = start  # of the last token

    def check(self) -> Checked:
        depth = self.splitter.depth
        try:
            self._run()
        except Broken as broken:
            self.out.faults.append(broken.fault)
            self.splitter.depth = depth
        except _Stop:
            pass
        return self.out

    def _run(self) -> None:
        self._skip()
        if self.at >= self.end:
            self._stop("empty", "empty expression", self.start, self.start + 1, "write a condition")
        operand_next = True
        while self.at < self.end:
            self.last = self.at
            operand_next = self._operand() if operand_next else self._operator()
            self.last_end = self.at
            self._skip()
        if operand_next:
            self._missing_operand()
        self._close_all()

    def _skip(self) -> None:
        if gap := GAP.match(self.text, self.at, self.end):
            self.at = gap.end()

    def _operand(self) -> bool:
        """Read one operand or what may stand before it; say whether an operand is still expected."""
        text, at, mark = self.text, self.at, self.text[self.at]
        if mark in "-+!~":
            self.at += 1
            return True
        if mark == "(":
            self.open.append(_Open("(", at, at + 1))
            self.at += 1
            return True
        if mark == "$":
            variable, self.at = self.splitter.variable(at, self.end)
            if variable is None:
                self._stop("character", 'invalid character "$"', at, at + 1, "a variable name must follow it")
            self.out.parts.append(variable)
        elif mark == "[":
            nested, self.at = self.splitter.nested(at, self.end)
            self.out.parts.append(nested)
        elif mark == '"':
            word, self.at = self.splitter.quoted(at, self.end)
            self.out.parts.extend(word.parts)
        elif mark == "{":
            self.at = self.splitter.braced(at, self.end)
        elif number := NUMBER.match(text, at, self.end):
            if octal := BAD_OCTAL.match(text, at, self.end):
                self._note_octal(octal)
            self.at = number.end()
        elif word_match := WORD.match(text, at, self.end):
            return self._word(word_match)
        elif mark != ")" or not self._close_empty_call():
            self._missing_operand()
        return False

    def _word(self, match: re.Match[str]) -> bool:
        name, self.at = match.group(), match.end()
        gap = GAP.match(self.text, self.at, self.end)
        behind = gap.end() if gap else self.at
        if behind < self.end and self.text[behind] == "(":
            self.open.append(_Open("f", match.start(), behind + 1, name))
            self.out.functions.append((name, Span(match.start(), match.end())))
            self.at = behind + 1
            return True
        if not (BOOLEAN.fullmatch(name) or FLOAT_WORD.fullmatch(name)):
            span = Span(match.start(), match.end())
            self.out.faults.append(
                Fault(
                    "tcl.expr.bareword",
                    f'invalid bareword "{_short(name)}"',
                    span,
                    f'write "${name}", "{{{name}}}" or "{name}(...)"' if len(name) < 40 else None,
                )
            )
        return False

    def _operator(self) -> bool:
        text, at, mark = self.text, self.at, self.text[self.at]
        if mark == ")":
            self._close_paren()
            return False
        if mark == "?":
            self.open.append(_Open("?", at, at + 1))
        elif mark == ":":
            if not (self.open and self.open[-1].kind == "?"):
                self._stop("ternary", 'unexpected ":" without "?"', at, at + 1, "write a ? b : c")
            self.open.pop()
        elif mark == ",":
            self._needs_no_ternary()
            if not (self.open and self.open[-1].kind == "f"):
                self._stop("operator", 'unexpected "," outside function argument list', at, at + 1, None)
            self.open[-1].commas += 1
        elif binary := BINARY.match(text, at, self.end):
            self.at = binary.end()
            return True
        elif mark == "=":
            fix = Fix(Span(at, at + 1), "==")
            self._stop("operator", 'incomplete operator "="', at, at + 1, "compare with ==", fix)
        else:
            self._stop("operator", "missing operator", at, at + 1, f"before {_short(text[at : self.end])}")
        self.at += 1
        return True

    def _close_paren(self) -> None:
        self._needs_no_ternary()
        if not self.open:
            fix = Fix(Span(self.at, self.at + 1), "")
            self._stop("paren", "unbalanced close paren", self.at, self.at + 1, "remove it, or open it", fix)
        done = self.open.pop()
        self.at += 1
        if done.kind == "f":
            self._check_arity(done, done.commas + 1)

    def _close_empty_call(self) -> bool:
        """Close a call without arguments, if that is what the `)` at hand closes."""
        if not self.open or self.open[-1].kind != "f" or self.last_end != self.open[-1].inside:
            return False
        self.at += 1
        self._check_arity(self.open.pop(), 0)
        return True

    def _check_arity(self, call: _Open, found: int) -> None:
        arity = function_arity().get(call.name)
        if arity is None:
            return
        low, high = arity
        if found < low or (high is not None and found > high):
            few = "few" if found < low else "many"
            wants = str(low) if high == low else f"at least {low}" if high is None else f"{low} to {high}"
            self.out.faults.append(
                Fault(
                    "tcl.expr.function",
                    f'too {few} arguments for math function "{call.name}"',
                    Span(call.at, self.at),
                    f"{call.name} takes {wants}, found {found}",
                    Level.VALID,
                )
            )

    def _needs_no_ternary(self) -> None:
        if self.open and self.open[-1].kind == "?":
            at = self.open[-1].at
            self._stop("ternary", 'missing operator ":"', at, at + 1, "write a ? b : c")

    def _close_all(self) -> None:
        self._needs_no_ternary()
        if self.open:
            at = self.open[-1].inside - 1
            self._stop("paren", "unbalanced open paren", at, at + 1, "add the ) that closes it")

    def _missing_operand(self) -> NoReturn:
        at = self.at
        if at < self.end and self.text[at] not in "),?:*/%<>=&|^":
            self._stop("character", f"invalid character {self.text[at]!r}", at, at + 1, None)
        start = self.last if at >= self.end else at
        self._stop("operand", "missing operand", start, start + 1, "a value must stand here")

    def _note_octal(self, match: re.Match[str]) -> None:
        fix = match.group().lstrip("0") or "0"
        span = Span(match.start(), match.end())
        self.out.faults.append(
            Fault(
                "tcl.expr.octal",
                f'"{_short(match.group())}" looks like an invalid octal number',
                span,
                f"write {_short(fix)}",
                fix=Fix(span, fix),
            )
        )

    def _stop(
        self, code: str, message: str, start: int, end: int, hint: str | None, fix: Fix | None = None
    ) -> NoReturn:
        # Behind a bareword everything looks wrong; that one fault is enough.
        if not any(fault.code == "tcl.expr.bareword" for fault in self.out.faults):
            self.out.faults.append(Fault(f"tcl.expr.{code}", message, Span(start, end), hint, fix=fix))
        raise _Stop


def unknown_functions(checked: Checked, known: frozenset[str], strict: bool) -> list[Fault]:
    """Math functions that neither Tcl nor the script defines: an error where nothing else may define them."""
    from difflib import get_close_matches

    found = []
    for name, span in checked.functions:
        if name in function_arity() or name in known:
            continue
        near = get_close_matches(name, function_arity(), n=1) if len(name) < 40 else []
        severity = Severity.ERROR if strict else Severity.WARNING
        found.append(
            Fault(
                "tcl.expr.function",
                f'unknown math function "{_short(name)}"',
                span,
                f'did you mean "{near[0]}"?' if near else None,
                Level.VALID,
                severity,
                Fix(span, near[0]) if near else None,
            )
        )
    return found


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:27] + "..."
