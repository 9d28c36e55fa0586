"""What every dialect answers, built in or made by a user.

`verify`, `constraint` and `canonical` are the contract; `sample`, `mutate`, `run`, `extract` and
`describe` are offered where a language allows it. A dialect that does not offer one leaves it as
it is here: it raises `NotOffered`, and `offers(dialect, "sample")` says so without calling.

What holds for every dialect (one contract test runs over all): what `sample` makes verifies; what
`mutate` makes does not; the constraint accepts the canonical form of every sample, and refuses
every mutant that breaks the syntax.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idiolect.dialects.verdict import Verdict

if TYPE_CHECKING:
    from idiolect.dialects.catalog import Catalog
    from idiolect.dialects.policy import Policy
    from idiolect.grammar.form import Grammar


@dataclass(frozen=True, slots=True)
class Context:
    """What a text is judged, constrained or sampled against, beside the language itself."""

    schema: Mapping[str, Any] | None = None  # json_ast: the JSON Schema of this example
    catalog: Catalog | None = None  # the symbols that may be used
    policy: Policy | None = None  # forbidden and deprecated symbols, required headers
    tests: Sequence[Mapping[str, Any]] = ()  # {"input": ..., "expected": ...}, run where the dialect can
    level: str | None = None  # sample: "micro", "multi" or "scenario"
    folder: Path | None = None  # where relative includes are looked for


EMPTY = Context()


@dataclass(frozen=True, slots=True)
class Sample:
    """A text that a dialect made, what it asks for in words, and what it was made from."""

    text: str
    description: str = ""
    context: Context = EMPTY
    level: str = "micro"
    productions: tuple[str, ...] = ()  # grammar rules that the text uses
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A text broken on purpose. `kind` names the break; `syntax` says that the form itself is broken."""

    text: str
    kind: str
    syntax: bool
    note: str = ""


class NotOffered(Exception):
    """A dialect was asked for something that it does not offer."""


class Dialect(ABC):
    """A language that a model shall write."""

    name: str
    suffixes: tuple[str, ...] = ()  # file name endings, with the dot
    not_offered: frozenset[str] = frozenset()  # parts that this very dialect lacks though its class has them

    @abstractmethod
    def verify(self, text: str, context: Context = EMPTY) -> Verdict:
        """Judge a text. Never raises on any text, and is bounded in time."""

    @abstractmethod
    def constraint(self, context: Context = EMPTY) -> Grammar:
        """The grammar that a decoder is held to."""

    @abstractmethod
    def canonical(self, text: str, context: Context = EMPTY) -> str:
        """The one way to write this text that training targets use; ValueError if it does not parse."""

    def sample(self, rng: random.Random, context: Context = EMPTY) -> Sample:
        """A random text that verifies."""
        raise NotOffered(f"dialect {self.name} can't make samples")

    def mutate(self, text: str, rng: random.Random, context: Context = EMPTY) -> Mutant | None:
        """A broken version of a good text, or None where no break applies."""
        raise NotOffered(f"dialect {self.name} can't make mutants")

    def run(self, text: str, inputs: Mapping[str, Any], context: Context = EMPTY) -> Mapping[str, Any]:
        """Execute a text in the dialect's own simulator."""
        raise NotOffered(f"dialect {self.name} can't run texts")

    def extract(self, sources: Sequence[Path]) -> Catalog:
        """Collect the symbols that source files define."""
        raise NotOffered(f"dialect {self.name} can't read a catalog from sources")

    def describe(self, text: str, context: Context = EMPTY) -> str:
        """Say in words what a text does, by rules."""
        raise NotOffered(f"dialect {self.name} can't describe texts")

    def equal(self, left: str, right: str, context: Context = EMPTY) -> bool:
        """Whether two texts mean the same as far as their canonical forms tell."""
        return self.canonical(left, context) == self.canonical(right, context)


def offers(dialect: Dialect, what: str) -> bool:
    """Whether a dialect offers an optional part of the contract."""
    return what not in dialect.not_offered and getattr(type(dialect), what) is not getattr(Dialect, what)
