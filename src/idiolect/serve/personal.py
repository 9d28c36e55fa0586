"""Masks personal details and secrets in answers: SECURITY.output_validation.mask_personal_info.

Secrets and addresses by `data/secrets.toml`; telephone, identity and account numbers by the patterns that
GUARD has for personal data; card numbers by their check digit. Names of people are **not** found.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from idiolect.data.secrets import masked
from idiolect.decode.guard import card_numbers

MASK = "[removed]"
_MASKS = frozenset({"user@example.com", "192.0.2.1"})  # what secrets.toml puts in the place of such things


def without_personal(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without personal details, and what was removed, by kind."""
    text, hits = masked(text)
    kinds = [hit.kind for hit in hits]
    patterns, cards = _patterns()
    text = cards.sub(_remover(kinds, "card number", lambda found: bool(card_numbers(found))), text)
    for pattern in patterns:
        text = pattern.sub(_remover(kinds, "personal data", lambda _: True), text)
    return text, tuple(dict.fromkeys(kinds))


def _remover(kinds: list[str], kind: str, really: Callable[[str], bool]) -> Callable[[re.Match[str]], str]:
    def remove(found: re.Match[str]) -> str:
        if found[0] in _MASKS or not really(found[0]):
            return found[0]
        kinds.append(kind)
        return MASK

    return remove


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], ...], re.Pattern[str]]:
    text = files("idiolect.decode").joinpath("guard_rules.toml").read_text("utf-8")
    row = tomllib.loads(text)["personal_data"]
    return tuple(map(re.compile, row["patterns"])), re.compile(row["card_numbers"])
