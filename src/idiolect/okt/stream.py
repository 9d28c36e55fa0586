"""The tokens of a script as a stream that a parser walks over, and its reports."""

from __future__ import annotations

from idiolect.okt.diagnostics import Reporter
from idiolect.okt.lexer import Token, TokenKind, tokenize
from idiolect.source import SourceText, Span

# After this many syntax faults a file is not a script, and more lines help nobody.
MAX_FAULTS = 200


class TokenStream:
    """Where the parser stands, and what it sees from there."""

    def __init__(self, source: SourceText, reporter: Reporter, keywords: frozenset[str]) -> None:
        self.source = source
        self.reporter = reporter
        self.keywords = keywords
        self.tokens, self.comments = tokenize(source.text)
        self.at = 0
        self.depth = 0

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

    def skip_balanced(self) -> None:
        """Go behind the bracket that closes the one just read."""
        depth = 1
        while self.token.kind is not TokenKind.END and depth:
            token = self.next()
            if token.kind is TokenKind.PUNCTUATION:
                depth += token.text in "{["
                depth -= token.text in "}]"

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
