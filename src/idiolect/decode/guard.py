"""GUARD: looks for content that answers must not have, and says what was found and what was not looked for.

`regex` and `rule_engine` are here: lists of words and patterns, the masks for secrets, card numbers by their
check digit, and for made-up names the dialect's own verdict. `classifier`, `embedding` and `ml_model` need a
model of the user's own; without one, what only they would find is not covered, and that is said.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from idiolect.data.secrets import kinds
from idiolect.dialects.verdict import Severity, Verdict
from idiolect.okt.blocks.answer import Guard

Action = Literal["STOP", "ALERT", "REPLACE", "LOG"]
Detector = Callable[[str], Iterable[str]]  # a text to the kinds of content that stand in it

MODELS = ("classifier", "embedding", "ml_model")
BLOCKED = "This answer was withheld."


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that an answer must not contain."""

    kind: str
    detector: str
    what: str  # where or what, never the secret itself


@dataclass(frozen=True, slots=True)
class Guarded:
    """An answer after the guard."""

    text: str
    violations: tuple[Violation, ...] = ()
    action: Action | None = None
    message: str | None = None


class GuardKeeper:
    """The guard of a script."""

    def __init__(self, block: Guard, models: Mapping[str, Detector] | None = None) -> None:
        self.kinds = tuple(block.prevent or ())
        self.detectors = tuple(block.detect_using or ("regex", "rule_engine"))
        self.models = dict(models or {})
        reaction = block.on_violation
        self.action: Action = (reaction.action if reaction and reaction.action else None) or "ALERT"
        self.message = reaction.with_message if reaction else None

    def notes(self, *, has_dialect: bool) -> tuple[str, ...]:
        """What is not covered, in words."""
        found = [
            f"GUARD: {name} is not available (no local model is configured): what only it finds passes"
            for name in self.detectors
            if name in MODELS and name not in self.models
        ]
        if "hallucination" in self.kinds and not (has_dialect and "rule_engine" in self.detectors):
            found.append("GUARD: hallucination is told by a dialect's verdict, and there is none here")
        return tuple(found)

    def keep(self, text: str, verdict: Verdict | None = None) -> Guarded:
        """The answer, withheld or replaced where the script wants it."""
        violations = tuple(self._violations(text, verdict))
        if not violations:
            return Guarded(text)
        shown = text
        if self.action == "REPLACE":
            shown = self.message or BLOCKED
        elif self.action == "STOP":
            shown = self.message or ""
        return Guarded(shown, violations, self.action, self.message)

    def _violations(self, text: str, verdict: Verdict | None) -> Iterable[Violation]:
        if "regex" in self.detectors:
            for kind in self.kinds:
                yield from (Violation(kind, "regex", what) for what in find_kind(kind, text))
        if "rule_engine" in self.detectors:
            yield from self._by_rules(text, verdict)
        for name in self.detectors:
            if name in self.models:
                seen = set(self.models[name](text))
                yield from (Violation(kind, name, "by its model") for kind in self.kinds if kind in seen)

    def _by_rules(self, text: str, verdict: Verdict | None) -> Iterable[Violation]:
        if "data_leak" in self.kinds:
            yield from (Violation("data_leak", "rule_engine", what) for what in secrets_in(text))
        if "personal_data" in self.kinds:
            yield from (Violation("personal_data", "rule_engine", what) for what in card_numbers(text))
        if "hallucination" in self.kinds and verdict is not None:
            names = unknown_names(verdict)
            yield from (Violation("hallucination", "rule_engine", what) for what in names)


def toxic(text: str) -> bool:
    """Whether one of the listed words stands in a text."""
    return next(iter(find_kind("toxicity", text)), None) is not None


def unknown_names(verdict: Verdict) -> tuple[str, ...]:
    """Faults of a verdict that say: there is no such symbol."""
    from idiolect.dialects.unknown_names import names_nothing

    errors = (fault for fault in verdict.faults if fault.severity is Severity.ERROR)
    return tuple(fault.message for fault in errors if names_nothing(fault.code))


def find_kind(kind: str, text: str) -> Iterable[str]:
    """Where the patterns of a kind of content match."""
    for pattern in _patterns().get(kind, ()):
        found = pattern.search(text)
        if found is not None:
            yield f"line {text.count(chr(10), 0, found.start()) + 1}"
            return


def secrets_in(text: str) -> Sequence[str]:
    """Kinds of secrets that stand in a text, and their lines."""
    folded = text.casefold()
    return [
        f"{kind.name} in line {text.count(chr(10), 0, found.start()) + 1}"
        for kind in kinds()
        if kind.need in folded and (found := kind.pattern.search(text)) is not None
    ]


def card_numbers(text: str) -> Sequence[str]:
    """Numbers of payment cards: 13 to 19 digits whose last one is right."""
    pattern = re.compile(_table()["personal_data"]["card_numbers"])
    numbers = ((found, re.sub(r"\D", "", found[0])) for found in pattern.finditer(text))
    return [
        f"a card number in line {text.count(chr(10), 0, found.start()) + 1}"
        for found, digits in numbers
        if 13 <= len(digits) <= 19 and _luhn(digits)
    ]


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


@cache
def _table() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("idiolect.decode").joinpath("guard_rules.toml").read_text("utf-8"))


@cache
def _patterns() -> dict[str, list[re.Pattern[str]]]:
    found: dict[str, list[re.Pattern[str]]] = {}
    for kind, row in _table().items():
        found[kind] = [re.compile(pattern) for pattern in row.get("patterns", ())]
        if row.get("words"):
            words = "|".join(re.escape(word) for word in row["words"])
            found[kind].append(re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE))
    return found
