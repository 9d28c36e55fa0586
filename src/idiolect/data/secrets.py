"""Masks secrets in texts: keys, tokens, passwords, private addresses, e-mail, as `secrets.toml` lists them.

A hit says what and where, never the secret. Patterns find what has a known shape; a password that
looks like a word in a sentence is **not** found.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of secret, and what is written in its place."""

    name: str
    pattern: re.Pattern[str]
    mask: str
    need: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A secret that was masked; `line` counts from 1."""

    kind: str
    line: int


@cache
def kinds() -> tuple[Kind, ...]:
    """The kinds in the order in which they are masked: those with the clearest shape first."""
    table = tomllib.loads(files("idiolect.data").joinpath("secrets.toml").read_text("utf-8"))
    return tuple(
        Kind(name, re.compile(row["pattern"]), row["mask"], row["need"].casefold())
        for name, row in table.items()
    )


def masked(text: str) -> tuple[str, tuple[Hit, ...]]:
    """The text without secrets, and where they stood."""
    hits: list[Hit] = []
    folded = text.casefold()
    for kind in kinds():
        if kind.need in folded:
            text, found = _mask(text, kind)
            hits += found
    return text, tuple(sorted(hits, key=lambda hit: (hit.line, hit.kind)))


def _mask(text: str, kind: Kind) -> tuple[str, list[Hit]]:
    parts: list[str] = []
    hits = []
    done = line = 0
    for match in kind.pattern.finditer(text):
        start, end = match.span("secret" if "secret" in kind.pattern.groupindex else 0)
        if text[start:end].startswith("MASKED"):
            continue
        line += text.count("\n", done, start)
        parts += [text[done:start], kind.mask]
        line_of_hit = line + 1
        line += text.count("\n", start, end)
        hits.append(Hit(kind.name, line_of_hit))
        done = end
    return "".join([*parts, text[done:]]), hits
