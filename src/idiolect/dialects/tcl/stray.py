"""Delimiters that delimit nothing: a `}` alone, a word that ends in `]`, an `else` in a line of its own.

Tcl itself takes most of these for data and fails later, or never: in plain scripts such words are
warnings. Where a catalog says what the script is made of (`strict`), they are errors. A command
named `}` or `else` is always one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from idiolect.dialects.tcl.blame import stray_brace
from idiolect.dialects.tcl.walk import Site, Walk
from idiolect.dialects.tcl.words import Word
from idiolect.dialects.verdict import Fault, Fix, Level, Severity
from idiolect.source import Span

CLAUSES = {"else": "if", "elseif": "if", "finally": "try"}
GLUED = re.compile(r"(if|while|for|foreach|switch|catch|proc|expr|lmap|try|eval)[{\"]")
MOST = 50  # faults of this kind are told of one text


def stray_faults(found: Walk, strict: bool) -> Iterator[Fault]:
    """The stray delimiters and clauses of a text, up to a bound."""
    return islice(_stray_faults(found, strict), MOST)


def _stray_faults(found: Walk, strict: bool) -> Iterator[Fault]:
    defined = {definition.name for definition in found.definitions}
    blamed = False
    for site in found.sites:
        first = site.command.words[0]
        if site.name in CLAUSES and site.name not in defined and site.where.kind == "script":
            yield _clause(found, site)
        elif first.stray and found.text[first.start] in "}]":
            if blamed or found.text[first.start] == "]":
                yield _stray_closer(found, first)
            else:
                blamed = True
                yield stray_brace(found.text, first.start, found.splitter.closers)
        elif first.stray and site.where.kind == "script" and (glued := GLUED.match(found.text, first.start)):
            at = glued.end(1)
            message = f'no space between "{glued.group(1)}" and {found.text[at]}'
            fix = Fix(Span(at, at), " ")
            yield Fault("tcl.parse.space", message, Span(first.start, at + 1), "put a space there", fix=fix)
        for word in site.command.words:
            if word.stray and word is not first:
                fault = _stray_in(found, site, word, strict)
                if fault is not None:
                    yield fault


def _clause(found: Walk, site: Site) -> Fault:
    assert site.name is not None
    word = site.command.words[0]
    before = found.text.rfind("}", max(0, word.start - 400), word.start)
    gap = Span(before + 1, word.start)
    known = before >= 0 and not found.text[gap.start : gap.end].strip()
    return Fault(
        "tcl.parse.clause",
        f'"{site.name}" begins a command of its own',
        word.span,
        f"write it in the line of the close-brace before it: }} {site.name} ...",
        Level.PARSE,
        fix=Fix(gap, " ") if known else None,
    )


def _stray_closer(found: Walk, word: Word) -> Fault:
    mark = found.text[word.start]
    name = "brace" if mark == "}" else "bracket"
    span = Span(word.start, word.start + 1)
    return Fault(f"tcl.parse.stray_{name}", f"unexpected close-{name}", span, "remove it, or open it before")


def _stray_in(found: Walk, site: Site, word: Word, strict: bool) -> Fault | None:
    """The fault of an argument with an unbalanced delimiter outside of its substitutions."""
    text = found.text
    command = text[site.command.start : min(site.command.end, site.command.start + 4000)]
    open_braces = 0
    at, parts = word.start, {part.start: part.end for part in word.parts}
    odd: tuple[int, str] | None = None
    while at < word.end:
        if at in parts:
            at = parts[at]
            continue
        mark = text[at]
        if mark == "\\":
            at += 2
            continue
        if mark == "{":
            open_braces += 1
            odd = odd or (at, "{")
        elif mark == "}":
            open_braces -= 1
            odd = odd or (at, "}")
        elif mark in ']"':
            odd = (at, mark) if odd is None or odd[1] in "{}" else odd
        at += 1
    if odd is None or (odd[1] in "{}" and open_braces == 0):
        return None
    mark = odd[1] if odd[1] in ']"' else "}" if open_braces < 0 else "{"
    # An escaped twin in the same command shows that the author means the character.
    if (mark == "]" and "\\[" in command) or (mark == '"' and '\\"' in command):
        return None
    names = {"]": "bracket", "}": "brace", "{": "brace", '"': "quote"}
    return Fault(
        f"tcl.parse.stray_{names[mark]}",
        f"{mark} inside a word opens or closes nothing",
        Span(odd[0], odd[0] + 1),
        f"open or close it, put a space before it, or write \\{mark}",
        Level.PARSE,
        Severity.ERROR if strict else Severity.WARNING,
    )
