"""Logical lines of a script, and where each of their characters stands in the source.

Cuts comments off, joins continuation sections, open brackets and operators at line ends or starts.
It does **not** know statements; whoever pulls the lines says whether a class body is being read,
because there `name {` opens a property and elsewhere it passes an object.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from idiolect.dialects.ahk2.faults import Faults
from idiolect.dialects.ahk2.labels import find_hotkey, hotkey_is_remap, read_hotstring
from idiolect.source import Span

_OPERATOR_START = re.compile(
    r"""(?: (?:and|or|is|in|contains)(?![\w\x80-\U0010ffff])
        | \+(?!\+) | -(?!-) | [*/|&^<>=!~,.?:] )""",
    re.I | re.X,
)
_OPERATOR_END = re.compile(
    r"""(?: (?<![\w\x80-\U0010ffff.])(?:and|or|is|in|not|contains)
        | (?<!\+)\+ | (?<!-)- | [*/|&^<>=!~,?.] )$""",
    re.I | re.X,
)
_BLOCK_WORD = re.compile(
    r"(?:if|else|loop|for|while|try|catch|finally|switch|until|case)(?![\w\x80-\U0010ffff])", re.I
)
_CALL_NAME = re.compile(r"[\w\x80-\U0010ffff]+(?:\.[\w\x80-\U0010ffff]+)*\s+$")
_COMMENT = re.compile(r"[ \t];")
_PHYSICAL = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_OPENERS = {closer: opener for opener, closer in _CLOSERS.items()}
_NOTABLE = re.compile(r"[()\[\]{}\"']")
_HIDDEN = "\x01"  # stands for a quote or backtick that a continuation section makes literal


@dataclass(slots=True)
class Line:
    """A logical line: its text, and pieces of it with their offsets in the source."""

    text: str = ""
    starts: list[int] = field(default_factory=list)  # offsets in `text` at which a piece starts
    sources: list[int] = field(default_factory=list)  # the source offset of each piece
    body: int = 0  # where code starts, after a hotkey or hotstring
    hotkey: str | None = None  # the text left of "::"
    hotstring: tuple[str, str] | None = None  # its options and abbreviation
    literal: bool = False  # what follows `body` is text or a key, not code
    section: bool = False  # a continuation section is part of it
    opens_block: bool = False  # the last character is the brace of a block
    sound: bool = True  # False: a bracket or quote is at fault, and has been reported

    def add(self, text: str, source: int) -> None:
        self.starts.append(len(self.text))
        self.sources.append(source)
        self.text += text

    def source(self, offset: int) -> int:
        """The source offset of a character of this line."""
        index = max(0, bisect_right(self.starts, offset) - 1)
        return self.sources[index] + offset - self.starts[index]

    def span(self, start: int, end: int) -> Span:
        """The source span of a range of this line."""
        if end <= start:
            return Span(self.source(start), self.source(start))
        return Span(self.source(start), max(self.source(start), self.source(end - 1)) + 1)


@dataclass(slots=True)
class _Balance:
    """Brackets and quotes that are open after what has been read of a line."""

    open: list[tuple[str, int]] = field(default_factory=list)
    quote: str = ""
    quote_at: int = 0


class LineReader:
    """Gives the logical lines of a script one by one."""

    def __init__(self, text: str, faults: Faults) -> None:
        self._text = text
        self._faults = faults
        self._offset = 1 if text.startswith("\ufeff") else 0
        self._peeked: tuple[int, int, int] | None = None
        self._pending: Line | None = None

    # -- physical lines ---------------------------------------------------------------------

    def _physical(self) -> tuple[int, int] | None:
        """Start and end of the next physical line, without its line end."""
        if self._offset >= len(self._text):
            return None
        start = self._offset
        match = _PHYSICAL.match(self._text, start)
        assert match is not None
        self._offset = match.end()
        end = match.end()
        while end > start and self._text[end - 1] in "\r\n":
            end -= 1
        return start, end

    def _code(self) -> tuple[int, int, int] | None:
        """Start and end of the next line that holds code (comments cut), and where it began to be read."""
        if self._peeked is not None:
            found, self._peeked = self._peeked, None
            self._offset = found[2]
            return found
        while (line := self._physical()) is not None:
            start, end = self._trim(*line)
            if start == end or self._text[start] == ";":
                continue
            if self._text.startswith("/*", start):
                rest = self._skip_block_comment(start, end)
                if rest is None:
                    continue
                start, end = rest
            start, end = self._cut_comment(start, end)
            if start < end:
                return start, end, self._offset
        return None

    def _peek(self) -> tuple[int, int, int] | None:
        if self._peeked is None:
            self._peeked = self._code()
        return self._peeked

    def _trim(self, start: int, end: int) -> tuple[int, int]:
        while start < end and self._text[start] in " \t":
            start += 1
        while end > start and self._text[end - 1] in " \t":
            end -= 1
        return start, end

    def _cut_comment(self, start: int, end: int) -> tuple[int, int]:
        if self._text.startswith(";", start):
            return start, start
        match = _COMMENT.search(self._text, start, end)
        return self._trim(start, match.start()) if match else (start, end)

    def _skip_block_comment(self, start: int, end: int) -> tuple[int, int] | None:
        """What follows a block comment on its last line, if anything."""
        if self._text.endswith("*/", start + 1, end):
            return None
        while (line := self._physical()) is not None:
            start, end = self._trim(*line)
            if self._text.startswith("*/", start, end):
                rest = self._trim(start + 2, end)
                return rest if rest[0] < rest[1] else None
            if self._text.endswith("*/", start, end):
                return None
        return None

    # -- logical lines ----------------------------------------------------------------------

    def push_back(self, line: Line) -> None:
        """Give this line again on the next call."""
        self._pending = line

    def next(self, in_class: bool = False) -> Line | None:
        """The next logical line."""
        if self._pending is not None:
            line, self._pending = self._pending, None
            return line
        code = self._code()
        if code is None:
            return None
        line = Line()
        balance = _Balance()
        if self._section_options(code) is not None:  # nothing before it to continue
            line.add("", code[0])
            self._join_section(line, balance, code)
        else:
            line.add(self._text[code[0] : code[1]], code[0])
        joinable = self._classify(line)
        self._scan(line, balance, self._code_start(line))
        self._join(line, balance, joinable, in_class)
        self._report(line, balance)
        return line

    def _classify(self, line: Line) -> bool:
        """Recognize hotkeys and hotstrings; whether operators and brackets may continue the line."""
        hotstring = read_hotstring(line.text)
        if hotstring is not None:
            options, abbreviation, end = hotstring
            line.hotstring, line.body = (options, abbreviation), end
            line.literal = "x" not in options.lower() or "x0" in options.lower()
            return not line.literal
        start = find_hotkey(line.text)
        if start is not None:
            line.hotkey, line.body = line.text[: start - 2], start
            line.literal = hotkey_is_remap(line.text[start:])
            return start < len(line.text) and not line.literal
        if line.text.startswith("#"):
            line.literal = re.match(r"#hotif\b", line.text, re.I) is None
            return not line.literal
        return re.fullmatch(r"[{}\s]+|[^\s,(){}\[\]=.%\"'?+*/!<>&|^~-]+:", line.text) is None

    def _code_start(self, line: Line) -> int:
        """Where scanning for brackets starts: after leading braces, which are blocks."""
        match = re.compile(r"[{}\s]*").match(line.text, line.body)
        return match.end() if match else line.body

    def _join(self, line: Line, balance: _Balance, joinable: bool, in_class: bool) -> None:
        while True:
            following = self._peek()
            if following is None:
                if joinable or line.hotkey is not None:
                    self._settle_brace(line, balance, in_class)
                return
            if self._section_options(following) is not None:
                self._code()
                seen = len(line.text)
                self._join_section(line, balance, following)
                self._scan(line, balance, seen)
                continue
            if not joinable:
                if line.text.endswith("{") and (line.hotkey is not None or line.hotstring is not None):
                    line.opens_block = line.text[line.body :].strip() == "{"
                return
            if balance.quote or not line.sound or self._settle_brace(line, balance, in_class):
                return
            start, end, _ = following
            text = self._text[start:end]
            if not (balance.open or self._starts_with_operator(text) or self._ends_open(line)):
                return
            self._code()
            seen = len(line.text)
            glued = text[0] == "." and text[1:2] not in ("", " ", "\t", "=")
            if not glued:
                line.add(" ", start)
            line.add(text, start)
            self._scan(line, balance, seen)

    def _settle_brace(self, line: Line, balance: _Balance, in_class: bool) -> bool:
        """Whether the line ends with the brace of a block; the brace then counts as no bracket."""
        if line.opens_block:
            return True
        text = line.text
        if not text.endswith("{") or len(balance.open) != 1 or balance.open[0] != ("{", len(text) - 1):
            return bool(not balance.open and text.endswith("{"))
        before = text[max(0, len(text) - 4096) : len(text) - 1]
        head = text[line.body :].lstrip("{} \t")[:-1]
        stripped = before.rstrip()
        if head.strip() and not in_class:
            keyword = head.strip().lower()
            if keyword in ("return", "throw") or (stripped and _ends_with_operator(stripped)):
                return False
            if _CALL_NAME.fullmatch(head) and not _BLOCK_WORD.match(head):
                return False
        elif head.strip() and _ends_with_operator(stripped):
            return False
        balance.open.clear()
        line.opens_block = True
        return True

    def _starts_with_operator(self, text: str) -> bool:
        match = _OPERATOR_START.match(text)
        if match is None or text.startswith("::"):
            return False
        if read_hotstring(text) is not None:
            return False
        return find_hotkey(text) is None

    def _ends_open(self, line: Line) -> bool:
        text = line.text
        if text.endswith(":"):  # a label or case, unless a "?" waits for it
            return "?" in text and re.match(r"case\b", text, re.I) is None
        return line.body < len(text) and _ends_with_operator(text[max(line.body, len(text) - 64) :])

    # -- brackets ---------------------------------------------------------------------------

    def _scan(self, line: Line, balance: _Balance, start: int) -> None:
        """Count brackets and quotes from an offset of the line on."""
        text, position = line.text, start
        while line.sound and not line.literal:
            if balance.quote:
                position = end_of_string(text, position, balance.quote)
                if position < 0:
                    return
                balance.quote = ""
            match = _NOTABLE.search(text, position)
            if match is None:
                return
            character, position = match.group(), match.end()
            if character in "\"'":
                if text[position - 2 : position - 1] == "`":
                    continue
                balance.quote, balance.quote_at = character, position - 1
            elif character in _CLOSERS:
                balance.open.append((character, position - 1))
            else:
                self._close(line, balance, character, position - 1)

    def _close(self, line: Line, balance: _Balance, character: str, at: int) -> None:
        if not balance.open:
            line.sound = False
            code = "parse.brace.unexpected" if character == "}" else "parse.bracket.unexpected"
            self._faults.add(code, line.span(at, at + 1), bracket=character)
        elif balance.open[-1][0] != _OPENERS[character]:
            line.sound = False
            missing = _CLOSERS[balance.open[-1][0]]
            self._faults.add(
                "parse.bracket.mismatch", line.span(at, at + 1), missing=missing, found=character
            )
        else:
            balance.open.pop()

    def _report(self, line: Line, balance: _Balance) -> None:
        if not line.sound:
            return
        if balance.quote:
            line.sound = False
            at = balance.quote_at
            self._faults.add("parse.quote", line.span(at, len(line.text)), quote=balance.quote)
        elif balance.open:
            line.sound = False
            opener, at = balance.open[-1]
            code = "parse.brace.missing" if opener == "{" else "parse.bracket.missing"
            self._faults.add(code, line.span(at, at + 1), bracket=_CLOSERS[opener])

    # -- continuation sections --------------------------------------------------------------

    def _section_options(self, code: tuple[int, int, int]) -> str | None:
        """The options of a continuation section that starts on this line, or None."""
        start, end, _ = code
        if self._text[start] != "(" or self._text.startswith("(::", start):
            return None
        rest = self._text[start + 1 : end]
        for option in re.finditer(r"[^ \t]+", rest):
            word = option.group().lower()
            if word.startswith(("ltrim", "rtrim", "join", "com")) or word in ("c", "`"):
                continue
            if ")" in rest[option.start() :]:
                return None
            break
        return rest

    def _join_section(self, line: Line, balance: _Balance, code: tuple[int, int, int]) -> None:
        """Append the lines of a continuation section, with what stands in them made literal."""
        line.section = True
        join, literal_ticks, comments = self._read_options(code)
        if not balance.quote and line.text:
            line.add(" ", code[0])
        first = True
        while (physical := self._physical()) is not None:
            start, end = self._trim(*physical)
            if self._text.startswith(")", start, end):
                start, end = self._cut_comment(start + 1, end)
                line.add(self._text[start:end], start)
                return
            if comments:
                start, end = self._cut_comment(start, end)
            text = self._text[start:end]
            if literal_ticks:
                text = text.replace("`", _HIDDEN)
            if balance.quote:
                text = text.replace(balance.quote, _HIDDEN)
            if not first:
                line.add(join, start)
            first = False
            line.add(text, start)
        line.sound = False
        self._faults.add("parse.section.open", Span(code[0], code[1]))

    def _read_options(self, code: tuple[int, int, int]) -> tuple[str, bool, bool]:
        join, literal_ticks, comments = "\n", False, False
        start, end, _ = code
        for option in re.finditer(r"[^ \t]+", self._text[start + 1 : end]):
            word = option.group()
            lowered = word.lower()
            if lowered.startswith("join"):
                join = re.sub(r"`(.)", _unescape_join, word[4:])
            elif lowered == "`":
                literal_ticks = True
            elif lowered == "c" or lowered.startswith("com"):
                comments = True
            elif not lowered.startswith(("ltrim", "rtrim")):
                at = start + 1 + option.start()
                self._faults.add("parse.section.option", Span(at, at + len(word)), option=word)
                break
        return join, literal_ticks, comments


def _unescape_join(match: re.Match[str]) -> str:
    return {"s": " ", "t": "\t", "n": "\n", "r": "\r"}.get(match[1], match[1])


def _ends_with_operator(text: str) -> bool:
    return _OPERATOR_END.search(text) is not None or text.endswith((":=", "=>", "(", "[", ":"))


def end_of_string(text: str, position: int, quote: str) -> int:
    """The offset after the closing quote, or -1."""
    while True:
        position = text.find(quote, position)
        if position < 0:
            return -1
        ticks = 0
        while position - ticks > 0 and text[position - ticks - 1] == "`":
            ticks += 1
        position += 1
        if ticks % 2 == 0:
            return position
