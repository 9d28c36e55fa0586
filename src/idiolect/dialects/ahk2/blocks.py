"""Blocks and the statements that wait for a body: which may follow which.

A stack of its own replaces recursion; every step costs the same at any depth. It reports missing
bodies and stray `else`, `until`, `catch` and `finally`; it reads no text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from idiolect.dialects.ahk2.faults import Faults
from idiolect.dialects.ahk2.scopes import Scope
from idiolect.source import Span

Kind = Literal["file", "block", "function", "class", "property", "switch"]

_FOLLOWS: dict[str, frozenset[str]] = {
    "if": frozenset({"else"}),
    "loop": frozenset({"until", "else"}),
    "while": frozenset({"else"}),
    "for": frozenset({"until", "else"}),
    "until": frozenset({"else"}),
    "try": frozenset({"catch", "finally"}),
    "catch": frozenset({"catch", "else", "finally"}),
    "tried": frozenset({"finally"}),  # the else of a try
}
LOOPS = frozenset({"loop", "while", "for"})
CONNECTORS = frozenset({"else", "until", "catch", "finally"})
_WORD = re.compile(r"[A-Za-z]+")


@dataclass(slots=True)
class Owner:
    """A statement that takes the next one as its body."""

    word: str
    span: Span
    waiting: bool = True
    loops: int = 0  # loops around its body, in this function
    guarded: bool = False  # inside a finally
    depth: int = 0  # of its line


@dataclass(slots=True)
class Members:
    """What a class body has defined so far."""

    name: str  # with the outer classes' names and dots
    span: Span
    base: str = ""
    taken: set[tuple[str, str, bool]] = field(default_factory=set)  # what, lower-case name, static


@dataclass(slots=True)
class Block:
    """One open brace, or the file itself."""

    kind: Kind
    span: Span
    scope: Scope
    owners: list[Owner] = field(default_factory=list)
    loops: int = 0
    guarded: bool = False
    members: Members | None = None
    static: bool = False  # property: a static one
    first_seen: bool = False  # switch: a case has been read
    depth: int = -1  # of the line that opens it
    enter: int = 0
    leave: int = 1 << 60
    labels: dict[str, tuple[Block, Span]] = field(default_factory=dict)  # file and function blocks
    function: Block | None = None  # the function's block around this one; None: itself

    def start_statement(self) -> None:
        """A statement begins that continues none: close those whose bodies are complete."""
        if self.owners and not self.owners[-1].waiting:
            self.owners.clear()

    def finish_statement(self) -> None:
        """A statement without a body of its own, or a block, has ended."""
        if self.owners:
            self.owners[-1].waiting = False

    def own(self, word: str, span: Span, depth: int) -> None:
        """A statement begins whose body follows."""
        before_loops = self.owners[-1].loops if self.owners else self.loops
        guarded = self.owners[-1].guarded if self.owners else self.guarded
        self.owners.append(Owner(word, span, True, before_loops + (word in LOOPS), guarded, depth))

    def connect(self, word: str, span: Span, depth: int, faults: Faults) -> None:
        """An else, until, catch or finally: find what it belongs to."""
        owners = self.owners
        if owners and owners[-1].waiting:
            self.report_missing_body(faults)
        while owners and word not in _FOLLOWS.get(owners[-1].word, ()):
            owners.pop()
        if not owners:
            faults.add("parse.orphan", span, word=word, owner=_belongs_to(word))
            if word != "until":
                self.own(word, span, depth)
            return
        owner = owners[-1]
        was = owner.word
        owner.word = "tried" if word == "else" and was == "catch" else word
        owner.span = span
        owner.waiting = word != "until"
        owner.loops = owners[-2].loops if len(owners) > 1 else self.loops
        outer = owners[-2].guarded if len(owners) > 1 else self.guarded
        owner.guarded = outer or word == "finally"

    def report_missing_body(self, faults: Faults) -> None:
        """The statement that waits for a body gets none."""
        if self.owners and self.owners[-1].waiting:
            owner = self.owners[-1]
            word = "else" if owner.word == "tried" else owner.word
            faults.add("parse.body", owner.span, word=word)
            owner.waiting = False

    def depth_of(self, text: str) -> int:
        """How deep a line that begins with `text` is to be indented."""
        if text.startswith("}"):
            return max(0, self.depth)
        word = _WORD.match(text)
        name = word.group().lower() if word else ""
        if name in CONNECTORS:
            for owner in reversed(self.owners):
                if name in _FOLLOWS.get(owner.word, ()):
                    return owner.depth
        if self.body_is_due:
            return self.owners[-1].depth + (not text.startswith("{"))
        in_case = self.kind == "switch" and self.first_seen and name not in ("case", "default")
        return self.depth + 1 + in_case

    @property
    def body_is_due(self) -> bool:
        return bool(self.owners) and self.owners[-1].waiting

    @property
    def current_loops(self) -> int:
        return self.owners[-1].loops if self.body_is_due else self.loops

    @property
    def in_finally(self) -> bool:
        return self.owners[-1].guarded if self.body_is_due else self.guarded


def _belongs_to(word: str) -> str:
    return {"else": "an if", "until": "a loop", "catch": "a try", "finally": "a try"}[word]
