"""The dialect "tcl": Tcl 8.6 scripts, alone or as the host of an embedded DSL.

Judged by our own parser; needs no tclsh. Without a catalog only the language itself is checked;
with one, also every name, argument and value. It does **not** run scripts.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from idiolect.dialects.catalog import Catalog, Dsl, Embedding
from idiolect.dialects.contract import EMPTY, Context, Dialect, Mutant, Sample
from idiolect.dialects.policy import Policy
from idiolect.dialects.tcl.analysis import Analysis, Settings, analyse
from idiolect.dialects.tcl.embed import parse_embedding
from idiolect.dialects.verdict import Verdict, could_not_judge, verdict_of

if TYPE_CHECKING:
    from idiolect.grammar.form import Grammar


@cache
def demo_catalog() -> Catalog:
    """The small built-in catalog that samples use where none is given."""
    from idiolect.dialects.catalog_json import parse_catalog

    return parse_catalog(files(__package__).joinpath("demo.json").read_text(encoding="utf-8"), "demo.json")


class Tcl(Dialect):
    """Tcl 8.6, with an optional embedded language."""

    name = "tcl"
    suffixes = (".tcl", ".tm")

    def __init__(
        self,
        catalog: Catalog | None = None,
        policy: Policy | None = None,
        embed: str | Embedding | None = None,
        dsl: Dialect | None = None,
    ) -> None:
        self.catalog, self.policy, self.dsl = catalog, policy, dsl
        self.embed = parse_embedding(embed) if isinstance(embed, str) else embed

    def verify(self, text: str, context: Context = EMPTY) -> Verdict:
        """Judge a script: form, core commands, then catalog, blocks and policy where there are any."""
        try:
            settings = self.settings(context)
        except Exception as error:  # loading a block's dialect reads a user's folder
            return could_not_judge(f"the dialect of an embedded block can't be loaded: {error}")
        return verdict(analyse(text, settings), settings)

    def analyse(self, text: str, context: Context = EMPTY) -> Analysis:
        """All that can be told of a script."""
        return analyse(text, self.settings(context))

    def settings(self, context: Context) -> Settings:
        """What the context, or else this dialect, says a script is judged against."""
        catalog = context.catalog or self.catalog
        policy = context.policy or self.policy
        if catalog is not None and catalog.constraints != Policy():
            policy = policy.joined(catalog.constraints) if policy else catalog.constraints
        dsls = catalog.dsl if catalog is not None else ()
        if self.embed is not None or (self.dsl is not None and not dsls):
            first = dsls[0] if dsls else Dsl(name=self.dsl.name if self.dsl else "dsl")
            dsls = (replace(first, embedding=self.embed or first.embedding), *dsls[1:])
        return Settings(catalog, policy, dsls, self._dialects(dsls, context))

    def _dialects(self, dsls: tuple[Dsl, ...], context: Context) -> Mapping[str, Dialect]:
        found: dict[str, Dialect] = {}
        for number, dsl in enumerate(dsls):
            if number == 0 and self.dsl is not None:
                found[dsl.name] = self.dsl
            elif dsl.dialect is not None:
                found[dsl.name] = _loaded(dsl.dialect, context.folder)
        return found

    def canonical(self, text: str, context: Context = EMPTY) -> str:
        """The script in its one formatting; ValueError if it does not parse."""
        from idiolect.dialects.tcl.canonical import canonical

        return canonical(text, self.settings(context))

    def equal(self, left: str, right: str, context: Context = EMPTY) -> bool:
        """Whether two scripts have one formatting; comments, blank lines and the order of flags aside."""
        from idiolect.dialects.tcl.canonical import canonical

        settings = self.settings(context)
        return canonical(left, settings, notes=False) == canonical(right, settings, notes=False)

    def constraint(self, context: Context = EMPTY) -> Grammar:
        """The grammar of canonical scripts over the catalog."""
        from idiolect.dialects.tcl.constraint import script_grammar

        return script_grammar(self.settings(self.for_samples(context)))

    def sample(self, rng: random.Random, context: Context = EMPTY) -> Sample:
        """A random script over the catalog that verifies, with the request it answers."""
        from idiolect.dialects.tcl.sample import sample

        return sample(self, rng, self.for_samples(context))

    def mutate(self, text: str, rng: random.Random, context: Context = EMPTY) -> Mutant | None:
        """A script with one fault made on purpose."""
        from idiolect.dialects.tcl.mutate import mutate

        return mutate(self, text, rng, context)

    def describe(self, text: str, context: Context = EMPTY) -> str:
        """What a script does, one sentence a step."""
        from idiolect.dialects.tcl.describe import describe

        return describe(self.analyse(text, context))

    def extract(self, sources: Sequence[Path]) -> Catalog:
        """The procs, variables, classes and packages that Tcl files define."""
        from idiolect.dialects.tcl.extract import extract

        return extract(sources)

    def for_samples(self, context: Context) -> Context:
        """The context with a catalog in any case: its own, the dialect's or the demo's."""
        return replace(context, catalog=context.catalog or self.catalog or demo_catalog())


def verdict(found: Analysis, settings: Settings) -> Verdict:
    """The verdict of an analysis, with what it says of DSL blocks in the details."""
    states = [block.valid for block in found.blocks]
    details = {
        "valid_DSL_blocks": all(states)
        if states and None not in states
        else False
        if False in states
        else None,
        "dsl_blocks": {
            "found": len(states),
            "valid": states.count(True),
            "invalid": states.count(False),
            "not_judged": states.count(None),
        },
        "not_judged": [block.not_judged for block in found.blocks if block.not_judged],
        "calls_not_judged": found.unjudged_calls,
    }
    return verdict_of(found.faults, policy_asked=settings.policy is not None, details=details)


def _loaded(name: str, folder: Path | None) -> Dialect:
    from idiolect.dialects.registry import load_dialect

    return load_dialect(name, folder)
