"""The measure itself: it finds what breaks the contract, and says what it could not measure."""

from __future__ import annotations

import random

from idiolect.dialects.agreement import Agreement, compare
from idiolect.dialects.conformance import Example, conform
from idiolect.dialects.contract import EMPTY, Context, Dialect, Mutant, Sample
from idiolect.dialects.verdict import Fault, Verdict, could_not_judge, verdict_of
from idiolect.grammar.form import Grammar, chars, grammar, some


class Letters(Dialect):
    """Texts of the letter a; a test replaces the part that it wants wrong."""

    name = "letters"

    def verify(self, text: str, context: Context = EMPTY) -> Verdict:
        wrong = [] if text and set(text) == {"a"} else [Fault("letters.parse.other", "not only a")]
        return verdict_of(wrong, policy_asked=False)

    def constraint(self, context: Context = EMPTY) -> Grammar:
        return grammar("start", {"start": some("a")})

    def canonical(self, text: str, context: Context = EMPTY) -> str:
        if not self.verify(text).parsed:
            raise ValueError("not only a")
        return text

    def sample(self, rng: random.Random, context: Context = EMPTY) -> Sample:
        return Sample("a" * rng.randint(1, 9))

    def mutate(self, text: str, rng: random.Random, context: Context = EMPTY) -> Mutant | None:
        return Mutant(text + "b", "foreign", syntax=True)


def below(dialect: Dialect, **more: object) -> set[str]:
    report = conform(dialect, samples=6, **more)  # type: ignore[arg-type]
    return {check.name for check in report.checks if not check.ok}


def test_a_dialect_that_keeps_the_contract_passes():
    report = conform(Letters(), samples=6)
    assert report.ok
    assert {check.name for check in report.checks} == {
        "samples verify",
        "canonical form is stable",
        "mutants refused",
        "constraint accepts good texts",
        "constraint refuses broken syntax",
        "walks of the constraint parse",
        "walks of the constraint verify",
    }
    assert report.kinds == {"foreign": (18, 18)}


def test_a_sample_that_does_not_verify_is_found():
    class Wrong(Letters):
        def sample(self, rng, context=EMPTY):
            return Sample("b")

    assert below(Wrong()) == {"samples verify", "canonical form is stable"}


def test_a_mutant_that_verifies_is_found():
    class Wrong(Letters):
        def mutate(self, text, rng, context=EMPTY):
            return Mutant(text + "a", "more", syntax=True)

    assert below(Wrong()) == {"mutants refused", "constraint refuses broken syntax"}


def test_a_mutant_that_could_not_be_judged_is_not_refused():
    class Wrong(Letters):
        def verify(self, text, context=EMPTY):
            return could_not_judge("tired") if "b" in text else super().verify(text, context)

    assert below(Wrong()) == {"mutants refused"}


def test_a_canonical_form_that_changes_again_is_found():
    class Wrong(Letters):
        def canonical(self, text, context=EMPTY):
            return text + "a"

    assert below(Wrong()) == {"canonical form is stable"}


def test_a_constraint_that_is_too_loose_is_found_by_mutants_and_walks():
    class Wrong(Letters):
        def constraint(self, context=EMPTY):
            return grammar("start", {"start": some(chars("a-b"))})

    assert below(Wrong()) == {"constraint refuses broken syntax", "walks of the constraint parse"}
    assert compare(Wrong(), "ab", EMPTY).agreement is Agreement.TOO_LOOSE


def test_a_constraint_that_is_too_strict_is_found():
    class Wrong(Letters):
        def constraint(self, context=EMPTY):
            return grammar("start", {"start": "aa"})

    assert below(Wrong()) == {"constraint accepts good texts"}
    found = compare(Wrong(), "aaa", EMPTY)
    assert found.agreement is Agreement.TOO_STRICT
    assert "at 1:3" in found.constraint


def test_a_constraint_that_can_not_be_made_is_told():
    class Wrong(Letters):
        def constraint(self, context=EMPTY):
            raise RuntimeError("no grammar today")

    report = conform(Wrong(), samples=3)
    assert "no grammar today" in report.disagreements[0].constraint
    assert not report.ok


def test_bad_examples_must_be_refused_with_their_code():
    bad = [
        Example("right", "b", "letters.parse.other"),
        Example("other code", "b", "letters.parse.wrong"),
        Example("verifies", "a"),
    ]
    report = conform(Letters(), bad=bad, samples=1)
    (check,) = [check for check in report.checks if check.name.startswith("bad")]
    assert (check.passed, check.total, check.ok) == (1, 3, False)
    assert check.notes == (
        "other code: expected letters.parse.wrong, got letters.parse.other",
        "verifies: it verifies",
    )


def test_what_a_dialect_does_not_offer_is_said_and_not_failed():
    class Bare(Letters):
        not_offered = frozenset({"sample", "mutate", "constraint"})

    report = conform(Bare(), examples=[Example("one", "a")], samples=3)
    assert report.ok
    assert len(report.skipped) == 3


def test_a_text_that_is_only_laid_out_otherwise_is_no_disagreement():
    class Spaced(Letters):
        def verify(self, text, context=EMPTY):
            return super().verify(text.replace(" ", ""), context)

        def canonical(self, text, context=EMPTY):
            return super().canonical(text.replace(" ", ""), context)

    assert compare(Spaced(), "a a", EMPTY).agreement is Agreement.LAYOUT
    assert compare(Spaced(), "a", EMPTY).agreement is Agreement.BOTH_ACCEPT
    assert compare(Spaced(), "b", EMPTY).agreement is Agreement.BOTH_REFUSE
