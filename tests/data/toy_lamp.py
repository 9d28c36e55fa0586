"""A toy dialect for the tests of data: lines "lamp NAME on|off"; comments begin with "#"."""

from __future__ import annotations

import os
import random
import re

from idiolect.dialects.contract import EMPTY, Context, Dialect, Mutant
from idiolect.dialects.verdict import Fault, Level, Severity, Verdict, verdict_of
from idiolect.grammar.form import Grammar
from idiolect.source import Span

_LINE = re.compile(r"lamp +(\w+) +(on|off)")


class Lamp(Dialect):
    name = "lamp"
    suffixes = (".lamp",)

    def verify(self, text: str, context: Context = EMPTY) -> Verdict:
        faults = []
        offset = 0
        for line in text.split("\n"):
            span = Span(offset, offset + len(line))
            offset += len(line) + 1
            words = line.strip()
            if words == "crash":
                raise RuntimeError("the toy fails")
            if words == "die":
                os._exit(3)
            if words.startswith("include "):
                message = f"{words} is not there"
                faults.append(
                    Fault("lamp.include.missing", message, span, None, Level.VALID, Severity.WARNING)
                )
            elif words and not words.startswith("#") and not _LINE.fullmatch(words):
                faults.append(Fault("lamp.line", f'"{words[:20]}" is no lamp line', span))
        return verdict_of(faults)

    def constraint(self, context: Context = EMPTY) -> Grammar:
        raise NotImplementedError

    def canonical(self, text: str, context: Context = EMPTY) -> str:
        lines = (" ".join(line.split()) for line in text.split("\n"))
        return "".join(f"{line}\n" for line in lines if line and not line.startswith("#"))

    def mutate(self, text: str, rng: random.Random, context: Context = EMPTY) -> Mutant | None:
        return Mutant(text.replace("lamp", "lmap", 1), "misspelt", syntax=True)

    def describe(self, text: str, context: Context = EMPTY) -> str:
        return (
            "Switches " + " and ".join(match[1] for match in _LINE.finditer(text)) if "lamp" in text else ""
        )


def load() -> tuple[Dialect, Context]:
    return Lamp(), EMPTY
