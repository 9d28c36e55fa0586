"""Writes a script in one regular way: indentation, one space around assignments and after commas.

Strings, comments' words, continuation sections, hotstring texts and the breaks between lines stay
as they are. The formatted script is loaded again: if it is not accepted, the change is not made.
"""

from __future__ import annotations

from bisect import bisect_right

from idiolect.dialects.ahk2.lines import Line
from idiolect.dialects.ahk2.loader import load
from idiolect.dialects.ahk2.script import Script
from idiolect.dialects.ahk2.tokens import Token, tokenize
from idiolect.dialects.verdict import Severity

INDENT = "    "
_SPACED = frozenset({":=", "+=", "-=", "*=", "/=", "//=", ".=", "|=", "&=", "^=", "<<=", ">>=", ">>>=", "=>"})


def format_script(text: str) -> str:
    """The regular form of a script; ValueError with the first fault if it does not load."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    script = load(text, keep_layout=True)
    faults = [fault for fault in script.faults.found if fault.severity is Severity.ERROR]
    if faults:
        first = faults[0]
        line = text.count("\n", 0, first.span.start) + 1 if first.span else 1
        raise ValueError(f"line {line}: {first.message}")
    spaced = _respace(text, script)
    return _indent(spaced, load(spaced, keep_layout=True))


def _respace(text: str, script: Script) -> str:
    """Put one space around assignments and after commas, where code stands."""
    edits: list[tuple[int, int, str]] = []
    for laid in script.layout:
        if not laid.line.literal:
            edits.extend(_line_edits(text, laid.line))
    pieces: list[str] = []
    position = 0
    for start, end, new in sorted(edits):
        if start < position:
            continue
        pieces += (text[position:start], new)
        position = end
    pieces.append(text[position:])
    return "".join(pieces)


def _line_edits(text: str, line: Line) -> list[tuple[int, int, str]]:
    edits: list[tuple[int, int, str]] = []
    if line.section:
        return edits
    tokens = tokenize(line.text, line.body)
    for index, token in enumerate(tokens):
        if index + 1 >= len(tokens) or not (token.text in _SPACED or token.kind == "comma"):
            continue
        before, after = tokens[index - 1] if index else None, tokens[index + 1]
        start, end = line.source(token.start), line.source(token.end - 1) + 1
        if after.kind != "comma" and after.text not in (")", "]"):
            edits.extend(_gap(text, end, line.source(after.start)))
        if token.kind == "op" and before is not None:
            edits.extend(_gap(text, line.source(before.end - 1) + 1, start))
    return edits


def _gap(text: str, start: int, end: int) -> list[tuple[int, int, str]]:
    """Make the white space between two tokens of one source line a single space."""
    between = text[start:end]
    if start <= end and not between.strip(" \t") and between != " ":
        return [(start, end, " ")]
    return []


def _indent(text: str, script: Script) -> str:
    """Indent each line by the depth of its block; lines that go on, by one more."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    depths: dict[int, int] = {}
    for laid in script.layout:
        _place(laid.line, laid.depth, starts, depths)
    result: list[str] = []
    inside = _block_comments(lines)
    upcoming = _upcoming(lines, depths)
    for number, line in enumerate(lines):
        stripped = line.strip(" \t")
        depth = depths.get(number)
        if depth is None and not inside[number]:  # a comment or an empty line
            depth = upcoming[number]
        if depth is None or depth < 0 or inside[number]:
            result.append(line)
        elif stripped or (result and result[-1]):
            result.append(INDENT * depth + stripped if stripped else "")
    while result and not result[-1]:
        result.pop()
    return "\n".join(result) + "\n" if result else ""


def _place(line: Line, depth: int, starts: list[int], depths: dict[int, int]) -> None:
    """Note the depth of each source line of a logical line; -1 keeps it as it is."""
    numbers = [bisect_right(starts, source) - 1 for source in line.sources]
    first = min(numbers, default=-1)
    last = max(numbers, default=-1)
    if first < 0:
        return
    depths.setdefault(first, depth)
    for number in range(first + 1, last + 1):
        if line.section:
            depths[number] = -1
        else:
            depths.setdefault(number, depth + 1)
    if line.section or last == first:
        return
    for number in _closing_heads(line, starts):
        depths[number] = depth


def _closing_heads(line: Line, starts: list[int]) -> list[int]:
    """Source lines that begin with the bracket that closes the whole expression."""
    found: list[int] = []
    level = 0
    tokens = tokenize(line.text, line.body)
    previous: Token | None = None
    for token in tokens:
        level += (token.kind == "open") - (token.kind == "close")
        if token.kind == "close" and level == 0 and previous is not None:
            here = bisect_right(starts, line.source(token.start)) - 1
            if here != bisect_right(starts, line.source(previous.start)) - 1:
                found.append(here)
        previous = token
    return found


def _block_comments(lines: list[str]) -> list[bool]:
    """Which lines stand inside a block comment, its first and last line included."""
    inside: list[bool] = []
    within = False
    for line in lines:
        stripped = line.strip(" \t")
        starts = not within and stripped.startswith("/*")
        inside.append(within or starts)
        if within:
            within = not stripped.startswith("*/") and not stripped.endswith("*/")
        elif starts:
            within = not stripped.endswith("*/")
    return inside


def _upcoming(lines: list[str], depths: dict[int, int]) -> list[int]:
    """For each line the depth of the next line of code, which its comments share."""
    result = [0] * len(lines)
    depth = 0
    for number in range(len(lines) - 1, -1, -1):
        found = depths.get(number)
        if found is not None and found >= 0:
            depth = found + (lines[number].strip(" \t").startswith("}"))
        result[number] = -1 if found == -1 else depth
    return result
