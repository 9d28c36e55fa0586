"""Read JSON strictly, with a place for everything, and go on after a mistake.

Every mistake becomes a fault of `json.parse.*`, with the repair where there is only one. The reader
keeps its own stack, so no nesting can exhaust Python's. It does not look at schemas, and it is not
the fast way to read a good text (that is `strict`).
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from idiolect.dialects.json_ast.document import MAX_DEPTH, Node, Path, show
from idiolect.dialects.json_ast.tokens import (
    BLANK,
    CLOSERS,
    COMMENT,
    FENCE_END,
    FENCE_START,
    OPENERS,
    VALUE_START,
    WORD,
    Token,
    read_number,
    read_string,
)
from idiolect.dialects.verdict import Fault, Fix
from idiolect.source import Span

MAX_FAULTS = 20  # a text this broken needs no longer list
WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
MEANT = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"} | dict.fromkeys(
    ("None", "NULL", "Null", "nil", "undefined"), "null"
)
CONSTANTS = ("NaN", "Infinity")


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was read: the tree (as far as it went) and the faults on the way."""

    root: Node | None
    faults: tuple[Fault, ...]


class _Stop(Exception):
    """Nothing sensible can be read after this fault."""


@dataclass(slots=True)
class _Open:
    """An array or object that is being read."""

    node: Node
    expects: str  # "first", "item" (after a comma), "colon", "value", "after" (comma or closer)
    name: str = ""
    name_span: Span | None = None
    comma: int = -1  # offset of the last comma


def scan(text: str) -> Scanned:
    """Read a text as one JSON value."""
    reader = _Reader(text)
    with suppress(_Stop):
        reader.read()
    return Scanned(reader.root, tuple(reader.faults))


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.root: Node | None = None
        self.open: list[_Open] = []
        self.faults: list[Fault] = []
        self.last_end = 0  # where the last token ended: missing commas belong there

    # Reporting

    def report(
        self, code: str, message: str, span: Span, hint: str | None = None, fix: str | Fix | None = None
    ) -> None:
        repair = Fix(span, fix) if isinstance(fix, str) else fix
        self.faults.append(Fault(f"json.parse.{code}", message, span, hint, fix=repair))
        if len(self.faults) >= MAX_FAULTS:
            raise _Stop

    # The machine

    def read(self) -> None:
        self.skip_preface()
        while self.root is None or self.open:
            self.skip_blank()
            if self.at >= len(self.text):
                self.text_ended()
                return
            if not self.open:
                self.value(())
            else:
                getattr(self, "in_" + self.open[-1].expects)(self.open[-1])
        self.skip_blank()
        self.after_root()

    def skip_preface(self) -> None:
        if self.text.startswith("\ufeff"):
            self.at = 1
            self.report("bom", "byte order mark before the value", Span(0, 1), "delete it", fix="")
        fence = FENCE_START.match(self.text, self.at)
        if fence:
            self.at = fence.end()
            self.report("fence", "Markdown fence before the value", Span(*fence.span()), "delete it", fix="")

    def skip_blank(self) -> None:
        while True:
            self.at = BLANK.match(self.text, self.at).end()  # type: ignore[union-attr]  # matches ""
            comment = COMMENT.match(self.text, self.at)
            if not comment:
                return
            self.at = comment.end()
            self.report("comment", "JSON has no comments", Span(*comment.span()), "delete it", fix="")

    def in_first(self, frame: _Open) -> None:
        if self.text[self.at] in CLOSERS:
            self.close(frame)
        else:
            self.in_item(frame)

    def in_item(self, frame: _Open) -> None:
        char = self.text[self.at]
        if char in CLOSERS:
            span = Span(frame.comma, frame.comma + 1)
            self.report("comma.trailing", f'comma before "{char}"', span, "delete the comma", fix="")
            self.close(frame)
        elif char == ",":
            span = Span(self.at, self.at + 1)
            self.at += 1
            self.report("comma.extra", "comma with no value before it", span, "delete the comma", fix="")
        elif frame.node.members is not None:
            self.key(frame)
        else:
            assert frame.node.items is not None
            self.value((*frame.node.path, len(frame.node.items)))

    def in_colon(self, frame: _Open) -> None:
        if self.text[self.at] == ":":
            self.at = self.last_end = self.at + 1
        else:
            here = Span(self.last_end, self.last_end)
            message = f"no colon after the key {show(frame.name)}"
            span = frame.name_span or here
            self.report("colon.missing", message, span, 'write ":" after it', Fix(here, ":"))
        frame.expects = "value"

    def in_value(self, frame: _Open) -> None:
        if self.text[self.at] in ",}]":
            span = frame.name_span or Span(self.at, self.at)
            self.report("value.missing", f"no value for the key {show(frame.name)}", span, "write its value")
            self.place(Node(None, Span(self.at, self.at), (*frame.node.path, frame.name)))
        else:
            self.value((*frame.node.path, frame.name))

    def in_after(self, frame: _Open) -> None:
        char = self.text[self.at]
        if char == ",":
            frame.comma = self.at
            frame.expects = "item"
            self.at = self.last_end = self.at + 1
        elif char in CLOSERS:
            self.close(frame)
        elif VALUE_START.match(self.text, self.at):
            here = Span(self.last_end, self.last_end)
            span = Span(max(self.last_end - 1, 0), self.last_end)
            what = "members" if frame.node.members is not None else "items"
            self.report(
                "comma.missing", f"no comma between two {what}", span, 'write "," here', Fix(here, ",")
            )
            frame.expects = "item"
        else:
            self.stray()

    # Values

    def value(self, path: Path) -> None:
        char = self.text[self.at]
        if char in OPENERS:
            self.start(char, path)
        elif char in "\"'":
            token = read_string(self.text, self.at)
            self.take(token)
            self.place(Node(token.value, token.span, path))
        elif char in "-+.0123456789" and not self.text.startswith("-Infinity", self.at):
            token = read_number(self.text, self.at)
            self.take(token)
            self.place(Node(token.value, token.span, path))
        else:
            self.word(path)

    def take(self, token: Token) -> None:
        self.at = self.last_end = token.span.end
        for problem in token.problems:
            self.report(problem.code, problem.message, problem.span, problem.hint, problem.fix)
        if token.fatal:
            raise _Stop

    def word(self, path: Path) -> None:
        found = WORD.match(self.text, self.at)
        if not found or not (self.open or found[0].lstrip("-") in {*WORDS, *MEANT, *CONSTANTS}):
            self.no_value()
            return
        word, span = found[0], Span(*found.span())
        self.at = self.last_end = span.end
        if word not in WORDS:
            self.wrong_word(word, span)
        self.place(Node(WORDS.get(MEANT.get(word, word)), span, path))

    def wrong_word(self, word: str, span: Span) -> None:
        if word.lstrip("-") in CONSTANTS:
            self.report("constant", f"{word} is not a JSON number", span, "write a number, or null")
            return
        near = get_close_matches(word, WORDS, n=1)
        meant = MEANT.get(word) or (near[0] if near else None)
        if meant:
            self.report("word", f"{word} is not a JSON value", span, f"write {meant}", fix=meant)
        else:
            self.report("word", f"{word} is not a JSON value", span, f'a string has quotes: "{word}"')

    def no_value(self) -> None:
        if self.open:
            self.stray()
            return
        found = re.compile(r"[\[{]").search(self.text, self.at)
        if not found:
            rest = self.text[self.at :]
            span = Span(self.at, len(self.text.rstrip()))
            self.report("value", f"not a JSON value: {show(rest.strip(), 40)}", span, "write one JSON value")
            raise _Stop
        span = Span(self.at, found.start())
        self.at = found.start()
        self.report("before", "text before the value", span, "write the JSON value alone", fix="")

    def stray(self) -> None:
        span = Span(self.at, self.at + 1)
        self.report("stray", f"stray {show(self.text[self.at])}", span, "delete it, or put it in a string")
        raise _Stop

    def key(self, frame: _Open) -> None:
        char = self.text[self.at]
        if char in "\"'":
            token = read_string(self.text, self.at)
            self.take(token)
            name, span = token.value, token.span
        else:
            found = WORD.match(self.text, self.at)
            if not found:
                self.stray()
                return
            name, span = found[0], Span(*found.span())
            self.at = self.last_end = span.end
            quoted = json.dumps(name, ensure_ascii=False)
            self.report("key.unquoted", f"key {name} has no quotes", span, f"write {quoted}", fix=quoted)
        assert frame.node.members is not None
        if name in frame.node.members:
            first = frame.node.members[name].name_span.start
            message = f"key {show(name)} stands twice in one object"
            self.report("key.duplicate", message, span, f"the first is at offset {first}; keep one")
        frame.name, frame.name_span, frame.expects = name, span, "colon"

    # Brackets

    def start(self, char: str, path: Path) -> None:
        span = Span(self.at, self.at + 1)
        if len(self.open) >= MAX_DEPTH:
            self.report("depth", f"nested deeper than {MAX_DEPTH}", span, "write a flatter value")
            raise _Stop
        node = Node({}, span, path, members={}) if char == "{" else Node([], span, path, items=[])
        self.at = self.last_end = self.at + 1
        self.open.append(_Open(node, "first"))

    def close(self, frame: _Open) -> None:
        char = self.text[self.at]
        wanted = self.closer(frame)
        here = Span(self.at, self.at + 1)
        opener = self.text[frame.node.span.start]
        if char != wanted:
            message = f'"{char}" does not close the "{opener}" at offset {frame.node.span.start}'
            if any(self.closer(outer) == char for outer in self.open[:-1]):
                fix = Fix(Span(self.last_end, self.last_end), wanted)
                self.report("bracket.unclosed", message, here, f'write "{wanted}" before it', fix)
                self.finish(frame, self.last_end)
                return
            self.at += 1
            self.report("bracket.mismatch", message, here, f'write "{wanted}"', fix=wanted)
            self.finish(frame, self.at)
        else:
            self.at += 1
            self.finish(frame, self.at)

    @staticmethod
    def closer(frame: _Open) -> str:
        return "}" if frame.node.members is not None else "]"

    def finish(self, frame: _Open, end: int) -> None:
        frame.node.span = Span(frame.node.span.start, end)
        self.last_end = end
        self.open.pop()
        self.place(frame.node)

    def place(self, node: Node) -> None:
        """Put a finished value where it belongs."""
        if not self.open:
            self.root = node
            return
        frame = self.open[-1]
        if frame.node.members is not None:
            node.key = frame.name_span
            frame.node.members[frame.name] = node
            frame.node.value[frame.name] = node.value
        else:
            assert frame.node.items is not None
            frame.node.items.append(node)
            frame.node.value.append(node.value)
        frame.expects = "after"

    # Ends

    def text_ended(self) -> None:
        end = len(self.text)
        if not self.open:
            message = "no value: the text is empty" if not self.faults else "no value after this"
            self.report("empty", message, Span(0, end), "write one JSON value")
            return
        closers = "".join(self.closer(frame) for frame in reversed(self.open))
        innermost = self.open[-1]
        opener = innermost.node.span
        complete = innermost.expects in ("after", "first")
        self.report(
            "truncated",
            f'the text ends inside the "{self.text[opener.start]}" at offset {opener.start}',
            Span(max(self.last_end - 1, 0), self.last_end),
            f'write "{closers}" at the end' if complete else "complete the value",
            Fix(Span(self.last_end, self.last_end), closers) if complete else None,
        )

    def after_root(self) -> None:
        end = len(self.text)
        if self.at >= end:
            return
        if FENCE_END.match(self.text, self.at):
            self.report("fence", "Markdown fence after the value", Span(self.at, end), "delete it", fix="")
            return
        span = Span(self.at, len(self.text.rstrip(" \t\r\n")))
        found = show(self.text[span.start : span.end], 40)
        self.report(
            "extra", f"text after the value: {found}", span, "write one JSON value, then nothing", fix=""
        )
