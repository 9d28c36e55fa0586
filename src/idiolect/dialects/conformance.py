"""Does a dialect keep the contract? Pure functions that measure it, and the records that they give.

One measure for all: built-in dialects and users' folders, `idiolect dialect test` and the project's
own tests. Examples verify and bad ones are refused with the expected code; samples verify; mutants do
not; the decoding constraint accepts what the verifier accepts and refuses what breaks the syntax.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from idiolect.dialects.agreement import Disagreement, replayed, shorten, told
from idiolect.dialects.contract import Context, Dialect, NotOffered, Sample, offers
from idiolect.dialects.verdict import Severity, Verdict

LEVELS = ("micro", "multi", "scenario")
MUTANTS_A_SAMPLE = 3
MAX_NOTES = 5
WALK_BUDGET = 200


@dataclass(frozen=True, slots=True)
class Example:
    """A text of a dialect's examples: good ones with tests, bad ones with the code they must get."""

    name: str
    text: str
    expected_code: str | None = None
    tests: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One part of the contract, measured: how many of how many, and the share that is asked for."""

    name: str
    passed: int
    total: int
    threshold: float | None = None  # None: told, not asked for
    notes: tuple[str, ...] = ()  # the first cases that did not pass

    @property
    def share(self) -> float:
        return self.passed / self.total if self.total else 0.0

    @property
    def ok(self) -> bool:
        """A check with a threshold and no case at all has not been passed."""
        return self.threshold is None or (self.total > 0 and self.share >= self.threshold)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured of one dialect."""

    dialect: str
    checks: tuple[Check, ...]
    kinds: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # mutant kind -> refused, made
    breaks: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # the same before any is thrown away
    disagreements: tuple[Disagreement, ...] = ()
    uncovered: tuple[str, ...] = ()  # grammar productions that no example uses
    skipped: tuple[str, ...] = ()  # what could not be measured, and why

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


@runtime_checkable
class HasProductions(Protocol):
    """A dialect that can say which productions of its grammar a text uses."""

    @property
    def productions(self) -> tuple[str, ...]: ...

    def productions_of(self, text: str) -> frozenset[str]: ...


@runtime_checkable
class CanBreak(Protocol):
    """A dialect that can break a text once at random, whether or not the result is still in the language."""

    def break_once(
        self, text: str, rng: random.Random, context: Context = ...
    ) -> tuple[KindOfBreak, str] | None: ...


class KindOfBreak(Protocol):
    """What was done to a text, by its name."""

    @property
    def kind(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The shares that must be reached."""

    examples: float = 1.0
    bad_examples: float = 1.0
    samples: float = 1.0
    mutants: float = 1.0
    agreement: float = 1.0
    coverage: float = 0.0
    runs: float = 1.0


@dataclass(frozen=True, slots=True)
class Good:
    """A text in canonical form that verifies, and what it is judged against."""

    text: str
    context: Context


@dataclass(frozen=True, slots=True)
class Made:
    """A mutant of a sample and what the verifier says of it."""

    text: str
    kind: str
    syntax: bool
    context: Context
    verdict: Verdict


def conform(
    dialect: Dialect,
    *,
    examples: Sequence[Example] = (),
    bad: Sequence[Example] = (),
    samples: int = 30,
    seed: int = 0,
    thresholds: Thresholds | None = None,
) -> Report:
    """The whole contract measured on a dialect, with its examples and with samples made from a seed."""
    asked = thresholds or Thresholds()
    checks: list[Check] = []
    skipped: list[str] = []
    if examples:
        checks.append(examples_verify(dialect, examples, asked.examples))
        if any(example.tests for example in examples):
            checks.append(examples_run(dialect, examples, asked.runs))
    if bad:
        checks.append(bad_examples_are_refused(dialect, bad, asked.bad_examples))
    made = draw_samples(dialect, samples, seed, skipped)
    if made:
        checks.append(samples_verify(dialect, made, asked.samples))
    texts = [*made, *(Sample(one.text) for one in examples if dialect.verify(one.text).ok)]
    good, stable = write_canonical(dialect, texts, asked.samples)
    if texts:
        checks.append(stable)
    mutants = draw_mutants(dialect, good, seed, skipped)
    if mutants:
        checks.append(mutants_are_refused(mutants, asked.mutants))
    breaks: dict[str, tuple[int, int]] = {}
    if isinstance(dialect, CanBreak):
        breaks = count_breaks(dialect, good, seed)
        refused, tried = (sum(column) for column in zip((0, 0), *breaks.values(), strict=True))
        checks.append(Check("random breaks leave the language", refused, tried))
    agreement, disagreements = agree(dialect, good, mutants, seed, asked.agreement, skipped)
    checks += agreement
    uncovered: tuple[str, ...] = ()
    if isinstance(dialect, HasProductions) and examples:
        covered, uncovered = cover(dialect, examples, asked.coverage)
        checks.append(covered)
    kinds = count_kinds(mutants)
    return Report(dialect.name, tuple(checks), kinds, breaks, disagreements, uncovered, tuple(skipped))


def examples_verify(dialect: Dialect, examples: Iterable[Example], threshold: float) -> Check:
    """Whether the good examples verify."""
    return _check(
        "examples verify",
        ((one.name, None if (verdict := dialect.verify(one.text)).ok else told(verdict)) for one in examples),
        threshold,
    )


def examples_run(dialect: Dialect, examples: Iterable[Example], threshold: float) -> Check:
    """Whether the tests of the examples pass in the dialect's simulator."""

    def outcome(example: Example) -> str | None:
        verdict = dialect.verify(example.text, Context(tests=example.tests))
        return None if verdict.ok else told(verdict)

    tested = [example for example in examples if example.tests]
    return _check("examples pass their tests", ((one.name, outcome(one)) for one in tested), threshold)


def bad_examples_are_refused(dialect: Dialect, bad: Iterable[Example], threshold: float) -> Check:
    """Whether the bad examples are refused, each with the code that it must get."""

    def outcome(example: Example) -> str | None:
        verdict = dialect.verify(example.text)
        if verdict.ok:
            return "it verifies"
        if not verdict.judged:
            return told(verdict)
        code = next((fault.code for fault in verdict.faults if fault.severity is Severity.ERROR), "")
        if example.expected_code in (None, code):
            return None
        return f"expected {example.expected_code}, got {code}"

    return _check("bad examples refused as expected", ((one.name, outcome(one)) for one in bad), threshold)


def draw_samples(dialect: Dialect, count: int, seed: int, skipped: list[str]) -> list[Sample]:
    """Samples of every level in turn; a dialect that makes none says so in `skipped`."""
    if not offers(dialect, "sample"):
        skipped.append("samples: the dialect makes none")
        return []
    made = []
    for number in range(count):
        context = Context(level=LEVELS[number % len(LEVELS)])
        try:
            made.append(dialect.sample(random.Random(f"{seed}:{number}"), context))
        except NotOffered as error:
            skipped.append(f"samples: {error}")
            break
    return made


def samples_verify(dialect: Dialect, samples: Iterable[Sample], threshold: float) -> Check:
    """Whether what the dialect makes is right by its own verifier."""

    def outcome(sample: Sample) -> str | None:
        verdict = dialect.verify(sample.text, sample.context)
        return None if verdict.ok else told(verdict)

    return _check("samples verify", ((shorten(one.text), outcome(one)) for one in samples), threshold)


def write_canonical(
    dialect: Dialect, samples: Iterable[Sample], threshold: float
) -> tuple[list[Good], Check]:
    """The canonical forms, and whether each verifies and is its own canonical form."""
    good: list[Good] = []
    cases: list[tuple[str, str | None]] = []
    for sample in samples:
        context = replace(sample.context, tests=())
        wrong = None
        try:
            written = dialect.canonical(sample.text, context)
            verdict = dialect.verify(written, context)
            if not verdict.ok:
                wrong = f"its canonical form: {told(verdict)}"
            elif dialect.canonical(written, context) != written:
                wrong = "its canonical form changes when it is made canonical again"
            else:
                good.append(Good(written, context))
        except ValueError as error:
            wrong = f"it has no canonical form: {error}"
        cases.append((shorten(sample.text), wrong))
    return good, _check("canonical form is stable", cases, threshold)


def draw_mutants(dialect: Dialect, good: Iterable[Good], seed: int, skipped: list[str]) -> list[Made]:
    """Some mutants of each good text, judged."""
    if not offers(dialect, "mutate"):
        skipped.append("mutants: the dialect makes none")
        return []
    made = []
    for number, one in enumerate(good):
        for turn in range(MUTANTS_A_SAMPLE):
            mutant = dialect.mutate(one.text, random.Random(f"{seed}:{number}:{turn}"), one.context)
            if mutant is not None:
                verdict = dialect.verify(mutant.text, one.context)
                made.append(Made(mutant.text, mutant.kind, mutant.syntax, one.context, verdict))
    if not made:
        skipped.append("mutants: none could be made")
    return made


def count_kinds(mutants: Iterable[Made]) -> dict[str, tuple[int, int]]:
    """How many mutants of each kind were made, and how many of them refused."""
    made = Counter(mutant.kind for mutant in mutants)
    refused = Counter(mutant.kind for mutant in mutants if _refused(mutant.verdict))
    return {kind: (refused[kind], made[kind]) for kind in sorted(made)}


def count_breaks(dialect: CanBreak, good: Iterable[Good], seed: int) -> dict[str, tuple[int, int]]:
    """How many random breaks of each kind were tried, and how many of them the verifier refuses.

    What it accepts is no mutant: it is another text of the language, or a rule that is missing.
    """
    assert isinstance(dialect, Dialect)
    tried: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for number, one in enumerate(good):
        for turn in range(MUTANTS_A_SAMPLE):
            attempt = dialect.break_once(
                one.text, random.Random(f"{seed}:{number}:{turn}:break"), one.context
            )
            if attempt is not None:
                tried[attempt[0].kind] += 1
                refused[attempt[0].kind] += _refused(dialect.verify(attempt[1], one.context))
    return {kind: (refused[kind], tried[kind]) for kind in sorted(tried)}


def mutants_are_refused(mutants: Sequence[Made], threshold: float) -> Check:
    """The mutation score: the share of mutants that the verifier refuses."""
    cases = (
        (f"{one.kind}: {shorten(one.text)}", None if _refused(one.verdict) else _kept(one.verdict))
        for one in mutants
    )
    return _check("mutants refused", cases, threshold)


def agree(
    dialect: Dialect,
    good: Sequence[Good],
    mutants: Iterable[Made],
    seed: int,
    threshold: float,
    skipped: list[str],
) -> tuple[list[Check], tuple[Disagreement, ...]]:
    """Whether verifier and constraint agree: on good texts, on broken ones, on the constraint's own."""
    if not offers(dialect, "constraint"):
        skipped.append("agreement: the dialect has no constraint")
        return [], ()
    found: list[Disagreement] = []
    for one in good:
        if refusal := replayed(dialect, one.text, one.context):
            found.append(Disagreement(one.text, "good text", "accepts it", refusal))
    checks = [_all_but(found, "constraint accepts good texts", len(good), threshold)]
    broken = [mutant for mutant in mutants if mutant.syntax]
    kept = [
        Disagreement(mutant.text, mutant.kind, told(mutant.verdict), "accepts it")
        for mutant in broken
        if replayed(dialect, mutant.text, mutant.context) is None
    ]
    checks.append(_all_but(kept, "constraint refuses broken syntax", len(broken), threshold))
    beyond = [mutant for mutant in mutants if not mutant.syntax]
    seen = sum(replayed(dialect, mutant.text, mutant.context) is not None for mutant in beyond)
    checks.append(Check("constraint refuses other faults too", seen, len(beyond)))
    walked, strangers = walks_parse(dialect, good, seed, threshold)
    checks += walked
    return [check for check in checks if check.total], (*found, *kept, *strangers)


def walks_parse(
    dialect: Dialect, good: Sequence[Good], seed: int, threshold: float
) -> tuple[list[Check], list[Disagreement]]:
    """Whether random texts of the constraint have the language's form: what a decoder may write at worst."""
    from idiolect.grammar.walk import walk

    strangers: list[Disagreement] = []
    right = total = 0
    for number, one in enumerate(good):
        if replayed(dialect, one.text, one.context) is not None:
            continue  # told already; there may be no constraint at all
        rng = random.Random(f"{seed}:walk:{number}")
        text = walk(dialect.constraint(one.context), rng, budget=WALK_BUDGET).text
        verdict = dialect.verify(text, one.context)
        total += 1
        right += verdict.ok
        if verdict.parsed is not True:
            strangers.append(Disagreement(text, "walk of the constraint", told(verdict), "accepts it"))
    return [
        _all_but(strangers, "walks of the constraint parse", total, threshold),
        Check("walks of the constraint verify", right, total),
    ], strangers


def cover(
    dialect: HasProductions, examples: Iterable[Example], threshold: float
) -> tuple[Check, tuple[str, ...]]:
    """Which productions of the grammar the examples use, and those that none does."""
    used: set[str] = set()
    for example in examples:
        used |= dialect.productions_of(example.text)
    known = dialect.productions
    uncovered = tuple(name for name in dict.fromkeys(known) if name not in used)
    total = len(set(known))
    return Check("productions in examples", total - len(uncovered), total, threshold), uncovered


def _check(name: str, cases: Iterable[tuple[str, str | None]], threshold: float) -> Check:
    """A check out of cases: a name and what is wrong with it, or None."""
    outcomes = list(cases)
    wrong = [f"{case}: {reason}" for case, reason in outcomes if reason is not None]
    return Check(name, len(outcomes) - len(wrong), len(outcomes), threshold, tuple(wrong[:MAX_NOTES]))


def _all_but(wrong: Sequence[Disagreement], name: str, total: int, threshold: float) -> Check:
    notes = tuple(f"{one.origin}: {shorten(one.text)}" for one in wrong[:MAX_NOTES])
    return Check(name, total - len(wrong), total, threshold, notes)


def _refused(verdict: Verdict) -> bool:
    return verdict.judged and not verdict.ok


def _kept(verdict: Verdict) -> str:
    return told(verdict) if not verdict.judged else "the verifier accepts it"
