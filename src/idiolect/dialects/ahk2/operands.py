"""The half of reading an expression where an operand is due: words, prefixes, brackets, fat arrows, keys."""

from __future__ import annotations

from idiolect.dialects.ahk2 import builtins
from idiolect.dialects.ahk2.expression_state import (
    ASSIGN,
    BINARY,
    LOOSE,
    PREFIX,
    ExpressionState,
    Open,
    Stop,
)
from idiolect.dialects.ahk2.parameters import read_parameters
from idiolect.dialects.ahk2.tokens import Token


class Operands(ExpressionState):
    """Reads what may stand where an operand is due."""

    def _operand(self, token: Token) -> None:
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
        elif kind == "member":
            self._fail("parse.operator", token, found=token.text)
        else:
            self._fail("parse.character", token, found=token.text)

    def _word(self, token: Token) -> None:
        word = token.text.lower()
        following = self._peek(1)
        if word == "not":
            if self._before not in LOOSE:
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

    def _prefix(self, token: Token) -> None:
        if token.text not in PREFIX:
            before = self._tokens[self._index - 1] if self._index else None
            if before is not None and before.text + token.text == "<>" and not token.space:
                self._fail("v1.operator", Token("op", "<>", before.start, token.end, before.space))
            if token.text == ":" and self._before == "?":
                self._fail("parse.ternary.question", token)
            if self._before in BINARY or self._before in ASSIGN or self._before in (":", "?", "not"):
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
        frame = Open("arrow", self._index, scope=self.scope)
        for start, end in defaults or ():
            self.__class__(self._line, self._tokens, self._pairs, self.scope, self._faults).check(start, end)
        self._stack[-1].filled = True
        self._stack.append(frame)
        self.scope = self.scope.child(names)
        self._want, self._before, self._name = True, "=>", None
        self._index = after

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
        inner = self.__class__(self._line, self._tokens, self._pairs, self.scope, self._faults)
        if index == self._index + 1 or inner.check(self._index + 1, index) is None:
            self._fail("parse.operator", token, found="%")
        self._index = index + 1
