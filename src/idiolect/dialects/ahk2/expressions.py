"""Judges expressions, token by token with a stack of its own, as AutoHotkey v2's loader does.

Every operator knows only what stands before it and which brackets are open, so any depth of
nesting costs no recursion. It notes assignments and calls in the scope; it builds no tree.
"""

from __future__ import annotations

from idiolect.dialects.ahk2.expression_state import (
    AFTER_LITERAL,
    ASSIGN,
    BINARY,
    SLOTTED,
    Mode,
    Open,
    Stop,
)
from idiolect.dialects.ahk2.operands import Operands
from idiolect.dialects.ahk2.tokens import Token


class Expression(Operands):
    """Reads one range of tokens of a line as an expression or as arguments."""

    def check(self, start: int, end: int, mode: Mode = "several") -> tuple[list[bool], bool] | None:
        """Which arguments are given and whether the last is spread; None if a fault was found."""
        self._stack = [Open("top", start)]
        self._want, self._before, self._last, self._name = True, "", "", None
        self._index, self._end = start, end
        try:
            while self._index < end:
                token = self._tokens[self._index]
                if not self._want:
                    self._after(token, end)
                elif token.kind == "close":
                    self._close(token)
                elif token.kind == "comma":
                    self._empty_slot(token, mode)
                else:
                    self._operand(token)
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

    def _after(self, token: Token, end: int) -> None:
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
        elif text in ASSIGN:
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
        elif text in BINARY:
            self._binary(token)
        else:
            self._fail("parse.operator", token, found=text)

    def _is_concatenation(self, token: Token) -> bool:
        following = self._peek(1)
        return token.space and (following is None or following.space)

    def _binary(self, token: Token) -> None:
        if self._last == "string" and token.text in AFTER_LITERAL:
            self._fail("parse.literal", token, operator=token.text)
        if token.text == "??" and (self._last not in ("name", "deref") or self._name_in_brackets):
            self._fail("parse.coalesce", token)
        if token.text != "??":
            self._check_unset(token)
        self._want_after(token.text)

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
        return closes and (frame.kind in SLOTTED or (frame.kind == "top" and self.lenient))

    def _empty_slot(self, token: Token, mode: Mode) -> None:
        """A comma where an operand is due."""
        self._close_arrows()
        frame = self._stack[-1]
        if not self._want:
            self._comma(token)
            return
        if self._before not in ("", ","):
            self._missing_operand(token)
        if frame.kind in SLOTTED or (frame.kind == "top" and mode == "arguments"):
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

    def _closed(self, frame: Open) -> None:
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

    def _group_is_reference(self, frame: Open) -> bool:
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
