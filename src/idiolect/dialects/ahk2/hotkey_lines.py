"""Reads lines that begin with a hotkey or hotstring, and the code that belongs to them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from idiolect.dialects.ahk2 import labels
from idiolect.dialects.ahk2.lines import Line
from idiolect.dialects.ahk2.script import Symbol
from idiolect.source import Span

if TYPE_CHECKING:
    from idiolect.dialects.ahk2.loader import Loader


def expect_no_hotkey(loader: Loader, line: Line | None) -> None:
    """A hotkey without code must be followed by a brace, a function or another hotkey."""
    if loader.waiting_hotkey is None:
        return
    if line is not None and re.match(r"[\w\x80-\U0010ffff]+\(", line.text):
        return  # a function: its definition checks the parameters
    loader.faults.add("parse.hotkey.body", loader.waiting_hotkey)
    loader.waiting_hotkey = None


def read_hotkey_line(loader: Loader, line: Line) -> None:
    head = line.span(0, line.body)
    if loader.in_function or loader.block.kind in ("class", "property"):
        loader.faults.add("parse.hotkey.nested", head)
    if line.hotstring is not None:
        _read_hotstring(loader, line, head)
        return
    assert line.hotkey is not None
    wrong = labels.check_hotkey(line.hotkey)
    if wrong is not None:
        loader.faults.add(wrong[0], head, name=wrong[1])
    target = line.text[line.body :].strip()
    loader.script.symbols.append(Symbol("hotkey", line.hotkey.strip(), head))
    if labels.is_alt_tab(target):
        if "&" not in line.hotkey and re.match(r"[~*$]*[!^+#]", line.hotkey):
            loader.faults.add("parse.hotkey.alttab", head)
        return
    if target and labels.hotkey_is_remap(target):
        if re.search(r"[ \t]up$", line.hotkey, re.I):
            loader.faults.add("parse.hotkey", head, name=line.hotkey)
        return
    identity = (loader.context, labels.hotkey_identity(line.hotkey))
    if identity in loader.hotkeys and wrong is None:
        loader.faults.add("name.hotkey", head, name=line.hotkey.strip())
    loader.hotkeys.add(identity)
    _read_code(loader, line, head)


def _read_hotstring(loader: Loader, line: Line, head: Span) -> None:
    assert line.hotstring is not None
    options, abbreviation = line.hotstring
    if not abbreviation:
        loader.faults.add("parse.hotstring.empty", head)
    elif len(abbreviation) > labels.MOST_ABBREVIATION:
        loader.faults.add(
            "parse.hotstring.long", head, most=labels.MOST_ABBREVIATION, found=len(abbreviation)
        )
    loader.script.symbols.append(Symbol("hotstring", abbreviation, head))
    target = line.text[line.body :].strip()
    executes = "x" in options.lower() and "x0" not in options.lower()
    if not target or target == "{" or executes:
        _read_code(loader, line, head)


def _read_code(loader: Loader, line: Line, head: Span) -> None:
    """The code of a hotkey: one statement on its line, or a block."""
    target = line.text[line.body :].strip()
    if not target:
        loader.waiting_hotkey = head
        return
    loader.waiting_hotkey = None
    scope = loader.scope.child({"thishotkey"})
    if loader.block.body_is_due:
        loader.block.report_missing_body(loader.faults)
    if target == "{":
        loader.open_block("function", line.span(len(line.text) - 1, len(line.text)), scope)
        return
    loader.open_block("function", head, scope)
    line.opens_block = False
    loader.statement(loader.read_statement(line, line.body))
    block = loader.blocks.pop()
    block.report_missing_body(loader.faults)
