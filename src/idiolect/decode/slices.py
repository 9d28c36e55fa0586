"""Classes of the vocabulary that make masks quick, read off a grammar's own lexemes.

Where a lexeme may go on with many characters of one set (a comment, a quoted text, a name), most tokens that
are allowed consist of such characters only. llguidance keeps the mask of such a class ready and takes it as
it is wherever the lexeme allows all of it. Its own classes fit JSON strings; these fit the grammar at hand.
"""

from __future__ import annotations

from idiolect.grammar import charset
from idiolect.grammar.charset import Ranges
from idiolect.grammar.form import AnyOrder, Chars, Choice, Grammar, Minus, Node, Repeat, parts
from idiolect.grammar.to_llguidance import char_class

_LONGEST = (10, 30)  # lengths in characters at which a bounded lexeme still takes a whole class
_MOST_CLASSES = 5
_SMALLEST = 20  # characters: a class of digits only holds few tokens


def slices_of(grammar: Grammar) -> tuple[str, ...]:
    """The classes as regular expressions, the largest sets of characters first."""
    wanted: dict[Ranges, int | None] = {}  # the longest run of each set; None has no end
    for terminal in grammar.terminals.values():
        _collect(terminal.node, wanted)
    for body in grammar.rules.values():
        _collect(body, wanted)
    chosen = sorted(wanted, key=lambda ranges: (-charset.size(ranges), ranges))[:_MOST_CLASSES]
    found: dict[str, None] = {}
    for ranges in chosen:
        written, most = char_class(ranges), wanted[ranges]
        for length in _LONGEST:
            if most is None or most >= length:
                found.setdefault(f"{written}{{1,{length}}}")
        if most is None:
            found.setdefault(f"{written}+")
    return tuple(found)


def _collect(node: Node, wanted: dict[Ranges, int | None]) -> None:
    for part in parts(node):
        if not isinstance(part, Repeat) or (part.most is not None and part.most < _LONGEST[0]):
            continue
        ranges = _single(part.item)
        if charset.size(ranges) < _SMALLEST:
            continue
        known = wanted.get(ranges, 0)
        wanted[ranges] = None if part.most is None or known is None else max(part.most, known)


def _single(node: Node) -> Ranges:
    """The characters that a node of one character can be; of a choice those alternatives that are one."""
    match node:
        case Chars(ranges):
            return ranges
        case Choice(items):
            return charset.union(*(_single(item) for item in items))
        case Minus(base):
            return _single(base)
        case AnyOrder():
            return charset.EMPTY
        case _:
            return charset.EMPTY
