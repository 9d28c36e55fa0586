"""Queries that a schema can't answer, each for one reason that can be named.

A field that it lacks, a value that a field does not have, an operator or a part that is not offered: only
what nothing else in the schema can stand for. It does **not** put anything into words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from idiolect.teachers.recipes.schema_ast.drawing import FUNCTIONS, Drawing
from idiolect.teachers.recipes.schema_ast.lexicon import Worded, WordedSpec
from idiolect.teachers.recipes.schema_ast.query import Compared, Condition, Query, comparisons, in_order
from idiolect.teachers.recipes.schema_ast.records import NUMERIC, Offer


@dataclass(frozen=True, slots=True)
class Unanswerable:
    """A query that the schema can't say: the schema for which it was drawn, and why it is refused."""

    spec: WordedSpec
    offer: Offer
    query: Query
    reason: str


def draw_refusal(drawing: Drawing, strangers: Sequence[Worded], language: str) -> Unanswerable | None:
    """A query with one thing that the schema lacks; None where this draw found none."""
    kinds = (_unknown_field, _unknown_field, _unknown_value, _unknown_operator, _lacking_part)
    return drawing.rng.choice(kinds)(drawing, strangers, language)


def _unknown_field(drawing: Drawing, strangers: Sequence[Worded], language: str) -> Unanswerable | None:
    rng, own = drawing.rng, drawing.spec
    taken = {name for one in own.fields for name in (*one.names, one.field.name)}
    heads = {word for name in taken for word in name.split()}
    free = [
        one
        for one in strangers
        if one.field.type != "boolean" and not {word for name in one.names for word in name.split()} & heads
    ]
    if not free:
        return None
    stranger = rng.choice(free)
    noun = rng.choice(stranger.nouns[language])
    stranger = Worded(
        stranger.field,
        {**stranger.nouns, language: (noun,)},
        stranger.values,
        draws=stranger.draws,
        countable=stranger.countable,
    )
    spec = WordedSpec(own.spec, own.entity, (*own.fields, stranger))
    alone = Drawing(
        WordedSpec(own.spec, own.entity, (stranger,)), drawing.offer, drawing.today, rng, drawing.levels
    )
    foreign = alone.condition(stranger)
    if foreign is None or any(one.phrase for one in comparisons((foreign,))):
        return None
    beside = drawing.conditions(rng.choice((0, 0, 1)), "micro") if "and" in drawing.offer.features else ()
    both = [*beside, foreign] if rng.random() < 0.5 else [foreign, *beside]
    where = in_order(both, drawing.offer)
    return Unanswerable(spec, drawing.offer, Query("find", where), f"there is no field for {noun.text}")


def _unknown_value(drawing: Drawing, strangers: Sequence[Worded], language: str) -> Unanswerable | None:
    rng = drawing.rng
    enums = [one for one in drawing.spec.fields if one.field.type == "enum"]
    others = [one for one in strangers if one.field.type == "enum"]
    if not enums or not others:
        return None
    worded, other = rng.choice(enums), rng.choice(others)
    if worded.names & other.names:
        return None
    const = rng.choice(other.field.values).const
    # Only its first word: a rarer one may be another name for a value that the field does have.
    text = (other.values[language].get(const) or (const,))[0]
    taken = {word for by in worded.values.values() for words in by.values() for word in words}
    taken |= {value.const for value in worded.field.values}
    taken |= {synonym for value in worded.field.values for synonym in value.synonyms}
    if text in taken or const in taken or any(text in one or one in text for one in taken):
        return None
    query = Query("find", (Compared(worded.field, "eq", text),))
    reason = f"{worded.field.name} has no value {text}"
    return Unanswerable(drawing.spec, drawing.offer, query, reason)


def _unknown_operator(drawing: Drawing, strangers: Sequence[Worded], language: str) -> Unanswerable | None:
    rng, offer = drawing.rng, drawing.offer
    ordered = any(offer.operator(means) for means in ("lt", "le", "gt", "ge", "between"))
    lacking = [
        means for means in ("contains", "starts_with", "ends_with") if offer.operator(means) is None
    ] + ([] if ordered else ["lt", "gt"])
    if not lacking:
        return None
    means = rng.choice(lacking)
    kinds = {"string"} if "_" in means or means == "contains" else NUMERIC
    fields = [one for one in drawing.spec.fields if one.field.type in kinds]
    if not fields:
        return None
    worded = rng.choice(fields)
    value = drawing.text(worded, means) if kinds == {"string"} else drawing.number(worded)
    query = Query("find", (Compared(worded.field, means, value),))
    words = {"lt": "less than", "gt": "more than"}.get(means, means.replace("_", " "))
    reason = f"{worded.field.name} can not be compared by {words}"
    return Unanswerable(drawing.spec, offer, query, reason)


def _lacking_part(drawing: Drawing, strangers: Sequence[Worded], language: str) -> Unanswerable | None:
    rng, has = drawing.rng, drawing.offer.features
    fields = drawing.fields
    queries: dict[str, Callable[[tuple[Condition, ...]], Query]] = {}
    if "sort" not in has and fields("sortable"):
        chosen = (rng.choice(fields("sortable")), rng.choice(("asc", "desc")))
        queries["the results can not be sorted"] = lambda where: Query("find", where, sort=chosen)
    if "limit" not in has:
        number = rng.choice((3, 5, 10, 20))
        queries["the number of results can not be limited"] = lambda where: Query("find", where, limit=number)
    if "count" not in has:
        queries["counting is not offered"] = lambda where: Query("count", where)
    if "aggregate" not in has and fields("numeric"):
        of, function = rng.choice(fields("numeric")), rng.choice(sorted(FUNCTIONS))
        queries[f"{_SAID[function]} is not offered"] = lambda where: Query(
            "aggregate", where, function=function, of=of
        )
    elif "aggregate" in has and fields("numeric"):
        missing = sorted({*FUNCTIONS} - {*drawing.offer.functions})
        if missing:
            of, function = rng.choice(fields("numeric")), rng.choice(missing)
            queries[f"{_SAID[function]} is not offered"] = lambda where: Query(
                "aggregate", where, function=function, of=of
            )
    if not queries:
        return None
    reason = rng.choice(sorted(queries))
    query = queries[reason](drawing.conditions(rng.choice((0, 1)), "micro"))
    return Unanswerable(drawing.spec, drawing.offer, query, reason)


_SAID = {
    "sum": "adding up",
    "average": "the average",
    "min": "the smallest value",
    "max": "the largest value",
}
