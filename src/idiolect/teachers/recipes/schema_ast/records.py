"""What passes between the steps of the recipe: domain specs, operators, what a schema offers.

A `Spec` is what a teacher says of a domain; it is written to d_01 and read back from a teacher's answer. It
does **not** know how a query is worded; see `lexicon.py` for what the rules know beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FieldType = Literal["enum", "string", "integer", "number", "boolean", "date"]
TYPES: tuple[FieldType, ...] = ("enum", "string", "integer", "number", "boolean", "date")
NUMERIC = frozenset({"integer", "number"})

# What an operator may mean, the types of field that it takes, and the form of its value.
TAKES: Mapping[str, tuple[frozenset[str], str]] = {
    "eq": (frozenset(TYPES), "one"),
    "ne": (frozenset({"enum", "string", "integer", "number"}), "one"),
    "lt": (NUMERIC | {"date"}, "one"),
    "le": (NUMERIC | {"date"}, "one"),
    "gt": (NUMERIC | {"date"}, "one"),
    "ge": (NUMERIC | {"date"}, "one"),
    "between": (NUMERIC | {"date"}, "range"),
    "in": (frozenset({"enum"}), "many"),
    "not_in": (frozenset({"enum"}), "many"),
    "contains": (frozenset({"string"}), "one"),
    "starts_with": (frozenset({"string"}), "one"),
    "ends_with": (frozenset({"string"}), "one"),
}
ANY_TYPE = (frozenset(TYPES) - {"boolean"}, "one")  # of an operator whose meaning is not known


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an enumerated field, and what else it is called."""

    const: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a domain."""

    name: str
    type: FieldType
    synonyms: tuple[str, ...] = ()
    description: str = ""
    values: tuple[Value, ...] = ()
    minimum: float | int | None = None
    maximum: float | int | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """What a domain is about, in words."""

    domain: str
    description: str


@dataclass(frozen=True, slots=True)
class Spec:
    """The fields of one domain, as a teacher laid them out."""

    entity: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator of the catalogue. `means` is a key of `TAKES`, or the operator's own name."""

    const: str
    means: str
    synonyms: tuple[str, ...] = ()
    description: str = ""

    @property
    def takes(self) -> tuple[frozenset[str], str]:
        """The types of field that it may compare, and the form of its value: one, many, range."""
        return TAKES.get(self.means, ANY_TYPE)


@dataclass(frozen=True, slots=True)
class Offer:
    """What one schema offers: its operators, the optional parts of the template, names of functions."""

    operators: tuple[Operator, ...]
    features: frozenset[str]
    functions: Mapping[str, str] = field(default_factory=dict)  # "sum" to the schema's word for it

    def operator(self, means: str) -> Operator | None:
        """The operator with a meaning."""
        return next((one for one in self.operators if one.means == means), None)

    def for_type(self, kind: str) -> tuple[Operator, ...]:
        """The operators that a type of field may be compared by."""
        return tuple(one for one in self.operators if kind in one.takes[0])


@dataclass(frozen=True, slots=True)
class Asked:
    """One query, before its tree is known."""

    query: str
    language: str
    today: str | None = None  # ISO date that relative dates count from; None where the schema has no dates


def field_row(one: Field) -> dict[str, Any]:
    """A field as it stands in d_01; what it lacks is left out."""
    row: dict[str, Any] = {"name": one.name, "type": one.type, "synonyms": list(one.synonyms)}
    if one.description:
        row["description"] = one.description
    if one.values:
        row["values"] = [{"const": value.const, "synonyms": list(value.synonyms)} for value in one.values]
    for name in ("minimum", "maximum", "unit"):
        if getattr(one, name) is not None:
            row[name] = getattr(one, name)
    return row


def field_of(row: Mapping[str, Any]) -> Field:
    """The field that a row of d_01, or a teacher's answer, describes."""
    values = tuple(Value(str(one["const"]), tuple(one.get("synonyms", ()))) for one in row.get("values", ()))
    return Field(
        name=row["name"],
        type=row["type"],
        synonyms=tuple(row.get("synonyms", ())),
        description=row.get("description", ""),
        values=values if row["type"] == "enum" else (),
        minimum=row.get("minimum") if row["type"] in NUMERIC else None,
        maximum=row.get("maximum") if row["type"] in NUMERIC else None,
        unit=row.get("unit"),
    )
