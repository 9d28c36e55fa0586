"""What came of holding one value against one schema, and how the explaining steps talk to each other."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from idiolect.dialects.json_ast.document import Node
from idiolect.dialects.verdict import Fault

MAX_FAULTS = 50  # a value this wrong needs no longer list


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, as far as branches need to be compared; it is worded only if it is reported."""

    node: Node
    keyword: str
    say: Callable[[], list[Fault]]
    allowed: Sequence[Any] = ()  # values (enum, const) or type names (type) that would do
    weight: int = 1  # how many faults it will be


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is wrong; and, if nothing is, what the schema spoke of (`unevaluated*` asks for that)."""

    findings: tuple[Finding, ...] = ()
    members: frozenset[str] = frozenset()
    items: frozenset[int] = frozenset()
    sets: frozenset[int] = frozenset()  # ids of the array nodes whose order does not matter

    @property
    def ok(self) -> bool:
        return not self.findings


VALID = Outcome()


@dataclass(slots=True)
class Gathered:
    """An outcome in the making."""

    findings: list[Finding] = field(default_factory=list)
    members: set[str] = field(default_factory=set)
    items: set[int] = field(default_factory=set)
    sets: set[int] = field(default_factory=set)

    @property
    def full(self) -> bool:
        """Whether enough is wrong to stop looking."""
        return len(self.findings) >= MAX_FAULTS

    def blame(
        self, node: Node, keyword: str, word: Callable[..., Fault], *given: Any, allowed: Sequence[Any] = ()
    ) -> None:
        """Find fault with a value; `word` makes the fault out of what is given."""
        self.findings.append(Finding(node, keyword, lambda: [word(*given)], allowed))

    def add(self, outcome: Outcome) -> None:
        """Take over an outcome for the same value."""
        if outcome.findings:
            self.findings.extend(outcome.findings)
            return
        self.members |= outcome.members
        self.items |= outcome.items
        self.sets |= outcome.sets

    def add_child(self, outcome: Outcome) -> None:
        """Take over an outcome for a part of the value."""
        self.findings.extend(outcome.findings)
        self.sets |= outcome.sets

    def done(self) -> Outcome:
        if self.findings:
            return Outcome(tuple(self.findings))
        if not (self.members or self.items or self.sets):
            return VALID
        return Outcome((), frozenset(self.members), frozenset(self.items), frozenset(self.sets))


Request = tuple[Any, Node]  # hold this value against this schema
Steps = Generator[Request, Outcome, None]  # asks for outcomes, and gathers them
