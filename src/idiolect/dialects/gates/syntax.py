"""The tree of a Gates text: modules, statements and expressions, each with its place.

Equality of nodes compares meaning and leaves places out, so `read(render(tree)) == tree` can be asked.
It holds no rules of the language: those are in `checker`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, TypeAlias

from idiolect.source import Span

MAX_NESTING = 100
MAX_WIDTH = 256
MAX_TEXT = 50_000  # characters; the densest such text is judged within a second

KEYWORDS = (
    "MODULE", "INPUT", "OUTPUT", "CLOCK", "RESET", "WIRE", "REG", "CONST", "STAGE", "AFTER", "CASE",
    "DEFAULT",
)  # fmt: skip

# Rows of the manual's table, tightest first.
PRECEDENCE: tuple[tuple[str, ...], ...] = (
    ("*",),
    ("+", "-"),
    ("<<", ">>", ">>>"),
    ("<", "<=", ">", ">="),
    ("==", "!="),
    ("&", "~&"),
    ("^", "~^"),
    ("|", "~|"),
)
LEVEL_OF = {operator: level for level, row in enumerate(PRECEDENCE) for operator in row}


class PortKind(StrEnum):
    INPUT = "INPUT"
    OUTPUT = "OUTPUT"
    CLOCK = "CLOCK"
    RESET = "RESET"


@dataclass(frozen=True, slots=True)
class Node:
    """Anything with a place."""

    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Name(Node):
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A literal; `width` is None and `base` empty for a plain decimal."""

    value: int
    width: int | None = None
    base: str = ""
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Bit(Node):
    """`[index]`"""

    index: Expr
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Slice(Node):
    """`[high:low]`"""

    high: int
    low: int
    depth: int = field(default=1, compare=False)


Select: TypeAlias = Bit | Slice


@dataclass(frozen=True, slots=True)
class Ref(Node):
    """A signal, or a value of a stage or an instance (`owner`), or a part of either."""

    name: Name
    owner: Name | None = None
    select: Select | None = None
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Unary(Node):
    operator: str
    operand: Expr
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Reduction(Node):
    operator: str
    operand: Expr
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """Operands joined, from left to right, by operators of one row of the precedence table."""

    first: Expr
    rest: tuple[tuple[str, Expr], ...]
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Choice(Node):
    condition: Expr
    then: Expr
    otherwise: Expr
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Case(Node):
    subject: Expr
    arms: tuple[tuple[Name | Number, Expr], ...]
    default: Expr
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Concat(Node):
    """Parts put together, the first at the top, all of it `times` times over."""

    parts: tuple[Expr, ...]
    times: int | None = None
    depth: int = field(default=1, compare=False)


Expr: TypeAlias = Number | Ref | Unary | Reduction | Chain | Choice | Case | Concat


@dataclass(frozen=True, slots=True)
class Port(Node):
    kind: PortKind
    name: Name
    width: int = 1


@dataclass(frozen=True, slots=True)
class Wire(Node):
    name: Name
    width: int = 1
    value: Expr | None = None


@dataclass(frozen=True, slots=True)
class Reg(Node):
    name: Name
    width: int
    reset: Number


@dataclass(frozen=True, slots=True)
class Const(Node):
    name: Name
    value: Number


@dataclass(frozen=True, slots=True)
class Drive(Node):
    """`target = value;`, or with `clocked` `target <= value;`."""

    target: Ref
    value: Expr
    clocked: bool = False


@dataclass(frozen=True, slots=True)
class Connection(Node):
    """One port of an instance; `port` is None where ports are connected in order."""

    port: Name | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Instance(Node):
    module: Name
    name: Name
    connections: tuple[Connection, ...] = ()


@dataclass(frozen=True, slots=True)
class Latch(Node):
    """A value that a stage latches."""

    name: Name
    width: int
    value: Expr


@dataclass(frozen=True, slots=True)
class Stage(Node):
    name: Name
    after: Name | None = None
    items: tuple[Wire | Latch, ...] = ()


Statement: TypeAlias = Wire | Reg | Const | Drive | Instance | Stage


@dataclass(frozen=True, slots=True)
class Module(Node):
    name: Name
    ports: tuple[Port, ...] = ()
    body: tuple[Statement, ...] = ()

    def ports_of(self, *kinds: PortKind) -> tuple[Port, ...]:
        """The ports of some kinds, in order."""
        return tuple(port for port in self.ports if port.kind in kinds)

    @property
    def clocked(self) -> bool:
        return bool(self.ports_of(PortKind.CLOCK))


@dataclass(frozen=True, slots=True)
class Program(Node):
    modules: tuple[Module, ...] = ()

    @property
    def top(self) -> Module:
        """The module that is simulated: the last."""
        return self.modules[-1]


def children(node: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside one, from left to right."""
    match node:
        case Ref(select=Bit(index=index)):
            return (index,)
        case Unary(operand=operand) | Reduction(operand=operand):
            return (operand,)
        case Chain():
            return (node.first, *(operand for _, operand in node.rest))
        case Choice():
            return (node.condition, node.then, node.otherwise)
        case Case():
            return (node.subject, *(value for _, value in node.arms), node.default)
        case Concat():
            return node.parts
        case _:
            return ()


def references(expression: Expr) -> list[Ref]:
    """Every reference inside an expression, case labels left out."""
    found: list[Ref] = []
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Ref):
            found.append(node)
        waiting.extend(reversed(children(node)))
    return found


def nodes(root: Node) -> Iterator[Node]:
    """A node and all nodes under it, in the order of the text."""
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(reversed(node))
        elif isinstance(node, Node):
            yield node
            waiting.extend(getattr(node, part.name) for part in reversed(fields(node)))
