"""The part of the parser that reads CONTROL: statements, conditions and AND."""

from __future__ import annotations

from idiolect.okt.lexer import Token, TokenKind
from idiolect.okt.parse_values import ValueParser
from idiolect.okt.syntax import Compare, Entry, Flag, StatementNode, Unread, Word
from idiolect.okt.vocab import CONTROL_WORDS, OPERATORS

_BARE = {"STOP", "RETRY", "REGENERATE", "STOP_TRAINING"}
_BODIED = {"IF", "WHEN", "EVERY"}


class StatementParser(ValueParser):
    """Statements and conditions, wherever they stand."""

    def comparison(self) -> Compare:
        """`signal operator value`; the caller sees a word."""
        signal = self.next()
        operator = self.next()
        value = self.value(signal)
        return Compare(signal.text, signal.span, operator.text, value, signal.span.to(value.span))

    def is_statement(self, token: Token) -> bool:
        """Whether a word in an ordinary block begins a statement; REPLACE is also a reaction of GUARD."""
        if token.text in ("IF", "WHEN", "EVERY", "SET", "DECREASE", "INCREASE"):
            return True
        return token.text == "REPLACE" and self.peek().text == "WITH"

    def statement(self) -> Entry:
        keyword = self.token
        if keyword.text not in CONTROL_WORDS:
            return self.unknown_statement()
        self.next()
        if keyword.text in _BARE:
            return StatementNode(keyword.text, keyword.span, keyword.span)
        if keyword.text in ("IF", "WHEN"):
            return self.conditional(keyword)
        readers = {
            "EVERY": self.every,
            "SET": self.setting,
            "DECREASE": self.change,
            "INCREASE": self.change,
            "LOG": self.word_or_text,
            "SAVE": self.word_or_text,
            "REPLACE": self.answer,
            "RETURN": self.answer,
        }
        return readers[keyword.text](keyword)

    def unknown_statement(self) -> Flag | Unread:
        """An unknown word of CONTROL; the rest of its line and its braces go with it."""
        word = self.next()
        while self.token.kind is not TokenKind.END and self.token.line == word.line and not self.sees("}"):
            if self.sees("{"):
                self.next()
                self.skip_balanced()
            else:
                self.next()
        return Flag(word.text, word.span)

    def conditional(self, keyword: Token) -> Entry:
        if self.token.kind is not TokenKind.WORD or self.peek().text not in OPERATORS:
            return self.broken(
                keyword, f"{keyword.text} wants a condition", f"write {keyword.text} loss > 2.0 {{ ... }}"
            )
        conditions = self.comparisons()
        if not self.sees("{"):
            return self.broken(
                keyword, f"{keyword.text} wants a body behind its condition", 'write "{ ... }"'
            )
        body = self.body(keyword, statements=True)
        return StatementNode(
            keyword.text, keyword.span, keyword.span.to(body.span), conditions=conditions, body=body
        )

    def comparisons(self) -> tuple[Compare, ...]:
        """Comparisons joined by AND. OR and NOT are told, and what they join is read as AND."""
        found = [self.comparison()]
        while self.token.kind is TokenKind.WORD and self.token.text.upper() in ("AND", "OR", "NOT"):
            joiner = self.next()
            if joiner.text.upper() != "AND":
                self.reporter.error(
                    "L016",
                    joiner.span,
                    f"{joiner.text} does not join conditions; only AND does",
                    "write two rules, one for each condition",
                )
            if self.token.kind is not TokenKind.WORD or self.peek().text not in OPERATORS:
                if joiner.text.upper() == "AND":
                    self.report_unexpected(self.token, "a comparison such as loss > 2.0 behind AND")
                break
            found.append(self.comparison())
        return tuple(found)

    def every(self, keyword: Token) -> Entry:
        count = self.value(keyword) if self.peek(0).kind is TokenKind.NUMBER else None
        if count is None:
            return self.broken(keyword, "EVERY wants a count and a unit", "write EVERY 500 steps { ... }")
        unit = self.next() if self.peek(0).kind is TokenKind.WORD else None
        if unit is None or not self.sees("{"):
            return self.broken(keyword, "EVERY wants a unit and a body", "write EVERY 500 steps { ... }")
        body = self.body(keyword, statements=True)
        return StatementNode(
            "EVERY",
            keyword.span,
            keyword.span.to(body.span),
            name=unit.text,
            name_span=unit.span,
            value=count,
            body=body,
        )

    def setting(self, keyword: Token) -> Entry:
        if self.token.kind is not TokenKind.WORD or not (self.follows("=") or self.follows(":")):
            return self.broken(keyword, "SET wants a name, = and a value", "write SET LR = 0.0001")
        name = self.next()
        sign = self.next()
        if sign.text == ":":
            self.reporter.error("L017", sign.span, 'SET takes "=", not ":"', f"write SET {name.text} = ...")
        return self._with_value(keyword, name)

    def change(self, keyword: Token) -> Entry:
        help = f"write {keyword.text} LR BY 0.5"
        if self.token.kind is not TokenKind.WORD or self.peek().text != "BY":
            return self.broken(keyword, f"{keyword.text} wants a name, BY and a number", help)
        name = self.next()
        self.next()
        return self._with_value(keyword, name)

    def _with_value(self, keyword: Token, name: Token) -> StatementNode:
        value = self.value(name)
        return StatementNode(
            keyword.text,
            keyword.span,
            keyword.span.to(value.span),
            name=name.text,
            name_span=name.span,
            value=value,
        )

    def word_or_text(self, keyword: Token) -> Entry:
        if self.token.line != keyword.line or self.sees("}"):
            what = 'LOG loss or LOG "text"' if keyword.text == "LOG" else "SAVE model or SAVE checkpoint"
            return self.broken(keyword, f"{keyword.text} has nothing behind it", f"write {what}")
        value = self.value(keyword)
        if isinstance(value, Word):
            return StatementNode(
                keyword.text, keyword.span, keyword.span.to(value.span), name=value.text, name_span=value.span
            )
        return StatementNode(keyword.text, keyword.span, keyword.span.to(value.span), value=value)

    def answer(self, keyword: Token) -> Entry:
        if keyword.text == "REPLACE" and self.token.text == "WITH":
            self.next()
        if self.token.kind not in (TokenKind.STRING, TokenKind.OPEN_STRING, TokenKind.ODD_STRING):
            form = 'REPLACE WITH "text"' if keyword.text == "REPLACE" else 'RETURN "text"'
            return self.broken(keyword, f"{keyword.text} wants a text", f"write {form}")
        value = self.value(keyword)
        return StatementNode(keyword.text, keyword.span, keyword.span.to(value.span), value=value)

    def broken(self, keyword: Token, message: str, help: str) -> Unread:
        """A statement that lacks a part; the rest of its line and its braces go with it."""
        self.reporter.error("L017", keyword.span, message, help)
        while self.token.kind is not TokenKind.END and self.token.line == keyword.line and not self.sees("}"):
            if self.next().text == "{":
                self.skip_balanced()
        return Unread(keyword.span.to(self.last_span))
