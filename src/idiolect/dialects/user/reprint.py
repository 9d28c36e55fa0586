"""Prints tokens with a dialect's canonical white space; comments are dropped or kept.

Only white space that the grammar ignores is ever changed. Whether the printed text still has the
same tokens is for the caller to check (`same_tokens`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from idiolect.dialects.user.outcome import Lexeme, Vocabulary
from idiolect.dialects.user.settings import CanonicalSettings, CommentSettings


@dataclass(frozen=True, slots=True)
class Style:
    """How tokens are spaced: the settings, and what the grammar allows."""

    canonical: CanonicalSettings
    comments: CommentSettings
    spaces: bool  # a space may stand between tokens
    newlines: bool  # a line end may
    literals: frozenset[str]

    @classmethod
    def of(cls, canonical: CanonicalSettings, comments: CommentSettings, vocabulary: Vocabulary) -> Style:
        """The style for one grammar."""
        literals = frozenset(vocabulary.literals.values())
        return cls(canonical, comments, vocabulary.ignores(" "), vocabulary.ignores("\n"), literals)


def reprint(lexemes: Sequence[Lexeme], style: Style, original: str = "") -> str:
    """The tokens in canonical spacing; `original` is where comments are looked for, if they are kept."""
    printed: list[str] = []
    before: Lexeme | None = None
    for lexeme in lexemes:
        separator = "" if before is None else separator_between(before, lexeme, style)
        if style.comments.keep and original:
            start = before.span.end if before else 0
            gap = original[start : lexeme.span.start]
            separator = _with_comments(gap, separator, lexeme, style, at_start=before is None)
        printed += (separator, _line_ends(lexeme.text))
        before = lexeme
    if style.comments.keep and original and before is not None:
        printed.append(_with_comments(original[before.span.end :], "", None, style, at_start=False).rstrip())
    text = "".join(printed)
    if style.canonical.final_newline and style.newlines and text and not text.endswith("\n"):
        text += "\n"
    return text


def separator_between(before: Lexeme, after: Lexeme, style: Style) -> str:
    """The canonical white space between two tokens."""
    settings = style.canonical
    if not before.text or not after.text or _is_layout(before) or _is_layout(after):
        return ""
    if style.newlines and _listed(before, settings.newline_after):
        return "\n"
    if not style.spaces:
        return ""
    if _run_together(before.text, after.text, style.literals):
        return " "
    if _listed(after, settings.no_space_before) or _listed(before, settings.no_space_after):
        return ""
    return " " if settings.space == "single" else ""


def same_tokens(left: Sequence[Lexeme], right: Sequence[Lexeme]) -> bool:
    """Whether two runs of tokens differ in white space only."""
    return [(item.terminal, _line_ends(item.text)) for item in left] == [
        (item.terminal, _line_ends(item.text)) for item in right
    ]


def tidy_lines(text: str) -> str:
    """The text with plain line ends and no trailing white space: canonical where layout has meaning."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return "\n".join(lines).strip("\n") + "\n"


def _is_layout(lexeme: Lexeme) -> bool:
    return not lexeme.text.strip()


def _line_ends(text: str) -> str:
    """A token that is nothing but line ends and space around them counts as one line end."""
    return "\n" if "\n" in text and not text.strip() else text


def _listed(lexeme: Lexeme, words: tuple[str, ...]) -> bool:
    return lexeme.text in words or lexeme.terminal in words


def _run_together(before: str, after: str, literals: frozenset[str]) -> bool:
    """Whether two tokens printed with nothing between might be read as others."""
    last, first = before[-1], after[0]
    if (last.isalnum() or last == "_") and (first.isalnum() or first == "_"):
        return True
    return last + first in literals or before + first in literals


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
