"""Judges expressions, token by token with a stack of its own, as AutoHotkey v2's loader does.

Every operator knows only what stands before it and which brackets are open, so any depth of
nesting costs no recursion. It notes assignments and calls in the scope; it builds no tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from idiolect.dialects.ahk2 import builtins
from idiolect.dialects.ahk2.faults import Faults
from idiolect.dialects.ahk2.lines import Line
from idiolect.dialects.ahk2.parameters import read_parameters
from idiolect.dialects.ahk2.scopes import Scope
from idiolect.dialects.ahk2.tokens import Token

Frame = Literal["top", "paren", "call", "index", "array", "object", "deref", "arrow"]
Mode = Literal["several", "arguments"]

_ASSIGN = frozenset({":=", "+=", "-=", "*=", "/=", "//=", ".=", "|=", "&=", "^=", ">>=", "<<=", ">>>="})
_BINARY = frozenset(
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
_PREFIX = frozenset({"+", "-", "!", "~", "&", "++", "--"})
_AFTER_LITERAL = frozenset({"+", "-", "*", "&", "**", "++", "--"})
_LOOSE = frozenset({"", "&&", "||", "and", "or", "not", "??", "?", ":", ",", "=>", "("}) | _ASSIGN
_ASSIGNABLE = frozenset({"name", "member", "index", "deref", "reference"})
_SLOTTED = frozenset({"call", "index", "array"})


@dataclass(slots=True)
class _Open:
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


class Expression:
    """Reads one range of tokens of a line as an expression or as arguments."""

    def __init__(
        self, line: Line, tokens: list[Token], pairs: dict[int, int], scope: Scope, faults: Faults
    ) -> None:
        self._line = line
        self._tokens = tokens
        self._pairs = pairs
        self._faults = faults
        self.scope = scope
        self._stack: list[_Open] = []
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

    # -- entry points -----------------------------------------------------------------------

    def check(self, start: int, end: int, mode: Mode = "several") -> tuple[list[bool], bool] | None:
        """Which arguments are given and whether the last is spread; None if a fault was found."""
        self._stack = [_Open("top", start)]
        self._want, self._before, self._last, self._name = True, "", "", None
        self._index, self._end = start, end
        try:
            while self._index < end:
                token = self._tokens[self._index]
                if self._want:
                    self._operand(token, end, mode)
                else:
                    self._after(token, end, mode)
            return self._finish(end, mode)
        except Stop:
            return None

    def _finish(self, end: int, mode: Mode) -> tuple[list[bool], bool]:
        self._close_arrows()
        top = self._stack[-1]
        if top.kind != "top":
            opener = self._tokens[top.at]
            if top.kind == "deref":
                self._open_percent(top.at)
            self._fail("parse.bracket.missing", opener, bracket={"(": ")", "[": "]"}.get(opener.text, "}"))
        if self._want:
            if self._before not in ("", ","):
                self._missing_operand(self._tokens[end - 1])
            if self._before == "," and mode == "several":
                self._fail("parse.operator", self._tokens[end - 1], found=",")
        else:
            self._end_operand()
        self._end_slot(self._tokens[end - 1] if end else None)
        return top.given, top.spread

    # -- faults -----------------------------------------------------------------------------

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

    # -- where an operand is due ------------------------------------------------------------

    def _operand(self, token: Token, end: int, mode: Mode) -> None:
        kind = token.kind
        if kind == "name":
            self._word(token)
        elif kind in ("number", "string"):
            self._took("string" if kind == "string" else "number")
        elif kind == "badnumber":
            self._fail("name.digit", token, name=token.text)
        elif kind == "open":
            self._open_bracket(token)
        elif kind == "percent":
            self._push("deref", token)
        elif kind == "op":
            self._prefix(token)
        elif kind == "close":
            self._close(token)
        elif kind == "comma":
            self._empty_slot(token, mode)
        elif kind == "member":
            self._fail("parse.operator", token, found=token.text)
        else:
            self._fail("parse.character", token, found=token.text)

    def _took(self, last: str, name: Token | None = None) -> None:
        """An operand has been read."""
        self._stack[-1].filled = True
        self._want, self._last, self._name = False, last, name
        self._name_in_brackets = False
        self._index += 1

    def _word(self, token: Token) -> None:
        word = token.text.lower()
        following = self._peek(1)
        if word == "not":
            if self._before not in _LOOSE:
                self._fail("parse.operator", token, found="not")
            self._want_after("not")
        elif word in ("and", "or", "is"):
            if self._before:
                self._missing_operand(token)
            self._fail("parse.operator", token, found=token.text)
        elif word in builtins.RESERVED_OPERATORS:
            self._fail("name.operator", token, name=token.text)
        elif word in builtins.RESERVED_STATEMENTS:
            self._fail("name.reserved", token, name=token.text, what="variable")
        elif following is not None and following.text == "=>" and following.kind == "op":
            self._arrow({word}, self._index + 2)
        elif self._is_arrow_head(self._index + 1, adjacent=True):
            self._arrow_with_list(self._index + 1)
        elif word in builtins.RESERVED_VALUES:
            self._value_word(token, word, following)
        else:
            self._took("name", token)

    def _value_word(self, token: Token, word: str, following: Token | None) -> None:
        tight = following is not None and not following.space
        if word == "super":
            if not (
                tight and following is not None and (following.kind == "member" or following.text in "([.")
            ):
                self._fail("parse.operator", token, found="super")
            if not self.scope.in_class:
                self._fail("name.super", token)
        elif word == "isset":
            if not (tight and following is not None and following.text == "("):
                self._fail("parse.isset", token)
            self._check_isset(self._index + 1)
            self._took("name", token)
            return
        elif word == "unset":
            self._stack[-1].unset_at = self._index
        self._took(word)

    def _check_isset(self, opener: int) -> None:
        """IsSet takes one plain variable."""
        close = self._pairs.get(opener)
        if close is None or close == opener + 1:
            return
        inner = self._tokens[opener + 1 : close]
        depth = [token.kind in ("open", "close") and token.text in "()" for token in inner]
        plain = [token for token, bracket in zip(inner, depth, strict=True) if not bracket]
        if any(token.kind == "percent" for token in plain) or any(token.kind == "comma" for token in plain):
            return
        if len(plain) != 1 or plain[0].kind != "name":
            self._fail("parse.isset.variable", self._tokens[opener + 1])

    def _peek(self, ahead: int) -> Token | None:
        index = self._index + ahead
        return self._tokens[index] if index < len(self._tokens) else None

    def _prefix(self, token: Token) -> None:
        if token.text not in _PREFIX:
            before = self._tokens[self._index - 1] if self._index else None
            if before is not None and before.text + token.text == "<>" and not token.space:
                self._fail("v1.operator", Token("op", "<>", before.start, token.end, before.space))
            if token.text == ":" and self._before == "?":
                self._fail("parse.ternary.question", token)
            if self._before in _BINARY or self._before in _ASSIGN or self._before in (":", "?", "not"):
                self._missing_operand(token)
            self._fail("parse.operator", token, found=token.text)
        if token.text in ("&", "++", "--"):
            if (
                self._stack[-1].prefix is not None
                and token.text == "&"
                and self._stack[-1].prefix.text == "&"
            ):
                self._fail("assign.reference", token)
            self._stack[-1].prefix = token
        self._want_after(token.text if token.text not in ("&", "++", "--") else "prefix")

    def _want_after(self, operator: str) -> None:
        self._want, self._before = True, operator
        self._name = None
        self._stack[-1].operators += 1
        self._stack[-1].filled = True
        self._index += 1

    def _push(self, kind: Frame, token: Token, callee: Token | None = None) -> None:
        self._stack[-1].filled = True
        self._stack.append(_Open(kind, self._index, token.space, callee))
        self._want, self._before, self._name = True, "", None
        self._index += 1

    def _open_bracket(self, token: Token) -> None:
        if token.text == "(":
            if self._is_arrow_head(self._index, adjacent=False):
                self._arrow_with_list(self._index)
                return
            after = self._pairs.get(self._index, len(self._tokens)) + 1
            if after < self._end and self._tokens[after].text == "{":
                self._fail("parse.brace.object", self._tokens[after])
            self._push("paren", token)
        elif token.text == "[":
            self._push("array", token)
        else:
            self._push("object", token)
            self._object_key()

    # -- fat arrows -------------------------------------------------------------------------

    def _is_arrow_head(self, opener: int, *, adjacent: bool) -> bool:
        if opener >= len(self._tokens):
            return False
        token = self._tokens[opener]
        if token.text != "(" or token.kind != "open" or (adjacent and token.space):
            return False
        after = self._pairs.get(opener, len(self._tokens)) + 1
        return after < len(self._tokens) and self._tokens[after].text == "=>"

    def _arrow_with_list(self, opener: int) -> None:
        close = self._pairs[opener]
        params = read_parameters(self._line, self._tokens, opener, close, self._faults)
        if params is None:
            raise Stop
        self._arrow(params.names, close + 2, params.defaults)

    def _arrow(self, names: set[str], after: int, defaults: list[tuple[int, int]] | None = None) -> None:
        frame = _Open("arrow", self._index, scope=self.scope)
        for start, end in defaults or ():
            Expression(self._line, self._tokens, self._pairs, self.scope, self._faults).check(start, end)
        self._stack[-1].filled = True
        self._stack.append(frame)
        self.scope = self.scope.child(names)
        self._want, self._before, self._name = True, "=>", None
        self._index = after

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

    # -- after an operand -------------------------------------------------------------------

    def _after(self, token: Token, end: int, mode: Mode) -> None:
        kind, text = token.kind, token.text
        if kind == "member" or (kind == "op" and text == "." and self._dynamic_member()):
            self._member(token)
        elif kind == "open" and text in "([" and not token.space:
            self._call_or_index(token)
        elif kind == "percent" and not token.space and self._last in ("name", "deref", "member"):
            self._glued_percent(token)
        else:
            self._end_operand()
            if kind == "op":
                self._operator(token, end)
            elif kind == "close":
                self._close(token)
            elif kind == "comma":
                self._comma(token)
            elif kind == "percent" and self._stack[-1].kind == "deref":
                self._close_deref(token)
            elif kind == "odd":
                self._fail("parse.character", token, found=token.text)
            else:
                self._juxtaposed(token)

    def _dynamic_member(self) -> bool:
        following = self._peek(1)
        return following is not None and following.kind == "percent" and not following.space

    def _member(self, token: Token) -> None:
        if token.kind == "op":  # "." and then %...%
            self._last = "member"
            self._index += 1
            self._push("deref", self._tokens[self._index])
            self._stack[-1].callee = token  # marks a member rather than a variable
            return
        self._last, self._name = "member", None
        self._index += 1

    def _glued_percent(self, token: Token) -> None:
        if self._stack[-1].kind == "deref":
            self._end_operand()
            self._close_deref(token)
        else:
            member = token if self._last == "member" else None
            self._push("deref", token, member)

    def _close_deref(self, token: Token) -> None:
        frame = self._stack.pop()
        self._check_questions(frame)
        self._want, self._name, self._name_in_brackets = False, None, False
        self._last = "member" if frame.callee is not None else "deref"
        self._index += 1
        following = self._peek(0)
        while (
            following is not None
            and not following.space
            and following.kind in ("name", "number", "badnumber")
        ):
            self._index += 1  # the name goes on: %x%y
            following = self._peek(0)

    def _call_or_index(self, token: Token) -> None:
        if token.text == "[":
            self._push("index", token)
        else:
            self._push("call", token, self._name)

    def _juxtaposed(self, token: Token) -> None:
        """An operand right after an operand: concatenation, if white space stands between."""
        word = token.text.lower() if token.kind == "name" else ""
        if token.kind == "open" and token.text == "{":
            self._fail("parse.brace.object", token)
        if not token.space:
            doubled = self._last == "string" and token.kind == "string"
            same = doubled and self._tokens[self._index - 1].text[0] == token.text[0]
            self._fail("v1.quote" if same else "parse.space", token, found=token.text)
        if word in ("and", "or", "is"):
            self._check_unset(token)
            self._want_after(word)
        elif word in ("in", "contains", "as"):
            self._fail("name.operator", token, name=token.text)
        elif word == "not":
            self._fail("parse.operator", token, found="not")
        else:
            self._check_unset(token)
            if word and self._name is not None and self._name.text.lower() == "new":
                span = self._line.span(self._name.start, token.end)
                self._faults.add("v1.new", span, name=token.text)
            self._stack[-1].operators += 1
            self._want, self._before = True, "juxtaposed"

    def _operator(self, token: Token, end: int) -> None:
        text = token.text
        if text in ("++", "--"):
            self._postfix(token)
        elif text in _ASSIGN:
            self._assign(token)
        elif text == "?":
            self._question(token, end)
        elif text == ":":
            self._colon(token)
        elif text == "*" and self._spreads():
            self._stack[-1].spread = True
            self._index += 1
        elif text == "=>":
            self._missing_operand(token)
        elif text == "." and not self._is_concatenation(token):
            self._fail("parse.operator", token, found=".")
        elif text in _BINARY:
            self._binary(token)
        else:
            self._fail("parse.operator", token, found=text)

    def _is_concatenation(self, token: Token) -> bool:
        following = self._peek(1)
        return token.space and (following is None or following.space)

    def _binary(self, token: Token) -> None:
        if self._last == "string" and token.text in _AFTER_LITERAL:
            self._fail("parse.literal", token, operator=token.text)
        if token.text == "??" and (self._last not in ("name", "deref") or self._name_in_brackets):
            self._fail("parse.coalesce", token)
        if token.text != "??":
            self._check_unset(token)
        self._want_after(token.text)

    def _check_unset(self, token: Token) -> None:
        if self._last == "unset":
            self._fail("parse.unset", token)

    def _assignable(self) -> bool:
        return self._last in _ASSIGNABLE

    def _assign(self, token: Token) -> None:
        if not self._assignable():
            self._fail("assign.target", token, operator=token.text)
        if self._name is not None:
            span = self._line.span(self._name.start, self._name.end)
            self.scope.use(self._name.text, span, "written" if token.text == ":=" else "modified")
        self._want_after(token.text)

    def _postfix(self, token: Token) -> None:
        if self._last == "string":
            self._fail("parse.literal", token, operator=token.text)
        if not self._assignable():
            self._fail("assign.target", token, operator=token.text)
        if self._name is not None:
            self.scope.use(self._name.text, self._line.span(self._name.start, self._name.end), "modified")
        self._last, self._name = "postfix", None
        self._index += 1

    def _question(self, token: Token, end: int) -> None:
        following = self._peek(1) if self._index + 1 < end else None
        ends_slot = following is not None and (
            following.kind in ("comma", "close") or (following.text == ":" and self._stack[-1].questions)
        )
        frame = self._stack[-1]
        if following is not None and following.kind == "member":
            self._fail("parse.operator", following, found="?" + following.text)
        if following is None and frame.kind == "top" and self.lenient:
            ends_slot = True
        if ends_slot:
            if self._last not in ("name", "deref"):
                self._fail("parse.operator", token, found="?")
            self._last, self._name = "maybe", None
            self._index += 1
            return
        if self._before == "maybe":
            self._fail("parse.operator", token, found="?")
        self._check_unset(token)
        self._want_after("?")
        self._stack[-1].questions.append(self._index - 1)

    def _colon(self, token: Token) -> None:
        while self._stack[-1].kind == "arrow" and not self._stack[-1].questions:
            self._close_arrows_once()
        frame = self._stack[-1]
        if not frame.questions:
            if frame.kind == "object":
                self._fail("parse.object.property", token)
            self._fail("parse.ternary.question", token)
        frame.questions.pop()
        self._want_after(":")

    def _close_arrows_once(self) -> None:
        frame = self._stack.pop()
        assert frame.scope is not None
        self.scope = frame.scope
        self._last, self._name = "arrow", None

    def _spreads(self) -> bool:
        following = self._peek(1)
        frame = self._stack[-1]
        closes = following is None or following.kind == "close"
        return closes and (frame.kind in _SLOTTED or (frame.kind == "top" and self.lenient))

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

    # -- commas and closing brackets --------------------------------------------------------

    def _empty_slot(self, token: Token, mode: Mode) -> None:
        """A comma where an operand is due."""
        self._close_arrows()
        frame = self._stack[-1]
        if not self._want:
            self._comma(token)
            return
        if self._before not in ("", ","):
            self._missing_operand(token)
        if frame.kind in _SLOTTED or (frame.kind == "top" and mode == "arguments"):
            frame.given.append(False)
            self._before = ","
            self._index += 1
        elif frame.kind == "object":
            self._fail("parse.object.key", token)
        else:
            self._fail("parse.operator", token, found=",")

    def _comma(self, token: Token) -> None:
        self._close_arrows()
        frame = self._stack[-1]
        self._check_questions(frame)
        if frame.kind == "paren" and self._last == "maybe":
            self._fail("parse.operator", token, found="?")
        if frame.spread:
            self._missing_operand(token)
        self._end_slot(token)
        self._want, self._before, self._name = True, ",", None
        frame.operators += frame.kind == "paren"
        self._index += 1
        if frame.kind == "object":
            following = self._peek(0)
            if following is not None and following.text != "}":
                self._object_key()

    def _end_slot(self, token: Token | None) -> None:
        frame = self._stack[-1]
        self._check_questions(frame)
        alone = self._last == "unset" and frame.unset_at >= 0
        frame.given.append(frame.filled and not (alone and frame.kind == "call" and not frame.operators))
        frame.filled, frame.unset_at = False, -1
        if frame.kind == "call":
            frame.operators = 0

    def _check_questions(self, frame: _Open) -> None:
        if frame.questions:
            self._fail("parse.ternary.colon", self._tokens[frame.questions[-1]])

    def _close(self, token: Token) -> None:
        self._close_arrows()
        frame = self._stack[-1]
        if frame.kind == "top":
            code = "parse.brace.unexpected" if token.text == "}" else "parse.bracket.unexpected"
            self._fail(code, token, bracket=token.text)
        if frame.kind == "deref":
            self._open_percent(frame.at)
        if self._want and self._before not in ("", ","):
            self._missing_operand(token)
        if self._want and frame.kind == "paren":
            self._fail("parse.operator", token, found="()")
        if not self._want or frame.filled:
            self._end_slot(token)
        self._stack.pop()
        self._index += 1
        self._closed(frame)

    def _closed(self, frame: _Open) -> None:
        name = self._name if frame.kind == "paren" and frame.operators == 0 else None
        if frame.kind == "paren":
            if frame.operators and self._last in ("name", "deref", "member", "index"):
                last = "reference" if self._group_is_reference(frame) else "group"
            else:
                last = self._last if self._last != "string" else "group"
        else:
            last = {"call": "call", "index": "index", "array": "array"}.get(frame.kind, "object")
        if frame.kind == "call" and frame.callee is not None:
            callee = frame.callee
            span = self._line.span(callee.start, callee.end)
            if callee.kind == "name":
                self.scope.call(callee.text, span, tuple(frame.given), frame.spread)
        self._stack[-1].filled = True
        self._want, self._last, self._name = False, last, name
        self._name_in_brackets = frame.kind == "paren"

    def _group_is_reference(self, frame: _Open) -> bool:
        """Whether a parenthesized group may be assigned to: its last part is a variable, or a choice is."""
        index, depth = self._index - 2, 0
        token = self._tokens[index]
        if token.kind not in ("name", "member", "percent", "close"):
            return False
        while index > frame.at and depth >= 0:
            token = self._tokens[index]
            depth += (token.kind == "close") - (token.kind == "open")
            if depth == 0 and (token.kind == "comma" or token.text in (":", ":=")):
                return True
            if depth == 0 and token.kind == "op" and token.text not in (":", "?"):
                return False
            index -= 1
        return False

    # -- object literals --------------------------------------------------------------------

    def _object_key(self) -> None:
        """Read `key:` of an object literal, which may hold %expressions%."""
        token = self._peek(0)
        if token is None or token.text == "}":
            return
        start = self._index
        while (token := self._peek(0)) is not None:
            if token.kind == "percent":
                self._skip_percent(token)
            elif token.kind in ("name", "number", "badnumber") and (self._index == start or not token.space):
                if "." in token.text:
                    self._fail("parse.object.property", token)
                self._index += 1
            else:
                break
        if token is None or token.text != ":" or self._index == start:
            shape = token is not None and token.text not in ("}", ",", ":=", "=", "?", "(")
            at = token or self._tokens[start]
            self._fail("parse.object.property" if shape else "parse.object.key", at)
        self._index += 1
        self._want, self._before = True, "key"
        following = self._peek(0)
        if following is not None and following.text in (":", "}", ",") and following.kind != "string":
            self._fail(
                "parse.object.property" if following.text == ":" else "parse.operator", following, found=":"
            )

    def _skip_percent(self, token: Token) -> None:
        """Check one %expression% inside a key."""
        index = self._index + 1
        while index < len(self._tokens) and self._tokens[index].kind != "percent":
            index += 1
        if index >= len(self._tokens):
            self._fail("parse.deref", token)
        inner = Expression(self._line, self._tokens, self._pairs, self.scope, self._faults)
        if index == self._index + 1 or inner.check(self._index + 1, index) is None:
            self._fail("parse.operator", token, found="%")
        self._index = index + 1
