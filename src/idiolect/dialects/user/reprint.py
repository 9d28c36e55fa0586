"""Prints tokens with a dialect's canonical white space; comments are dropped or kept.

Only white space that the grammar ignores is ever changed. Whether the printed text still has the
same tokens is for the caller to check (`same_tokens`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from idiolect.dialects.user.outcome import Lexeme, Vocabulary
from idiolect.dialects.user.settings import CanonicalSettings, CommentSettings

LAYOUT = {"_INDENT": 1, "_DEDENT": -1}
INDENT = "    "  # as the lowered grammar has it

Joins = Callable[[Lexeme, Lexeme], bool]


@dataclass(frozen=True, slots=True)
class Style:
    """How tokens are spaced: the settings, and what the grammar allows."""

    canonical: CanonicalSettings
    comments: CommentSettings
    spaces: bool  # a space may stand between tokens
    newlines: bool  # a line end may
    line_ends: frozenset[str]  # terminals that are line ends themselves
    literals: dict[str, str]

    @classmethod
    def of(cls, canonical: CanonicalSettings, comments: CommentSettings, vocabulary: Vocabulary) -> Style:
        """The style for one grammar."""
        spaces, newlines = vocabulary.ignores(" "), vocabulary.ignores("\n")
        return cls(canonical, comments, spaces, newlines, vocabulary.line_ends, vocabulary.literals)

    def separator(self, before: Collection[str], after: Collection[str], *, joins: bool) -> str:
        """The canonical white space between two tokens, each given by all the names it goes by."""
        settings = self.canonical
        if not self.line_ends.isdisjoint((*before, *after)):
            return ""
        if self.newlines and _listed(before, settings.newline_after):
            return "\n"
        if not self.spaces:
            return ""
        if joins:
            return " "
        if _listed(after, settings.no_space_before) or _listed(before, settings.no_space_after):
            return ""
        return self.usual

    @property
    def keeps_comments(self) -> bool:
        """Whether the canonical form has comments: that needs line ends between tokens."""
        return bool(self.comments.keep and self.comments.line and self.newlines)

    @property
    def usual(self) -> str:
        """The separator of most tokens."""
        return " " if self.spaces and self.canonical.space == "single" else ""

    @property
    def end(self) -> str:
        """What stands after the last token."""
        return "\n" if self.canonical.final_newline and self.newlines else ""

    def printed(self, lexeme: Lexeme) -> str:
        """A token as it is written: a line end as one plain newline, layout not at all, others unchanged."""
        if lexeme.terminal in LAYOUT:
            return ""
        return "\n" if lexeme.terminal in self.line_ends else lexeme.text


def reprint(lexemes: Sequence[Lexeme], style: Style, joins: Joins, original: str = "") -> str:
    """The tokens in canonical spacing; `original` is where comments are looked for, if they are kept."""
    pieces: list[str] = []
    before: Lexeme | None = None
    depth = 0
    comments = style.keeps_comments and bool(original)
    for lexeme in lexemes:
        if lexeme.terminal in LAYOUT:
            depth = max(0, depth + LAYOUT[lexeme.terminal])
            continue
        separator = ""
        if before is not None:
            names = ((before.terminal, before.text), (lexeme.terminal, lexeme.text))
            separator = style.separator(*names, joins=joins(before, lexeme))
        if comments:
            start = before.span.end if before else 0
            gap = original[start : lexeme.span.start]
            separator = _with_comments(gap, separator, lexeme, style, at_start=before is None)
        if depth and before is not None and before.terminal in style.line_ends:
            separator = INDENT * depth
        pieces += (separator, style.printed(lexeme))
        before = lexeme
    if comments and before is not None:
        pieces.append(_with_comments(original[before.span.end :], "", None, style, at_start=False).rstrip())
    text = "".join(pieces)
    return text if not text or text.endswith("\n") else text + style.end


def same_tokens(left: Sequence[Lexeme], right: Sequence[Lexeme], style: Style) -> bool:
    """Whether two runs of tokens differ in white space only."""
    return [(item.terminal, style.printed(item)) for item in left] == [
        (item.terminal, style.printed(item)) for item in right
    ]


def runs_together(before: Lexeme, after: Lexeme) -> bool:
    """Whether two tokens printed with nothing between might be read as others: a guess from their ends."""
    if not before.text or not after.text:
        return False
    last, first = before.text[-1], after.text[0]
    wordy = (last.isalnum() or last == "_") and (first.isalnum() or first == "_")
    return wordy or (last in _OPERATORS and first in _OPERATORS)


_OPERATORS = frozenset("+-*/%<>=!&|^~?:.@#$")


def _listed(names: Collection[str], words: tuple[str, ...]) -> bool:
    return any(name in words for name in names)


def _with_comments(gap: str, separator: str, after: Lexeme | None, style: Style, *, at_start: bool) -> str:
    """The separator with the comments of a gap, each on the line where it stood or on its own."""
    marker = style.comments.line
    if not marker or marker not in gap:
        return separator
    made = ""
    for number, line in enumerate(gap.split("\n")):
        at = line.find(marker)
        if at < 0:
            continue
        if number == 0 and not at_start:
            made += " "  # it stood behind code, and stays there
        elif made and not made.endswith("\n"):
            made += "\n"
        elif not made and not at_start:
            made = "\n"
        made += line[at:].rstrip()
        if after is None or not after.text.startswith(("\n", "\r")):
            made += "\n"
    return made
