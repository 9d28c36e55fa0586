"""JSON values as text: the one canonical way to write each, and equality by value.

Compact (no white space at all); numbers as plain decimals without exponent, integral ones without
a point; strings raw but for `"`, `\\` and control characters, which take their short escape or
lower-case \\u00xx. Knows no schema.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeGuard

# Digits on either side of the point; longer numbers are not data but a runaway.
MOST_DIGITS = 40
# Values nested deeper are refused with an error, so that walks over a value may recurse.
DEEPEST_VALUE = 150

SHORT_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


class TooManyDigits(ValueError):
    """A number that would need more digits than canonical text has."""

    def __init__(self) -> None:
        super().__init__(f"a number has more than {MOST_DIGITS} digits before or after its point")


def write_string(text: str) -> str:
    """A string with its quotes; ValueError for half a surrogate pair, which is not text."""
    written = ['"']
    for one in text:
        if one in SHORT_ESCAPES:
            written.append(SHORT_ESCAPES[one])
        elif one < " ":
            written.append(f"\\u{ord(one):04x}")
        elif "\ud800" <= one <= "\udfff":
            raise ValueError("a string holds half a surrogate pair, which can't be written as text")
        else:
            written.append(one)
    written.append('"')
    return "".join(written)


def exact(number: int | float | Decimal) -> Fraction:
    """A number as the fraction that its shortest decimal text says; ValueError for NaN and infinity."""
    if isinstance(number, float):
        if number != number or number in (float("inf"), float("-inf")):
            raise ValueError(f"{number} is not a JSON number")
        return Fraction(repr(number))
    return Fraction(number)


def write_number(number: Fraction) -> str:
    """A number as a plain decimal; TooManyDigits if it needs more than 40 digits on a side."""
    sign = "-" if number < 0 else ""
    whole, rest = divmod(abs(number), 1)
    digits = ""
    while rest and len(digits) <= MOST_DIGITS:
        digit, rest = divmod(rest * 10, 1)
        digits += str(digit)
    if rest or len(digits) > MOST_DIGITS or whole >= 10**MOST_DIGITS:
        raise TooManyDigits
    return f"{sign}{whole}" + (f".{digits}" if digits else "")


def is_number(value: Any) -> TypeGuard[int | float | Decimal]:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def key_of(value: Any, depth: int = 0) -> str:
    """A text that two values share exactly if they are equal as JSON (key order is nothing, 1 is 1.0)."""
    if depth > DEEPEST_VALUE:
        raise ValueError(f"a value is nested deeper than {DEEPEST_VALUE}")
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return write_string(value)
        case dict():
            members = (f"{write_string(key)}:{key_of(value[key], depth + 1)}" for key in sorted(value))
            return "{" + ",".join(members) + "}"
        case list() | tuple():
            return "[" + ",".join(key_of(item, depth + 1) for item in value) + "]"
        case _ if is_number(value):
            return write_number(exact(value))
        case _:
            raise ValueError(f"{type(value).__name__} is not a JSON value")
