"""Tokens of a script to its syntax tree, telling every syntax fault and going on after each.

The grammar is the same in all blocks, so the parser knows no block but by two lists of keywords:
those that may open a block at the top (to notice a brace that was forgotten), and the words of
CONTROL. What is allowed where is the checker's business. Half-written files must parse, since the
editor shows them.
"""

from __future__ import annotations

from idiolect.okt.diagnostics import Edit, Reporter
from idiolect.okt.lexer import Token, TokenKind, decode_string, split_number, tokenize
from idiolect.okt.statements import StatementParser
from idiolect.okt.syntax import (
    BlockNode,
    Body,
    Compare,
    ConditionEntry,
    Entry,
    Field,
    Flag,
    Item,
    List,
    Missing,
    Number,
    Pragma,
    Scalar,
    Script,
    String,
    Unread,
    Value,
    Word,
)
from idiolect.okt.versions import read_pragma
from idiolect.okt.vocab import CONTROL_EVENTS, OPERATORS
from idiolect.source import SourceText, Span

# Legal scripts nest four or five levels; the limit keeps recursion far from Python's own.
MAX_DEPTH = 40
# After this many syntax faults a file is not a script, and more lines help nobody.
MAX_FAULTS = 200

# Blocks that may stand inside another one under a keyword that is also a top-level keyword.
_NESTED_KEYWORDS = {"CONTROL", "ADAPTER"}


def parse(source: SourceText, reporter: Reporter, keywords: frozenset[str]) -> Script:
    """The tree of a script. `keywords` are the names of top-level blocks."""
    return Parser(source, reporter, keywords).script()


class Parser(StatementParser):
    """Recursive descent over the tokens, with a bounded depth."""

    def __init__(self, source: SourceText, reporter: Reporter, keywords: frozenset[str]) -> None:
        self.source = source
        self.reporter = reporter
        self.keywords = keywords
        self.tokens, self.comments = tokenize(source.text)
        self.at = 0
        self.depth = 0

    # --- tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def next(self) -> Token:
        token = self.tokens[self.at]
        if token.kind is not TokenKind.END:
            self.at += 1
        return token

    def sees(self, text: str) -> bool:
        return self.token.kind is TokenKind.PUNCTUATION and self.token.text == text

    def follows(self, text: str, ahead: int = 1) -> bool:
        token = self.peek(ahead)
        return token.kind is TokenKind.PUNCTUATION and token.text == text

    @property
    def last_span(self) -> Span:
        return self.tokens[max(self.at - 1, 0)].span

    @property
    def hopeless(self) -> bool:
        return len(self.reporter.found) >= MAX_FAULTS

    # --- the file

    def script(self) -> Script:
        items: list[Item] = []
        while self.token.kind is not TokenKind.END:
            if self.hopeless:
                self.reporter.error(
                    "L001", self.token.span, f"{MAX_FAULTS} faults so far; the rest of the file was not read"
                )
                break
            items.append(self.item())
        return Script(self.source, tuple(items), self.pragma(), self.tokens, self.comments)

    def pragma(self) -> Pragma | None:
        return read_pragma(self.comments, self.tokens[0].span.start, self.reporter)

    def item(self) -> Item:
        token = self.token
        if token.kind is TokenKind.WORD:
            return self.block_or_scalar()
        if self.sees("}") or self.sees("]"):
            self.next()
            self.reporter.error(
                "L008",
                token.span,
                f'"{token.text}" closes nothing',
                "remove it, or look for a block above that was closed too early",
                edits=(Edit("Remove it", token.span, ""),),
            )
            return Unread(token.span)
        return self.unexpected_at_top()

    def block_or_scalar(self) -> Item:
        token = self.token
        if self.follows("{") or (self.peek().kind is TokenKind.STRING and self.follows("{", 2)):
            return self.block()
        follower = self.peek()
        if self.follows(":") and self.follows("{", 2):  # `MODEL: {`
            self.extra_colon(self.peek())
            return self.block()
        if follower.kind in (TokenKind.STRING, TokenKind.OPEN_STRING, TokenKind.CURLY_STRING) or self.follows(
            "["
        ):
            self.next()
            value = self.value(token)
            return Scalar(token.text, token.span, value, token.span.to(_span(value)))
        if self.follows(":"):
            return self.colon_at_top()
        if token.text in self.keywords:
            self.next()
            self.reporter.error(
                "L005",
                token.span,
                f"{token.text} has nothing behind it",
                f'write {token.text} {{ ... }} or, for a single value, {token.text} "..."',
            )
            return Unread(token.span)
        return self.unexpected_at_top()

    def colon_at_top(self) -> Item:
        """`PROJECT: "x"`, or a field that slipped out of its block."""
        token = self.next()
        colon = self.next()
        if token.text in self.keywords:
            self.extra_colon(colon)
        else:
            self.reporter.error(
                "L001",
                token.span,
                f'field "{token.text}" stands outside of any block',
                "move it into the block that it belongs to; a block may have been closed too early",
            )
        value = self.value(token)
        span = token.span.to(_span(value))
        return Scalar(token.text, token.span, value, span) if token.text in self.keywords else Unread(span)

    def extra_colon(self, colon: Token) -> None:
        self.reporter.warning(
            "L004",
            colon.span,
            'a ":" is not needed after the name of a block',
            "remove it",
            edits=(Edit("Remove the colon", colon.span, ""),),
        )

    def unexpected_at_top(self) -> Unread:
        """Skip to the next line that begins with a block's keyword."""
        first = self.token
        self.report_unexpected(first, "a block such as MODEL { ... }")
        depth = 0
        while self.token.kind is not TokenKind.END:
            token = self.next()
            if token.kind is TokenKind.PUNCTUATION and token.text in "{[":
                depth += 1
            elif token.kind is TokenKind.PUNCTUATION and token.text in "}]":
                depth = max(0, depth - 1)
            if self.token.line != token.line and self.opens_top_block():
                break
            if depth == 0 and self.token.line != token.line and self.token.kind is TokenKind.WORD:
                break
        return Unread(first.span.to(self.last_span))

    # --- blocks

    def block(self) -> BlockNode:
        keyword = self.next()
        if self.sees(":"):
            self.next()
        label = None
        if self.token.kind is TokenKind.STRING:
            label = self.string(self.next())
        statements = keyword.text == "CONTROL" or keyword.text in CONTROL_EVENTS
        body = self.body(keyword, statements=statements)
        return BlockNode(keyword.text, keyword.span, label, body, keyword.span.to(body.span))

    def body(self, opener: Token, *, statements: bool = False, commas: bool = False) -> Body:
        """Braces with entries. The caller sees that a "{" is next; `opener` names what is opened.

        Entries of an object that is a value are separated by `commas`; those of a block are not.
        """
        brace = self.next()
        if self.depth >= MAX_DEPTH:
            return self.too_deep(brace)
        self.depth += 1
        entries: list[Entry] = []
        closed = False
        while self.token.kind is not TokenKind.END and not self.hopeless:
            if self.sees("}"):
                self.next()
                closed = True
                break
            if self.begins_next_block():
                break
            before = self.at
            entries.append(self.entry(statements))
            if commas and self.sees(",") and not self.follows(","):
                self.next()
            assert self.at > before, "an entry takes at least one token"
        self.depth -= 1
        if not closed and not self.hopeless:
            self.reporter.error(
                "L007",
                brace.span,
                f'"{{" of {opener.text} is not closed',
                'write "}" after its last line',
                edits=(Edit('Add "}"', Span(self.last_span.end, self.last_span.end), "\n}"),),
            )
        return Body(tuple(entries), brace.span.to(self.last_span), closed)

    def begins_next_block(self) -> bool:
        """Whether a top-level block starts here, so that a brace before it was forgotten."""
        token = self.token
        return (
            self.opens_top_block()
            and token.text not in _NESTED_KEYWORDS
            and self._starts_line_at_margin(token)
        )

    def opens_top_block(self) -> bool:
        """Whether the next tokens look like the head of a top-level block."""
        if self.token.kind is not TokenKind.WORD or self.token.text not in self.keywords:
            return False
        follower = self.peek()
        return follower.kind is TokenKind.STRING or follower.text in ("{", "[")

    def _starts_line_at_margin(self, token: Token) -> bool:
        place = self.source.place(token.span.start)
        return place.column == 1 or not self.source.line(place.line)[: place.column - 1].strip()

    def too_deep(self, brace: Token) -> Body:
        self.reporter.error("L010", brace.span, f"blocks are nested deeper than {MAX_DEPTH} levels")
        self.skip_balanced()
        return Body((), brace.span.to(self.last_span))

    def skip_balanced(self) -> None:
        """Go behind the bracket that closes the one just read."""
        depth = 1
        while self.token.kind is not TokenKind.END and depth:
            token = self.next()
            if token.kind is TokenKind.PUNCTUATION:
                depth += token.text in "{["
                depth -= token.text in "}]"

    # --- entries

    def entry(self, statements: bool) -> Entry:
        token = self.token
        if self.sees(","):
            self.next()
            self.reporter.info("L012", token.span, "fields need no comma between them")
            return Unread(token.span)
        if token.kind is TokenKind.STRING and self.follows(":"):
            return self.quoted_name()
        if token.kind is not TokenKind.WORD:
            return self.unexpected_in_block()
        follower = self.peek()
        if self.follows(":"):
            return self.field()
        if self.follows("{") or (follower.kind is TokenKind.STRING and self.follows("{", 2)):
            if token.text in ("IF", "WHEN", "EVERY"):
                return self.statement()
            return self.block()
        if statements or self.is_statement(token):
            return self.statement()
        if follower.kind is TokenKind.PUNCTUATION and follower.text in OPERATORS:
            return self.condition_entry()
        if self.follows("=") or (follower.line == token.line and self.begins_value(follower)):
            return self.field_without_colon()
        return self.flag()

    def flag(self) -> Flag:
        token = self.next()
        if self.token.kind is TokenKind.STRING and self.token.line == token.line:
            argument = self.string(self.next())
            return Flag(token.text, token.span.to(argument.span), argument)
        return Flag(token.text, token.span)

    def begins_value(self, token: Token) -> bool:
        """Whether a token behind a name is the value of a field whose colon was forgotten."""
        if token.kind in (TokenKind.NUMBER, TokenKind.OPEN_STRING, TokenKind.CURLY_STRING):
            return True
        if token.kind is TokenKind.STRING:
            return self.token.text != "custom"
        return (token.kind is TokenKind.WORD and token.text in ("true", "false")) or token.text == "["

    def field(self) -> Field:
        name = self.next()
        self.next()
        value = self.value(name)
        return Field(name.text, name.span, value, name.span.to(_span(value)))

    def field_without_colon(self) -> Field:
        name = self.next()
        if self.sees("="):
            wrong = self.next()
            self.reporter.error(
                "L004",
                wrong.span,
                f'"{name.text}" is set with ":", not "="',
                f"write {name.text}: ...",
                edits=(Edit('Write ":"', Span(name.span.end, wrong.span.end), ":"),),
            )
        else:
            self.reporter.error(
                "L004",
                name.span,
                f'a ":" is missing after "{name.text}"',
                f"write {name.text}: {self.token.text}",
                edits=(Edit('Insert ":"', Span(name.span.end, name.span.end), ":"),),
            )
        value = self.value(name)
        return Field(name.text, name.span, value, name.span.to(_span(value)))

    def quoted_name(self) -> Field:
        token = self.next()
        name = self.string(token)
        self.next()
        self.reporter.error(
            "L013",
            token.span,
            f"the name of a field stands without quotes: {name.text}",
            edits=(Edit("Remove the quotes", token.span, name.text),),
        )
        value = self.value(token)
        return Field(name.text, token.span, value, token.span.to(_span(value)))

    def condition_entry(self) -> ConditionEntry:
        comparisons = self.comparisons()
        return ConditionEntry(comparisons, comparisons[0].span.to(comparisons[-1].span))

    def comparison(self) -> Compare:
        """`signal operator value`; the caller sees a word."""
        signal = self.next()
        operator = self.next()
        value = self.value(signal)
        return Compare(signal.text, signal.span, operator.text, value, signal.span.to(_span(value)))

    def unexpected_in_block(self) -> Unread:
        """Report the token, and skip what stands with it on its line."""
        first = self.token
        self.report_unexpected(first, "a field such as name: value")
        self.next()
        if first.text in ("{", "["):
            self.skip_balanced()
        while self.token.kind is not TokenKind.END and self.token.line == first.line and not self.sees("}"):
            if self.next().text in ("{", "["):
                self.skip_balanced()
        return Unread(first.span.to(self.last_span))

    # --- values

    def value(self, name: Token) -> Value:
        """The value behind a name."""
        token = self.token
        if token.kind is TokenKind.STRING:
            return self.string(self.next())
        if token.kind is TokenKind.NUMBER:
            return self.number(self.next())
        if token.kind in (TokenKind.OPEN_STRING, TokenKind.CURLY_STRING):
            return self.broken_string(self.next())
        if self.sees("["):
            return self.list_value(name)
        if self.sees("{"):
            return self.body(name, commas=True)
        if token.kind is TokenKind.WORD and not self.follows(":") and not self.begins_next_block():
            self.next()
            return Word(token.text, token.span)
        return self.missing_value(name)

    def missing_value(self, name: Token) -> Missing:
        token = self.token
        if token.kind in (TokenKind.STRAY, TokenKind.ELLIPSIS) and token.line == name.line:
            self.report_unexpected(token, "a value")
            self.next()
            return Missing(token.span)
        end = self.last_span.end
        self.reporter.error(
            "L005", name.span, f'"{name.text}" has no value', f"write {name.text}: and its value"
        )
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
        end = _span(item).end
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
        if token.kind is TokenKind.CURLY_STRING:
            inner = token.text.strip('\u201c\u201d\u201e\u00ab\u00bb"')
            self.reporter.error(
                "L003",
                token.span,
                "typographic quotes do not delimit a string",
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

    def report_unexpected(self, token: Token, wanted: str) -> None:
        if token.kind is TokenKind.ELLIPSIS:
            self.reporter.error(
                "L009",
                token.span,
                '"..." stands for text left out in documents; it is not part of the language',
            )
        elif token.kind is TokenKind.OPEN_STRING:
            self.reporter.error(
                "L002", token.span, "the string is not closed on its line", "write the closing quote"
            )
        elif token.kind is TokenKind.END:
            self.reporter.error("L001", token.span, f"the file ends where {wanted} is expected")
        else:
            shown = token.text if len(token.text) <= 30 else token.text[:30] + "..."
            shown = shown if shown.isprintable() else ascii(shown)[1:-1]
            self.reporter.error("L001", token.span, f'"{shown}" is not expected here', f"expected {wanted}")


def _span(value: Value) -> Span:
    return value.span


def _after(token: Token, length: int) -> Span:
    return Span(token.span.start + length, token.span.start + length)
