"""What a break is: an edit of a good text, and the fault it should cause.

The kinds themselves are in `form_breaks` and `rule_breaks`. An edit may turn out harmless; `mutate`
judges what comes out.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from idiolect.dialects.gates.syntax import (
    Module,
    Node,
    Program,
    nodes,
)
from idiolect.source import Span

_TOKENS = re.compile(
    r"(?P<space>\s+|//[^\r\n]*|/\*.*?\*/)|(?P<number>\d+'[bdh][0-9A-Fa-f_]+|\d+)|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<operator>>>>|<<|>>|<=|>=|==|!=|~&|~\||~\^|[*+\-<>&|^~?:=])|(?P<mark>.)",
    re.DOTALL,
)

Found = TypeVar("Found", bound=Node)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    span: Span


@dataclass(slots=True)
class Good:
    """A text that verifies, ready to be edited."""

    text: str
    program: Program
    rng: random.Random
    tokens: list[Token] = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = [
            Token(found.lastgroup or "mark", found.group(), Span(*found.span()))
            for found in _TOKENS.finditer(self.text)
            if found.lastgroup != "space"
        ]

    def pick(self, kind: type[Found], *, test: Callable[[Found], bool] = lambda _: True) -> Found | None:
        """A random node of a kind."""
        found = [node for node in nodes(self.program) if isinstance(node, kind) and test(node)]
        return self.rng.choice(found) if found else None

    def token(self, test: Callable[[Token], bool]) -> Token | None:
        """A random token of some sort."""
        found = [token for token in self.tokens if test(token)]
        return self.rng.choice(found) if found else None

    def swap(self, span: Span | None, text: str) -> str | None:
        """The text with something else in place of a span."""
        return None if span is None else self.text[: span.start] + text + self.text[span.end :]

    def statement(self, node: Node) -> Span:
        """A statement from its first word to its semicolon, for nodes whose span is a name or more."""
        before = self.text.rfind("\n", 0, node.span.start) + 1
        starts = [self.text.rfind(mark, before, node.span.start) + 1 for mark in (";", "{", "}")]
        start = max([before, *starts])
        return Span(start, self.text.index(";", node.span.end) + 1)

    def add(self, statement: str, module: Module | None = None) -> str:
        """The text with one more statement at the end of a module's body."""
        number = self.program.modules.index(module or self.program.top)
        after = self.program.modules[number + 1 :]
        limit = self.text.rindex("MODULE", 0, after[0].span.start) if after else len(self.text)
        end = self.text.rindex("}", 0, limit)
        return f"{self.text[:end].rstrip()}\n    {statement}\n{self.text[end:]}"


Edit = Callable[[Good], str | None]


@dataclass(frozen=True, slots=True)
class Break:
    """One kind of break: how it is made, and the beginning of the fault code it should cause."""

    edit: Edit
    code: str


def registrar(table: dict[str, Break]) -> Callable[[str], Callable[[Edit], Edit]]:
    """A decorator that enters edits in a table under their names, with the fault code they should cause."""

    def breaks(code: str) -> Callable[[Edit], Edit]:
        def register(edit: Edit) -> Edit:
            table[edit.__name__] = Break(edit, f"gates.{code}")
            return edit

        return register

    return breaks


def misspelt(rng: random.Random, word: str) -> str:
    """A word with two letters swapped, one doubled or one left out; never the word itself."""
    for _ in range(20):
        place = rng.randrange(len(word))
        wrong = rng.choice([
            word[:place] + word[place + 1 : place + 2] + word[place : place + 1] + word[place + 2 :],
            word[: place + 1] + word[place:],
            word[:place] + word[place + 1 :],
        ])  # fmt: skip
        if wrong != word and wrong.isidentifier():
            return wrong
    return f"{word}X"


def module_of(good: Good, node: Node) -> Module:
    """The module in which a node stands."""
    before = [module for module in good.program.modules if module.span.start <= node.span.start]
    return before[-1]
