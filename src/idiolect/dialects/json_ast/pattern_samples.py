"""Random texts that match a regular expression, for sampling `pattern`.

Takes literals, classes, groups, alternation, repetition and anchors. Look-around and
back-references are skipped over: the caller checks every text. It matches nothing itself.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any

MORE = 4  # repetitions past the least, where there is no most
MAX_NESTING = 50
MAX_TEXT = 2_000
DIGITS = "0123456789"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = LETTERS + LETTERS.upper() + DIGITS + "_"
HEX = re.compile("[0-9a-fA-F]{2}|[0-9a-fA-F]{4}")
PRINTABLE = "".join(chr(code) for code in range(32, 127))
ESCAPED_SETS = {
    "d": DIGITS,
    "w": WORDS,
    "s": " ",
    "D": LETTERS,
    "W": " -.,",
    "S": WORDS,
}
ESCAPED_CHARS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}


class NotSampled(ValueError):
    """A pattern that this sampler can't read."""


@dataclass(frozen=True, slots=True)
class _Repeat:
    part: Any
    least: int
    most: int


# A pattern is ("seq", parts), ("one", alternatives), a string of characters to choose from, or a _Repeat.


def sample_pattern(pattern: str, rng: random.Random) -> str:
    """A random text that probably matches."""
    reader = _Reader(pattern)
    tree = reader.alternatives(0)
    if reader.at < len(pattern):
        raise NotSampled(f"unbalanced ) in {pattern!r}")
    pieces: list[str] = []
    _write(tree, rng, pieces)
    return "".join(pieces)


def _write(node: Any, rng: random.Random, pieces: list[str]) -> None:
    if isinstance(node, str):
        pieces.append(rng.choice(node) if node else "")
    elif isinstance(node, _Repeat):
        for _ in range(rng.randint(node.least, node.most)):
            if len(pieces) > MAX_TEXT:
                return
            _write(node.part, rng, pieces)
    elif node[0] == "one":
        _write(rng.choice(node[1]), rng, pieces)
    else:
        for part in node[1]:
            _write(part, rng, pieces)


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        char = self.peek()
        if not char:
            raise NotSampled(f"the pattern {self.pattern!r} ends too soon")
        self.at += 1
        return char

    def alternatives(self, depth: int) -> Any:
        if depth > MAX_NESTING:
            raise NotSampled("a pattern nested too deeply")
        found = [self.sequence(depth)]
        while self.peek() == "|":
            self.at += 1
            found.append(self.sequence(depth))
        return found[0] if len(found) == 1 else ("one", found)

    def sequence(self, depth: int) -> Any:
        parts = []
        while self.peek() not in ("", "|", ")"):
            part = self.piece(depth)
            if part is not None:
                parts.append(self.repeated(part))
        return ("seq", parts)

    def piece(self, depth: int) -> Any:
        char = self.take()
        if char == "(":
            return self.group(depth)
        if char == "[":
            return self.char_class()
        if char == ".":
            return WORDS
        if char in "^$":
            return None
        return self.escape(in_class=False) if char == "\\" else char

    def group(self, depth: int) -> Any:
        skipped = False
        if self.peek() == "?":
            self.at += 1
            kind = self.take()
            if kind == "<" and self.peek() in ("=", "!"):
                kind += self.take()
            skipped = kind in ("=", "!", "<=", "<!")
            if kind in ("<", "P"):
                while self.take() != ">":
                    pass
        inner = self.alternatives(depth + 1)
        if self.take() != ")":
            raise NotSampled(f"unclosed ( in {self.pattern!r}")
        return None if skipped else inner

    def escape(self, *, in_class: bool) -> Any:
        char = self.take()
        if char in ESCAPED_SETS:
            return ESCAPED_SETS[char]
        if char in ESCAPED_CHARS:
            return ESCAPED_CHARS[char]
        if char in "bB" and not in_class:
            return None
        if char in "pP" and self.peek() == "{":
            name = self.pattern[self.at + 1 : self.pattern.find("}", self.at)]
            self.at = self.pattern.find("}", self.at) + 1
            return {"L": LETTERS, "Lu": LETTERS.upper(), "N": DIGITS, "Nd": DIGITS}.get(name, LETTERS)
        if char in ("x", "u"):
            width = 2 if char == "x" else 4
            digits = self.pattern[self.at : self.at + width]
            self.at += width
            return (
                chr(int(digits, 16))
                if len(digits) == width and all(d in "0123456789abcdefABCDEF" for d in digits)
                else char
            )
        if char.isdigit():
            raise NotSampled("a back-reference")
        return char

    def char_class(self) -> str:
        negated = self.peek() == "^"
        self.at += negated
        chosen: list[str] = []
        while self.peek() != "]":
            low = self.class_item()
            if (
                self.peek() == "-"
                and self.pattern[self.at + 1 : self.at + 2] not in ("]", "")
                and len(low) == 1
            ):
                self.at += 1
                high = self.class_item()
                low = "".join(map(chr, range(ord(low), min(ord(high[-1]), ord(low) + 500) + 1)))
            chosen.append(low)
        self.at += 1
        listed = "".join(chosen)
        return "".join(char for char in PRINTABLE if char not in listed) if negated else listed

    def class_item(self) -> str:
        char = self.take()
        return str(self.escape(in_class=True)) if char == "\\" else char

    def repeated(self, part: Any) -> Any:
        least, most = 1, 1
        char = self.peek()
        if char and char in "*+?":
            self.at += 1
            least = 1 if char == "+" else 0
            most = 1 if char == "?" else least + MORE
        elif char == "{":
            end = self.pattern.find("}", self.at)
            low, comma, high = self.pattern[self.at + 1 : max(end, self.at + 1)].partition(",")
            if end < 0 or not low.isdecimal() or (high and not high.isdecimal()):
                return part  # a brace that repeats nothing is a character
            self.at = end + 1
            least = int(low)
            most = int(high) if high else least + (MORE if comma else 0)
        else:
            return part
        if self.peek() in ("?", "+") and self.peek():
            self.at += 1
        return _Repeat(part, least, min(most, least + 8))
