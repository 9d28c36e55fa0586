"""What reading an expression keeps track of: open brackets, the operand due or read, and the scope."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Literal

from idiolect.dialects.ahk2.faults import Faults
from idiolect.dialects.ahk2.lines import Line
from idiolect.dialects.ahk2.scopes import Scope
from idiolect.dialects.ahk2.tokens import Token

Frame = Literal["top", "paren", "call", "index", "array", "object", "deref", "arrow"]
Mode = Literal["several", "arguments"]

ASSIGN = frozenset({":=", "+=", "-=", "*=", "/=", "//=", ".=", "|=", "&=", "^=", ">>=", "<<=", ">>>="})
BINARY = frozenset(
    [
        "+",
        "-",
        "*",
        "/",
        "//",
        "**",
        ".",
        "&",
        "|",
        "^",
        "<<",
        ">>",
        ">>>",
        "<",
        ">",
        "<=",
        ">=",
        "=",
        "==",
        "!=",
        "!==",
        "~=",
        "&&",
        "||",
        "??",
    ]
)
PREFIX = frozenset({"+", "-", "!", "~", "&", "++", "--"})
AFTER_LITERAL = frozenset({"+", "-", "*", "&", "**", "++", "--"})
LOOSE = frozenset({"", "&&", "||", "and", "or", "not", "??", "?", ":", ",", "=>", "("}) | ASSIGN
ASSIGNABLE = frozenset({"name", "member", "index", "deref", "reference"})
SLOTTED = frozenset({"call", "index", "array"})


@dataclass(slots=True)
class Open:
    """One open bracket (or fat arrow), and what has been read since."""

    kind: Frame
    at: int  # index of its token
    spaced: bool = False
    callee: Token | None = None
    given: list[bool] = field(default_factory=list)
    filled: bool = False  # something stands in the current slot
    spread: bool = False
    questions: list[int] = field(default_factory=list)  # "?" that wait for their ":"
    prefix: Token | None = None  # "&", "++" or "--" whose operand is being read
    operators: int = 0  # operators and juxtapositions since the bracket
    unset_at: int = -1
    scope: Scope | None = None  # to go back to when an arrow ends


class Stop(Exception):
    """The expression is at fault, and reading on would only guess."""


class ExpressionState(ABC):
    """The state, and the steps that both halves of reading share."""

    @abstractmethod
    def check(self, start: int, end: int, mode: Mode = "several") -> tuple[list[bool], bool] | None:
        """Read a range of tokens."""

    def __init__(
        self, line: Line, tokens: list[Token], pairs: dict[int, int], scope: Scope, faults: Faults
    ) -> None:
        self._line = line
        self._tokens = tokens
        self._pairs = pairs
        self._faults = faults
        self.scope = scope
        self._stack: list[Open] = []
        self._want = True
        self._before = ""  # the operator that made an operand due
        self._last = ""  # what the last operand was
        self._name: Token | None = None  # the last operand, where it is a plain variable
        self._name_in_brackets = False  # the last operand is a variable in parentheses
        self._index = self._end = 0
        self.lenient = False  # arguments of a call without parentheses: `f x?` and `f x*` may end them

    @property
    def ends_unset(self) -> bool:
        """Whether the last operand read was the bare word `unset`."""
        return self._last == "unset"

    def _fail(self, code: str, token: Token, **values: str) -> None:
        self._faults.add(code, self._line.span(token.start, token.end), fix=None, **values)
        raise Stop

    def _open_percent(self, index: int) -> None:
        """A "%" without a partner; with a space after it, that is how v1 began an expression."""
        following = self._tokens[index + 1] if index + 1 < len(self._tokens) else None
        forced = following is not None and following.space
        self._fail("v1.percent" if forced else "parse.deref", self._tokens[index])

    def _missing_operand(self, token: Token) -> None:
        self._fail("parse.operand", token, operator=token.text)

    def _check_unset(self, token: Token) -> None:
        if self._last == "unset":
            self._fail("parse.unset", token)

    def _check_questions(self, frame: Open) -> None:
        if frame.questions:
            self._fail("parse.ternary.colon", self._tokens[frame.questions[-1]])

    def _took(self, last: str, name: Token | None = None) -> None:
        """An operand has been read."""
        self._stack[-1].filled = True
        self._want, self._last, self._name = False, last, name
        self._name_in_brackets = False
        self._index += 1

    def _want_after(self, operator: str) -> None:
        self._want, self._before = True, operator
        self._name = None
        self._stack[-1].operators += 1
        self._stack[-1].filled = True
        self._index += 1

    def _push(self, kind: Frame, token: Token, callee: Token | None = None) -> None:
        self._stack[-1].filled = True
        self._stack.append(Open(kind, self._index, token.space, callee))
        self._want, self._before, self._name = True, "", None
        self._index += 1

    def _peek(self, ahead: int) -> Token | None:
        index = self._index + ahead
        return self._tokens[index] if index < len(self._tokens) else None

    def _assignable(self) -> bool:
        return self._last in ASSIGNABLE

    def _end_operand(self) -> None:
        """What a prefix operator applies to is complete: check it."""
        frame = self._stack[-1]
        prefix = frame.prefix
        if prefix is None:
            return
        frame.prefix = None
        if not self._assignable():
            code = "assign.reference" if prefix.text == "&" else "assign.target"
            self._fail(code, prefix, operator=prefix.text)
        if prefix.text == "&":
            if self._last not in ("name", "deref"):
                self._fail("assign.reference", prefix)
            self._note_use("referenced")
            self._last = "name"  # &x := 1 assigns x
        else:
            self._note_use("modified")
            self._last, self._name = "postfix", None

    def _note_use(self, how: Literal["modified", "referenced"]) -> None:
        if self._name is not None:
            self.scope.use(self._name.text, self._line.span(self._name.start, self._name.end), how)

    def _close_arrows(self) -> None:
        """Leave the fat arrows that end here: a body runs to the end of what it stands in."""
        while self._stack[-1].kind == "arrow":
            frame = self._stack[-1]
            if self._want:
                if self._before != "=>":
                    self._missing_operand(self._tokens[self._index - 1])
                token = self._tokens[self._index - 1]
                span = self._line.span(token.start, token.end)
                self._faults.add("style.arrow", span)
                self._want = False
            else:
                self._end_operand()
            self._check_questions(frame)
            self._stack.pop()
            assert frame.scope is not None
            self.scope = frame.scope
            self._last, self._name = "arrow", None
