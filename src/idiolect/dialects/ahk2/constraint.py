"""Lowers grammar.lark for decoding and narrows its names: no reserved word names anything, hotkeys are keys
that exist, and with a catalog only known functions are called by name.

What the grammar can't say (numbers of arguments, names used twice, names of keys) is listed as post-checks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files

from idiolect.dialects.ahk2 import builtins
from idiolect.dialects.contract import Context
from idiolect.grammar import charset
from idiolect.grammar.form import (
    Chars,
    Grammar,
    Node,
    PostCheck,
    Terminal,
    chars,
    choice,
    minus,
    one_of,
    optional,
    seq,
    times,
)
from idiolect.grammar.from_lark import lower_lark
from idiolect.grammar.rewrite import map_nodes

_POST_CHECKS = (
    PostCheck("names", "start", "functions, classes, labels and hotkeys are defined once"),
    PostCheck("arguments", "start", "calls give as many arguments as the function takes"),
    PostCheck("classes", "start", "a base class exists"),
    PostCheck("keys", "HOTKEY", "modifiers fit the key"),
    PostCheck("functions", "start", "no function, class or read-only variable is assigned"),
)
_VALUES = {"true", "false"}
_FUNCTION_KEYS = tuple(f"f{number}" for number in range(1, 25))
_CONTROL = ((0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x7F))


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
    terminals["HOTKEY"] = Terminal(seq(_hotkey(), "::"), "a hotkey")
    terminals["RELEASED"] = Terminal(seq(_hotkey(), " up::"), "a hotkey")
    keys = choice(chars("A-Za-z_"), _words(builtins.key_names()), _words(_FUNCTION_KEYS), _codes())
    bare = name if callees is None else terminals["CALLEE"].node
    terminals["BARE"] = Terminal(minus(minus(bare, _words(builtins.RESERVED)), keys), "a function")
    terminals = {name: replace(one, node=map_nodes(one.node, _printable)) for name, one in terminals.items()}
    return replace(lowered, terminals=terminals, post_checks=(*lowered.post_checks, *_POST_CHECKS), memo={})


def _hotkey() -> Node:
    """A hotkey without its colons, of the keys that there are; controllers' buttons are left to `verify`."""
    listed = [*(name for name in builtins.key_names() if not name.startswith("joy")), *_FUNCTION_KEYS]
    named, held = _words(listed), _words(name for name in listed if not name.startswith("wheel"))
    codes = _codes()
    letter = chars("A-Za-z0-9")
    key = choice(chars("A-Za-z0-9_=,./[]", "-"), named, codes)
    held_too = seq(optional(one_of("<>")), one_of("!^+#"))
    marks = seq(times(one_of("~*$"), 0, 3), times(held_too, 0, 4))
    second = _words(name for name in listed if name != "up")  # read as the release of the first
    pair = seq(optional("~"), choice(letter, held, codes), " & ", choice(letter, second, codes))
    return choice(seq(marks, key), pair)


def _codes() -> Node:
    """Keys by their numbers."""
    code = chars("0-9a-fA-F")
    return choice(seq(_words(["vk"]), times(code, 1, 2)), seq(_words(["sc"]), times(code, 1, 3)))


def _printable(node: Node) -> Node:
    """Sets of characters without control characters other than tab and line feed: a CR would end a line."""
    return Chars(charset.minus(node.ranges, _CONTROL)) if isinstance(node, Chars) else node


def _words(words: Iterable[str]) -> Node:
    """Any of these words, in any case."""
    return choice(
        *(seq(*(one_of(letter.lower() + letter.upper()) for letter in word)) for word in sorted(words))
    )
