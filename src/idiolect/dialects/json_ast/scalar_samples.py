"""Random strings and numbers within the limits of a schema."""

from __future__ import annotations

import math
import random
import string
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from idiolect.dialects.json_ast.pattern_samples import NotSampled, sample_pattern

WORDS = (
    *(
        "amber",
        "basin",
        "cedar",
        "delta",
        "ember",
        "fjord",
        "grove",
        "harbor",
        "island",
        "juniper",
        "kestrel",
    ),
    *("lagoon", "meadow", "north", "orchard", "prairie", "quartz", "river", "summit", "thicket"),
    *("umber", "valley", "willow", "yarrow", "zephyr"),
)
LARGEST = 10**300  # of a number with a fraction; whole numbers have no such limit
EPOCH = date(2023, 1, 1)


class Unsatisfiable(ValueError):
    """No value was found that keeps the limits."""


def _date(rng: random.Random) -> str:
    return (EPOCH + timedelta(days=rng.randrange(730))).isoformat()


def _time(rng: random.Random) -> str:
    return f"{rng.randrange(24):02}:{rng.choice((0, 15, 30, 45)):02}:00Z"


def _hostname(rng: random.Random) -> str:
    return f"{rng.choice(WORDS)}.example.org"


FORMATS: dict[str, Callable[[random.Random], str]] = {
    "date": _date,
    "time": _time,
    "date-time": lambda rng: f"{_date(rng)}T{_time(rng)}",
    "duration": lambda rng: f"P{rng.randint(1, 30)}D",
    "email": lambda rng: f"{rng.choice(WORDS)}@example.org",
    "idn-email": lambda rng: f"{rng.choice(WORDS)}@example.org",
    "hostname": _hostname,
    "idn-hostname": _hostname,
    "ipv4": lambda rng: f"192.0.2.{rng.randrange(256)}",
    "ipv6": lambda rng: f"2001:db8::{rng.randrange(1, 65536):x}",
    "uuid": lambda rng: str(UUID(int=rng.getrandbits(128), version=4)),
    "uri": lambda rng: f"https://{_hostname(rng)}/{rng.choice(WORDS)}",
    "uri-reference": lambda rng: f"/{rng.choice(WORDS)}/{rng.choice(WORDS)}",
    "iri": lambda rng: f"https://{_hostname(rng)}/{rng.choice(WORDS)}",
    "iri-reference": lambda rng: f"/{rng.choice(WORDS)}",
    "uri-template": lambda rng: f"/{rng.choice(WORDS)}/{{id}}",
    "json-pointer": lambda rng: f"/{rng.choice(WORDS)}/{rng.randrange(9)}",
    "relative-json-pointer": lambda rng: f"{rng.randrange(3)}/{rng.choice(WORDS)}",
    "regex": lambda rng: f"^{rng.choice(WORDS)}$",
}


def sample_string(
    rng: random.Random, formats: Sequence[str], patterns: Sequence[str], least: int, most: int | None
) -> str:
    """A string in one of the formats, else by the first pattern, else plain words."""
    for name in formats:
        if name in FORMATS:
            return FORMATS[name](rng)
    if patterns:
        try:
            made = [sample_pattern(patterns[0], rng) for _ in range(8)]
        except NotSampled as fault:
            raise Unsatisfiable(str(fault)) from fault
        fitting = [text for text in made if least <= len(text) and (most is None or len(text) <= most)]
        return rng.choice(fitting or made)
    text = rng.choice(WORDS)
    while len(text) < least:
        text += " " + rng.choice(WORDS)
    return text if most is None or len(text) <= most else (text[:most].rstrip().ljust(least, "a"))


def sample_number(
    rng: random.Random,
    *,
    whole: bool,
    low: Any = None,
    high: Any = None,
    above: Any = None,
    below: Any = None,
    multiples: Sequence[Any] = (),
) -> int | float:
    """A number within bounds (`above` and `below` are exclusive), a multiple of all that is asked."""
    step = Fraction(1) if whole else Fraction(1, rng.choice((1, 1, 2, 10)))
    for one in multiples:
        step = _common_multiple(step if whole else Fraction(0), Fraction(repr(one)) if one else Fraction(1))
    least = _tightest([(low, False), (above, True)], max)
    most = _tightest([(high, False), (below, True)], min)
    if least is None:
        least = (most[0] - 100 * step, False) if most and most[0] < 0 else (Fraction(0), False)
    if most is None:
        most = (least[0] + 100 * step, False)
    for _ in range(12):
        first = math.ceil(least[0] / step)
        last = math.floor(most[0] / step)
        first += least[1] and first * step == least[0]
        last -= most[1] and last * step == most[0]
        if first <= last:
            made = rng.randint(first, last) * step
            if made.denominator == 1:
                return int(made)
            if abs(made) < LARGEST:
                return float(made)
        if whole or multiples:
            break
        step /= 10
    raise Unsatisfiable("no number lies within the bounds")


def _tightest(
    bounds: Sequence[tuple[Any, bool]], pick: Callable[..., tuple[Fraction, bool]]
) -> tuple[Fraction, bool] | None:
    given = [(Fraction(repr(value)), exclusive) for value, exclusive in bounds if value is not None]
    sign = 1 if pick is max else -1
    return pick(given, key=lambda bound: (bound[0], sign * bound[1])) if given else None


def _common_multiple(left: Fraction, right: Fraction) -> Fraction:
    if not left:
        return right
    denominator = math.lcm(left.denominator, right.denominator)
    return Fraction(math.lcm(int(left * denominator), int(right * denominator)), denominator)


def fresh_name(rng: random.Random) -> str:
    """A key that a schema leaves open."""
    return rng.choice(WORDS) + rng.choice(string.digits)
