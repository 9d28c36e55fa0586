"""Queries drawn by rules: their words decide their trees, in two languages."""

from __future__ import annotations

import json
import random
from datetime import date

import pytest

from idiolect.dialects.contract import Context
from idiolect.dialects.json_ast.dialect import JsonAst
from idiolect.teachers.recipes.schema_ast import dates, grammar, noise
from idiolect.teachers.recipes.schema_ast.drawing import Drawing, draw_features
from idiolect.teachers.recipes.schema_ast.lexicon import (
    Noun,
    WordedSpec,
    built_in_domains,
    draw_spec,
    inventory,
    strangers,
)
from idiolect.teachers.recipes.schema_ast.operators import Bounds, read_operators, sample_operators
from idiolect.teachers.recipes.schema_ast.query import Query, encoded, level_of, level_of_tree
from idiolect.teachers.recipes.schema_ast.records import TAKES, Offer
from idiolect.teachers.recipes.schema_ast.refusing import draw_refusal
from idiolect.teachers.recipes.schema_ast.template import build_schema, layout_of, read_template
from idiolect.teachers.recipes.schema_ast.times import phrases
from idiolect.teachers.recipes.schema_ast.wording import Wording

TEMPLATE = read_template(None)
LAYOUT = layout_of(TEMPLATE)
CATALOGUE = read_operators(None)
assert LAYOUT is not None


class FewValues(Drawing):
    """Draws from so few values that the same words come again and again."""

    def number(self, worded):
        return self.rng.choice((3, 5))

    def text(self, worded, means):
        return "Ana"

    def value(self, worded):
        if worded.field.type == "enum":
            return worded.field.values[0].const
        return "Ana" if worded.field.type == "string" else super().value(worded)


class FewWords(random.Random):
    """Takes one of the first two of anything, so that two queries are often said the same way."""

    def choice(self, seq):
        return seq[self.getrandbits(1) % len(seq)]


def drawn_schema(number: int, rng: random.Random) -> tuple[WordedSpec, Offer]:
    spec = draw_spec(built_in_domains()[number], rng)
    features, functions = draw_features(rng)
    return spec, Offer(sample_operators(CATALOGUE, rng, Bounds(4, 7)), features, functions)


@pytest.mark.parametrize("number", range(17))
def test_no_two_trees_are_asked_for_in_the_same_words(number):
    rng = random.Random(number)
    dialect = JsonAst()
    spec, offer = drawn_schema(number, rng)
    context = Context(schema=build_schema(TEMPLATE, spec.spec, offer))
    few = FewWords(number)
    said: dict[str, str] = {}
    again = 0
    for _ in range(800):
        drawing = FewValues(spec, offer, date(2026, 3, 14), rng, levels=("micro",) * 4 + ("multi",))
        language = rng.choice(("en", "fr"))
        query, words = drawing.query(), (spec, offer)
        if rng.random() < 0.2 and (found := draw_refusal(drawing, strangers(rng), language)):
            query, words = found.query, (found.spec, found.offer)
            tree = json.dumps({"refusal": found.reason})
        else:
            tree = json.dumps(encoded(query, LAYOUT, offer, spec.spec.entity))
        text = noise.plain(Wording(*words, language, few).say(query)).casefold()
        again += text in said
        first = said.setdefault(text, tree)
        assert first == tree or dialect.equal(first, tree, context), text
    assert again > 20  # else nothing was tried


@pytest.mark.parametrize("number", range(17))
def test_the_level_of_a_query_is_that_of_its_tree(number):
    rng = random.Random(number)
    spec, offer = drawn_schema(number, rng)
    seen = set()
    for _ in range(100):
        query = Drawing(spec, offer, date(2026, 3, 14), rng).query()
        tree = encoded(query, LAYOUT, offer, spec.spec.entity)
        assert level_of_tree(tree, LAYOUT) == level_of(query), tree
        seen.add(level_of(query))
    assert seen == {"micro", "multi", "scenario"}


def test_no_sentence_has_a_slot_left_or_two_spaces():
    rng = random.Random(1)
    for number in range(17):
        spec, offer = drawn_schema(number, rng)
        for _ in range(100):
            query = Drawing(spec, offer, dates.any_today(rng), rng).query()
            text = noise.typed(Wording(spec, offer, rng.choice(("en", "fr")), rng).say(query), rng)
            assert not {"{", "}", "\x01", "\x02"} & set(text), text
            assert "  " not in text
            assert " de le " not in text
            assert " de les " not in text


def test_every_meaning_of_an_operator_has_words_in_both_languages():
    sections = {"enum": "enum", "string": "string", "integer": "number", "number": "number"}
    for language in ("en", "fr"):
        table = phrases(language)
        for means, (kinds, _) in TAKES.items():
            for kind in kinds & set(sections):
                assert table[sections[kind]][means], (language, means, kind)
            if kinds & {"integer"}:
                assert table["count"][means]


def test_both_languages_have_the_same_phrases():
    english, french = phrases("en"), phrases("fr")
    assert english.keys() == french.keys()
    for section in english:
        if section != "units":
            only = set(english[section]) ^ set(french[section])
            assert only <= {"adjective"}, section


def test_the_inventory_names_every_field_and_value_in_both_languages():
    rows = [row for domain in inventory()["domains"] for row in domain["fields"]] + inventory()["common"]
    assert len(rows) > 200
    for row in rows:
        assert row["names"]
        assert row["en"]
        assert all(text.partition(":")[2] in ("m", "f", "mp", "fp") for text in row["fr"]), row
        if row["type"] == "enum":
            assert all(value["en"] and value["fr"] for value in row["values"])
        if row["type"] == "boolean":
            assert row["clauses"]["en"]
            assert row["clauses"]["fr"]


@pytest.mark.parametrize(
    ("noun", "slot", "said"),
    [
        (Noun("statut"), "le", "le statut"),
        (Noun("état"), "le", "l'état"),
        (Noun("état"), "du", "de l'état"),
        (Noun("hauteur", feminine=True), "le", "la hauteur"),
        (Noun("humeur", feminine=True), "le", "l'humeur"),
        (Noun("note", feminine=True), "du", "de la note"),
        (Noun("montant"), "du", "du montant"),
        (Noun("frais", plural=True), "du", "des frais"),
        (Noun("frais", plural=True), "est", "sont"),
        (Noun("articles"), "de", "d'articles"),
        (Noun("étape", feminine=True), "un", "une étape"),
        (Noun("surface", feminine=True), "e", "e"),
        (Noun("honoraires", plural=True), "e", "s"),
    ],
)
def test_french_articles_and_endings_agree(noun, slot, said):
    assert grammar.french_slots(noun)[slot] == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age", "an age"),
        ("unit price", "a unit price"),
        ("urgency", "an urgency"),
        ("status", "a status"),
        ("office", "an office"),
        ("user", "a user"),
    ],
)
def test_english_articles_fit_the_sound(text, said):
    assert grammar.english_slots(Noun(text))["a"] == said


@pytest.mark.parametrize(
    ("participle", "noun", "said"),
    [
        ("commandé", Noun("commandes", feminine=True), "commandées"),
        ("reçu", Noun("colis"), "reçus"),
        ("mis en ligne", Noun("annonces", feminine=True), "mises en ligne"),
        ("acquis", Noun("objets"), "acquis"),
    ],
)
def test_french_participles_agree(participle, noun, said):
    assert grammar.agreeing(participle, noun) == said


def test_spans_of_days_are_those_of_the_calendar():
    today = date(2026, 3, 14)  # a Saturday
    wanted = {
        "this_week": ("2026-03-09", "2026-03-15"),
        "last_week": ("2026-03-02", "2026-03-08"),
        "this_month": ("2026-03-01", "2026-03-31"),
        "last_month": ("2026-02-01", "2026-02-28"),
        "this_year": ("2026-01-01", "2026-12-31"),
        "last_year": ("2025-01-01", "2025-12-31"),
    }
    rng = random.Random(3)
    found = {}
    for _ in range(300):
        span = dates.any_span(rng, today)
        found[span.name] = (span.start.isoformat(), span.end.isoformat())
        assert span.start <= span.end
        if span.name == "quarter":
            assert (span.start.month, span.end.month) == (3 * span.number - 2, 3 * span.number)
    assert {name: found[name] for name in wanted} == wanted


def test_noise_leaves_values_as_they_are():
    rng = random.Random(4)
    text = f"whose customer is {noise.fixed('Ana LOPEZ-Fjord')} and nothing otherwise"
    typed = {noise.typed(text, rng) for _ in range(400)}
    assert len(typed) > 20
    assert all("Ana LOPEZ-Fjord" in one for one in typed)


def test_a_refusal_asks_for_what_the_schema_really_lacks():
    rng = random.Random(5)
    reasons = set()
    for number in range(17):
        spec, offer = drawn_schema(number, rng)
        for _ in range(40):
            drawing = Drawing(spec, offer, date(2026, 3, 14), rng)
            found = draw_refusal(drawing, strangers(rng), "en")
            if found is None:
                continue
            assert found.reason
            reasons.add(found.reason.split()[-2])
            if found.reason.startswith("there is no field for "):
                lacking = found.reason.removeprefix("there is no field for ")
                known = {noun.text for one in spec.fields for noun in one.nouns["en"]}
                assert lacking not in known
            if " has no value " in found.reason:
                name, _, value = found.reason.partition(" has no value ")
                assert value not in {one.const for one in spec.of(name).field.values}
    assert len(reasons) > 5


def test_a_query_with_nothing_but_its_action_is_a_tree_too():
    spec, offer = drawn_schema(0, random.Random(0))
    tree = encoded(Query("find"), LAYOUT, offer, spec.spec.entity)
    assert tree == {"action": "find", "entity": spec.spec.entity}
