"""A good script taken apart for breaking: its calls, its spans, and the usual slips of a finger.

Holds what the kinds of mutants share. It does **not** decide what to break.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from idiolect.dialects.tcl.analysis import Analysis
from idiolect.dialects.tcl.calls import Call
from idiolect.dialects.tcl.words import Word
from idiolect.source import Span


@dataclass(frozen=True, slots=True)
class Broken:
    """A broken text and a word about it."""

    text: str
    note: str = ""


@dataclass(slots=True)
class Subject:
    """A good script, taken apart."""

    found: Analysis
    rng: random.Random

    @property
    def text(self) -> str:
        return self.found.text

    def cut(self, span: Span, instead: str = "", note: str = "") -> Broken:
        """The text with a span replaced."""
        return Broken(self.text[: span.start] + instead + self.text[span.end :], note)

    def pick(self, items: Sequence[Span]) -> Span | None:
        return self.rng.choice(items) if items else None

    def spans(self, pattern: str) -> list[Span]:
        """Where a pattern stands, comments left out."""
        comments = self.found.walk.comments
        found = []
        for match in re.finditer(pattern, self.text):
            if not any(span.start <= match.start() < span.end for span in comments):
                found.append(Span(match.start(), match.end()))
        return found

    def call(self, wanted: Callable[[Call], bool] = lambda call: True) -> Call | None:
        """A random call of a catalog symbol."""
        calls = [call for call in self.found.calls if wanted(call)]
        return self.rng.choice(calls) if calls else None

    def flag_of(self, call: Call, word: Word) -> Span | None:
        """Where the flag of a value stands."""
        words = call.site.command.words
        at = next(number for number, item in enumerate(words) if item is word)
        before = words[at - 1]
        return before.span if self.text[before.start : before.start + 1] == "-" else None

    def misspelt(self, word: str) -> str:
        """A word with one slip of the finger."""
        at = self.rng.randrange(max(1, len(word) - 1))
        slips = [
            word[:at] + word[at + 1 :],
            word[:at] + word[at : at + 1] * 2 + word[at + 1 :],
            word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :],
        ]
        return self.rng.choice([slip for slip in slips if slip and slip != word] or [word + "x"])
