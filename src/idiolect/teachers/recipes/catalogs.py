"""Invents catalogs for Tcl: symbols whose names can't be known by heart, so that a model learns to read them.

A catalog takes a theme of `catalog_themes.toml`, some of its actions, tests, settings and statements, and
draws how they are called, which arguments they have, in which order and with which values. What else may be
said for a note comes along for requests. It does **not** make scripts.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from idiolect.dialects.catalog import (
    BASE_TYPES,
    Arg,
    Catalog,
    Dsl,
    Embedding,
    Proc,
    SharedType,
    Statement,
    Variable,
)

LANGUAGES = ("en", "fr")
_SLOT = re.compile(r"<(\w+)(?:\.(\d))?>")
_ONSETS = (
    "b",
    "br",
    "d",
    "dr",
    "f",
    "g",
    "gl",
    "k",
    "kr",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "st",
    "t",
    "v",
    "z",
)
_VOWELS = ("a", "e", "i", "o", "u")
_ENDS = ("", "", "l", "m", "n", "r", "s", "x", "k")
_SECOND = ("other", "to", "with", "second")  # what a second argument of one kind may be called
_TAGS = {"id": ("R1", "R7", "SR2", "A_3", "main", "v2", "K9", "first", "tmp", "Q4")}


@dataclass(frozen=True, slots=True)
class Invented:
    """A catalog that nobody wrote, and what requests over it need."""

    catalog: Catalog
    language: str  # of its notes
    other_words: Mapping[str, tuple[str, ...]]  # other ways to ask, by the name of a symbol or statement
    pools: Mapping[str, tuple[str, ...]]  # names of objects, by type and by argument


def invented_word(rng: random.Random, syllables: int = 2) -> str:
    """A word that is in no language."""
    return "".join(
        rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_ENDS if at + 1 == syllables else ("",))
        for at in range(syllables)
    )


def invented_names(rng: random.Random, count: int) -> tuple[str, ...]:
    """Names of things as people give them: CLK7, north_gate, u12."""
    made: dict[str, None] = {}
    while len(made) < count:
        word = invented_word(rng, rng.choice((1, 2)))
        number = str(rng.randint(0, 99))
        shape = rng.randrange(5)
        made[
            (word.upper() + number, f"{word}_{invented_word(rng, 1)}", word + number, word.upper(), word)[
                shape
            ]
        ] = None
    return tuple(made)


def random_catalog(rng: random.Random, name: str, language: str = "en") -> Invented:
    """A catalog of a theme, named so, with notes in a language."""
    theme = rng.choice(_themes())
    return _Inventor(rng, theme, name, language).invent()


@cache
def _themes() -> Sequence[Mapping[str, Any]]:
    text = files("idiolect.teachers.recipes").joinpath("catalog_themes.toml").read_text("utf-8")
    found: Sequence[Mapping[str, Any]] = tomllib.loads(text)["themes"]
    return found


class _Inventor:
    """One catalog in the making."""

    def __init__(self, rng: random.Random, theme: Mapping[str, Any], name: str, language: str) -> None:
        self.rng, self.theme, self.name, self.language = rng, theme, name, language
        self.values: Mapping[str, Mapping[str, Any]] = theme["values"]
        self.shared = rng.random() < 0.6  # whether types are shared by name
        self.positional = rng.random() < 0.2  # whether the first argument goes without a flag
        self.strange = rng.random() < 0.35  # whether names say nothing
        self.called = {key: rng.choice(one["as"]) for key, one in self.values.items()}
        self.shown = {key: self._options(one) for key, one in self.values.items() if "values" in one}
        self.names = {key: self._names(one) for key, one in self.values.items() if "names" in one}
        self.space = rng.choice([*theme["spaces"], invented_word(rng)])
        self.joint = rng.choice(("::", "::", "::", "_"))
        self.other_words: dict[str, tuple[str, ...]] = {}
        self.types: dict[str, SharedType] = {}
        self.taken: set[str] = set()
        self.pools: dict[str, tuple[str, ...]] = dict(_TAGS)

    def invent(self) -> Invented:
        rng, theme = self.rng, self.theme
        actions = rng.sample(theme["actions"], rng.randint(2, len(theme["actions"])))
        tests = rng.sample(theme["tests"], rng.randint(0, len(theme["tests"])))
        settings = rng.sample(theme["settings"], rng.randint(0, len(theme["settings"])))
        procs = [self._proc(one, test=False) for one in actions] + [
            self._proc(one, test=True) for one in tests
        ]
        variables = tuple(self._variable(one) for one in settings)
        dsl = (self._block(),) if rng.random() < 0.75 else ()
        rng.shuffle(procs)
        catalog = Catalog(
            name=self.name,
            types=tuple(self.types.values()),
            procs=tuple(procs),
            variables=variables,
            dsl=dsl,
        )
        return Invented(catalog, self.language, self.other_words, self.pools)

    # Values

    def _options(self, one: Mapping[str, Any]) -> tuple[str, ...]:
        """Some of the values of an enum, at times with one that no theme has."""
        kept = self.rng.sample(one["values"], self.rng.randint(2, len(one["values"])))
        if self.rng.random() < 0.3:
            kept.append(invented_word(self.rng))
        return tuple(sorted(dict.fromkeys(kept), key=[*one["values"], *kept].index))

    def _names(self, one: Mapping[str, Any]) -> tuple[str, ...]:
        return (*self.rng.sample(one["names"], min(4, len(one["names"]))), *invented_names(self.rng, 8))

    def _typed(self, key: str) -> dict[str, Any]:
        """The type of a value, as an argument has it."""
        one = self.values[key]
        kind = one.get("type", "enum" if "values" in one else "identifier")
        made: dict[str, Any] = {"type": kind}
        if "values" in one:
            made["values"] = self.shown[key]
        if "range" in one:
            made["range"] = tuple(one["range"])
        if "unit" in one:
            made["unit"] = one["unit"]
        if not self.shared or key in BASE_TYPES:
            return made
        self.types.setdefault(key, SharedType(name=key, **made))
        return {"type": key}

    def _arg(self, key: str, name: str, **more: Any) -> Arg:
        if key in self.names:
            self.pools |= {key: self.names[key], name: self.names[key]}
        return Arg(name=name, **self._typed(key), **more)

    # Symbols

    def _name(self, stems: Sequence[str]) -> str:
        """A name for a symbol that is still free."""
        while True:
            stem = (
                invented_word(self.rng, 2)
                if self.strange and self.rng.random() < 0.6
                else self.rng.choice(stems)
            )
            if self.rng.random() < 0.15:
                stem = f"{stem}_{self.rng.choice(('one', 'x', 'now', invented_word(self.rng, 1)))}"
            name = f"{self.space}{self.joint}{stem}"
            if name not in self.taken:
                self.taken.add(name)
                return name

    def _notes(self, one: Mapping[str, Any], renamed: Mapping[str, str], name: str) -> str:
        """The note of a symbol; the other ways to say it are kept for requests."""
        said = [_SLOT.sub(lambda found: f"<{renamed[found[0][1:-1]]}>", text) for text in one[self.language]]
        notes = self.rng.choice(said)
        self.other_words[name] = tuple(text for text in said if text != notes)
        return notes

    def _proc(self, one: Mapping[str, Any], *, test: bool) -> Proc:
        keys = _slots(one["en"][0])
        renamed: dict[str, str] = {}
        args = []
        for number, (slot, key) in enumerate(keys.items()):
            arg = self.called[key]
            if slot != key:
                arg = self.rng.choice([f"{arg}2", *_SECOND])
            renamed[slot] = arg
            passed = "positional" if self.positional and number == 0 else "flag"
            args.append(self._arg(key, arg, passed=passed))
        if not (self.positional and args):
            self.rng.shuffle(args)
        if not test:
            args += self._optional({arg.name for arg in args})
        name = self._name(one["stems"])
        notes = self._notes(one, renamed, name)
        return Proc(name=name, args=tuple(args), notes=notes, returns="bool" if test else None)

    def _optional(self, taken: set[str]) -> list[Arg]:
        made = []
        for one in self.theme["optional"]:
            if self.rng.random() < 0.3 and one["name"] not in taken:
                notes = one[self.language]
                if "value" in one:
                    made.append(self._arg(one["value"], one["name"], required=False, notes=notes))
                else:
                    made.append(Arg(name=one["name"], passed="switch", notes=notes))
        return made

    def _variable(self, one: Mapping[str, Any]) -> Variable:
        name = f"::{self.space.replace('::', '_')}::{self.rng.choice(one['stems'])}"
        if "values" in one:
            values = self._options(one)
            return Variable(name=name, type="enum", values=values, notes=one[self.language])
        return Variable(name=name, type=one["type"], range=tuple(one["range"]), notes=one[self.language])

    def _block(self) -> Dsl:
        known = self.theme["statements"]
        chosen = self.rng.sample(known, self.rng.randint(1, len(known)))
        opened = self.rng.choice([*self.theme["blocks"], f"{invented_word(self.rng)} {{"])
        return Dsl(
            name="dsl",
            embedding=Embedding(open=opened, close="}"),
            statements=tuple(self._statement(one) for one in chosen),
        )

    def _statement(self, one: Mapping[str, Any]) -> Statement:
        first, _, rest = one["form"].partition(" ")
        keyword = self.rng.choice((first, first, first.upper(), f"{first}_{invented_word(self.rng, 1)}"))
        if self.strange:
            keyword = invented_word(self.rng, 2)
        name = one["name"]
        if self.rng.random() < 0.3:
            rest = rest.replace(": ", "=").replace(":<", "=<")
        slots = []
        renamed = {}
        for slot, key in {**_slots(one["form"]), "id": "id"}.items():
            if f"<{slot}>" not in one["form"]:
                continue
            renamed[slot] = slot.replace(".", "")
            slots.append(Arg(name="id", type="identifier") if key == "id" else self._arg(key, renamed[slot]))
        form = _SLOT.sub(lambda found: f"<{renamed[found[0][1:-1]]}>", f"{keyword} {rest}")
        return Statement(name=name, form=form, slots=tuple(slots), notes=self._notes(one, renamed, name))


def _slots(text: str) -> dict[str, str]:
    """The slots of a note or form with the values that they hold, in order: {"cell.2": "cell"}."""
    return {found[0][1:-1]: found[1] for found in _SLOT.finditer(text)}
