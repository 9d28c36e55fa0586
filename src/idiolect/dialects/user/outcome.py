"""What parsing a text by a user's grammar gives: tokens and spans, or refusals. Plain records only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from idiolect.source import Span


@dataclass(frozen=True, slots=True)
class Lexeme:
    """One token of a text: its terminal, its words and its place."""

    terminal: str
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class RuleSpan:
    """The part of a text that one rule (or one of its aliases) covers."""

    rule: str
    span: Span


@dataclass(slots=True)
class Refusal:
    """Where a parser could not go on, and what it knows about why."""

    kind: Literal["character", "token", "end", "layout"]
    start: int
    end: int
    found: str = ""  # terminal, "$END", or nothing where no terminal matches
    expected: list[str] | tuple[str, ...] = ()  # terminals that could stand here
    code_end: int = 0  # where the last good token ends: what is missing belongs there, before any comment
    opener: tuple[int, int, str] | None = None  # innermost open bracket: start, end, text
    repair: str = ""  # a literal terminal that lets the parse go on: in place of the word, or before it
    misspelt: bool = False  # the repair replaces the word that was found
    message: str = ""  # layout only


@dataclass(frozen=True, slots=True)
class Outcome:
    """A parse: complete if there are no refusals. Spans come innermost first."""

    lexemes: tuple[Lexeme, ...]
    refusals: tuple[Refusal, ...] = ()
    spans: tuple[RuleSpan, ...] = ()
    productions: frozenset[int] = frozenset()

    @property
    def complete(self) -> bool:
        return not self.refusals


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of a grammar: terminals, the fixed text of some, and its productions for people."""

    method: str  # lalr or earley
    terminals: tuple[str, ...]
    literals: dict[str, str]
    patterns: dict[str, str]
    ignored: frozenset[str]
    rules: frozenset[str]
    productions: tuple[str, ...]
    counted: frozenset[int]  # productions that an author wrote, not the helpers of * and +
    described: dict[str, str]  # terminal -> what the author calls it
    brackets: dict[str, str]  # opener -> closer

    def ignores(self, text: str) -> bool:
        """Whether a text, such as one space, may stand between any two tokens."""
        return any(re.fullmatch(self.patterns[name], text) for name in self.ignored)

    @property
    def line_ends(self) -> frozenset[str]:
        """Terminals that are line ends, with the blank space or comment beside them, and nothing else."""
        return frozenset(name for name, pattern in self.patterns.items() if _is_line_end(pattern))

    @property
    def keywords(self) -> dict[str, str]:
        """Terminals whose fixed text starts with a letter."""
        return {name: text for name, text in self.literals.items() if text[:1].isalpha()}

    def shown(self, terminal: str) -> str:
        """A terminal in words that one can read in a message."""
        if terminal in self.described:
            return self.described[terminal]
        if terminal in self.literals:
            text = self.literals[terminal]
            return {"\n": "a line end", " ": "a space"}.get(text, f'"{text}"')
        if terminal in _WORDS:
            return _WORDS[terminal]
        if terminal.startswith("__"):
            return f"text like /{self.patterns.get(terminal, '?')[:40]}/"
        words = terminal.strip("_").lower().replace("_", " ")
        return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"


_NO_LINE_END = [chr(code) for code in range(33, 127) if chr(code) not in "#;/"]


def _is_line_end(pattern: str) -> bool:
    compiled = re.compile(pattern)
    return bool(compiled.fullmatch("\n")) and not any(compiled.match(one) for one in _NO_LINE_END)


_WORDS = {
    "$END": "the end of the text",
    "_NL": "a line end",
    "NL": "a line end",
    "NEWLINE": "a line end",
    "EOL": "a line end",
    "_INDENT": "an indented block",
    "_DEDENT": "the end of the indented block",
    "INT": "an integer",
    "SIGNED_INT": "an integer",
    "CNAME": "a name",
    "ID": "an identifier",
    "ESCAPED_STRING": "a quoted string",
    "SIGNED_NUMBER": "a number",
    "WS": "white space",
}
