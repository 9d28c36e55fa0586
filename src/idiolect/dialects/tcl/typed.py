"""Says whether a literal value has the type that a catalog asks for.

Types, enums, ranges, units and patterns, with the repair where it is known. It does **not** see
substituted words: what a variable holds is not judged.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from idiolect.dialects.catalog import Catalog, ValueType
from idiolect.dialects.catalog_json import split_unit
from idiolect.dialects.tcl.values import BadList, list_elements, unescape
from idiolect.dialects.tcl.words import Splitter
from idiolect.grammar.automaton import TooLarge, compile_node
from idiolect.grammar.regex import UnsupportedRegex, whole_match

INTEGER = re.compile(r"[+-]?(?:[0-9]+|0[xX][0-9a-fA-F]+)")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
BOOLEANS = ("0", "1", "true", "false", "yes", "no", "on", "off")
LONGEST_NUMBER = 250  # characters; longer ones would overflow a float
LONGEST_SLOW = 40  # of values for a pattern that only a backtracking matcher takes


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a value does not have its type, and what to write instead where that is known."""

    code: str  # "enum", "type", "range", "unit", "pattern", "list"
    message: str
    hint: str | None = None
    instead: str | None = None


def misfit(catalog: Catalog, wanted: ValueType, value: str, *, is_list: bool = False) -> Misfit | None:
    """What is wrong with a value, or None. `is_list`: each element of the value has the type."""
    resolved = catalog.resolve(wanted)
    if not is_list:
        return _misfit(resolved, value)
    splitter = Splitter(value)
    try:
        elements = list_elements(splitter, 0, len(value))
    except BadList as bad:
        return Misfit("list", f"not a list: {bad.message}", "write {a b c}")
    for element in elements:
        text = value[slice(*element.inner)]
        wrong = _misfit(resolved, text if element.kind == "braced" else unescape(text))
        if wrong is not None:
            return Misfit(wrong.code, wrong.message, wrong.hint)
    return None


def _misfit(wanted: ValueType, value: str) -> Misfit | None:
    base, unit = split_unit(wanted.type)
    if wanted.values:
        return _enum(wanted.words, value)
    if base in ("int", "float", "port"):
        written = wanted.unit if wanted.unit_written else None
        return _number(base, value, wanted.range, written, wanted.unit or unit)
    if base == "bool" and value.lower() not in BOOLEANS:
        return Misfit(
            "type", f'expected a boolean, found "{_short(value)}"', f"write {' or '.join(BOOLEANS[2:4])}"
        )
    if base == "identifier" and not IDENTIFIER.fullmatch(value):
        return Misfit("type", f'expected a name, found "{_short(value)}"', "letters, digits and underscores")
    if base in ("ip", "cidr"):
        try:
            ipaddress.ip_address(value) if base == "ip" else ipaddress.ip_network(value, strict=False)
        except ValueError:
            return Misfit("type", f'expected an {base} address, found "{_short(value)}"')
    if wanted.pattern is not None and not _matcher(wanted.pattern)(value):
        return Misfit("pattern", f'"{_short(value)}" does not match {wanted.pattern}')
    return None


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a whole value matches a pattern, in time linear in the value."""
    try:
        return compile_node(whole_match(pattern)).matches
    except (UnsupportedRegex, TooLarge):
        # Look-behind and the like need backtracking, which only short values are exposed to.
        compiled = re.compile(pattern)
        return lambda value: len(value) > LONGEST_SLOW or compiled.fullmatch(value) is not None


def _enum(words: tuple[str, ...], value: str) -> Misfit | None:
    if value in words:
        return None
    near = get_close_matches(value, words, n=1) if len(value) < 60 else []
    listed = ", ".join(words[:20]) + (", ..." if len(words) > 20 else "")
    message = f'"{_short(value)}" is not one of {listed}'
    return Misfit("enum", message, f'did you mean "{near[0]}"?' if near else None, near[0] if near else None)


def _number(
    base: str,
    value: str,
    limits: tuple[float | None, float | None] | None,
    written: str | None,
    unit: str | None,
) -> Misfit | None:
    digits = value
    if written is not None:
        digits = value.removesuffix(written)
        if digits == value:
            plain = NUMBER.match(value)
            instead = plain.group() + written if plain else None
            message = f'"{_short(value)}" lacks its unit {written}'
            return Misfit("unit", message, f"write {instead or '1' + written}", instead)
    form = NUMBER if base == "float" else INTEGER
    if len(digits) > LONGEST_NUMBER or not form.fullmatch(digits):
        plain = NUMBER.match(value)
        if unit and not written and plain and value == plain.group() + unit:
            message = f'"{_short(value)}" is written without its unit here'
            return Misfit("unit", message, f"write {plain.group()}", plain.group())
        what = "a number" if base == "float" else "an integer"
        return Misfit("type", f'expected {what}, found "{_short(value)}"')
    number = float(int(digits, 16)) if "x" in digits.lower() else float(digits)
    low, high = limits or ((1, 65535) if base == "port" else (None, None))
    if (low is not None and number < low) or (high is not None and number > high):
        left = "any" if low is None else f"{low:g}"
        right = "any" if high is None else f"{high:g}"
        return Misfit("range", f"{_short(value)} is outside of {left} to {right}{unit or ''}")
    return None


def _short(value: str) -> str:
    value = value.replace("\n", "\\n")
    return value if len(value) <= 40 else value[:37] + "..."
