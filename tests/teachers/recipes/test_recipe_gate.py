"""The gate for synthetic examples, and the breaking of good texts."""

from __future__ import annotations

import json
import random

from idiolect.data.example import Example, Rejected
from idiolect.dialects.contract import Context, Dialect, Sample
from idiolect.dialects.json_ast.dialect import JsonAst
from idiolect.dialects.verdict import Verdict
from idiolect.grammar.form import Grammar, Text, grammar
from idiolect.teachers.recipes.breaking import break_text, weight_of
from idiolect.teachers.recipes.gate import Gate

SCHEMA = {
    "type": "object",
    "properties": {"on": {"type": "boolean"}, "day": {"type": "string", "format": "date"}},
    "required": ["on"],
    "additionalProperties": False,
}
CONTEXT = json.dumps(SCHEMA) + "\nToday: 2026-03-14"


def example(target: str, **more: object) -> Example:
    return Example(instruction="turn it on", target=target, context=CONTEXT, **more)  # type: ignore[arg-type]


def judged(one: Example, dialect: Dialect | None = None) -> Example | Rejected:
    return Gate(dialect or JsonAst(), Context()).judge(one)


def test_a_good_target_gets_its_verdict():
    found = judged(example('{"on":true}'))
    assert isinstance(found, Example)
    assert found.verdict is not None
    assert found.verdict.ok


def test_what_is_wrong_is_told_by_its_kind():
    cases = {
        '{"on":1}': "not valid",
        '{ "on": true }': "not writable",
        " ": "empty",
    }
    for target, reason in cases.items():
        found = judged(example(target))
        assert isinstance(found, Rejected)
        assert found.reason == reason
        assert found.detail


def test_a_negative_must_be_refused():
    good = judged(example('{"on":1}', valid=False))
    assert isinstance(good, Example)
    assert good.verdict is not None
    assert good.verdict.errors == ("json.schema.type",)
    bad = judged(example('{"on":true}', valid=False))
    assert isinstance(bad, Rejected)
    assert bad.reason == "negative that verifies"


def test_words_are_not_judged():
    assert judged(example("It turns the lamp on.", task="explain")) == example(
        "It turns the lamp on.", task="explain"
    )


class Unconstrained(Dialect):
    """A dialect with a verifier only, which falls over one text."""

    name = "unconstrained"

    def verify(self, text, context=Context()):
        if text == "fall":
            raise RuntimeError("fell")
        return Verdict(True, True)

    def constraint(self, context=Context()):
        from idiolect.dialects.contract import NotOffered

        raise NotOffered("no grammar")

    def canonical(self, text, context=Context()):
        return text

    def sample(self, rng, context=Context()):
        return Sample("x")


def test_a_dialect_without_a_grammar_is_not_replayed_and_one_that_falls_is_not_judged():
    assert isinstance(judged(example("anything"), Unconstrained()), Example)
    found = judged(example("fall"), Unconstrained())
    assert isinstance(found, Rejected)
    assert found.reason == "not judged"
    assert "RuntimeError: fell" in found.detail


def test_broken_versions_are_refused_and_never_the_same_twice():
    dialect, context, rng = JsonAst(), Context(schema=SCHEMA), random.Random(1)
    seen: set[str] = set()
    found = [
        break_text(dialect, '{"day":"2026-01-02","on":true}', context, rng, seen=seen) for _ in range(12)
    ]
    kept = [one for one in found if one is not None]
    assert len({one.text for one in kept}) == len(kept) == len(seen) >= 10
    for one in kept:
        assert not dialect.verify(one.text, context).ok
        assert one.codes


def test_codes_that_are_aimed_at_are_chosen_more_often():
    dialect, context = JsonAst(), Context(schema=SCHEMA)
    targets = {"json.schema.format": 5}

    def share(wanted: dict[str, int]) -> float:
        rng = random.Random(2)
        text = '{"day":"2026-01-02","on":true}'
        found = [break_text(dialect, text, context, rng, targets=wanted) for _ in range(60)]
        return sum("json.schema.format" in one.codes for one in found if one) / 60

    assert share(targets) > 2 * share({})
    assert weight_of(("json.schema.format",), targets) > weight_of(("json.schema.type",), targets) == 1.0


def test_where_nothing_is_enforced_a_target_need_not_be_writable():
    class Mute(JsonAst):
        def constraint(self, context: Context = Context()) -> Grammar:
            return grammar("start", {"start": Text("never")})

    one = Example(instruction="x", context='{"type": "object"}', target="{}")
    assert isinstance(Gate(Mute(), Context()).judge(one), Rejected)
    assert isinstance(Gate(Mute(), Context(), enforced=False).judge(one), Example)
