"""Tokens of a script to its syntax tree, telling every syntax fault and going on after each.

The grammar is the same in all blocks, so the parser knows no block but by two lists of keywords:
those that may open a block at the top (to notice a brace that was forgotten), and the words of
CONTROL. What is allowed where is the checker's business. Half-written files must parse, since the
editor shows them.
"""

from __future__ import annotations

from idiolect.okt.diagnostics import Edit, Reporter
from idiolect.okt.lexer import Token, TokenKind
from idiolect.okt.parse_values import MAX_DEPTH, opens_statements
from idiolect.okt.statements import StatementParser
from idiolect.okt.stream import MAX_FAULTS
from idiolect.okt.syntax import (
    BlockNode,
    Body,
    ConditionEntry,
    Entry,
    Field,
    Flag,
    Item,
    Pragma,
    Scalar,
    Script,
    Unread,
)
from idiolect.okt.versions import read_pragma
from idiolect.okt.vocab import OPERATORS
from idiolect.source import SourceText, Span

# Blocks that may stand inside another one under a keyword that is also a top-level keyword.
NESTED_KEYWORDS = {"CONTROL", "ADAPTER"}


def parse(source: SourceText, reporter: Reporter, keywords: frozenset[str]) -> Script:
    """The tree of a script. `keywords` are the names of top-level blocks."""
    return Parser(source, reporter, keywords).script()


class Parser(StatementParser):
    """Recursive descent over the tokens, with a bounded depth."""

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
        if follower.kind in (TokenKind.STRING, TokenKind.OPEN_STRING, TokenKind.ODD_STRING) or self.follows(
            "["
        ):
            self.next()
            value = self.value(token)
            return Scalar(token.text, token.span, value, token.span.to(value.span))
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
        span = token.span.to(value.span)
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
        body = self.body(keyword, statements=opens_statements(keyword.text))
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
            and token.text not in NESTED_KEYWORDS
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
        if token.kind in (TokenKind.NUMBER, TokenKind.OPEN_STRING, TokenKind.ODD_STRING):
            return True
        if token.kind is TokenKind.STRING:
            return self.token.text != "custom"
        return (token.kind is TokenKind.WORD and token.text in ("true", "false")) or token.text == "["

    def field(self) -> Field:
        name = self.next()
        self.next()
        value = self.value(name)
        return Field(name.text, name.span, value, name.span.to(value.span))

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
        return Field(name.text, name.span, value, name.span.to(value.span))

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
        return Field(name.text, token.span, value, token.span.to(value.span))

    def condition_entry(self) -> ConditionEntry:
        comparisons = self.comparisons()
        return ConditionEntry(comparisons, comparisons[0].span.to(comparisons[-1].span))

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
