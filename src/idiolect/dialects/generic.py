"""The dialect that a folder makes: one Lark grammar, and beside it names, policy, templates, programs.

It composes parts that each stand alone (`user/`); the grammar verifies by Lark and, lowered, constrains
decoding. It knows no language, and reads no files: `folder` does.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idiolect.dialects.catalog import Catalog
from idiolect.dialects.contract import EMPTY, Context, Dialect, Mutant, NotOffered, Sample
from idiolect.dialects.policy import Policy
from idiolect.dialects.user import describing, embedded, words
from idiolect.dialects.user.breaks import BREAKS, Broken, Material
from idiolect.dialects.user.explain import explain
from idiolect.dialects.user.line_process import ChildFailed
from idiolect.dialects.user.names import NameSet, catalog_of, name_faults, name_set
from idiolect.dialects.user.outcome import Lexeme, Outcome
from idiolect.dialects.user.parts import Kept, Parts
from idiolect.dialects.user.problems import BadDialect
from idiolect.dialects.user.programs import run_programs
from idiolect.dialects.user.reprint import Style, reprint, runs_together, same_tokens
from idiolect.dialects.verdict import Fault, Verdict, could_not_judge, verdict_of
from idiolect.source import SourceText, Span

if TYPE_CHECKING:
    from idiolect.dialects.user.constraint import Lowered
    from idiolect.grammar.form import Grammar

MUTANT_TRIES = 24
LEVELS = ("micro", "multi", "scenario")


class FolderDialect(Dialect):
    """A dialect made by a user. A class in the folder may extend it and replace any part."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.settings = parts.settings
        self.name = parts.settings.name
        self.suffixes = parts.settings.suffixes
        self.not_offered = frozenset(self._not_offered())
        self._name_sets = Kept(self._make_name_sets)
        self._grammars = Kept(self._make_grammar)
        self._walkable = Kept(self._make_walkable)

    def verify(self, text: str, context: Context = EMPTY) -> Verdict:
        """Judge a text by the grammar, then by names, embedded blocks, policy, command and tests."""
        try:
            outcome = self.parse(text)
        except ChildFailed as error:
            return could_not_judge(f"the parser: {error}")
        policy = context.policy or self.parts.policy
        if not outcome.complete:
            faults = list(explain(outcome.refusals, text, self.parts.parser.vocabulary, self.name))
            return verdict_of(faults, policy_asked=policy is not None)
        faults = list(self._name_faults(outcome, context))
        blocks = embedded.judge(outcome.lexemes, self.parts.embedded, self.settings, context)
        faults += blocks.faults
        faults += self.check(text, outcome, context)
        if policy is not None:
            faults += words.policy_faults(policy, text, outcome.lexemes, self.settings)
        verdict = verdict_of(faults, policy_asked=policy is not None, details=blocks.details)
        if blocks.not_judged and verdict.ok:
            return replace(verdict, not_judged=blocks.not_judged)
        return run_programs(text, verdict, self.parts, context.tests)

    def check(self, text: str, outcome: Outcome, context: Context) -> Iterable[Fault]:
        """Faults beyond the grammar; a class in the folder replaces this to add the language's own rules."""
        return ()

    def constraint(self, context: Context = EMPTY) -> Grammar:
        """The folder's grammar, lowered, in canonical spacing, with the catalog's names in their places."""
        return self._grammars.get(*self._symbols(context))

    def canonical(self, text: str, context: Context = EMPTY) -> str:
        """The text with the white space of `[canonical]`; ValueError if it does not parse."""
        outcome = self._parsed(text)
        return self._print(outcome.lexemes, text)

    def sample(self, rng: random.Random, context: Context = EMPTY) -> Sample:
        """A random text of the grammar that verifies."""
        from idiolect.grammar.walk import walk

        settings = self.settings.sample
        level = context.level if context.level in LEVELS else rng.choice(LEVELS)
        try:
            grammar = self._walkable.get(*self._symbols(context))
        except BadDialect as error:
            raise NotOffered(
                f"{self.name} can't be sampled, its grammar can't be lowered: {error}"
            ) from error
        why = ""
        for left in range(settings.tries, 0, -1):
            # ever shorter walks: a long one breaks some rule more easily than a short one
            walked = walk(grammar, rng, budget=getattr(settings, level) * left // settings.tries)
            verdict = self.verify(walked.text, context)
            if verdict.ok:
                text = self.canonical(walked.text)
                return Sample(
                    text, self._described(text), replace(context, level=level), level, walked.productions
                )
            why = verdict.not_judged or (verdict.faults[0].message if verdict.faults else "it did not verify")
        raise NotOffered(f"none of {settings.tries} walks of {self.name}'s grammar verified; the last: {why}")

    def mutate(self, text: str, rng: random.Random, context: Context = EMPTY) -> Mutant | None:
        """A text broken in one place that the verifier refuses, or None."""
        for _ in range(MUTANT_TRIES):
            attempt = self.break_once(text, rng, context)
            if attempt is None:
                continue
            broken, made = attempt
            verdict = self.verify(made, replace(context, tests=()))
            if verdict.judged and not verdict.ok:
                return Mutant(made, broken.kind, verdict.parsed is False, broken.note)
        return None

    def break_once(
        self, text: str, rng: random.Random, context: Context = EMPTY
    ) -> tuple[Broken, str] | None:
        """One random break of a text, whether or not the result is still in the language."""
        try:
            outcome = self._parsed(text)
        except ValueError:
            return None
        policy = context.policy or self.parts.policy
        material = Material(
            self.parts.parser.vocabulary,
            tuple(span for span, _, _ in self._named(outcome, context)),
            words.forbidden_words(policy) if policy else (),
        )
        broken = rng.choice(BREAKS)(outcome.lexemes, rng, material)
        if broken is None:
            return None
        made = self._spaced(broken.lexemes, self._style)
        return (broken, made) if made != text else None

    def run(self, text: str, inputs: Mapping[str, Any], context: Context = EMPTY) -> Mapping[str, Any]:
        """What the folder's simulator answers."""
        if self.parts.simulator is None:
            raise NotOffered("; ".join(self.parts.not_run) or f"dialect {self.name} has no simulator.py")
        return self.parts.simulator.run(text, inputs)

    def extract(self, sources: Sequence[Path]) -> Catalog:
        """The names that stand in the sources at the rules of `[catalog] uses`."""
        uses = self._uses
        if not uses:
            raise NotOffered(f"dialect {self.name} names no rules under [catalog] uses")
        found: dict[str, list[str]] = {}
        for path in sources:
            try:
                outcome = self._parsed(path.read_text(encoding="utf-8-sig"))
            except ValueError as error:  # also of text that is no UTF-8
                raise ValueError(f"{path}: {error}") from error
            for span, rule in _spans_of(outcome, uses):
                found.setdefault(uses[rule], []).append(words.name_in(span, outcome.lexemes))
        return catalog_of(found)

    def describe(self, text: str, context: Context = EMPTY) -> str:
        """The text in the words of the folder's templates."""
        if not self.settings.describe:
            raise NotOffered(f"dialect {self.name} has no [describe] templates")
        return self._described(text)

    def close(self) -> None:
        """End the processes that this dialect has started."""
        self.parts.parser.close()
        if self.parts.simulator is not None:
            self.parts.simulator.close()

    # --- what the grammar's author sees ---

    def parse(self, text: str) -> Outcome:
        """Tokens and rule spans of a text; ChildFailed if the parser takes too long."""
        return self.parts.parser.parse(text, self._wanted)

    @property
    def line_ends_are_space(self) -> bool:
        """Whether a line end may stand wherever white space may."""
        return self._style.newlines

    @property
    def productions(self) -> tuple[str, ...]:
        """The productions that the author wrote, as text."""
        vocabulary = self.parts.parser.vocabulary
        return tuple(vocabulary.productions[number] for number in sorted(vocabulary.counted))

    def productions_of(self, text: str) -> frozenset[str]:
        """The productions that a text uses; none if it does not parse."""
        try:
            outcome = self.parse(text)
        except ChildFailed:
            return frozenset()
        vocabulary = self.parts.parser.vocabulary
        return frozenset(
            vocabulary.productions[number] for number in outcome.productions & vocabulary.counted
        )

    # --- parts of the above ---

    def _symbols(self, context: Context) -> tuple[Catalog | None, Policy | None]:
        """The catalog and policy that hold here: the context's, else the folder's."""
        return context.catalog or self.parts.catalog, context.policy or self.parts.policy

    def _make_name_sets(self, catalog: Catalog | None, policy: Policy | None) -> dict[str, NameSet]:
        return {use: name_set(catalog or Catalog(), use) for use in set(self._uses.values())}

    def _make_grammar(self, catalog: Catalog | None, policy: Policy | None) -> Grammar:
        from idiolect.dialects.user.constraint import Lowered

        lowered = self._lowered or Lowered(self.parts, self._style)  # which raises, and says why
        return lowered.styled(catalog, policy, comments=True)

    def _make_walkable(self, catalog: Catalog | None, policy: Policy | None) -> Grammar:
        """The constraint without comments, which random text would fill."""
        if not self._style.keeps_comments or self._lowered is None:
            return self._grammars.get(catalog, policy)
        return self._lowered.styled(catalog, policy, comments=False)

    def _not_offered(self) -> Iterator[str]:
        if self.parts.simulator is None:
            yield "run"
        if not self.settings.describe:
            yield "describe"
        if not self._uses:
            yield "extract"

    @property
    def _uses(self) -> Mapping[str, str]:
        return self.settings.catalog.uses if self.settings.catalog else {}

    @property
    def _wanted(self) -> frozenset[str]:
        return frozenset(self._uses) | describing.wanted_rules(self.settings.describe)

    @cached_property
    def _style(self) -> Style:
        return Style.of(self.settings.canonical, self.settings.comments, self.parts.parser.vocabulary)

    @cached_property
    def _lowered(self) -> Lowered | None:
        """The grammar in the form that decoding needs; None if it can't be lowered."""
        from idiolect.dialects.user.constraint import Lowered

        try:
            return Lowered(self.parts, self._style)
        except BadDialect:
            return None

    def _parsed(self, text: str) -> Outcome:
        try:
            outcome = self.parse(text)
        except ChildFailed as error:
            raise ValueError(f"the text can't be parsed: {error}") from error
        if not outcome.complete:
            fault = next(explain(outcome.refusals, text, self.parts.parser.vocabulary, self.name))
            place = SourceText(text).place(fault.span.start if fault.span else 0)
            raise ValueError(f"the text does not parse: {place.line}:{place.column}: {fault.message}")
        return outcome

    def _spaced(self, lexemes: Sequence[Lexeme], style: Style, original: str = "") -> str:
        return reprint(lexemes, style, self._lowered.joins if self._lowered else runs_together, original)

    def _print(self, lexemes: Sequence[Lexeme], original: str) -> str:
        """Canonical text; where the style would change what the text says, a more careful spacing."""
        lexemes = embedded.canonical_blocks(lexemes, self.parts.embedded, self.settings)
        careful = self.settings.canonical.model_copy(
            update={"space": "single", "no_space_before": (), "no_space_after": ()}
        )
        for style in (self._style, replace(self._style, canonical=careful)):
            printed = self._spaced(lexemes, style, original)
            try:
                again = self._parsed(printed)
            except ValueError:
                continue
            if same_tokens(lexemes, again.lexemes, style):
                return printed
        return original.replace("\r\n", "\n").strip() + self._style.end

    def _described(self, text: str) -> str:
        if not self.settings.describe:
            return ""
        return describing.describe(text, self._parsed(text), self.settings.describe)

    def _named(self, outcome: Outcome, context: Context) -> Iterator[tuple[Span, str, NameSet]]:
        """Each name of a text that a catalog must hold, with the set it must be in."""
        catalog = context.catalog or self.parts.catalog
        if catalog is None or not self._uses:
            return
        sets = self._name_sets.get(catalog)
        for span, rule in _spans_of(outcome, self._uses):
            yield span, words.name_in(span, outcome.lexemes), sets[self._uses[rule]]

    def _name_faults(self, outcome: Outcome, context: Context) -> Iterator[Fault]:
        for span, name, known in self._named(outcome, context):
            yield from name_faults(name, span, known, self.name)


def _spans_of(outcome: Outcome, uses: Mapping[str, str]) -> list[tuple[Span, str]]:
    """The places of names in text order: rules and terminals that `uses` lists."""
    found = [(item.span, item.rule) for item in outcome.spans if item.rule in uses]
    found += [(item.span, item.terminal) for item in outcome.lexemes if item.terminal in uses]
    return sorted(found)
