"""Queries drawn at random for one schema, such that their words decide them.

What may be said two ways is always written one way: "not" is the operator that means it where the schema has
one, several values of a field are "in" where it has that, a period is "between" where it has that, and only
"except" negates more than one value. It does **not** put anything into words.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from idiolect.teachers.recipes.job import RecipeProblem
from idiolect.teachers.recipes.schema_ast.dates import Span, any_day, any_span, recent_span
from idiolect.teachers.recipes.schema_ast.lexicon import Worded, WordedSpec, draw_text
from idiolect.teachers.recipes.schema_ast.query import (
    Compared,
    Condition,
    Grouped,
    Period,
    Query,
    in_order,
    level_of,
)
from idiolect.teachers.recipes.schema_ast.records import NUMERIC, TAKES, Field, Offer
from idiolect.teachers.recipes.schema_ast.template import named

_TRIES = 40
_FEATURES: tuple[tuple[str, float], ...] = (
    *(("and", 1.0), ("or", 0.85), ("not", 0.6), ("sort", 0.8), ("limit", 0.8)),
    *(("show", 0.5), ("count", 0.75), ("aggregate", 0.65), ("group", 0.5)),
)
FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    "sum": ("sum", "sum", "total", "add_up"),
    "average": ("average", "avg", "mean"),
    "min": ("min", "min", "minimum", "lowest"),
    "max": ("max", "max", "maximum", "highest"),
}


def draw_features(rng: random.Random) -> tuple[frozenset[str], dict[str, str]]:
    """The optional parts that a schema has, and its words for the functions."""
    features = frozenset(name for name, share in _FEATURES if rng.random() < share)
    known = [name for name in FUNCTIONS if rng.random() < 0.8] or ["average"]
    return features, {name: rng.choice(FUNCTIONS[name]) for name in known}


@dataclass(frozen=True, slots=True)
class Drawing:
    """Draws queries over one schema, seen from one day."""

    spec: WordedSpec
    offer: Offer
    today: date
    rng: random.Random
    levels: Sequence[str] = ("micro", "multi", "scenario")
    wanted: Mapping[str, float] = field(default_factory=dict)  # type of field to how much likelier it is

    def query(self) -> Query:
        """A query that the schema can say, of one of the levels."""
        level = self.rng.choice(self.levels)
        for _ in range(_TRIES):
            query = self._query(level)
            if level_of(query) == level:
                return query
        return self._query("micro")

    def _query(self, level: str) -> Query:
        count = {"micro": (0, 1, 1, 1, 1), "multi": (1, 2, 2, 2, 3), "scenario": (2, 3, 3, 4)}[level]
        where = self.conditions(self.rng.choice(count), level)
        has = self.offer.features
        kind = self.rng.random()
        if kind < 0.16 and "count" in has:
            return Query("count", where, per=self._per(0.4))
        if kind < 0.3 and "aggregate" in has and (of := self.fields("numeric")):
            function = self.rng.choice(sorted(self.offer.functions))
            return Query("aggregate", where, function=function, of=self.rng.choice(of), per=self._per(0.35))
        beside = {"micro": 0.12, "multi": 0.35, "scenario": 0.5}[level] if where else 0.6
        sort = limit = None
        if "sort" in has and self.rng.random() < beside and (by := self.fields("sortable")):
            sort = (self.rng.choice(by), self.rng.choice(("asc", "desc")))
        if "limit" in has and self.rng.random() < beside:
            limit = self.rng.choice((2, 3, 5, 5, 7, 8, 10, 10, 12, 15, 20, 25, 50, 100))
        show: tuple[Field, ...] = ()
        if "show" in has and self.rng.random() < beside * 0.5:
            shown = [one for one in self.spec.spec.fields if one.type != "boolean"]
            show = tuple(self.rng.sample(shown, min(len(shown), self.rng.randint(1, 3))))
        return Query("find", where, show, sort, limit)

    def fields(self, what: str) -> tuple[Field, ...]:
        """The fields that a part of the template may name."""
        return named(what, self.spec.spec)

    def _per(self, share: float) -> Field | None:
        groupable = self.fields("groupable")
        if "group" not in self.offer.features or not groupable or self.rng.random() > share:
            return None
        return self.rng.choice(groupable)

    # Conditions

    def conditions(self, count: int, level: str) -> tuple[Condition, ...]:
        """Some conditions on different fields, in an order that reads well."""
        has = self.offer.features
        fields = self._shuffled()
        if count > 1 and "and" not in has and "or" not in has:
            count = 1
        made: list[Condition] = []
        if count >= 2 and "or" in has and (self.rng.random() < 0.35 or "and" not in has):
            made.append(self._either(fields, nested=level == "scenario" and count > 2))
            count -= 2 if "and" in has else count
        if count >= 1 and "not" in has and self.rng.random() < {"micro": 0.06}.get(level, 0.16):
            made.append(self._except(fields))
            count -= 1
        while count > 0 and fields:
            one = self.condition(fields.pop())
            if one is not None:
                made.append(one)
                count -= 1
        self.rng.shuffle(made)
        return in_order(made, self.offer)

    def _shuffled(self) -> list[Worded]:
        fields = list(self.spec.fields)
        self.rng.shuffle(fields)
        if self.wanted:
            # The last are taken first.
            fields.sort(key=lambda one: self.rng.random() * self.wanted.get(one.field.type, 1.0))
        return fields

    def _either(self, fields: list[Worded], *, nested: bool) -> Condition:
        several = next((one for one in fields if one.field.type == "enum"), None)
        if several and self._says_several_by_or() and self.rng.random() < 0.3:
            fields.remove(several)
            values = self.rng.sample(several.field.values, 2)
            return Grouped("or", tuple(Compared(several.field, "eq", one.const) for one in values))
        parts = [self._taken(fields) for _ in range(2)]
        if nested and "and" in self.offer.features and fields:
            both = (parts[0], self._taken(fields))
            if not any(isinstance(one, Period) for one in both):
                parts[0] = Grouped("and", both)
        return Grouped("or", tuple(parts))

    def _says_several_by_or(self) -> bool:
        """Whether "red or blue" must be written as two comparisons."""
        return self.offer.operator("in") is None and self.offer.operator("eq") is not None

    def _taken(self, fields: list[Worded]) -> Condition:
        """A condition on the next field that has one; on any field where none is left."""
        for _ in range(len(fields) + _TRIES):
            worded = fields.pop() if fields else self.rng.choice(self.spec.fields)
            one = self.condition(worded)
            if one is not None:
                return one
        names = ", ".join(one.const for one in self.offer.operators)
        raise RecipeProblem(
            f"no field of {self.spec.spec.entity} can be compared by {names}",
            "add operators to SYNTHESIZE.operators that take text, numbers or dates, such as eq",
        )

    def _bare(self, fields: list[Worded]) -> Condition:
        """A condition that negates nothing, to be negated."""
        one = self._taken(fields)
        return one.parts[0] if isinstance(one, Grouped) else one

    def _except(self, fields: list[Worded]) -> Condition:
        if len(fields) > 2 and self.rng.random() < 0.3:
            kind = self.rng.choice([one for one in ("or", "and") if one in self.offer.features] or ["or"])
            if kind in self.offer.features:
                parts = (self._bare(fields), self._bare(fields))
                if not any(isinstance(one, Period) for one in parts):
                    return Grouped("not", (Grouped("or" if kind == "or" else "and", parts),))
        return Grouped("not", (self._bare(fields),))

    def condition(self, worded: Worded) -> Condition | None:
        """A comparison of one field; None where the schema has no operator for it."""
        one = worded.field
        if one.type == "date":
            return self._dated(one)
        usable = [operator.means for operator in self.offer.for_type(one.type)]
        if one.type == "enum" and len(one.values) < 3:
            usable = [means for means in usable if means not in ("in", "not_in")]
        if one.type in NUMERIC and len(usable) > 2:
            usable = [means for means in usable if means not in ("eq", "ne")] or usable
            if self.rng.random() < 0.15:
                usable = ["eq"] if self.offer.operator("eq") else usable
        if one.type in NUMERIC and self._ends_known() and self.rng.random() < 0.2:
            low, high = self._two(worded)
            return Period(Compared(one, "ge", low), Compared(one, "le", high))
        if not usable:
            return None
        means = self.rng.choice(usable)
        if (
            means == "eq"
            and "not" in self.offer.features
            and one.type in ("enum", "string")
            and self.rng.random() < 0.12
            and self.offer.operator("ne") is None
        ):
            return Grouped("not", (Compared(one, "eq", self.value(worded)),))
        if means in ("in", "not_in"):
            most = 3 if len(one.values) > 3 else 2
            chosen = self.rng.sample(one.values, self.rng.randint(2, most))
            return Compared(one, means, [value.const for value in chosen])
        if means == "between":
            return Compared(one, means, list(self._two(worded)))
        if one.type == "string":
            return Compared(one, means, self.text(worded, means))
        return Compared(one, means, self.value(worded))

    def _ends_known(self) -> bool:
        """Whether a range must be written as its two ends."""
        offered = self.offer.operator
        whole = offered("between") is None and offered("ge") is not None and offered("le") is not None
        return whole and "and" in self.offer.features

    def _dated(self, one: Field) -> Condition | None:
        kinds: list[Callable[[], Condition]] = []
        # Of an operator whose meaning is not known nobody can say how it goes with a day.
        offered = {operator.means for operator in self.offer.for_type("date")} & {*TAKES}
        if "between" in offered or self._ends_known():
            kinds += [lambda: self._span(one)] * 3
        if "ge" in offered:
            kinds += [lambda: self._recent(one)] * 2
        kinds += [partial(self._day, one, means) for means in sorted(offered - {"between"})]
        return self.rng.choice(kinds)() if kinds else None

    def _span(self, one: Field) -> Condition:
        span = any_span(self.rng, self.today)
        first, last = span.start.isoformat(), span.end.isoformat()
        if self.offer.operator("between"):
            return Compared(one, "between", [first, last], span.name, span.number)
        low = Compared(one, "ge", first, span.name, span.number)
        return Period(low, Compared(one, "le", last))

    def _recent(self, one: Field) -> Condition:
        span = recent_span(self.rng, self.today)
        return Compared(one, "ge", span.start.isoformat(), span.name, span.number)

    def _day(self, one: Field, means: str) -> Condition:
        if means in ("ge", "lt", "gt") and self.rng.random() < 0.35:
            span = any_span(self.rng, self.today)
            if span.name:
                day = span.end if means == "gt" else span.start
                return Compared(one, means, day.isoformat(), span.name, span.number)
        day_span = self._said(means)
        return Compared(one, means, day_span.start.isoformat(), day_span.name, day_span.number)

    def _said(self, means: str) -> Span:
        """A day whose expression goes with an operator: nobody says "since three days ago"."""
        while True:
            span = any_day(self.rng, self.today)
            if means == "eq" or not span.name or (means == "lt" and span.name in ("days_ago", "weeks_ago")):
                return span

    # Values

    def value(self, worded: Worded) -> Any:
        """A value that a field could hold."""
        one = worded.field
        if one.type == "enum":
            return self.rng.choice(one.values).const
        if one.type == "boolean":
            return self.rng.random() < 0.65
        if one.type == "date":
            return any_day(self.rng, self.today).start.isoformat()
        if one.type == "string":
            return draw_text(worded.draws, self.rng)
        return self.number(worded)

    def number(self, worded: Worded) -> float | int:
        """A number that a field could hold, smaller ones more often."""
        low, high = worded.field.minimum or 0, worded.field.maximum or 1000
        value = low + (high - low) * self.rng.random() ** 1.5
        if worded.countable:
            return min(int(high), max(2, int(value)))
        if high >= 1000 and self.rng.random() < 0.7:
            step = 10 ** (len(str(int(high))) - 2)
            value = round(value / step) * step
        elif worded.field.type == "number" and self.rng.random() < 0.5:
            value = round(min(high, max(low, value)), 1 if high < 100 else 2)
            return int(value) if value == int(value) else value
        return int(min(high, max(low, round(value))))

    def _two(self, worded: Worded) -> tuple[float | int, float | int]:
        low, high = worded.field.minimum or 0, worded.field.maximum or 1000
        first, second = sorted((self.number(worded), self.number(worded)))
        if first == second:
            second = min(int(high), int(first) + max(1, int((high - low) / 20)))
            first = min(first, second - 1) if second - 1 >= low else first
        return first, second

    def text(self, worded: Worded, means: str) -> str:
        """A text for an operator: whole, or a piece of one."""
        text = draw_text(worded.draws, self.rng)
        if means in ("eq", "ne"):
            return text
        if means == "contains":
            return self.rng.choice([word for word in text.split() if len(word) > 2] or [text])
        cut = self.rng.randint(2, max(2, min(5, len(text) - 1)))
        part = text[:cut] if means == "starts_with" else text[-cut:]
        return part.strip() or text
