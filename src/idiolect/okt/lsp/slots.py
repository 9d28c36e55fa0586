"""What may stand at each place of a script, finished or half-written: the ground of completion and hover.

One pass over the tokens, steered by the block definitions. It reports nothing; the checker does.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from dataclasses import dataclass
from enum import Enum, auto

from idiolect.okt.check import KEYWORDS
from idiolect.okt.fields import FieldSpec, Kind
from idiolect.okt.language import BlockSpec, block_named
from idiolect.okt.lexer import Token, TokenKind
from idiolect.okt.parser import NESTED_KEYWORDS
from idiolect.okt.vocab import CONTROL_WORDS, OPERATORS


class Mode(Enum):
    """What a pair of brackets holds."""

    TOP = auto()
    FIELDS = auto()
    LIST = auto()
    FLAGS = auto()  # bare words of a closed set
    METRICS = auto()  # bare metric names
    CONDITIONS = auto()
    STATEMENTS = auto()
    UNKNOWN = auto()


class What(Enum):
    """What one token is, or what is wanted in its place."""

    BLOCK = auto()  # the keyword of a top-level block
    LABEL = auto()
    NAME = auto()  # of a field or a nested block
    VALUE = auto()  # of a field, or an item of its list
    FLAG = auto()
    METRIC = auto()
    STATEMENT = auto()
    SIGNAL = auto()
    OPERATOR = auto()
    JOINER = auto()  # AND
    PARAMETER = auto()
    BY = auto()
    UNIT = auto()  # of EVERY
    LOGGED = auto()
    SAVED = auto()
    WITH = auto()
    CONSTANT = auto()
    NOTHING = auto()


@dataclass
class Frame:
    """A pair of brackets, perhaps not closed yet, and how far its reader has come."""

    mode: Mode
    block: BlockSpec | None = None
    field: FieldSpec | None = None  # whose list, flags or conditions these are
    inference: bool = False  # whether statements act on answers rather than on training
    names: set[str] = dataclasses.field(default_factory=set)  # all names in it, also those behind the cursor
    name: Token | None = None  # of the entry that is being read
    at_value: bool = False
    words: list[Token] = dataclasses.field(
        default_factory=list
    )  # of the statement or condition that is being read


@dataclass(frozen=True, slots=True)
class Slot:
    """One place: what is there or wanted, and by which definition."""

    what: What
    frame: Frame
    field: FieldSpec | None = None
    name: str = ""  # of the block, field or statement that the place belongs to


class Slots:
    """The slots of all tokens of a text, and what is wanted before each."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.starts = [token.span.start for token in tokens]
        self.top = Frame(Mode.TOP)
        self.stack = [self.top]
        self.taken: list[Slot] = []
        self.wanted: list[Slot] = []
        for index, token in enumerate(tokens):
            self.wanted.append(self._want())
            self.taken.append(self._take(index, token))

    def under(self, offset: int) -> int | None:
        """The token that holds the character at an offset, or else the one that ends there."""
        index = bisect_left(self.starts, offset + 1) - 1
        if index >= 0 and self.tokens[index].text and offset < self.tokens[index].span.end:
            return index
        return self.touching(offset)

    def touching(self, offset: int) -> int | None:
        """The token that is being typed at an offset: the one before it, if there is no gap between."""
        index = bisect_left(self.starts, offset) - 1
        return index if index >= 0 and offset <= self.tokens[index].span.end else None

    def gap(self, offset: int, line: int) -> Slot:
        """What is wanted at an offset between tokens, in a line (from 1)."""
        index = bisect_left(self.starts, offset)
        slot = self.wanted[index]
        behind = self.tokens[index - 1] if index else None
        if behind is None or behind.line == line or slot.frame.mode is Mode.LIST:
            return slot
        # A value or the rest of a statement may stand on the next line, but hardly ever does:
        # on a new line something new is begun.
        return _start(slot.frame)

    # --- what is wanted next

    def _want(self) -> Slot:
        frame = self.stack[-1]
        if frame.mode is Mode.LIST:
            return Slot(What.VALUE, frame, frame.field, frame.name.text if frame.name else "")
        if frame.at_value:
            return self._value(frame)
        if frame.mode is Mode.TOP and frame.name is not None:
            block = block_named(frame.name.text)
            if block is not None and block.form == "scalar":
                return self._value(frame)
            return Slot(What.LABEL, frame, name=frame.name.text)
        if frame.words:
            return _next_in_statement(frame)
        return _start(frame)

    def _value(self, frame: Frame) -> Slot:
        name = frame.name.text if frame.name else ""
        return Slot(What.VALUE, frame, _spec_of(frame), name)

    # --- what a token is

    def _take(self, index: int, token: Token) -> Slot:
        if self._begins_block(index):
            del self.stack[1:]
            self._end_entry()
        frame = self.stack[-1]
        if token.kind is TokenKind.PUNCTUATION:
            return self._punctuation(frame, token)
        if token.kind is TokenKind.WORD and self._text_after(index) == ":" and frame.mode is not Mode.UNKNOWN:
            return self._field_name(token)
        if frame.mode in (Mode.TOP, Mode.FIELDS):
            return self._entry_token(frame, index, token)
        if frame.mode is Mode.LIST:
            return self._want()
        if frame.mode in (Mode.STATEMENTS, Mode.CONDITIONS):
            return self._statement_token(frame, index, token)
        if frame.mode in (Mode.FLAGS, Mode.METRICS) and token.kind is TokenKind.WORD:
            frame.names.add(token.text)
            return _start(frame)
        return Slot(What.NOTHING, frame)

    def _begins_block(self, index: int) -> bool:
        """Whether a top-level block begins here, whatever brackets are still open before it."""
        token = self.tokens[index]
        if token.kind is not TokenKind.WORD or token.text not in KEYWORDS or token.text in NESTED_KEYWORDS:
            return False
        first = index == 0 or self.tokens[index - 1].line < token.line
        after = self.tokens[index + 1]
        return first and (after.kind is TokenKind.STRING or after.text in ("{", "["))

    def _text_after(self, index: int) -> str:
        return self.tokens[index + 1].text if index + 1 < len(self.tokens) else ""

    def _end_entry(self) -> None:
        frame = self.stack[-1]
        frame.name, frame.at_value, frame.words = None, False, []

    def _punctuation(self, frame: Frame, token: Token) -> Slot:
        if token.text == "{":
            self.stack.append(self._opened(frame))
        elif token.text == "[":
            inner = frame.field if frame.mode is Mode.LIST else _spec_of(frame)
            self.stack.append(Frame(Mode.LIST, frame.block, inner, name=frame.name))
        elif token.text in ("}", "]"):
            self._close(token.text)
        elif token.text == ":" and frame.name is not None:
            frame.at_value = True
        elif token.text == "," and frame.mode is not Mode.LIST:
            self._end_entry()
        elif frame.words and (token.text in OPERATORS or token.text == "="):
            frame.words.append(token)
            return Slot(What.OPERATOR, frame)
        return Slot(What.NOTHING, frame)

    def _close(self, bracket: str) -> None:
        if bracket == "}":
            while self.stack[-1].mode is Mode.LIST:
                self.stack.pop()
        if len(self.stack) > 1:
            self.stack.pop()
        if self.stack[-1].mode is not Mode.LIST:
            self._end_entry()

    def _field_name(self, token: Token) -> Slot:
        """A word with a colon behind it is a field, also where a bracket before it was forgotten."""
        while self.stack[-1].mode is Mode.LIST:
            self.stack.pop()
        self._end_entry()
        frame = self.stack[-1]
        frame.name = token
        frame.names.add(token.text)
        what = What.BLOCK if frame.mode is Mode.TOP else What.NAME
        return Slot(what, frame, _spec_of(frame), token.text)

    def _entry_token(self, frame: Frame, index: int, token: Token) -> Slot:
        named = frame.name is not None
        if named and token.kind in (TokenKind.STRING, TokenKind.OPEN_STRING, TokenKind.ODD_STRING):
            return self._string_after_name(frame)
        if frame.at_value:
            slot = self._value(frame)
            self._end_entry()
            return slot
        if token.kind is not TokenKind.WORD:
            return Slot(What.NOTHING, frame)
        frame.name = token
        frame.names.add(token.text)
        if frame.mode is Mode.TOP:
            return Slot(What.BLOCK, frame, name=token.text)
        spec = _spec_of(frame)
        flag = _flag_field(frame.block)
        if spec is None and flag is not None and self._text_after(index) != "{":
            self._end_entry()
            return Slot(What.FLAG, frame, flag)
        return Slot(What.NAME, frame, spec, token.text)

    def _string_after_name(self, frame: Frame) -> Slot:
        slot = self._want()
        if slot.what is What.VALUE:
            self._end_entry()
            return slot
        return Slot(What.LABEL, frame, name=frame.name.text if frame.name else "")

    def _statement_token(self, frame: Frame, index: int, token: Token) -> Slot:
        if frame.at_value:
            slot = self._value(frame)
            self._end_entry()
            return slot
        begins_line = index > 0 and self.tokens[index - 1].line < token.line
        if frame.mode is Mode.STATEMENTS and begins_line and token.text in CONTROL_WORDS:
            frame.words = []
        slot = _next_in_statement(frame) if frame.words else _start(frame)
        if slot.what is What.JOINER and token.text.upper() != "AND":
            frame.words = []  # a new condition, or a statement that was not finished
            slot = _start(frame)
        if not frame.words and self._text_after(index) == "{" and token.text not in CONTROL_WORDS:
            frame.name = token
            frame.names.add(token.text)
            return Slot(What.NAME, frame, _spec_of(frame), token.text)
        frame.words.append(token)
        if _next_in_statement(frame).what is What.NOTHING:
            frame.words = []
        return slot

    # --- brackets

    def _opened(self, frame: Frame) -> Frame:
        """The frame of a brace that opens here."""
        name = frame.name.text if frame.name else ""
        if frame.mode is Mode.TOP:
            return _top_block(name)
        if frame.words and frame.mode is Mode.STATEMENTS:
            frame.words = []
            return Frame(Mode.STATEMENTS, inference=frame.inference)
        spec = frame.field if frame.mode is Mode.LIST else _spec_of(frame)
        if spec is None or frame.block is None:
            return Frame(Mode.UNKNOWN)
        if spec.block is not None:
            return Frame(Mode.FIELDS, frame.block.nested(spec))
        modes = {
            Kind.FLAGS: Mode.FLAGS,
            Kind.CONDITIONS: Mode.CONDITIONS,
            Kind.STATEMENTS: Mode.STATEMENTS,
        }
        mode = modes.get(spec.kind, Mode.UNKNOWN)
        return Frame(mode, field=spec, inference=frame.block.keyword == "INFERENCE")


def _top_block(name: str) -> Frame:
    block = block_named(name)
    if block is None or block.form == "scalar":
        return Frame(Mode.UNKNOWN)
    modes = {"block": Mode.FIELDS, "words": Mode.METRICS, "statements": Mode.STATEMENTS}
    return Frame(modes[block.form], block)


def _spec_of(frame: Frame) -> FieldSpec | None:
    """The definition of the field that is being read."""
    if frame.name is None:
        return None
    if frame.mode is Mode.TOP:
        block = block_named(frame.name.text)
        return block.fields[0] if block is not None and block.form == "scalar" else None
    found = frame.block.by_name.get(frame.name.text) if frame.block is not None else None
    return None if found is None or found.implicit else found


def _flag_field(block: BlockSpec | None) -> FieldSpec | None:
    """The field of a block that is written as a bare word."""
    fields = block.fields if block is not None else ()
    return next((spec for spec in fields if spec.implicit and spec.kind is Kind.ENUM), None)


def _start(frame: Frame) -> Slot:
    """What is wanted where an entry begins."""
    what = {
        Mode.TOP: What.BLOCK,
        Mode.FIELDS: What.NAME,
        Mode.LIST: What.VALUE,
        Mode.FLAGS: What.FLAG,
        Mode.METRICS: What.METRIC,
        Mode.CONDITIONS: What.SIGNAL,
        Mode.STATEMENTS: What.STATEMENT,
        Mode.UNKNOWN: What.NOTHING,
    }[frame.mode]
    return Slot(what, frame, frame.field)


# What stands behind the keyword of a statement, one after the other.
_PARTS = {
    "EVERY": (What.CONSTANT, What.UNIT),
    "SET": (What.PARAMETER, What.OPERATOR, What.CONSTANT),
    "DECREASE": (What.PARAMETER, What.BY, What.CONSTANT),
    "INCREASE": (What.PARAMETER, What.BY, What.CONSTANT),
    "LOG": (What.LOGGED,),
    "SAVE": (What.SAVED,),
    "REPLACE": (What.WITH, What.CONSTANT),
    "RETURN": (What.CONSTANT,),
}
_COMPARISON = (What.SIGNAL, What.OPERATOR, What.CONSTANT, What.JOINER)
# Braces follow these, so that they are not over with their last part.
_BODIED = ("EVERY",)


def _next_in_statement(frame: Frame) -> Slot:
    """What is wanted behind the words of a statement or a condition; NOTHING where it is complete."""
    words = frame.words
    keyword = words[0].text
    if frame.mode is Mode.CONDITIONS:
        return Slot(_COMPARISON[len(words) % 4], frame)
    if keyword in ("IF", "WHEN"):
        return Slot(_COMPARISON[(len(words) - 1) % 4], frame, name=keyword)
    parts = _PARTS.get(keyword, ())
    if len(words) <= len(parts):
        return Slot(parts[len(words) - 1], frame, name=keyword)
    return Slot(What.JOINER if keyword in _BODIED else What.NOTHING, frame, name=keyword)
