"""The form that every grammar takes here: nodes, rules, terminals, and the checks on a whole grammar.

Schemas, Lark files and catalogs are lowered into it; engines' dialects are printed from it. The
language of a grammar is that of the plain context-free grammar over characters: rules may recurse,
terminals are regular and may use differences and intersections. A terminal's name says only that
its text belongs together (printers keep it as one lexeme where they can).
`ignore` names terminals that may stand between tokens; `spacing` weaves them in. It does **not**
read or print any syntax and matches no text.

    g = grammar(
        "start",
        rules={"start": seq("set ", ref("NAME"), " = ", ref("value")), "value": choice("on", "off")},
        terminals={"NAME": some(chars("a-z"))},
    )
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from idiolect.grammar import charset
from idiolect.grammar.charset import Ranges

if TYPE_CHECKING:
    from idiolect.grammar.naming import Naming


@dataclass(frozen=True, slots=True)
class Text:
    """Exactly this text; empty text matches nothing at all and is allowed."""

    text: str


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of a set."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Seq:
    """One item after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the items."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """An item, at least `least` and at most `most` times (None: without end)."""

    item: Node
    least: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Ref:
    """A rule or a terminal by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Minus:
    """Texts of `base` that are not texts of `removed`; inside terminals only."""

    base: Node
    removed: Node


@dataclass(frozen=True, slots=True)
class Both:
    """Texts of `left` that are texts of `right` as well; inside terminals only."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Slot:
    """One item of an `AnyOrder`."""

    node: Node
    required: bool = False


@dataclass(frozen=True, slots=True)
class AnyOrder:
    """Items in any order, each at most once, the required ones present, `separator` between two.

    `least` and `most` bound how many items there are.
    """

    slots: tuple[Slot, ...]
    separator: Node = Text("")
    least: int = 0
    most: int | None = None

    def may_end(self, written: int) -> bool:
        """Whether these may be all, with the items of `written` (as bits) there."""
        if any(slot.required and not written >> number & 1 for number, slot in enumerate(self.slots)):
            return False
        return written.bit_count() >= self.least

    def may_grow(self, written: int) -> bool:
        """Whether one more item may follow."""
        return self.most is None or written.bit_count() < self.most


Node = Text | Chars | Seq | Choice | Repeat | Ref | Minus | Both | AnyOrder


@dataclass(frozen=True, slots=True)
class Terminal:
    """A regular piece of text that belongs together; `hint` describes it to people ("a port number")."""

    node: Node
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class PostCheck:
    """What a grammar can't say: a name for it, where it applies, and the reason."""

    name: str
    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Indentation by blocks: the line-end terminal, and what the lines of each rule begin with."""

    newline: str
    indents: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a grammar, at a rule or a terminal."""

    code: str
    rule: str
    message: str


class GrammarError(Exception):
    """A grammar that can't be used. All its problems are told at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.message for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Grammar:
    """A whole grammar. Make it with `grammar(...)`, which checks it."""

    rules: Mapping[str, Node]
    terminals: Mapping[str, Terminal]
    start: str
    ignore: tuple[str, ...] = ()
    post_checks: tuple[PostCheck, ...] = ()
    notes: tuple[str, ...] = ()  # what lowering changed or left out, for people
    # True where the way it was made rules out that a token runs on into what follows it.
    parted: bool = False
    # Rules that stand for another in reports; "" leaves one out. Filled where rules are split or woven.
    shown: Mapping[str, str] = field(default_factory=dict)
    layout: Layout | None = None
    naming: Naming | None = field(default=None, repr=False, compare=False)
    memo: dict[str, object] = field(default_factory=dict, repr=False, compare=False)  # derived, for reuse


# Deeper nesting inside one rule than this is refused, so that every walk over a rule's nodes may recurse.
DEEPEST_NODE = 60

ANY = Chars(charset.ALL)
EMPTY = Text("")
NOTHING = Choice(())  # matches no text at all

NodeLike = Node | str
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def node_of(item: NodeLike) -> Node:
    """A node as it is, a string as a literal."""
    return Text(item) if isinstance(item, str) else item


def text(literal: str) -> Text:
    """Exactly this text."""
    return Text(literal)


def chars(*sets: str) -> Chars:
    """One character of any of the sets, written as in a regex class: "a-z", "0-9_", "-" last or alone."""
    found: list[tuple[int, int]] = []
    for written in sets:
        index = 0
        while index < len(written):
            low = ord(written[index])
            if index + 2 < len(written) and written[index + 1] == "-":
                found.append((low, ord(written[index + 2])))
                index += 3
            else:
                found.append((low, low))
                index += 1
    return Chars(charset.normal(found))


def not_chars(*sets: str) -> Chars:
    """One character outside of all the sets."""
    return Chars(charset.complement(chars(*sets).ranges))


def one_of(characters: str) -> Chars:
    """One of these very characters; none of them is special."""
    return Chars(charset.of(characters))


def seq(*items: NodeLike) -> Node:
    """Items one after the other; nested sequences and neighbouring literals are joined."""
    flat: list[Node] = []
    for item in items:
        node = node_of(item)
        for part in node.items if isinstance(node, Seq) else (node,):
            if part == EMPTY:
                continue
            if flat and isinstance(part, Text) and isinstance(flat[-1], Text):
                flat[-1] = Text(flat[-1].text + part.text)
            else:
                flat.append(part)
    if not flat:
        return EMPTY
    return flat[0] if len(flat) == 1 else Seq(tuple(flat))


def choice(*items: NodeLike) -> Node:
    """One of the items; nested choices are joined and repeated alternatives written once."""
    flat: dict[Node, None] = {}
    for item in items:
        node = node_of(item)
        for part in node.items if isinstance(node, Choice) else (node,):
            flat.setdefault(part)
    alternatives = tuple(flat)
    return alternatives[0] if len(alternatives) == 1 else Choice(alternatives)


def optional(*items: NodeLike) -> Node:
    """The items in sequence, or nothing."""
    return Repeat(seq(*items), 0, 1)


def many(*items: NodeLike) -> Node:
    """The items in sequence, any number of times."""
    return Repeat(seq(*items), 0, None)


def some(*items: NodeLike) -> Node:
    """The items in sequence, at least once."""
    return Repeat(seq(*items), 1, None)


def times(item: NodeLike, least: int, most: int | None = None) -> Node:
    """An item `least` to `most` times; without `most`, exactly `least` times."""
    return Repeat(node_of(item), least, least if most is None else most)


def listed(item: NodeLike, separator: NodeLike, *, least: int = 1) -> Node:
    """Items with a separator between two; `least` is 0 or 1."""
    row = seq(item, many(separator, item))
    return row if least else Repeat(row, 0, 1)


def ref(name: str) -> Ref:
    """A rule or a terminal by name."""
    return Ref(name)


def minus(base: NodeLike, *removed: NodeLike) -> Minus:
    """The base without the texts removed; for terminals."""
    return Minus(node_of(base), choice(*removed))


def both(left: NodeLike, right: NodeLike) -> Both:
    """Texts that are in both; for terminals."""
    return Both(node_of(left), node_of(right))


def any_order(
    *,
    required: Iterable[NodeLike] = (),
    optional: Iterable[NodeLike] = (),
    separator: NodeLike = "",
    least: int = 0,
    most: int | None = None,
) -> AnyOrder:
    """Items in any order, each at most once, all required ones present, `least` to `most` in number."""
    slots = [Slot(node_of(item), True) for item in required]
    slots += [Slot(node_of(item), False) for item in optional]
    return AnyOrder(tuple(slots), node_of(separator), least, most)


def grammar(
    start: str,
    rules: Mapping[str, NodeLike],
    terminals: Mapping[str, NodeLike | Terminal] | None = None,
    *,
    ignore: Iterable[str] = (),
    post_checks: Iterable[PostCheck] = (),
    notes: Iterable[str] = (),
    parted: bool = False,
    shown: Mapping[str, str] | None = None,
    layout: Layout | None = None,
) -> Grammar:
    """A checked grammar; `GrammarError` names every problem and its rule."""
    made = Grammar(
        rules={name: node_of(item) for name, item in rules.items()},
        terminals={
            name: item if isinstance(item, Terminal) else Terminal(node_of(item))
            for name, item in (terminals or {}).items()
        },
        start=start,
        ignore=tuple(ignore),
        post_checks=tuple(post_checks),
        notes=tuple(notes),
        parted=parted,
        shown=dict(shown or {}),
        layout=layout,
    )
    from idiolect.grammar.checks import problems_of

    problems = problems_of(made)
    if problems:
        raise GrammarError(problems)
    return made


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly inside a node."""
    match node:
        case Seq(items) | Choice(items):
            return items
        case Repeat(item):
            return (item,)
        case Minus(left, right) | Both(left, right):
            return (left, right)
        case AnyOrder(slots, separator):
            return (*(slot.node for slot in slots), separator)
        case _:
            return ()


def parts(node: Node) -> Iterator[Node]:
    """A node and every node inside it, without recursion."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(children(current)))


def is_name(name: str) -> bool:
    """Whether a word may name a rule or a terminal."""
    return _NAME.match(name) is not None
