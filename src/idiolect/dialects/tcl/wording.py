"""The words in which steps of a script are said, in English or French: the tables of `phrases.toml`.

Also tells notes that name an action ("route a net on a layer") from notes that say something else ("fails
if the layer is blocked"). It looks at no script; `describe.py` does.
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

_INFINITIVE = re.compile(r"(?:s'|se )?[a-zàâçéèêëîïôûùü]+(?:er|ir|re|oir)")


@dataclass(frozen=True, slots=True)
class Wording:
    """One language's wordings; without a generator always the first."""

    language: str
    table: Mapping[str, Any]
    rng: random.Random | None = None

    def say(self, key: str, /, **values: str) -> str:
        """One of the wordings under a key, filled."""
        options: str | Sequence[str] = self.table[key]
        chosen: str = options if isinstance(options, str) else self.either(options)
        return chosen.format_map(values)

    def either(self, options: Sequence[str]) -> str:
        """One of several wordings."""
        return options[0] if self.rng is None else self.rng.choice(options)

    def listed(self, items: Sequence[str]) -> str:
        """Items in a row: "a, b and c"."""
        if len(items) < 2:
            return "".join(items)
        return f"{', '.join(items[:-1])}{self.table['and']}{items[-1]}"


def wording(language: str = "en", rng: random.Random | None = None) -> Wording:
    """The wording of a language; KeyError for one that is not spoken."""
    return Wording(language, _tables()[language], rng)


def languages() -> tuple[str, ...]:
    """The languages that scripts can be described in."""
    return tuple(_tables())


@cache
def _tables() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(files("idiolect.dialects.tcl").joinpath("phrases.toml").read_text("utf-8"))


@cache
def _verbs() -> frozenset[str]:
    text = files("idiolect.dialects.tcl").joinpath("verbs.txt").read_text("utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def action_in(notes: str, name: str, language: str = "en") -> str:
    """The action that a note begins with, in the infinitive; "" where it names none.

    `name` is the symbol's: a note that begins with a word of it names an action as well.
    """
    line = notes.strip().splitlines()[0].rstrip(". ") if notes.strip() else ""
    first, _, rest = line.partition(" ")
    word = first.casefold()
    if language == "fr":
        return line[:1].lower() + line[1:] if _INFINITIVE.fullmatch(word) else ""
    if word == "whether":
        return line[:1].lower() + line[1:]
    own = frozenset(re.findall(r"[a-z]+", name.rpartition("::")[2].casefold()))
    for verb in _infinitives(word):
        if verb in _verbs() or verb in own:
            return f"{verb} {rest}".strip()
    return ""


def _infinitives(word: str) -> tuple[str, ...]:
    """What a verb may be in the infinitive: "fills" is fill, "copies" copy, "pushes" push."""
    found = [word]
    if word.endswith("ies"):
        found.append(word[:-3] + "y")
    if word.endswith("es"):
        found.append(word[:-2])
    if word.endswith("s"):
        found.append(word[:-1])
    return tuple(found)
