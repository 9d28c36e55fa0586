"""The dialect `gates`: what the contract asks, each answered by the module that does it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idiolect.dialects.contract import EMPTY, Context, Dialect, Mutant, Sample
from idiolect.dialects.gates.bits import TooLarge
from idiolect.dialects.gates.checker import check
from idiolect.dialects.gates.netlist import build
from idiolect.dialects.gates.printer import render
from idiolect.dialects.gates.reader import NotParsed, read
from idiolect.dialects.gates.syntax import Program
from idiolect.dialects.verdict import Fault, Verdict, verdict_of

if TYPE_CHECKING:
    from idiolect.dialects.catalog import Catalog
    from idiolect.dialects.policy import Policy
    from idiolect.grammar.form import Grammar


class Gates(Dialect):
    """A small hardware language: modules of gates, registers, pipeline stages and instances."""

    name = "gates"
    suffixes = (".gates",)

    def verify(self, text: str, context: Context = EMPTY) -> Verdict:
        """Judge form, rules and policy, and run the context's tests if form and rules hold."""
        untested = (0, len(context.tests))
        policy = _policy(context)
        asked = policy is not None
        try:
            program = read(text)
        except NotParsed as stop:
            return verdict_of(stop.faults, policy_asked=asked, tests=untested)
        checked = check(program)
        faults = [*checked.faults, *_policy_faults(policy, text, program)]
        verdict = verdict_of(faults, policy_asked=asked, tests=untested)
        if not context.tests or not verdict.valid:
            return verdict
        from idiolect.dialects.gates.testrun import UnclearTest, judge

        try:
            outcome = judge(build(checked), context.tests)
        except (UnclearTest, TooLarge) as stop:
            return replace(verdict, not_judged=str(stop))
        tests = (outcome.passed, outcome.total)
        return verdict_of([*faults, *outcome.faults], policy_asked=asked, tests=tests)

    def constraint(self, context: Context = EMPTY) -> Grammar:
        """The grammar of canonical texts; names, widths and drives are left to `verify`."""
        from idiolect.dialects.gates.constraint import constraint

        return constraint()

    def canonical(self, text: str, context: Context = EMPTY) -> str:
        """The text in the one layout, without its comments."""
        return render(read(text))

    def run(self, text: str, inputs: Mapping[str, Any], context: Context = EMPTY) -> Mapping[str, Any]:
        """Simulate the top module; see `simulator.run` for sequences of clock cycles."""
        from idiolect.dialects.gates.simulator import run

        return run(text, inputs)

    def sample(self, rng: random.Random, context: Context = EMPTY) -> Sample:
        """A circuit, what it does in words, and tests that were computed apart from its text."""
        from idiolect.dialects.gates.sample import sample

        return sample(rng, context.level)

    def mutate(self, text: str, rng: random.Random, context: Context = EMPTY) -> Mutant | None:
        """The text with one labelled break, checked to be one."""
        from idiolect.dialects.gates.mutate import mutate

        return mutate(text, rng)

    def sample_family(self, rng: random.Random, level: str, family: str, invented: float = 0.0) -> Sample:
        """A circuit of one family, at times with names that nobody could guess."""
        from idiolect.dialects.gates.sample import sample

        return sample(rng, level, family, invented=invented)

    def families(self) -> Mapping[str, Sequence[str]]:
        """The families of circuits, by level."""
        from idiolect.dialects.gates.sample import families

        return families()

    def alter(self, text: str, rng: random.Random) -> str | None:
        """A text that is right by all rules and does something else; None where none was found."""
        from idiolect.dialects.gates.alter import alter

        return alter(text, rng)

    def describe(self, text: str, context: Context = EMPTY) -> str:
        """Say what each module does, statement by statement."""
        from idiolect.dialects.gates.describe import describe

        return describe(read(text))

    def equivalent(self, left: str, right: str) -> bool:
        """Whether two circuits do the same, by simulation; see `equivalence.compare` for how sure that is."""
        from idiolect.dialects.gates.equivalence import equivalent

        return equivalent(left, right)

    def extract(self, sources: Sequence[Path]) -> Catalog:
        """The modules and ports that files define."""
        from idiolect.dialects.gates.extract import extract

        return extract(sources)


def _policy(context: Context) -> Policy | None:
    """The context's policy and the catalog's constraints, joined."""
    if context.catalog is None:
        return context.policy
    mine = context.policy
    return mine.joined(context.catalog.constraints) if mine else context.catalog.constraints


def _policy_faults(policy: Policy | None, text: str, program: Program) -> list[Fault]:
    if policy is None:
        return []
    from idiolect.dialects.gates.policy_faults import policy_faults

    return policy_faults(policy, text, program)
