"""AutoHotkey v2 as a dialect: verdicts as the interpreter's loader gives them, and what builds on them.

Scripts are never run. Everything that only shows while a script runs (types of values, windows that
do not exist) is not judged.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from idiolect.dialects.ahk2 import includes as include_files
from idiolect.dialects.ahk2 import versions
from idiolect.dialects.ahk2.loader import load
from idiolect.dialects.ahk2.script import Script
from idiolect.dialects.contract import EMPTY, Context, Dialect, Mutant, Sample
from idiolect.dialects.verdict import Fault, Level, Severity, Verdict, verdict_of
from idiolect.source import Span

if TYPE_CHECKING:
    from idiolect.dialects.catalog import Catalog
    from idiolect.grammar.form import Grammar

Missing = Literal["ignore", "warn", "require"]
RULES = "2.0.18"  # the release whose load-time rules are kept


class Ahk2(Dialect):
    """AutoHotkey v2.

    `includes` and `newer` say what a missing include, and a script that asks for a newer AutoHotkey
    than the rules know (v2.1-alpha), amount to: nothing, a warning or an error.
    """

    name = "ahk2"
    suffixes = (".ahk", ".ah2", ".ahk2")

    def __init__(self, *, includes: Missing = "warn", newer: Missing = "warn") -> None:
        for setting, value in (("includes", includes), ("newer", newer)):
            if value not in ("ignore", "warn", "require"):
                raise ValueError(f'{setting}="{value}" is not known; write ignore, warn or require')
        self.includes_setting = includes
        self.newer_setting = newer

    # -- verdicts ---------------------------------------------------------------------------

    def verify(self, text: str, context: Context = EMPTY) -> Verdict:
        """Judge a script by the loader's rules, the catalog and the policy."""
        script = load(text)
        faults = list(script.faults.found)
        faults += self._include_faults(script, context.folder)
        faults += self._version_faults(script)
        faults += _unknown_functions(script, context)
        if context.policy is not None:
            faults += _policy_faults(script, text, context)
        faults.sort(key=lambda fault: (fault.span or Span(0, 0), fault.code))
        return verdict_of(faults, policy_asked=context.policy is not None, details=_details(script))

    def _include_faults(self, script: Script, folder: Path | None) -> list[Fault]:
        severity = _severity(self.includes_setting)
        if severity is None:
            return []
        return [
            Fault(
                "ahk2.include.missing",
                f'the file "{found.include.path}" to include is not there',
                found.include.span,
                "give it, or write #Include *i to go on without it",
                Level.VALID,
                severity,
            )
            for found in include_files.find_includes(script.includes, folder)
            if found.path is None and not found.include.optional
        ]

    def _version_faults(self, script: Script) -> list[Fault]:
        return [
            fault
            for requirement, span in script.requires
            if (fault := _version_fault(requirement, span, _severity(self.newer_setting))) is not None
        ]

    def includes(self, text: str, folder: Path | None = None) -> list[include_files.Found]:
        """The includes of a script, each with its file if it is found below the folder."""
        return list(include_files.find_includes(load(text).includes, folder))

    # -- other parts of the contract --------------------------------------------------------

    def canonical(self, text: str, context: Context = EMPTY) -> str:
        """The script with regular indentation and spacing; ValueError if it does not load."""
        from idiolect.dialects.ahk2.formatter import format_script

        return format_script(text)

    def extract(self, sources: Sequence[Path]) -> Catalog:
        """Functions, classes, members, hotkeys and hotstrings of script files."""
        from idiolect.dialects.ahk2.extract import extract_catalog

        return extract_catalog(sources)

    def sample(self, rng: random.Random, context: Context = EMPTY) -> Sample:
        """A random script that loads, with an instruction that asks for it."""
        from idiolect.dialects.ahk2.samples import make_sample

        return make_sample(rng, context)

    def mutate(self, text: str, rng: random.Random, context: Context = EMPTY) -> Mutant | None:
        """A broken version of a good script."""
        from idiolect.dialects.ahk2.mutants import make_mutant

        return make_mutant(text, rng, lambda broken: self.verify(broken, context))

    def constraint(self, context: Context = EMPTY) -> Grammar:
        """The grammar of canonical scripts."""
        from idiolect.dialects.ahk2.constraint import build_grammar

        return build_grammar(context)


def _severity(setting: Missing) -> Severity | None:
    return {"ignore": None, "warn": Severity.WARNING, "require": Severity.ERROR}[setting]


def _version_fault(requirement: str, span: Span, newer: Severity | None) -> Fault | None:
    words = versions.asked_version(requirement)
    have = versions.parse_version(RULES)
    if words is not None and all(versions.meets(have, word) for word in words):
        return None
    later = versions.parse_version("2.1")
    if words is not None and all(versions.meets(later, word) or "-" in word for word in words):
        if newer is None or not any(word.lstrip("<>=vV").startswith("2.1") for word in words):
            newer = newer and Severity.ERROR
        if newer is None:
            return None
        message = f'"{requirement}" asks for a newer AutoHotkey; the rules of {RULES} were applied'
        return Fault("ahk2.version.newer", message, span, None, Level.VALID, newer)
    message = f'"{requirement}" is not met by AutoHotkey {RULES}'
    return Fault("ahk2.version.other", message, span, "write #Requires AutoHotkey v2.0", Level.VALID)


def _unknown_functions(script: Script, context: Context) -> list[Fault]:
    """Calls that nothing defines. An error if a catalog says what there is and nothing is included."""
    catalog = context.catalog
    known = {proc.name.lower() for proc in catalog.procs} if catalog is not None else set()
    variables = {item.name.lower() for item in catalog.variables} if catalog is not None else set()
    reported = {name for name, _, _ in script.gone}
    certain = catalog is not None and not script.includes
    faults: list[Fault] = []
    nearest: dict[str, str | None] = {}  # a search takes milliseconds: only for the first few names
    for call in script.unknown[:100]:
        lowered = call.name.lower()
        if lowered in known or lowered in variables or lowered in reported:
            continue
        if lowered not in nearest and len(nearest) < 10:
            nearest[lowered] = _near(lowered, known)
        near = nearest.get(lowered)
        faults.append(
            Fault(
                "ahk2.name.unknown",
                f"{call.name} is not defined: neither here, nor by AutoHotkey",
                call.span,
                f"did you mean {near}?" if near else None,
                Level.VALID,
                Severity.ERROR if certain else Severity.WARNING,
            )
        )
    return faults


def _near(name: str, known: set[str]) -> str | None:
    from difflib import get_close_matches

    from idiolect.dialects.ahk2 import builtins

    candidates = [*known, *builtins.functions(), *builtins.classes()]
    found = get_close_matches(name, [word for word in candidates if abs(len(word) - len(name)) < 4], n=1)
    if not found:
        return None
    arity = builtins.functions().get(found[0])
    return arity.name if arity else builtins.classes().get(found[0], found[0])


def _policy_faults(script: Script, text: str, context: Context) -> list[Fault]:
    from idiolect.dialects.policy import text_faults

    policy = context.policy
    assert policy is not None
    faults = list(text_faults(policy, text, "ahk2", comment=";"))
    for name, span in script.calls():
        rule = policy.forbids(name)
        if rule is not None:
            message = f"{name} is forbidden" + (f": {rule.why}" if rule.why else "")
            hint = f"use {rule.instead}" if rule.instead else None
            faults.append(Fault("ahk2.policy.forbidden", message, span, hint, Level.POLICY))
        old = policy.deprecates(name)
        if old is not None:
            severity = Severity.ERROR if policy.deny_deprecated else Severity.WARNING
            hint = f"use {old.replacement}" if old.replacement else None
            faults.append(
                Fault("ahk2.policy.deprecated", f"{name} is deprecated", span, hint, Level.POLICY, severity)
            )
    return faults


def _details(script: Script) -> dict[str, object]:
    counts: dict[str, int] = {}
    for symbol in script.symbols:
        counts[symbol.kind] = counts.get(symbol.kind, 0) + 1
    return {"symbols": counts, "includes": [include.path for include in script.includes]}
