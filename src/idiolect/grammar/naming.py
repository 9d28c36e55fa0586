"""Names that may be used only after they were declared: what no context-free grammar says.

A `Naming` stands beside a grammar. Its own grammar has the same texts, with lexemes apart for names that are
used; which names each of them may be is read off what has been written so far. Engines decode by the plain
grammar; the completer reads by this one, so that both a choice and a closing name only what exists.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idiolect.grammar.form import Grammar


@dataclass(frozen=True, slots=True)
class Naming:
    """Which lexemes are names in use, and what a beginning of a text lets them be."""

    grammar: Grammar
    kinds: frozenset[str]  # terminals of the grammar
    names: Callable[[str], Mapping[str, Collection[str]]]  # a beginning to the names of each kind
