"""Writes a Tcl script in its one formatting: a command a line, four spaces a block, `} else {`.

Only white space between words and commands changes, and only in words that are surely scripts of
core commands: strings, braced data, expressions and `[...]` stand as they were. Comments stay;
of several blank lines one stays.
"""

from __future__ import annotations

from idiolect.dialects.catalog import Proc
from idiolect.dialects.tcl.analysis import Analysis, Settings, analyse
from idiolect.dialects.tcl.embed import Block
from idiolect.dialects.tcl.forms import canonical_lines
from idiolect.dialects.tcl.values import BadList, list_elements
from idiolect.dialects.tcl.words import Command, Script, Word
from idiolect.dialects.verdict import Level, Severity

STEP = "    "
DEEPEST = 100  # of blocks: beyond it the indentation alone would be most of the text
# Bodies of these may stand in one line when they hold one short command.
INLINE = frozenset({"catch", "for", "time", "after", "eval", "uplevel", "timerate"})
SHORT = 60


def canonical(text: str, settings: Settings, *, notes: bool = True) -> str:
    """The one formatting of a script; ValueError if it does not parse. `notes`: comments, blank lines."""
    # `source` reads both line ends as one, so this changes nothing that Tcl sees.
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    found = analyse(text, settings)
    for fault in found.faults:
        if fault.level is Level.PARSE and fault.severity is Severity.ERROR:
            raise ValueError(f"not a Tcl script: {fault.message}")
    lines = _Formatter(found, notes).script(found.walk.top, 0)
    tail = text[found.walk.top.end :]  # behind the end-of-file mark, which `source` does not read
    written = "\n".join(lines)
    # Behind a last backslash a line end would be one that it escapes.
    return written + ("\n" if lines and not _escapes_next(written) else "") + tail


class _Formatter:
    def __init__(self, found: Analysis, notes: bool) -> None:
        self.text, self.walk, self.notes = found.text, found.walk, notes
        self.blocks: dict[int, Block] = {block.start: block for block in found.blocks}
        # What is compared does not depend on the order of flags; what is written keeps it.
        self.calls = {} if notes else {call.site.command.start: call for call in found.calls}

    def script(self, script: Script, depth: int) -> list[str]:
        """The lines of a script, indented; several lines of one word stay one item."""
        if depth > DEEPEST:
            raise ValueError(f"blocks nested deeper than {DEEPEST}")
        indent = STEP * depth
        lines: list[str] = []
        items: list[tuple[int, int, Command | None]] = [(c.start, c.end, c) for c in script.commands]
        items += [(span.start, span.end, None) for span in script.comments]
        before = script.start
        for start, end, command in sorted(items, key=lambda item: item[0]):
            gap = self.text[before:start]
            if command is not None:
                if self.notes and lines and gap.count("\n") > 1:
                    lines.append("")
                lines.append(indent + self.command(command, depth))
            elif self.notes:
                comment = _trimmed(self.text[start:end])
                if lines and lines[-1] and "\n" not in gap:
                    lines[-1] += f" ;{comment}"
                else:
                    if lines and gap.count("\n") > 1:
                        lines.append("")
                    lines.append(indent + comment)
            before = end
        return lines

    def command(self, command: Command, depth: int) -> str:
        """One command, its blocks spread over lines."""
        name = self.walk.value(command.words[0]) or ""
        words = [self._word(word, name, depth) for word in command.words[:-1]]
        # The body of a loop is a block however short it is.
        last = self._word(command.words[-1], "" if name == "for" else name, depth)
        call = self.calls.get(command.start)
        return " ".join(_flags_sorted(call.proc, [*words, last]) if call else [*words, last])

    def _word(self, word: Word, name: str, depth: int) -> str:
        verbatim = self.text[word.start : word.end]
        if word.kind != "braced" or word.expand:
            return verbatim
        start, end = word.inner
        block = self.blocks.get(start)
        if block is not None:
            return self._block(block, depth) if block.dsl.statements else verbatim
        script = self.walk.scripts.get(start)
        if script is not None and (script.start, script.end) == (start, end):
            return self._body(script, name, depth)
        if name == "switch":
            return self._cases(word, depth) or verbatim
        return verbatim

    def _body(self, script: Script, name: str, depth: int) -> str:
        if not script.commands and not script.comments:
            return "{}"
        if name in INLINE and not script.comments and len(script.commands) == 1:
            only = self.command(script.commands[0], depth)
            if len(only) <= SHORT and "\n" not in only:
                return "{" + only + "}"
        lines = self.script(script, depth + 1)
        return "{\n" + "\n".join(lines) + f"\n{STEP * depth}}}"

    def _block(self, block: Block, depth: int) -> str:
        inner = canonical_lines(self.text[block.start : block.end])
        inner = [line for line in inner if self.notes or not line.startswith("#")]
        if not inner:
            return "{}"
        indent = STEP * (depth + 1)
        return "{\n" + "".join(f"{indent}{line}\n" for line in inner) + f"{STEP * depth}}}"

    def _cases(self, word: Word, depth: int) -> str | None:
        """The patterns and bodies of a switch, a case a line; None where the word is no list of cases."""
        try:
            elements = list_elements(self.walk.splitter, *word.inner)
        except BadList:
            return None
        if not elements or len(elements) % 2:
            return None
        indent = STEP * (depth + 1)
        lines = []
        for pattern, body in zip(elements[::2], elements[1::2], strict=True):
            script = self.walk.scripts.get(body.inner[0])
            written = self.text[body.start : body.end]
            if script is not None and body.kind == "braced":
                written = self._body(script, "", depth + 1)
            lines.append(f"{indent}{self.text[pattern.start : pattern.end]} {written}\n")
        return "{\n" + "".join(lines) + f"{STEP * depth}}}"


def _flags_sorted(proc: Proc, words: list[str]) -> list[str]:
    """The words of a call, its flags behind the rest, each with its value, in the order of their names."""
    rest: list[str] = []
    flags: list[list[str]] = []
    waiting = iter(words)
    for word in waiting:
        arg = proc.arg(word[1:]) if word.startswith("-") else None
        if arg is None or arg.passed == "positional":
            rest.append(word)
        else:
            value = next(waiting, None) if arg.passed == "flag" else None
            flags.append([word] if value is None else [word, value])
    return [*rest, *(word for flag in sorted(flags) for word in flag)]


def _trimmed(comment: str) -> str:
    """A comment without trailing blanks, unless a backslash before them would then escape more."""
    short = comment.rstrip()
    return comment if _escapes_next(short) else short


def _escapes_next(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1
