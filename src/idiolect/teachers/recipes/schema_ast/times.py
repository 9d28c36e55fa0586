"""Times and small numbers in words: "before 3 May 2025", "last month", "three".

Which days an expression covers is `dates.py`'s.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from idiolect.teachers.recipes.schema_ast.noise import fixed
from idiolect.teachers.recipes.schema_ast.query import Compared

_DE_BEFORE_VOWEL = re.compile(r"\bde (?=avril|août|octobre)")


@cache
def phrases(language: str) -> Mapping[str, Mapping[str, Any]]:
    """The table of phrases of one language."""
    text = files("idiolect.teachers.recipes.schema_ast").joinpath("phrases.toml").read_text("utf-8")
    table: Mapping[str, Mapping[str, Any]] = tomllib.loads(text)[language]
    return table


@dataclass(frozen=True, slots=True)
class Times:
    """Says times in one language."""

    language: str
    rng: random.Random

    def when(self, one: Compared) -> str:
        """The time that a comparison names: "before 3 May 2025", "last month"."""
        table = self._table("when")
        if one.means == "between":
            first, last = (date.fromisoformat(value) for value in one.value)
            if one.phrase:
                return self._spanned(table[one.phrase], first, one.number)
            slots = {"d": self._day(first), "d2": self._day(last)}
            return str(self.rng.choice(table["from_to"])).format_map(slots)
        day = date.fromisoformat(one.value)
        if one.phrase in ("last_days", "last_weeks"):
            return str(self.rng.choice(table[one.phrase])).format_map({"n": self.small(one.number)})
        if one.phrase in self._table("span"):
            name = {"ge": "since_span", "lt": "before_span", "gt": "after_span"}[one.means]
            start = day  # of "after", the last day: it lies in the same span
            span = self._spanned(self._table("span")[one.phrase], start, one.number)
            text = str(self.rng.choice(table[name])).format_map({"span": span})
            return _DE_BEFORE_VOWEL.sub("d'", text.replace(" de le ", " du "))
        if one.phrase:
            name = one.phrase if one.means == "eq" else f"before_{one.phrase}"
            return str(self.rng.choice(table[name])).format_map({"n": self.small(one.number)})
        name = {"eq": "day", "lt": "before", "le": "until", "ge": "since", "gt": "after"}[one.means]
        return str(self.rng.choice(table[name])).format_map({"d": self._day(day)})

    def _spanned(self, templates: Sequence[str], start: date, number: int) -> str:
        month = f"{self._table('months')['names'][start.month - 1]} {start.year}"
        ordinal = self._table("numbers")["ordinals"][number - 1] if 1 <= number <= 4 else ""
        quarters = (
            (f"Q{number} {start.year}", f"the {ordinal} quarter of {start.year}")
            if self.language == "en"
            else (f"T{number} {start.year}", f"{ordinal} trimestre {start.year}")
        )
        slots = {
            "month": fixed(month),
            "year": fixed(str(start.year)),
            "quarter": fixed(self.rng.choice(quarters)),
        }
        return str(self.rng.choice(templates)).format_map(slots)

    def _day(self, day: date) -> str:
        name = self._table("months")["names"][day.month - 1]
        if self.language == "en":
            forms = (f"{day.day} {name} {day.year}", f"{name} {day.day}, {day.year}", day.isoformat())
        else:
            number = "1er" if day.day == 1 else str(day.day)
            forms = (f"{number} {name} {day.year}", f"{day:%d/%m/%Y}", day.isoformat())
        return fixed(self.rng.choice(forms))

    def small(self, number: int) -> str:
        """A number in figures, or in letters up to twelve."""
        words = self._table("numbers")["words"]
        word = 2 <= number <= 12 and self.rng.random() < 0.4
        return fixed(words[number - 2] if word else str(number))

    def _table(self, section: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = phrases(self.language)[section]
        return found
