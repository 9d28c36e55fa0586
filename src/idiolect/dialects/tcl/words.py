"""Splits Tcl text into commands, words and substitutions, by the word rules of Tcl 8.6.

Offsets are those of the text given, also inside nested scripts, so every fault can be pointed at.
It does **not** know any command: which words are scripts or expressions is `bodies`' knowledge.
Linear in the text: matching braces are found once for all; only `[...]` and `$a(...)` nest by
recursion, to a stated depth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from idiolect.dialects.tcl.blame import extra_after_word, unclosed_brace
from idiolect.dialects.verdict import Fault
from idiolect.source import Span

MAX_DEPTH = 80  # of [...] and $a(...); real scripts stay below 12

BRACES = re.compile(r"\\.|[{}]", re.DOTALL)
BARE_RUN = re.compile(r"[^ \t\r\n\f\v;\\$\[\]\"{}]+")
QUOTED_RUN = re.compile(r"[^\"\\$\[]+")
INDEX_RUN = re.compile(r"[^)\\$\[]+")
BLANK = re.compile(r"(?:[ \t\r\f\v]|\\\r?\n)+")
BETWEEN = re.compile(r"(?:[ \t\r\f\v\n;]|\\\r?\n)+")
COMMENT = re.compile(r"#(?:[^\n\\]+|\\\r\n|\\.)*\\?", re.DOTALL)
NAME = re.compile(r"(?:[A-Za-z0-9_]|::+)+")
SPACES = " \t\r\f\v"
NEWLINE = re.compile(r"\\\r?\n[ \t]*")


@dataclass(slots=True)
class Var:
    """A variable substitution: `$name`, `${name}` or `$name(index)`."""

    start: int
    end: int
    name: str
    index: tuple[int, int] | None = None  # between the parentheses
    parts: list[Part] = field(default_factory=list)  # substitutions in the index


@dataclass(slots=True)
class Nested:
    """A command substitution."""

    start: int
    end: int
    script: Script


Part = Var | Nested


@dataclass(slots=True)
class Word:
    """One word. `parts` are its substitutions; without any, its value is known."""

    start: int
    end: int
    kind: Literal["bare", "quoted", "braced"]
    parts: list[Part]
    escaped: bool = False  # has backslash sequences (not said of braced words)
    expand: bool = False  # stands behind {*}
    stray: bool = False  # bare, with a brace, quote or bracket that delimits nothing

    @property
    def inner(self) -> tuple[int, int]:
        """The region of the word without its delimiters and {*}."""
        start = self.start + (3 if self.expand else 0)
        return (start, self.end) if self.kind == "bare" else (start + 1, self.end - 1)

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)

    @property
    def known(self) -> bool:
        """Whether the word is one word whose value can be read from the text."""
        return not self.parts and not self.expand

    @property
    def region(self) -> tuple[int, int] | None:
        """Where the word's value stands verbatim in the text, if it does."""
        return self.inner if self.known and not self.escaped else None


@dataclass(slots=True)
class Command:
    """One command: its words, and the region they stand in."""

    start: int
    end: int
    words: list[Word]


@dataclass(slots=True)
class Script:
    """A sequence of commands and comments."""

    start: int
    end: int
    commands: list[Command] = field(default_factory=list)
    comments: list[Span] = field(default_factory=list)


class Broken(Exception):
    """The text can't be split into words from here on."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.message)


class Splitter:
    """Splits regions of one text; collects the faults that it can go on after."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.faults: list[Fault] = []
        self.depth = 0

    @cached_property
    def closers(self) -> dict[int, int]:
        """The closing brace of each opening one that has one, as Tcl counts them: escaped ones don't."""
        found: dict[int, int] = {}
        stack: list[int] = []
        for match in BRACES.finditer(self.text):
            mark = match.group()
            if mark == "{":
                stack.append(match.start())
            elif mark == "}" and stack:
                found[stack.pop()] = match.start()
        return found

    def region(self, start: int, end: int) -> Script:
        """The script of a region. After a fault that ends the splitting, what came before is kept."""
        script = Script(start, end)
        depth = self.depth
        try:
            self._commands(script, start, end, nested=False)
        except Broken as broken:
            self.faults.append(broken.fault)
            self.depth = depth
        return script

    def nested(self, start: int, end: int) -> tuple[Nested, int]:
        """The command substitution whose `[` stands at `start`, and the offset behind its `]`."""
        self._deeper(start)
        script = Script(start + 1, end)
        at = self._commands(script, start + 1, end, nested=True)
        if at >= end:
            raise Broken(
                Fault(
                    "tcl.parse.bracket",
                    "missing close-bracket",
                    Span(start, start + 1),
                    "this [ has no ] in its script",
                )
            )
        script.end = at
        self.depth -= 1
        return Nested(start, at + 1, script), at + 1

    def _deeper(self, at: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Broken(
                Fault(
                    "tcl.parse.depth",
                    f"substitutions nested deeper than {MAX_DEPTH}",
                    Span(at, at + 1),
                    "set a variable on the way",
                )
            )

    def _commands(self, script: Script, at: int, end: int, *, nested: bool) -> int:
        """Read commands up to the end or, when nested, up to the closing bracket; return where that is."""
        text = self.text
        while True:
            if gap := BETWEEN.match(text, at, end):
                at = gap.end()
            if at >= end or (nested and text[at] == "]"):
                return at
            if text[at] == "#":
                comment = COMMENT.match(text, at, end)
                assert comment is not None
                script.comments.append(Span(at, comment.end()))
                at = comment.end()
                continue
            command = Command(at, at, [])
            at = self._words(command, at, end, nested)
            script.commands.append(command)  # only now: a command that breaks off is not judged

    def _words(self, command: Command, at: int, end: int, nested: bool) -> int:
        text, words = self.text, command.words
        while at < end:
            first = text[at]
            if first in "\n;" or (nested and first == "]"):
                break
            word, at = self._word(at, end, nested)
            words.append(word)
            command.end = word.end
            if gap := BLANK.match(text, at, end):
                at = gap.end()
        return at

    def _word(self, at: int, end: int, nested: bool) -> tuple[Word, int]:
        text = self.text
        start = at
        expand = text.startswith("{*}", at) and at + 3 < end and not self._ends_word(at + 3, end, nested)
        if expand:
            at += 3
        if text[at] == "{":
            at = self.braced(at, end)
            word = Word(start, at, "braced", [], expand=expand)
        elif text[at] == '"':
            word, at = self.quoted(at, end)
            word.start, word.expand = start, expand
        else:
            word, at = self._bare(start, at, end, nested)
            word.expand = expand
            return word, at
        if at < end and not self._ends_word(at, end, nested):
            rest, after = self._bare(at, at, end, nested)
            self.faults.append(extra_after_word(text, at, rest.end, word.kind == "braced"))
            at = after
        return word, at

    def _ends_word(self, at: int, end: int, nested: bool) -> bool:
        if at >= end:
            return True
        mark = self.text[at]
        if mark == "\\":
            return self.text.startswith(("\n", "\r\n"), at + 1)
        return mark in " \t\r\f\v\n;" or (nested and mark == "]")

    def braced(self, at: int, end: int) -> int:
        """The offset behind the brace that closes the one at `at`."""
        close = self.closers.get(at, end)
        if close >= end:
            raise Broken(unclosed_brace(self.text, at, end, self.closers))
        return close + 1

    def quoted(self, at: int, end: int) -> tuple[Word, int]:
        """The quoted word whose opening quote stands at `at`, and the offset behind it."""
        text, start = self.text, at
        parts: list[Part] = []
        escaped = False
        at += 1
        while at < end:
            if run := QUOTED_RUN.match(text, at, end):
                at = run.end()
                continue
            mark = text[at]
            if mark == '"':
                return Word(start, at + 1, "quoted", parts, escaped), at + 1
            if mark == "\\":
                escaped = True
                at += 2
            else:
                at = self._substitution(parts, at, end)
        line_end = text.find("\n", start, end)
        span = Span(start, line_end if line_end >= 0 else end)
        raise Broken(Fault("tcl.parse.quote", 'missing "', span, "this quote is never closed"))

    def _bare(self, start: int, at: int, end: int, nested: bool) -> tuple[Word, int]:
        text = self.text
        parts: list[Part] = []
        escaped = stray = False
        while at < end:
            if run := BARE_RUN.match(text, at, end):
                at = run.end()
                continue
            mark = text[at]
            if mark in " \t\r\f\v\n;" or (mark == "]" and nested):
                break
            if mark == "\\":
                if text.startswith(("\n", "\r\n"), at + 1):
                    break
                escaped = True
                at = min(at + 2, end)
            elif mark in "$[":
                at = self._substitution(parts, at, end)
            else:
                stray = True
                at += 1
        return Word(start, at, "bare", parts, escaped, stray=stray), at

    def _substitution(self, parts: list[Part], at: int, end: int) -> int:
        if self.text[at] == "[":
            nested, at = self.nested(at, end)
            parts.append(nested)
            return at
        variable, at = self.variable(at, end)
        if variable is not None:
            parts.append(variable)
        return at

    def variable(self, at: int, end: int) -> tuple[Var | None, int]:
        """The variable whose `$` stands at `at`, or None where the `$` is only a dollar sign."""
        text, start = self.text, at
        at += 1
        if at < end and text[at] == "{":
            close = text.find("}", at, end)
            if close < 0:
                span = Span(start, at + 1)
                raise Broken(Fault("tcl.parse.brace", "missing close-brace for variable name", span))
            return Var(start, close + 1, text[at + 1 : close]), close + 1
        name = NAME.match(text, at, end)
        at = name.end() if name else at
        if at >= end or text[at] != "(":
            return (Var(start, at, name.group()), at) if name else (None, at)
        made = Var(start, at, name.group() if name else "")
        self._deeper(start)
        at = self._index(made, at, end)
        self.depth -= 1
        return made, at

    def _index(self, made: Var, at: int, end: int) -> int:
        text, first = self.text, at + 1
        at = first
        while at < end:
            if run := INDEX_RUN.match(text, at, end):
                at = run.end()
            elif text[at] == ")":
                made.index, made.end = (first, at), at + 1
                return at + 1
            elif text[at] == "\\":
                at += 2
            else:
                at = self._substitution(made.parts, at, end)
        span = Span(made.start, first)
        hint = f"close the array index: ${made.name}(...)"
        raise Broken(Fault("tcl.parse.paren", "missing )", span, hint))
