"""A dialect with something put on top: a grammar that narrows what may be written, an outside validator.

A text is right where the dialect itself takes it, its canonical form is in the grammar, and the command
accepts it. What the dialect offers beyond the contract is reached through the wrapper.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idiolect.dialects.command import judge_by_command, split_command, suffix_of
from idiolect.dialects.contract import EMPTY, Context, Dialect, Mutant, NotOffered, Sample, offers
from idiolect.dialects.user.settings import CommandSettings
from idiolect.dialects.verdict import Fault, Level, Verdict, verdict_of
from idiolect.source import Span

if TYPE_CHECKING:
    from idiolect.dialects.catalog import Catalog
    from idiolect.grammar.form import Grammar

OPTIONAL = ("sample", "mutate", "run", "extract", "describe")
_OWN_SAMPLES, _WALKS = 20, 60  # tries: the dialect's own come with words and tests
_BUDGETS = {"micro": 60, "multi": 200, "scenario": 500}  # characters of a walk, by level


class Narrowed(Dialect):
    """A dialect under a second grammar, a command, or both."""

    def __init__(
        self, inner: Dialect, *, grammar: Grammar | None = None, command: CommandSettings | None = None
    ) -> None:
        self.inner = inner
        self.name = inner.name
        self.suffixes = inner.suffixes
        self.not_offered = frozenset(what for what in OPTIONAL if not offers(inner, what))
        self._grammar = grammar
        self._command = command
        self._argv = split_command(command.run) if command else []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "inner":  # asked for before they are there
            raise AttributeError(name)
        return getattr(self.inner, name)

    def verify(self, text: str, context: Context = EMPTY) -> Verdict:
        """The dialect's verdict; of a text that is right so far, also the grammar's and the command's."""
        verdict = self.inner.verify(text, context)
        if verdict.ok and self._grammar is not None:
            verdict = self._under_grammar(text, context, verdict, self._grammar)
        if verdict.ok and self._command is not None:
            verdict = self._after_command(text, verdict, self._command)
        return verdict

    def _under_grammar(self, text: str, context: Context, verdict: Verdict, grammar: Grammar) -> Verdict:
        from idiolect.grammar.replay import NotCompiled, replay

        try:
            canonical = self.inner.canonical(text, context)
            played = replay(grammar, canonical)
        except (NotCompiled, ValueError) as error:
            return replace(verdict, not_judged=f"DIALECT.grammar could not be asked: {error}")
        if played.accepted:
            return verdict
        at = len(canonical) if played.refused_at is None else played.refused_at
        what = repr(canonical[at : at + 20].split("\n")[0]) if at < len(canonical) else "the end of the text"
        span = Span(at, min(at + 1, len(text))) if canonical == text else None
        message = f"{what} can't stand here by the project's grammar"
        fault = Fault(
            f"{self.name}.grammar.refused", message, span, f"expected {played.expected}", Level.VALID
        )
        return _with_faults(verdict, [fault])

    def _after_command(self, text: str, verdict: Verdict, command: CommandSettings) -> Verdict:
        outside = judge_by_command(text, self._argv, command, self.name, suffix_of(self.suffixes))
        if not outside.judged:
            return replace(verdict, not_judged=outside.not_judged)
        # The dialect took the text, so what the program refuses breaks a rule, not the form.
        return _with_faults(verdict, [replace(fault, level=Level.VALID) for fault in outside.faults])

    def constraint(self, context: Context = EMPTY) -> Grammar:
        """The grammar put on top, else the dialect's own."""
        return self._grammar or self.inner.constraint(context)

    def canonical(self, text: str, context: Context = EMPTY) -> str:
        """The dialect's own canonical form."""
        return self.inner.canonical(text, context)

    def sample(self, rng: random.Random, context: Context = EMPTY) -> Sample:
        """A sample that also the grammar and the command take; from walks of the grammar if need be."""
        why = ""
        if offers(self.inner, "sample"):
            for _ in range(_OWN_SAMPLES):
                made = self.inner.sample(rng, context)
                verdict = self.verify(made.text, _judged_in(made.context, context))
                if verdict.ok:
                    return made
                why = verdict.not_judged or verdict.faults[0].message
        if self._grammar is not None:
            return self._walked(self._grammar, rng, context)
        raise NotOffered(f"dialect {self.name}: none of {_OWN_SAMPLES} samples passes: {why}")

    def _walked(self, grammar: Grammar, rng: random.Random, context: Context) -> Sample:
        from idiolect.grammar.walk import walk

        level = context.level if context.level in _BUDGETS else rng.choice(sorted(_BUDGETS))
        for left in range(_WALKS, 0, -1):
            walked = walk(grammar, rng, budget=_BUDGETS[level] * left // _WALKS)
            if self.verify(walked.text, context).ok:
                text = self.canonical(walked.text, context)
                words = self.inner.describe(text, context) if offers(self.inner, "describe") else ""
                return Sample(text, words, replace(context, level=level), level, walked.productions)
        raise NotOffered(f"dialect {self.name}: none of {_WALKS} walks of DIALECT.grammar verifies")

    def mutate(self, text: str, rng: random.Random, context: Context = EMPTY) -> Mutant | None:
        """The dialect's own break: what it refuses is refused here as well."""
        return self.inner.mutate(text, rng, context)

    def run(self, text: str, inputs: Mapping[str, Any], context: Context = EMPTY) -> Mapping[str, Any]:
        return self.inner.run(text, inputs, context)

    def extract(self, sources: Sequence[Path]) -> Catalog:
        return self.inner.extract(sources)

    def describe(self, text: str, context: Context = EMPTY) -> str:
        return self.inner.describe(text, context)

    def equal(self, left: str, right: str, context: Context = EMPTY) -> bool:
        return self.inner.equal(left, right, context)


def _judged_in(own: Context, asked: Context) -> Context:
    """What a sample is judged against: its own context where it has one."""
    return own if own != EMPTY else asked


def _with_faults(verdict: Verdict, faults: Sequence[Fault]) -> Verdict:
    tests = (verdict.tests_passed, verdict.tests_total)
    asked = verdict.policy is not None
    return verdict_of([*verdict.faults, *faults], policy_asked=asked, tests=tests, details=verdict.details)
