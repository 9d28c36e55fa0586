"""The words that the rules know, and domain specs drawn from them.

`inventory.json` holds fields of seventeen domains and common ones, with their English and French names. A
spec takes some of them, some of their values, and fields of invented names, so that no schema can be known
by heart. It does **not** word queries.
"""

from __future__ import annotations

import dataclasses
import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from idiolect.teachers.recipes.schema_ast.records import Domain, Field, FieldType, Spec, Value

LANGUAGES = ("en", "fr")


@dataclass(frozen=True, slots=True)
class Noun:
    """What something is called, with what French must know of it."""

    text: str
    feminine: bool = False
    plural: bool = False


@dataclass(frozen=True, slots=True)
class Worded:
    """A field and all that is needed to speak of it."""

    field: Field
    nouns: Mapping[str, tuple[Noun, ...]]  # by language
    values: Mapping[str, Mapping[str, tuple[str, ...]]] = dataclasses.field(default_factory=dict)
    # of an enum: language, value, words
    clauses: Mapping[str, tuple[tuple[str, str], ...]] = dataclasses.field(
        default_factory=dict
    )  # of a flag: yes and no
    verbs: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # of a date: "ordered"
    draws: str = ""  # of a text: what is drawn for it
    countable: bool = False  # "with 3 pages"
    adjective: bool = False  # "that are paid"
    names: frozenset[str] = frozenset()  # all that the field may be called, said by the schema or not


@dataclass(frozen=True, slots=True)
class WordedSpec:
    """A spec and the words for it."""

    spec: Spec
    entity: Mapping[str, tuple[Noun, ...]]
    fields: tuple[Worded, ...]

    def of(self, name: str) -> Worded:
        return next(one for one in self.fields if one.field.name == name)


@cache
def inventory() -> Mapping[str, Any]:
    """The table of words."""
    text = files("idiolect.teachers.recipes.schema_ast").joinpath("inventory.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def built_in_domains() -> tuple[Domain, ...]:
    """The domains of the inventory."""
    return tuple(Domain(row["domain"], row["description"]) for row in inventory()["domains"])


def draw_spec(domain: Domain, rng: random.Random) -> WordedSpec:
    """A spec for a domain: that of the inventory if it has it, else common and invented fields."""
    known = next((row for row in inventory()["domains"] if row["domain"] == domain.domain), None)
    own = list(known["fields"]) if known else []
    common = list(inventory()["common"])
    if known:
        chosen = _with_kinds(own, rng.randint(4, 5), rng) + rng.sample(common, rng.randint(0, 2))
    else:
        chosen = _with_kinds(common, rng.randint(6, 8), rng)
    chosen += [_invented(rng) for _ in range(rng.choice((0, 0, 1) if known else (1, 2, 2)))]
    rng.shuffle(chosen)
    style = _Style.drawn(rng)
    fields = _distinct([_worded(row, style, rng) for row in chosen])
    entity, nouns = _entity(domain, known, rng)
    return WordedSpec(Spec(entity, tuple(one.field for one in fields)), nouns, fields)


_KINDS = ({"enum"}, {"integer", "number"}, {"date"}, {"string"})  # each stands in every spec


def _with_kinds(rows: Sequence[Any], count: int, rng: random.Random) -> list[Any]:
    chosen = [rng.choice([row for row in rows if row["type"] in kinds]) for kinds in _KINDS]
    rest = [row for row in rows if row not in chosen]
    return chosen + rng.sample(rest, max(0, min(count - len(chosen), len(rest))))


def _entity(
    domain: Domain, known: Mapping[str, Any] | None, rng: random.Random
) -> tuple[str, Mapping[str, tuple[Noun, ...]]]:
    if known:
        nouns = {"en": _nouns(known["en"]["plural"]), "fr": _nouns(known["fr"]["plural"])}
        return rng.choice(known["en"]["names"]), nouns
    words = re.sub(r"\W+", " ", domain.domain).strip().lower() or "records"
    noun = Noun(words, plural=True)
    return words.replace(" ", "_"), {"en": (noun,), "fr": (noun,)}


@dataclass(frozen=True, slots=True)
class _Style:
    """How one schema writes names and how much it explains."""

    camel: bool
    explains: str  # both, english, nothing

    @classmethod
    def drawn(cls, rng: random.Random) -> _Style:
        return cls(rng.random() < 0.2, rng.choice(("both", "both", "both", "english", "nothing")))

    def name(self, name: str) -> str:
        head, *rest = name.split("_")
        return head + "".join(map(str.capitalize, rest)) if self.camel else name


def _nouns(texts: Sequence[str]) -> tuple[Noun, ...]:
    found = []
    for text in texts:
        word, _, mark = text.partition(":")
        found.append(Noun(word, mark.startswith("f"), mark.endswith("p")))
    return tuple(found)


def _worded(row: Mapping[str, Any], style: _Style, rng: random.Random) -> Worded:
    kind: FieldType = row["type"]
    name = style.name(rng.choice(row["names"]))
    nouns = {"en": _nouns(row["en"]), "fr": _nouns(row["fr"])}
    if style.explains != "both":  # what the schema does not say, only the first name can be known of
        nouns = {"en": nouns["en"] if style.explains == "english" else nouns["en"][:1], "fr": nouns["fr"][:1]}
    values, words = _values(row, style, rng) if kind == "enum" else ((), {})
    low, high = _range(row, rng) if "range" in row else (None, None)
    synonyms = _synonyms(row, style)
    one = Field(name, kind, synonyms, "", values, low, high, row.get("unit"))
    clauses = {
        language: tuple((yes, no) for yes, no in pairs) for language, pairs in row.get("clauses", {}).items()
    }
    return Worded(
        field=replace(one, description=describe(one)),
        nouns=nouns,
        values=words,
        clauses=clauses,
        verbs={language: tuple(verbs) for language, verbs in row.get("verb", {}).items()},
        draws=row.get("draw", ""),
        countable=row.get("countable", False),
        adjective=row.get("adjective", False),
        names=frozenset(
            [*row["en"], *(text.partition(":")[0] for text in row["fr"])]
            + [text.replace("_", " ") for text in row["names"]]
        ),
    )


def _synonyms(row: Mapping[str, Any], style: _Style) -> tuple[str, ...]:
    if style.explains == "nothing":
        return ()
    french = [text.partition(":")[0] for text in row["fr"]] if style.explains == "both" else []
    return tuple(dict.fromkeys([*row["en"], *french]))


def _values(
    row: Mapping[str, Any], style: _Style, rng: random.Random
) -> tuple[tuple[Value, ...], dict[str, dict[str, tuple[str, ...]]]]:
    """Some of a field's values; now and then by codes that only the description explains."""
    every = row["values"]
    keep = sorted(rng.sample(range(len(every)), rng.randint(min(3, len(every)), len(every))))
    coded = style.explains == "both" and rng.random() < 0.12
    letter = rng.choice("ABCKPSTX")
    values: list[Value] = []
    words: dict[str, dict[str, tuple[str, ...]]] = {language: {} for language in LANGUAGES}
    for number, at in enumerate(keep, 1):
        one = every[at]
        const = f"{letter}{number}" if coded else one["const"]
        french = one["fr"] if style.explains == "both" else []
        said = [text for text in dict.fromkeys([*one["en"], *french]) if text != const]
        values.append(Value(const, () if style.explains == "nothing" else tuple(said)))
        for language in LANGUAGES:
            # Without an explanation only the first word for a value can be told from its name.
            words[language][const] = tuple(one[language] if style.explains == "both" else one[language][:1])
    return tuple(values), words


def _range(row: Mapping[str, Any], rng: random.Random) -> tuple[int | float, int | float]:
    low, high = row["range"]
    scale = rng.choice((1, 1, 2))
    return low, high * scale if high > 100 else high


def describe(one: Field) -> str:
    """The description that a schema gives a field: its other names, its unit, other names of its values."""
    parts = [", ".join(one.synonyms)] if one.synonyms else []
    if one.unit:
        parts.append(f"in {one.unit}")
    parts += [f"{value.const}: {', '.join(value.synonyms)}" for value in one.values if value.synonyms]
    return "; ".join(parts)


def _invented(rng: random.Random) -> Mapping[str, Any]:
    """A field of a name that nobody has heard."""
    name = "_".join(_coined(rng) for _ in range(rng.choice((1, 1, 2))))
    words = name.replace("_", " ")
    row: dict[str, Any] = {"names": [name], "en": [words], "fr": [f"{words}:m"]}
    kind = rng.choice(("enum", "string", "integer", "number", "date"))
    row["type"] = kind
    if kind == "enum":
        coined = list(dict.fromkeys(_coined(rng) for _ in range(rng.randint(3, 5))))
        row["values"] = [{"const": one, "en": [one], "fr": [one]} for one in coined]
    elif kind == "string":
        row["draw"] = rng.choice(("word", "code", "person"))
    elif kind in ("integer", "number"):
        row["range"] = [0, rng.choice((10, 50, 100, 500, 1000, 10000))]
    return row


def _coined(rng: random.Random) -> str:
    return "".join(rng.choices(inventory()["words"]["syllables"], k=rng.choice((2, 2, 3))))


def _distinct(fields: Sequence[Worded]) -> tuple[Worded, ...]:
    """The fields whose names are new, each with the nouns that no other field of the schema has."""
    kept: list[Worded] = []
    names: set[str] = set()
    taken: dict[str, set[str]] = {language: set() for language in LANGUAGES}
    for one in fields:
        nouns = {
            language: tuple(noun for noun in one.nouns[language] if noun.text not in taken[language])
            for language in LANGUAGES
        }
        spoken = {noun.text for several in nouns.values() for noun in several}
        if one.field.name in names or not all(nouns.values()) or _clashes(one.field.name, taken):
            continue
        names.add(one.field.name)
        for language in LANGUAGES:
            taken[language] |= {*spoken, one.field.name.replace("_", " ")}
        kept.append(_told(replace(one, nouns=nouns)))
    return tuple(kept)


def _clashes(name: str, taken: Mapping[str, set[str]]) -> bool:
    return any(name.replace("_", " ") in texts for texts in taken.values())


def _told(one: Worded) -> Worded:
    """The field with no synonym that another field has."""
    spoken = {noun.text for nouns in one.nouns.values() for noun in nouns}
    synonyms = tuple(text for text in one.field.synonyms if text in spoken)
    kept = replace(one.field, synonyms=synonyms)
    return replace(one, field=replace(kept, description=describe(kept)))


def draw_text(what: str, rng: random.Random) -> str:
    """A text that a field could hold."""
    words = inventory()["words"]
    if what == "person":
        return f"{rng.choice(words['person_first'])} {rng.choice(words['person_last'])}"
    if what == "surname":
        return str(rng.choice(words["person_last"]))
    if what == "company":
        if rng.random() < 0.3:
            return _coined(rng).capitalize() + rng.choice((" & Co", " Group", "", ""))
        return f"{rng.choice(words['company_a'])} {rng.choice(words['company_b'])}"
    if what == "code":
        letters = "".join(rng.choices("ABCDEFGHKLMNPRSTVX", k=rng.randint(1, 3)))
        return f"{letters}{rng.choice(('-', '', '/'))}{rng.randint(10, 9999)}"
    if what in words and what != "syllables":
        return str(rng.choice(words[what]))
    return _coined(rng)


def strangers(rng: random.Random) -> tuple[Worded, ...]:
    """Fields of any domain, for what a schema does not have."""
    style = _Style(False, "both")
    rows = [row for domain in inventory()["domains"] for row in domain["fields"]] + inventory()["common"]
    return tuple(_worded(row, style, rng) for row in rng.sample(rows, 12))
