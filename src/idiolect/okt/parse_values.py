"""The part of the parser that reads values: strings, numbers, lists, words and objects."""

from __future__ import annotations

from idiolect.okt.diagnostics import Edit
from idiolect.okt.lexer import Token, TokenKind, decode_string, split_number
from idiolect.okt.stream import TokenStream
from idiolect.okt.syntax import Body, List, Missing, Number, String, Value, Word
from idiolect.okt.vocab import CONTROL_EVENTS
from idiolect.source import Span

# Legal scripts nest four or five levels; the limit keeps recursion far from Python's own.
MAX_DEPTH = 40


def opens_statements(name: str) -> bool:
    """Whether the braces behind a name hold CONTROL statements."""
    return name == "CONTROL" or name in CONTROL_EVENTS


class ValueParser(TokenStream):
    """Values. Bodies in braces, and where the next block begins, are the parser's to know."""

    def body(self, opener: Token, *, statements: bool = False, commas: bool = False) -> Body:
        raise NotImplementedError

    def begins_next_block(self) -> bool:
        raise NotImplementedError

    def value(self, name: Token) -> Value:
        """The value behind a name."""
        token = self.token
        if token.kind is TokenKind.STRING:
            return self.string(self.next())
        if token.kind is TokenKind.NUMBER:
            return self.number(self.next())
        if token.kind in (TokenKind.OPEN_STRING, TokenKind.ODD_STRING):
            return self.broken_string(self.next())
        if self.sees("["):
            return self.list_value(name)
        if self.sees("{"):
            return self.body(name, statements=opens_statements(name.text), commas=True)
        if self.begins_bare_text():
            return self.bare_text()
        if token.kind is TokenKind.WORD and not self.follows(":") and not self.begins_next_block():
            self.next()
            return Word(token.text, token.span)
        return self.missing_value(name)

    def begins_bare_text(self) -> bool:
        """Whether a path or name without quotes starts here: several tokens with no space between them."""
        token, follower = self.token, self.peek()
        touching = token.span.end == follower.span.start and token.line == follower.line
        starts = token.kind is TokenKind.WORD or token.text in (".", "/", "~", "..")
        return touching and starts and follower.kind is TokenKind.STRAY

    def bare_text(self) -> String:
        """A text whose quotes are missing, as far as it has no space."""
        first = last = self.next()
        while self.token.span.start == last.span.end and self.token.text not in (*"{}[],:", ""):
            last = self.next()
        span = first.span.to(last.span)
        text = self.source.text[span.start : span.end]
        self.reporter.warning(
            "L202",
            span,
            f'a text wants quotes; read as "{text}"',
            f'write "{text}"',
            edits=(Edit("Add quotes", span, f'"{text}"'),),
        )
        return String(text, span, text)

    def missing_value(self, name: Token) -> Missing:
        token = self.token
        if token.kind in (TokenKind.STRAY, TokenKind.ELLIPSIS) and token.line == name.line:
            self.report_unexpected(token, "a value")
            self.next()
            return Missing(token.span)
        end = self.last_span.end
        self.reporter.error("L005", name.span, f'"{name.text}" has no value', "write its value behind it")
        return Missing(Span(end, end))

    def list_value(self, name: Token) -> List:
        bracket = self.next()
        if self.depth >= MAX_DEPTH:
            self.reporter.error("L010", bracket.span, f"lists are nested deeper than {MAX_DEPTH} levels")
            self.skip_balanced()
            return List((), bracket.span.to(self.last_span))
        self.depth += 1
        items: list[Value] = []
        closed = False
        while self.token.kind is not TokenKind.END and not self.hopeless:
            if self.sees("]"):
                self.next()
                closed = True
                break
            if (
                self.sees("}")
                or (self.token.kind is TokenKind.WORD and self.follows(":"))
                or self.begins_next_block()
            ):
                break
            self.list_item(name, items)
        self.depth -= 1
        if not closed and not self.hopeless:
            end = self.last_span.end
            self.reporter.error(
                "L007",
                bracket.span,
                f'"[" of {name.text} is not closed',
                'write "]" after its last item',
                edits=(Edit('Add "]"', Span(end, end), "]"),),
            )
        return List(tuple(items), bracket.span.to(self.last_span))

    def list_item(self, name: Token, items: list[Value]) -> None:
        """One item and the comma behind it."""
        if self.sees(",") or (
            self.token.kind in (TokenKind.STRAY, TokenKind.ELLIPSIS, TokenKind.PUNCTUATION)
            and not (self.sees("[") or self.sees("{"))
        ):
            self.report_unexpected(self.token, "an item of the list")
            self.next()
            return
        item = self.value(name)
        items.append(item)
        if not self.sees(","):
            if not self.sees("]") and self.token.kind in (TokenKind.STRING, TokenKind.NUMBER, TokenKind.WORD):
                self.missing_comma(item)
            return
        comma = self.next()
        if self.sees("]"):
            self.reporter.info(
                "L012",
                comma.span,
                "the last item of a list needs no comma",
                edits=(Edit("Remove the comma", comma.span, ""),),
            )

    def missing_comma(self, item: Value) -> None:
        if self.token.kind is TokenKind.WORD and self.follows(":"):
            return  # the list was not closed; its own fault follows
        end = item.span.end
        self.reporter.error(
            "L006",
            self.token.span,
            "a comma is missing before this item",
            edits=(Edit('Insert ","', Span(end, end), ","),),
        )

    def string(self, token: Token) -> String:
        inner = token.text[1:-1]
        text, unknown = decode_string(inner)
        for offset in unknown:
            start = token.span.start + 1 + offset
            self.reporter.warning(
                "L011",
                Span(start, start + 2),
                f'"{inner[offset : offset + 2]}" is no escape; the backslash is kept',
                r'escapes are \n \t \r \" and \\; in a path write "/"',
            )
        return String(text, token.span, token.text)

    def broken_string(self, token: Token) -> String:
        """A string whose quotes are wrong, read as far as its line goes."""
        if token.kind is TokenKind.ODD_STRING:
            inner = token.text.strip("\u201c\u201d\u201e\u00ab\u00bb\"'")
            kind = "single" if token.text[0] == "'" else "typographic"
            self.reporter.error(
                "L003",
                token.span,
                f"{kind} quotes do not delimit a string",
                f'write "{inner}"',
                edits=(Edit("Use straight quotes", token.span, f'"{inner}"'),),
            )
            return String(inner, token.span, token.text)
        inner = token.text[1:]
        trailing = len(inner) - len(inner.rstrip().rstrip("]},").rstrip())
        inner = inner[: len(inner) - trailing] if trailing else inner
        escaped = inner.endswith('\\"')
        self.reporter.error(
            "L002",
            token.span,
            "the string is not closed on its line",
            'a backslash before the closing quote escapes it; write "/" or "\\\\"'
            if escaped
            else "write the closing quote",
            edits=() if escaped else (Edit("Close the string", _after(token, 1 + len(inner)), '"'),),
        )
        return String(decode_string(inner)[0], token.span, token.text)

    def number(self, token: Token) -> Number:
        number, unit = split_number(token.text)
        if self.sees("%") or (self.token.kind is TokenKind.WORD and self._is_detached_unit(token)):
            suffix = self.next()
            return Number(number, suffix.text, token.span.to(suffix.span), token.text + suffix.text)
        return Number(number, unit, token.span, token.text)

    def _is_detached_unit(self, number: Token) -> bool:
        """`16 GB` is taken for `16GB`."""
        return (
            number.text[-1].isdigit()
            and self.token.line == number.line
            and self.token.text in ("KB", "MB", "GB", "TB", "ms", "s", "K", "M", "B")
            and not self.follows(":")
        )


def _after(token: Token, length: int) -> Span:
    return Span(token.span.start + length, token.span.start + length)
