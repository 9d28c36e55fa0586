"""Prints a grammar in XGrammar's EBNF: GBNF's near twin, which takes left recursion and any count."""

from __future__ import annotations

from idiolect.grammar.form import Grammar
from idiolect.grammar.to_gbnf import Dialect, print_bnf

XGRAMMAR = Dialect(most_repeats=None, left_recursion=True)


def print_xgrammar(grammar: Grammar) -> str:
    """The grammar as text for XGrammar; the start rule is called `root`."""
    return print_bnf(grammar, XGRAMMAR)
