"""The record of a corpus in the making: one text from one place, and what is known of it.

It does **not** read sources or decide anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from idiolect.data.example import Example, VerdictSummary


@dataclass(frozen=True, slots=True)
class Told:
    """What a table of metadata says of a file or row; empty where it says nothing."""

    title: str = ""
    category: str = ""
    description: str = ""
    group: str = ""


NOTHING_TOLD = Told()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text that may become examples."""

    source: str  # the file as it is shown: relative to the project root
    text: str
    path: Path | None = None  # the file itself; its folder is where includes are looked for
    line: int = 1  # where the text begins in the file; of a row, where the row stands
    row: bool = False  # of a table: its lines are not the file's
    encoding: str = "utf-8"
    told: Told = NOTHING_TOLD
    example: Example | None = None  # a row that is an example already; `text` is its target
    verdict: VerdictSummary | None = None
    words: str = ""  # what the dialect says that the text does
    broken: Broken | None = None
    unresolved: tuple[str, ...] = ()  # includes that were not found
    part: int = 0  # of a long source, from 1; 0 for a whole one
    notes: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """File and line, as reports show it."""
        return self.source if self.line == 1 else f"{self.source}:{self.line}"

    @property
    def last_line(self) -> int:
        return self.line + (0 if self.row else self.height)

    @property
    def height(self) -> int:
        """How many lines the text has after its first."""
        return max(0, self.text.rstrip("\n").count("\n"))


@dataclass(frozen=True, slots=True)
class Broken:
    """A version of a text broken on purpose, and what its dialect says is wrong."""

    text: str
    kind: str
    fault: str
    codes: tuple[str, ...] = ()
