"""Loads a script as the interpreter would, up to the point where it would start to run.

Pulls logical lines, keeps the stack of blocks, and hands each statement to the module that knows
it. The outcome is a `Script`: faults, symbols, includes and the layout that the formatter needs.
"""

from __future__ import annotations

import re

from idiolect.dialects.ahk2 import builtins, class_bodies, directives, flow, hotkey_lines
from idiolect.dialects.ahk2.blocks import Block, Kind, Members
from idiolect.dialects.ahk2.builtins import Arity
from idiolect.dialects.ahk2.expressions import Expression
from idiolect.dialects.ahk2.faults import Faults
from idiolect.dialects.ahk2.legacy import report_gone
from idiolect.dialects.ahk2.lines import Line, LineReader
from idiolect.dialects.ahk2.scopes import Scope, settle
from idiolect.dialects.ahk2.script import Laid, Script, Statement
from idiolect.dialects.ahk2.tokens import match_brackets, tokenize
from idiolect.source import Span

_BRACE = re.compile(r"[ \t]*([{}])(?!::)")
_LABEL = re.compile(r"([\w\x80-\U0010ffff]+):$")


class Loader:
    """Reads one script."""

    def __init__(self, text: str, *, keep_layout: bool = False) -> None:
        self._keep_layout = keep_layout
        self.faults = Faults()
        self.reader = LineReader(text, self.faults)
        root = Scope()
        self.script = Script(self.faults, root)
        self.blocks: list[Block] = [Block("file", Span(0, 0), root)]
        self.gotos: list[tuple[str, Span, Block, Block]] = []
        self.classes: dict[str, Members] = {}
        self.classes_caught: list[tuple[str, Span, bool]] = []
        self.context = ""  # the text of the #HotIf in force
        self.hotkeys: set[tuple[str, str]] = set()
        self.waiting_hotkey: Span | None = None
        self.sound = True  # False once brackets are at fault: braces then prove nothing
        self.depth = 0  # of the line that is being read, for the formatter
        self._clock = 0

    # -- the script -------------------------------------------------------------------------

    def load(self) -> Script:
        """Read the whole script and judge what can only be judged at its end."""
        while (line := self.reader.next(self.block.kind in ("class", "property"))) is not None:
            self._line(line)
        hotkey_lines.expect_no_hotkey(self, None)
        self._end_of_file()
        self._settle_classes()
        self.script.unknown = settle(self.script.scope, self.faults)
        report_gone(self.faults, self.script)
        self._settle_gotos()
        return self.script

    @property
    def block(self) -> Block:
        return self.blocks[-1]

    @property
    def scope(self) -> Scope:
        return self.blocks[-1].scope

    def _end_of_file(self) -> None:
        while len(self.blocks) > 1:
            block = self.blocks.pop()
            block.report_missing_body(self.faults)
            if self.sound:
                self.faults.add("parse.brace.missing", block.span, bracket="}")
        self.block.report_missing_body(self.faults)

    def _settle_gotos(self) -> None:
        for name, span, block, function in self.gotos:
            label = function.labels.get(name.lower())
            if label is None:
                self.faults.add("flow.label", span, name=name)
            elif not label[0].enter <= block.enter < label[0].leave:
                self.faults.add("flow.goto", span, name=name)

    def _settle_classes(self) -> None:
        root = self.script.scope
        for members in self.classes.values():
            base = members.base.lower()
            if base and base not in root.classes and base not in builtins.classes():
                self.faults.add("class.unknown", members.span, name=members.base)
        for name, span, alone in self.classes_caught:
            if name.lower() not in root.classes or "." in name:
                self.faults.add("v1.catch" if alone else "class.caught", span, name=name)

    # -- lines ------------------------------------------------------------------------------

    def _line(self, line: Line) -> None:
        if not line.sound:
            self.sound = False
        self._lay(line, line.text.strip())
        if line.hotkey is not None or line.hotstring is not None:
            hotkey_lines.read_hotkey_line(self, line)
            return
        position = line.body
        while (match := _BRACE.match(line.text, position)) is not None:
            if match[1] == "{" and line.opens_block and match.end() == len(line.text):
                break
            span = line.span(match.start(1), match.end())
            if match[1] == "}":
                self.close_block(span)
            else:
                self._open_plain(span)
            position = match.end()
        rest = line.text[position:].strip()
        if rest:
            self._code(line, position, rest)

    def _lay(self, line: Line, text: str) -> None:
        if self._keep_layout:
            self.depth = self.block.depth_of(text)
            self.script.layout.append(Laid(line, self.depth))

    def _code(self, line: Line, position: int, rest: str) -> None:
        if rest == "{":
            self._open_plain(line.span(len(line.text) - 1, len(line.text)))
            return
        if rest[0] == "#":
            directives.read_directive(self, line, position)
            return
        hotkey_lines.expect_no_hotkey(self, line)
        label = _LABEL.match(rest)
        if label is not None and self._may_label(label[1]):
            at = line.text.index(rest, position)
            self.label(label[1], line.span(at, at + len(label[1])))
            return
        self.statement(self.read_statement(line, position))

    def _may_label(self, name: str) -> bool:
        """Whether `name:` is a label here: in a switch `default:` is not, in a class nothing is."""
        if self.block.kind == "switch":
            return name.lower() != "default"
        return self.block.kind != "class"

    def read_statement(self, line: Line, position: int) -> Statement:
        """The tokens of a line from a position on."""
        tokens = tokenize(line.text, position)
        end = len(tokens) - 1 if line.opens_block and tokens and tokens[-1].text == "{" else len(tokens)
        return Statement(line, tokens, match_brackets(tokens), 0, end, line.opens_block)

    def statement(self, statement: Statement) -> None:
        """Read one statement, or one member of a class."""
        if statement.start >= statement.end and not statement.opens:
            return
        if not statement.line.sound:
            self._unsound(statement)
            return
        if self.block.kind == "class":
            class_bodies.read_member(self, statement)
        elif self.block.kind == "property":
            class_bodies.read_accessor(self, statement)
        else:
            flow.read_statement(self, statement)

    def _unsound(self, statement: Statement) -> None:
        """A line whose brackets or quotes are at fault: keep the block structure, judge no more."""
        text = statement.line.text.rstrip()
        if text.endswith("{"):
            kind: Kind = "class" if text.lstrip().lower().startswith("class ") else "block"
            if kind == "block" and self.block.kind in ("class", "property"):
                kind = "function"
            self.open_block(kind, statement.line.span(len(text) - 1, len(text)), members=self.block.members)
            return
        if self.block.kind not in ("class", "property"):
            self.block.start_statement()
            self.block.finish_statement()

    # -- blocks -----------------------------------------------------------------------------

    def open_block(
        self, kind: Kind, span: Span, scope: Scope | None = None, members: Members | None = None, *,
        static: bool = False,
    ) -> Block:  # fmt: skip
        """Push a block; a function starts with no loops around it."""
        outer = self.block
        self._clock += 1
        fresh = kind in ("function", "class", "property")
        block = Block(
            kind,
            span,
            scope or outer.scope,
            loops=0 if fresh else outer.current_loops,
            guarded=False if fresh else outer.in_finally,
            members=members,
            static=static,
            enter=self._clock,
            depth=self.depth,
            function=None if kind == "function" else outer.function or outer,
        )
        self.blocks.append(block)
        return block

    def _open_plain(self, span: Span) -> None:
        if self.waiting_hotkey is not None:
            self.waiting_hotkey = None
            self.open_block("function", span, self.scope.child({"thishotkey"}))
            return
        if self.block.kind in ("class", "property"):
            self.faults.add("parse.brace.stray", span)
            self.open_block("block", span)
            return
        owners = self.block.owners
        switch = bool(owners) and owners[-1].waiting and owners[-1].word == "switch"
        self.block.start_statement()
        self.open_block("switch" if switch else "block", span)

    def close_block(self, span: Span) -> None:
        """A closing brace."""
        hotkey_lines.expect_no_hotkey(self, None)
        if len(self.blocks) == 1:
            if self.sound:
                self.faults.add("parse.brace.unexpected", span, bracket="}")
            return
        block = self.blocks.pop()
        block.report_missing_body(self.faults)
        self._clock += 1
        block.leave = self._clock
        if block.kind in ("block", "switch"):
            self.block.finish_statement()

    def function_block(self) -> Block:
        """The innermost function's block, or the file's."""
        return self.block.function or self.block

    @property
    def in_function(self) -> bool:
        return not self.scope.is_global

    def starts_block(self, statement: Statement) -> bool:
        """Whether the statement's block opens here or on the next line; the brace is consumed."""
        if statement.opens:
            return True
        following = self.reader.next(self.block.kind in ("class", "property"))
        if following is None:
            return False
        if following.text.startswith("{") and following.hotkey is None and following.hotstring is None:
            self._lay(following, "{")
            rest = following.text[1:].strip()
            if rest:
                following.text = " " + following.text[1:]
                self.reader.push_back(following)
            return True
        self.reader.push_back(following)
        return False

    # -- labels and hotkeys -----------------------------------------------------------------

    def label(self, name: str, span: Span) -> None:
        """A label; it belongs to the function around it."""
        known = self.function_block().labels
        if name.lower() in known:
            self.faults.add("name.label", span, name=name)
            return
        known[name.lower()] = (self.block, span)

    # -- shared by the readers of statements ------------------------------------------------

    def expression(self, statement: Statement) -> Expression:
        """A reader of expressions in the current scope."""
        return Expression(statement.line, statement.tokens, statement.pairs, self.scope, self.faults)

    def define_function(self, name: str, span: Span, arity: Arity) -> None:
        """Note a function in the current scope, unless the name is taken."""
        word = name.lower()
        scope = self.scope
        conflict = ""
        if word in builtins.RESERVED:
            self.faults.add("name.reserved", span, name=name, what="function")
            return
        if name[0].isdigit():
            self.faults.add("name.digit", span, name=name)
            return
        if word in scope.functions:
            conflict = "function"
        elif word in scope.params:
            conflict = "parameter"
        elif scope.is_global and (word in builtins.classes() or word in scope.classes):
            conflict = "class"
        elif word in builtins.variables():
            conflict = "built-in variable"
        if conflict:
            self.faults.add("name.conflict", span, name=name, what="function", other=conflict)
        scope.functions[word] = arity


def load(text: str, *, keep_layout: bool = False) -> Script:
    """Load a script; never raises, whatever the text. The layout is kept for the formatter only."""
    return Loader(text, keep_layout=keep_layout).load()
