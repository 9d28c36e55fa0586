"""Classes of the vocabulary that make masks quick, read off a grammar's own lexemes.

Where a lexeme may go on with many characters of one set (a comment, a quoted text, a name), most tokens that
are allowed consist of such characters only. llguidance keeps the mask of such a class ready and takes it as
it is wherever the lexeme allows all of it. Its own classes fit JSON strings; these fit the grammar at hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from idiolect.grammar import charset
from idiolect.grammar.charset import Ranges
from idiolect.grammar.form import Chars, Choice, Grammar, Minus, Node, Repeat, Seq, parts
from idiolect.grammar.to_llguidance import char_class

_LONGEST = (10, 30)  # lengths in characters at which a bounded lexeme still takes a whole class
_MOST_CLASSES = 6
_SMALLEST = 20  # characters: a class of digits only holds few tokens


def slices_of(grammar: Grammar) -> tuple[str, ...]:
    """The classes as regular expressions, those of the largest sets of characters first."""
    found: dict[_Run, int | None] = {}  # the longest run; None has no end
    for terminal in grammar.terminals.values():
        _collect(terminal.node, found)
    for body in grammar.rules.values():
        _collect(body, found)
    chosen = sorted(found, key=lambda run: (-charset.size(run.rest), run.rest, run.first or ()))
    written: dict[str, None] = {}
    for run in chosen[:_MOST_CLASSES]:
        for expression in _written(run, found[run]):
            written.setdefault(expression)
    return tuple(written)


@dataclass(frozen=True, slots=True)
class _Run:
    """Characters of one set, after a first one of another where there is such."""

    rest: Ranges
    first: Ranges | None = None


def _written(run: _Run, most: int | None) -> Iterator[str]:
    first, fewer = ("", 0) if run.first is None else (char_class(run.first), 1)
    rest = char_class(run.rest)
    for length in _LONGEST:
        if most is None or most >= length - fewer:
            yield f"{first}{rest}{{{1 - fewer},{length - fewer}}}"
    if most is None:
        yield f"{first}{rest}{'*' if fewer else '+'}"


def _collect(node: Node, found: dict[_Run, int | None]) -> None:
    for part in parts(node):
        if isinstance(part, Repeat):
            _note(part, None, found)
        elif isinstance(part, Seq):  # a name: its first character is of a narrower set
            for before, item in pairwise(part.items):
                if isinstance(item, Repeat) and isinstance(before, Chars):
                    _note(item, before.ranges, found)


def _note(repeat: Repeat, first: Ranges | None, found: dict[_Run, int | None]) -> None:
    if repeat.most is not None and repeat.most < _LONGEST[0] - 1:
        return
    ranges = _single(repeat.item)
    if min(charset.size(ranges), charset.size(first or ranges)) < _SMALLEST:
        return
    run = _Run(ranges, first)
    known = found.get(run, 0)
    found[run] = None if repeat.most is None or known is None else max(repeat.most, known)


def _single(node: Node) -> Ranges:
    """The characters that a node of one character can be; of a choice those alternatives that are one."""
    match node:
        case Chars(ranges):
            return ranges
        case Choice(items):
            return charset.union(*(_single(item) for item in items))
        case Minus(base):
            return _single(base)
        case _:
            return charset.EMPTY
