"""Loads a user's Lark grammar, and says in plain words what is wrong with one that can't be loaded.

Runs in the child process of `lark_host`, where a grammar that explodes can be stopped.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from lark import Lark
from lark.exceptions import GrammarError, LarkError, UnexpectedInput
from lark.indenter import Indenter

_COLLISION = "collision"


class GrammarProblem(Exception):
    """A grammar that can't be used: what is wrong, and the line, column or word where."""

    def __init__(self, code: str, message: str, place: tuple[int, int] | None = None, word: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.place, self.word = code, message, place, word
        self.known: list[str] = []

    def as_data(self) -> dict[str, Any]:
        """The problem as plain data for the parent process."""
        return {
            "code": self.code,
            "message": self.message,
            "place": self.place,
            "word": self.word,
            "known": self.known,
        }


def load_lark(grammar: str, parser: str, options: dict[str, Any]) -> tuple[Lark, str]:
    """The grammar loaded by the first method that takes it."""
    if parser != "earley":
        try:
            return Lark(grammar, parser="lalr", **options), "lalr"
        except GrammarError as error:
            if _COLLISION not in str(error).lower() or parser == "lalr":
                raise _grammar_problem(error) from error
        except (LarkError, OSError, ValueError, AssertionError, RecursionError, re.error) as error:
            raise _grammar_problem(error) from error
    try:
        # tokens that are made of layout need a lexer of their own
        lexer: Any = "basic" if options["postlex"] else "dynamic"
        return Lark(grammar, parser="earley", lexer=lexer, **options), "earley"
    except (LarkError, OSError, ValueError, AssertionError, RecursionError, re.error) as error:
        raise _grammar_problem(error) from error


def _grammar_problem(error: Exception) -> GrammarProblem:
    """What Lark says of a grammar, as our problem."""
    text = str(error).strip() or type(error).__name__
    first = text.splitlines()[0].rstrip(": ")
    if isinstance(error, RecursionError):
        return GrammarProblem("nesting", "the grammar is nested too deep, or a template calls itself")
    if _COLLISION in text.lower():
        return GrammarProblem("not_lalr", text)
    if isinstance(error, OSError):
        return GrammarProblem("import", f"an %import was not found: {first}", word="%import")
    if isinstance(error, UnexpectedInput):
        return GrammarProblem("syntax", first, (error.line, error.column))
    if place := re.search(r",? at line (\d+) column (\d+)", first):
        message = first[: place.start()] or first
        return GrammarProblem("syntax", message, (int(place[1]), int(place[2])))
    if used := re.search(
        r"(?:Rule|Terminal) '(\w+)' used but not defined|used but not defined: (\w+)|undefined rule: (\w+)",
        first,
    ):
        word = next(group for group in used.groups() if group)
        kind = "terminal" if word.isupper() else "rule"
        return GrammarProblem("undefined", f'{kind} "{word}" is used but not defined', word=word)
    if broken := re.match(r"Cannot compile token (\w+): (.*)", first):
        return GrammarProblem(
            "regexp", f"terminal {broken[1]} is no regular expression: {broken[2]}", word=broken[1]
        )
    if empty := re.search(r"zero-width terminals\. \((\w+):", first):
        return GrammarProblem("empty_terminal", f"terminal {empty[1]} matches the empty text", word=empty[1])
    quoted = re.search(r"'(\w+)'|\b(?:token|terminal|rule|terminals|Rule|Token) (\w+)", first)
    word = next((group for group in quoted.groups() if group), "") if quoted else ""
    return GrammarProblem("grammar", first, word=word)


def indenter(grammar: str) -> Indenter | None:
    """A layout pass, for grammars that declare the two terminals of one."""
    if not re.search(r"^%declare[^\n]*\b_INDENT\b", grammar, re.M):
        return None

    class Layout(Indenter):
        NL_type = "_NL"
        INDENT_type = "_INDENT"
        DEDENT_type = "_DEDENT"
        OPEN_PAREN_types: ClassVar[list[str]] = []
        CLOSE_PAREN_types: ClassVar[list[str]] = []
        tab_len = 8

    return Layout()
