"""A query in words, in English or French, so that the words decide the query.

Conditions become clauses, clauses join a noun phrase, and a frame is put around it. What a tree must repeat
letter by letter (values, names, numbers) is marked, so that no misprint reaches it; see `noise.py`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from idiolect.teachers.recipes.schema_ast.times import Times, phrases


@dataclass(slots=True)
class Wording:
    """Says queries over one schema in one language."""

    spec: WordedSpec
    offer: Offer
    language: str
    rng: random.Random
    times: Times = field(init=False)
    entity: Noun = field(init=False)  # what the query at hand calls the things that it looks for

    def __post_init__(self) -> None:
        self.times = Times(self.language, self.rng)
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
            slots |= {"n": self.times.small(query.limit), "superlative": self._sorted(query, "_top")}
            phrase = self._one("frames", "top_among" if clauses else "top").format_map(slots)
            slots |= {"np": phrase, "les_np": phrase}
            return self._shown(query, slots, [])
        if query.limit and not query.sort and self.rng.random() < 0.6:
            phrase = self._one("frames", "first").format_map(slots | {"n": self.times.small(query.limit)})
            slots |= {"np": phrase, "les_np": phrase}
        elif query.limit:
            tail.append(self._one("frames", "limit").format_map(slots | {"n": self.times.small(query.limit)}))
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
            return self._dated(worded, self.times.when(one))
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
            return self._dated(self.spec.of(said.field.name), self.times.when(said))
        section = "count" if self.spec.of(said.field.name).countable else "number"
        return self._fill(section, "between", said)

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
            return self.times.small(int(value)) if small else text
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
