"""A query in words, in English or French, so that the words decide the query.

Conditions become clauses, clauses join a noun phrase, and a frame is put around it. What a tree must repeat
letter by letter (values, names, numbers) is marked, so that no misprint reaches it; see `noise.py`.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from idiolect.teachers.recipes.schema_ast import grammar
from idiolect.teachers.recipes.schema_ast.lexicon import Noun, Worded, WordedSpec
from idiolect.teachers.recipes.schema_ast.noise import fixed
from idiolect.teachers.recipes.schema_ast.query import (
    Compared,
    Condition,
    Grouped,
    Period,
    Query,
    negates_plainly,
)
from idiolect.teachers.recipes.schema_ast.records import NUMERIC, Offer

_DE_BEFORE_VOWEL = re.compile(r"\bde (?=avril|août|octobre)")


@cache
def phrases(language: str) -> Mapping[str, Mapping[str, Any]]:
    """The table of phrases of one language."""
    text = files("idiolect.teachers.recipes.schema_ast").joinpath("phrases.toml").read_text("utf-8")
    table: Mapping[str, Mapping[str, Any]] = tomllib.loads(text)[language]
    return table


@dataclass(slots=True)
class Wording:
    """Says queries over one schema in one language."""

    spec: WordedSpec
    offer: Offer
    language: str
    rng: random.Random
    entity: Noun = field(init=False)  # what the query at hand calls the things that it looks for

    def __post_init__(self) -> None:
        self.entity = self.rng.choice(self.spec.entity[self.language])

    def say(self, query: Query) -> str:
        """The query as a sentence."""
        self.entity = self.rng.choice(self.spec.entity[self.language])
        clauses = self._clauses(query.where)
        if query.action == "count":
            text = self._counted(query, clauses)
        elif query.action == "aggregate":
            text = self._aggregated(query, clauses)
        else:
            text = self._found(query, clauses)
        return (
            re.sub(r" +([,?] ?)", r" \1" if self.language == "fr" else r"\1", text).replace(" ,", ",").strip()
        )

    # Forms of a query

    def _found(self, query: Query, clauses: str) -> str:
        slots = self._entity(clauses)
        tail: list[str] = []
        if query.limit and self._may_be_superlative(query) and self.rng.random() < 0.6:
            slots |= {"n": self._small(query.limit), "superlative": self._sorted(query, "_top")}
            phrase = self._one("frames", "top_among" if clauses else "top").format_map(slots)
            slots |= {"np": phrase, "les_np": phrase}
            return self._shown(query, slots, [])
        if query.limit and not query.sort and self.rng.random() < 0.6:
            phrase = self._one("frames", "first").format_map(slots | {"n": self._small(query.limit)})
            slots |= {"np": phrase, "les_np": phrase}
        elif query.limit:
            tail.append(self._one("frames", "limit").format_map(slots | {"n": self._small(query.limit)}))
        if query.sort:
            tail.insert(0, self._sorted(query))
        return self._shown(query, slots, tail)

    def _may_be_superlative(self, query: Query) -> bool:
        if not query.sort or any(map(self._is_exception, query.where)):
            return False
        return f"{self._sort_key(query)}_top" in self._table("sort")

    def _shown(self, query: Query, slots: dict[str, str], tail: list[str]) -> str:
        """The frame around the noun phrase, and what follows it."""
        frame = "{np}"
        if query.show and (not tail and self.rng.random() < 0.6):
            frame = self._one("frames", "show_front")
        elif query.show:
            frame = self._imperative() if self.rng.random() < 0.5 else "{np}"
            tail = [self._one("frames", "show_back"), *tail]
        else:
            usable = self._table("frames")["find"]
            # A noun phrase with its own determiner ("the first 5") fits no frame that brings one.
            own = slots["np"] == slots["les_np"] and self.language == "en"
            frame = self.rng.choice([one for one in usable if not (own and "{bare}" in one)])
        named = [self._show_name(self.spec.of(one.name)) for one in query.show]
        fields = grammar.joined(named, "and" if self.language == "en" else "et") if named else ""
        question = frame.endswith("?") and bool(tail)
        text = (frame[:-1].rstrip() if question else frame).format_map(slots | {"fields": fields})
        return ", ".join([text, *(one.format_map({"fields": fields}) for one in tail)])

    def _imperative(self) -> str:
        frames = [one for one in self._table("frames")["find"] if not one.endswith("?") and "{np}" in one]
        return str(self.rng.choice(frames))

    def _counted(self, query: Query, clauses: str) -> str:
        slots = self._entity(clauses)
        if query.per is None:
            return self._one("frames", "count").format_map(slots)
        return self._one("frames", "count_per").format_map(slots | {"p": self._per(query)})

    def _aggregated(self, query: Query, clauses: str) -> str:
        assert query.of is not None
        slots = {**self._entity(clauses), **self._noun(self.spec.of(query.of.name), singular=True)}
        text = self._one("frames", query.function).format_map(slots)
        if query.per is None:
            return text
        return text.rstrip(" ?") + self._one("frames", "per").format_map({"p": self._per(query)})

    def _per(self, query: Query) -> str:
        assert query.per is not None
        return self._noun(self.spec.of(query.per.name))["l"]

    def _show_name(self, worded: Worded) -> str:
        slots = self._noun(worded, singular=True)
        return slots["l"] if self.language == "en" else slots["le"]

    def _sort_key(self, query: Query) -> str:
        assert query.sort is not None
        kind = "number" if query.sort[0].type in NUMERIC else query.sort[0].type
        return f"{kind}_{query.sort[1]}"

    def _sorted(self, query: Query, top: str = "") -> str:
        assert query.sort is not None
        slots = self._noun(self.spec.of(query.sort[0].name), singular=True)
        if not top and self.language == "fr":
            slots = {**slots, "E": "es" if self.entity.feminine else "s"}
        return self._one("sort", self._sort_key(query) + top).format_map(slots)

    def _entity(self, clauses: str) -> dict[str, str]:
        entity = self.entity
        bare = f"{entity.text} {clauses}".strip()
        slots = {"entity": entity.text, "clauses": clauses, "bare": bare}
        if self.language == "fr":
            slots |= {
                "E": "es" if entity.feminine else "s",
                "ers": "ères" if entity.feminine else "ers",
                "tous": "tes" if entity.feminine else "s",
                "ceux": "celles" if entity.feminine else "ceux",
                "de_np": grammar.of(bare),
            }
            slots["les_np"] = f"les {bare}"
        else:
            slots["les_np"] = ""
        slots["np"] = self._one("frames", "np").format_map(slots).strip()
        return slots

    # Conditions

    def _clauses(self, conditions: Sequence[Condition]) -> str:
        """Clauses in their order, exceptions behind a comma."""
        text = ""
        for one in conditions:
            said = self._clause(one, alone=len(conditions) == 1)
            joint = ", " if self._is_exception(one) else f" {self._and} "
            text = f"{text}{joint}{said}" if text else said
        return text

    @property
    def _and(self) -> str:
        return "and" if self.language == "en" else "et"

    def _is_exception(self, one: Condition) -> bool:
        return isinstance(one, Grouped) and one.kind == "not" and not negates_plainly(one, self.offer)

    def _clause(self, one: Condition, *, alone: bool) -> str:
        if isinstance(one, Compared):
            return self._compared(one)
        if isinstance(one, Period):
            return self._period(one)
        if one.kind == "and":
            said = [self._clause(part, alone=False) for part in one.parts]
            return self._one("frames", "both").format_map({"c": said[0], "d": said[1]})
        if one.kind == "not":
            return self._negated(one)
        same = _same_field(one)
        if same:
            return self._several(same, "in")
        left, right = (self._clause(part, alone=False) for part in one.parts)
        simple = all(isinstance(part, Compared) for part in one.parts)
        if alone and simple and self.rng.random() < 0.5:
            return f"{left} {'or' if self.language == 'en' else 'ou'} {right}"
        return self._one("frames", "either").format_map({"c": left, "d": right})

    def _negated(self, group: Grouped) -> str:
        inner = group.parts[0]
        if isinstance(inner, Compared) and negates_plainly(group, self.offer):
            if inner.means == "in":
                return self._several(inner, "not_in")
            phrase = "ne" if inner.means == "eq" else f"not_{inner.means}"
            return self._fill(inner.field.type, phrase, inner)
        if isinstance(inner, Grouped):
            word = {"en": {"or": "or", "and": "and"}, "fr": {"or": "ou", "and": "et"}}[self.language][
                inner.kind
            ]
            said = f" {word} ".join(self._clause(part, alone=False) for part in inner.parts)
        else:
            said = self._clause(inner, alone=True)
        those = "celles" if self.entity.feminine else "ceux"
        return self._one("frames", "except").format_map({"c": said, "ceux": those})

    def _compared(self, one: Compared) -> str:
        worded = self.spec.of(one.field.name)
        kind = one.field.type
        if kind == "boolean":
            yes, no = self.rng.choice(worded.clauses[self.language])
            return yes if one.value else no
        if kind == "date":
            return self._dated(worded, self._when(one))
        if one.means in ("in", "not_in"):
            return self._several(one, one.means)
        if self._says_itself(worded, one) and self.rng.random() < 0.4:
            return self._fill("enum", "adjective", one)
        section = "count" if worded.countable else "number" if kind in NUMERIC else str(kind)
        known = one.means in self._table(section)
        return self._fill(section, one.means, one) if known else self._fill("string", "other", one)

    def _says_itself(self, worded: Worded, one: Compared) -> bool:
        """Whether "that are paid" leaves no doubt which field is meant."""
        if not worded.adjective or one.means != "eq" or self.language != "en":
            return False
        said = set(worded.values["en"].get(one.value, ()))
        others = [other for other in self.spec.fields if other is not worded]
        return bool(said) and not any(
            said & set(words) for other in others for words in other.values.get("en", {}).values()
        )

    def _fill(self, section: str, phrase: str, one: Compared) -> str:
        worded = self.spec.of(one.field.name)
        slots = {**self._noun(worded)}
        if isinstance(one.value, list):
            slots |= {"lo": self._value(worded, one.value[0]), "hi": self._value(worded, one.value[1])}
        else:
            slots["v"] = self._value(worded, one.value)
        operator = self.offer.operator(one.means)
        if phrase == "other" and operator:
            slots["operator"] = next(iter(operator.synonyms), operator.const.replace("_", " "))
        return self._one(section, phrase).format_map(slots)

    def _several(self, one: Compared, phrase: str) -> str:
        worded = self.spec.of(one.field.name)
        said = [self._value(worded, value) for value in one.value]
        english = self.language == "en"
        slots = {
            **self._noun(worded),
            "ou": grammar.joined(said, "or" if english else "ou"),
            "ni": (" nor " if english else " ni ").join(said),
            "soit": " soit ".join(said),
        }
        return self._one("enum", phrase).format_map(slots)

    # Dates

    def _dated(self, worded: Worded, when: str) -> str:
        verbs = worded.verbs.get(self.language, ())
        if verbs and self.rng.random() < 0.5:
            verb = self.rng.choice(verbs)
            if self.language == "fr":
                verb = grammar.agreeing(verb, self.entity)
            return self._one("date", "verb").format_map({"verb": verb, "when": when})
        return self._one("date", "noun").format_map({**self._noun(worded), "when": when})

    def _period(self, period: Period) -> str:
        said = Compared(
            period.low.field, "between", [period.low.value, period.high.value], period.low.phrase,
            period.low.number,
        )  # fmt: skip
        if said.field.type == "date":
            return self._dated(self.spec.of(said.field.name), self._when(said))
        section = "count" if self.spec.of(said.field.name).countable else "number"
        return self._fill(section, "between", said)

    def _when(self, one: Compared) -> str:
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
            return str(self.rng.choice(table[one.phrase])).format_map({"n": self._small(one.number)})
        if one.phrase in self._table("span"):
            name = {"ge": "since_span", "lt": "before_span", "gt": "after_span"}[one.means]
            start = day  # of "after", the last day: it lies in the same span
            span = self._spanned(self._table("span")[one.phrase], start, one.number)
            text = str(self.rng.choice(table[name])).format_map({"span": span})
            return _DE_BEFORE_VOWEL.sub("d'", text.replace(" de le ", " du "))
        if one.phrase:
            name = one.phrase if one.means == "eq" else f"before_{one.phrase}"
            return str(self.rng.choice(table[name])).format_map({"n": self._small(one.number)})
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

    # Values and names

    def _value(self, worded: Worded, value: Any) -> str:
        if worded.field.type in NUMERIC:
            return fixed(self._amount(value, worded))
        if worded.field.type == "enum":
            return fixed(self.rng.choice(worded.values[self.language].get(value) or (value,)))
        return fixed(self._quoted(str(value)))

    def _quoted(self, text: str) -> str:
        bare = text[:1].isupper() and all(part[:1].isupper() for part in text.split())
        if bare and self.rng.random() < 0.75:
            return text
        marks = (('"', '"'), ("'", "'"), ("“", "”")) if self.language == "en" else (('"', '"'), ("« ", " »"))
        opening, closing = self.rng.choice(marks)
        return f"{opening}{text}{closing}"

    def _amount(self, value: float, worded: Worded) -> str:
        text = self._figures(value)
        unit = worded.field.unit
        if worded.countable:
            small = isinstance(value, int) and 2 <= value <= 12 and self.rng.random() < 0.35
            return self._small(int(value)) if small else text
        if not unit or self.rng.random() < 0.3:
            return text
        said = self._table("units").get(unit, unit)
        if unit in ("€", "$") and self.language == "en":
            return self.rng.choice((f"{unit}{text}", f"{text} {unit}", f"{text} {_MONEY[unit]}"))
        if unit in ("€", "$"):
            return self.rng.choice((f"{text} {unit}", f"{text} {_MONEY[unit]}"))
        return f"{text}{unit}" if unit == "%" and self.language == "en" else f"{text} {said}"

    def _figures(self, value: float) -> str:
        text = str(value)
        if isinstance(value, int) and abs(value) >= 1000 and self.rng.random() < 0.4:
            if value % 1000 == 0 and self.rng.random() < 0.3:
                return f"{value // 1000}k"
            return f"{value:,}" if self.language == "en" else f"{value:,}".replace(",", " ")
        return text if self.language == "en" else text.replace(".", ",")

    def _small(self, number: int) -> str:
        words = self._table("numbers")["words"]
        word = 2 <= number <= 12 and self.rng.random() < 0.4
        return fixed(words[number - 2] if word else str(number))

    def _noun(self, worded: Worded, *, singular: bool = False) -> Mapping[str, str]:
        """The slots of a field's name; of what can be counted, its number where a thing is meant."""
        nouns = worded.nouns[self.language]
        if worded.countable and singular:
            noun = nouns[0]
            text = f"number of {noun.text}" if self.language == "en" else f"nombre {grammar.of(noun.text)}"
            noun = Noun(text)
        else:
            noun = self.rng.choice(nouns)
        slots = grammar.english_slots if self.language == "en" else grammar.french_slots
        return slots(noun)

    def _table(self, section: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = phrases(self.language)[section]
        return found

    def _one(self, section: str, name: str) -> str:
        return str(self.rng.choice(self._table(section)[name]))


_MONEY = {"€": "euros", "$": "dollars"}


def _same_field(group: Grouped) -> Compared | None:
    """Values of one field of which any will do, said in one go; None for other groups."""
    parts = [part for part in group.parts if isinstance(part, Compared)]
    one = parts[0] if parts else None
    if one is None or len(parts) != len(group.parts) or group.kind != "or":
        return None
    if any(part.field != one.field or part.means != "eq" for part in parts) or one.field.type != "enum":
        return None
    return Compared(one.field, "in", [part.value for part in parts])
