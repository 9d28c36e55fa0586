"""The structure of texts: what is left when names, numbers and strings become their order of appearance.

Two texts that differ in names alone have one structure. Words that many texts use are the language's own
and stay. It knows no language; comments are **not** removed.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence

_TOKEN = re.compile(r"""[^\W\d]\w*|\d[\w.]*|"[^"\n]{0,2000}"|'[^'\n]{0,2000}'|[^\w\s]""")
_COMMON = 0.02  # of the texts; a word in so many, and in at least this many, is the language's
_LEAST_TEXTS = 4
_LEAST_TOKENS = 12  # shorter ones are alike by chance


def structures(texts: Sequence[str]) -> list[str | None]:
    """A key of each text's structure, equal for texts of one structure; None for very short texts."""
    common = _common_words(texts)
    return [_key(text, common) for text in texts]


def token_count(text: str) -> int:
    """How many names, numbers, strings and signs a text has."""
    return sum(1 for _ in _TOKEN.finditer(text))


def _common_words(texts: Iterable[str]) -> frozenset[str]:
    counts: Counter[str] = Counter()
    number = 0
    for text in texts:
        number += 1
        counts.update({token.casefold() for token in _TOKEN.findall(text) if token[0].isalpha()})
    least = max(_LEAST_TEXTS, _COMMON * number)
    return frozenset(word for word, count in counts.items() if count >= least)


def _key(text: str, common: frozenset[str]) -> str | None:
    names: dict[str, str] = {}
    parts = []
    for token in _TOKEN.findall(text):
        word = token.casefold()
        if word in common or not (word[0].isalnum() or word[0] in "_\"'"):
            parts.append(word)
        else:
            kind = "s" if word[0] in "\"'" else "n" if word[0].isdigit() else "v"
            parts.append(names.setdefault(kind + word, f"{kind}{len(names)}"))
    if len(parts) < _LEAST_TOKENS:
        return None
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
