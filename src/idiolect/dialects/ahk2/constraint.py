"""Lowers grammar.lark for decoding and narrows its names: no reserved word names anything, and with a
catalog only known functions are called by name.

What the grammar can't say (numbers of arguments, names used twice, names of keys) is listed as post-checks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files

from idiolect.dialects.ahk2 import builtins
from idiolect.dialects.contract import Context
from idiolect.grammar.form import (
    Grammar,
    Node,
    PostCheck,
    Terminal,
    choice,
    minus,
    one_of,
    seq,
)
from idiolect.grammar.from_lark import lower_lark

_POST_CHECKS = (
    PostCheck("names", "start", "functions, classes, labels and hotkeys are defined once"),
    PostCheck("arguments", "start", "calls give as many arguments as the function takes"),
    PostCheck("classes", "start", "a base class exists"),
    PostCheck("keys", "HOTKEY", "the key exists, and modifiers fit it"),
    PostCheck("functions", "start", "no function, class or read-only variable is assigned"),
)
_VALUES = {"true", "false"}


def build_grammar(context: Context) -> Grammar:
    """The grammar of canonical scripts; with a catalog, only its functions and built-in ones are called."""
    if context.catalog is None:
        return _narrowed(None)
    kinds = ("function", "class", "proc")
    return _narrowed(tuple(sorted({proc.name for proc in context.catalog.procs if proc.kind in kinds})))


@lru_cache(maxsize=8)
def _narrowed(callees: tuple[str, ...] | None) -> Grammar:
    text = files("idiolect.dialects.ahk2").joinpath("grammar.lark").read_text("utf-8")
    if callees is None:
        text = text.replace("CALLEE: ", "// ").replace("CALLEE", "NAME")  # one terminal less to tell apart
    lowered = lower_lark(text, reserve=False)
    terminals = dict(lowered.terminals)
    name = terminals["NAME"].node
    terminals["NAME"] = Terminal(minus(name, _words(builtins.RESERVED - _VALUES)), "a name")
    if callees is not None:
        known = [arity.name for arity in builtins.functions().values()]
        known += [shown for lowered_name, shown in builtins.classes().items() if "." not in lowered_name]
        terminals["CALLEE"] = Terminal(choice(*sorted({*known, *callees})), "a function")
    return replace(lowered, terminals=terminals, post_checks=(*lowered.post_checks, *_POST_CHECKS), memo={})


def _words(words: Iterable[str]) -> Node:
    """Any of these words, in any case."""
    return choice(
        *(seq(*(one_of(letter.lower() + letter.upper()) for letter in word)) for word in sorted(words))
    )
