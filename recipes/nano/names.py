"""Names drawn at random: identifiers of every casing, values, numbers and dates.

A tenth of all stems, chosen by their hash, is held out: they stand in the test split only, so that what is
measured there is whether a model reads the names in its prompt.
"""

from __future__ import annotations

import hashlib
import random

_ONSETS = (
    "b",
    "c",
    "d",
    "f",
    "g",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "z",
    "br",
    "tr",
    "st",
    "pl",
    "ch",
)
_NUCLEI = ("a", "e", "i", "o", "u", "ai", "or", "en", "il", "un")
_CODAS = ("", "", "", "n", "r", "s", "l", "x", "th", "nd")


def held_out(stem: str) -> bool:
    """Whether a stem belongs to the test split."""
    return hashlib.sha256(stem.lower().encode()).digest()[0] < 26


def stem(rng: random.Random, test: bool) -> str:
    """An invented word of the wanted split."""
    while True:
        count = rng.choice((1, 2, 2, 3))
        word = "".join(rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_CODAS) for _ in range(count))
        if len(word) > 2 and held_out(word) is test:
            return word


def known(rng: random.Random, words: list[str], test: bool) -> str:
    """A word of a list, of the wanted split; an invented one where the list holds none."""
    fitting = [word for word in words if held_out(word) is test]
    return rng.choice(fitting) if fitting else stem(rng, test)


def identifier(rng: random.Random, words: list[str], test: bool) -> str:
    """A name as code has them: snake, camel, Pascal, upper or dotted, of known and invented words."""
    parts = [
        known(rng, words, test) if rng.random() < 0.6 else stem(rng, test)
        for _ in range(rng.choice((1, 2, 2, 3)))
    ]
    style = rng.random()
    if style < 0.5:
        name = "_".join(parts)
    elif style < 0.7:
        name = parts[0] + "".join(part.capitalize() for part in parts[1:])
    elif style < 0.85:
        name = "".join(part.capitalize() for part in parts)
    else:
        name = "_".join(parts).upper()
    return name + (str(rng.randrange(100)) if rng.random() < 0.15 else "")


def number(rng: random.Random) -> str:
    """A number as people write them."""
    style = rng.random()
    if style < 0.6:
        return str(rng.randrange(10 ** rng.choice((1, 2, 2, 3, 4, 6))))
    if style < 0.8:
        return f"{rng.uniform(0, 500):.{rng.choice((1, 2, 2, 3))}f}"
    return str(-rng.randrange(100)) if style < 0.9 else hex(rng.randrange(1 << 16))


def date(rng: random.Random) -> str:
    """A day, in one of the forms that requests and data hold."""
    year, month, day = rng.randrange(1998, 2031), rng.randrange(1, 13), rng.randrange(1, 29)
    return rng.choice(
        (
            f"{year}-{month:02}-{day:02}",
            f"{day:02}/{month:02}/{year}",
            f"{year}-{month:02}-{day:02}T08:30:00Z",
        )
    )
