"""The core commands of Tcl 8.6: how many arguments each takes, its options and its subcommands.

Everything is read off the usage texts of `commands.json`, which are also what a message shows. It
does **not** descend into scripts: which arguments are scripts is `bodies`' job.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from idiolect.dialects.tcl.values import value_of
from idiolect.dialects.tcl.words import Word
from idiolect.dialects.verdict import Fault, Fix, Level, Severity
from idiolect.source import Span

GROUP = re.compile(r"\?([^?]*)\?|\{[^}]*\}|\S+")


@dataclass(frozen=True, slots=True)
class Spec:
    """One command or subcommand, as its usage text says."""

    usage: str
    low: int  # fewest words after the name
    high: int | None  # most, or None
    step: int  # words come in groups of so many beyond `low`
    options: Mapping[str, int] = field(default_factory=dict)  # name -> words that follow it
    roles: tuple[str, ...] = ()
    last: str = ""
    shape: str = ""
    free: bool = False  # its shape counts its arguments itself
    extension: bool = False  # not core: a well-known package
    sub: Mapping[str, Spec] = field(default_factory=dict)
    names: int = 1  # words of the name
    lead: int = 0  # words before the options


@cache
def core() -> Mapping[str, Spec]:
    """The core commands by name."""
    return {name: _spec(entry, 1) for name, entry in _table()["commands"].items()}


@cache
def definitions(kind: str) -> Mapping[str, Spec]:
    """The commands inside a class body of a kind: "oo" or "snit"."""
    return {name: _spec(entry, 1) for name, entry in _table()["definitions"][kind].items()}


@cache
def _table() -> dict[str, Any]:
    text = files(__package__).joinpath("commands.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def _spec(entry: dict[str, Any], names: int) -> Spec:
    rest = entry["usage"].split(" ", names)[names:]
    low, high, step, options = _arity(rest)
    lead = len(f" {rest[0]}".partition(" ?-")[0].split()) if options else 0
    return Spec(
        entry["usage"],
        low,
        high,
        step,
        entry.get("options") or options,
        tuple(entry.get("roles", ())),
        entry.get("last", ""),
        entry.get("shape", ""),
        entry.get("free", False),
        entry.get("extension", False),
        {name: _spec(sub, names + 1) for name, sub in entry.get("sub", {}).items()},
        names,
        lead,
    )


def _arity(rest: list[str]) -> tuple[int, int | None, int, dict[str, int]]:
    """Counts from the text behind the name: `?-nocase? ?-length int? string1 string2`."""
    low, high, step = 0, 0, 1
    endless = False
    options: dict[str, int] = {}
    for group in GROUP.finditer(rest[0] if rest else ""):
        words = (group.group(1) or "").split()
        if group.group(1) is None:
            low += 1
            high += 1
        elif words[0].startswith("-") and words[-1] != "...":
            options[words[0]] = len(words) - 1
        elif words[-1] == "...":
            endless = True
            step = len(words) - 1 if not words[0].startswith("-") else 1
        else:
            high += len(words)
    # Only a usage of nothing but required words and one group counts in steps.
    exact = endless and high == low
    return low, None if endless else high, step if exact else 1, options


def check_arguments(spec: Spec, words: Sequence[Word], text: str) -> Iterator[Fault]:
    """Faults of the number of arguments and of options, as far as the text alone tells."""
    arguments = words[spec.names :]
    if any(word.expand for word in arguments):
        return
    options = 0
    guess = False  # a substituted word may be an option
    while spec.options and options < len(arguments) - spec.low:
        word = arguments[spec.lead + options]
        value = value_of(word, text)
        if value is None:
            guess = True
            break
        if not value.startswith("-"):
            break
        name = find_option(value, spec.options)
        if name is None:
            if "?-option" in spec.usage and not _is_number(value):
                yield _bad_option(spec, word, value)
                return
            break
        options += 1 + spec.options[name]
        if name == "--":
            break
    found = len(arguments) - options
    few = found < spec.low
    many = spec.high is not None and found > spec.high and not guess
    odd = spec.step > 1 and (found - spec.low) % spec.step != 0
    if few or many or odd:
        yield wrong_count(spec.usage, words)


def wrong_count(usage: str, words: Sequence[Word]) -> Fault:
    """The fault of too few or too many arguments."""
    span = Span(words[0].start, words[-1].end)
    return Fault("tcl.args.count", f'wrong # args: should be "{usage}"', span, None, Level.VALID)


def find_option(value: str, options: Mapping[str, int]) -> str | None:
    """The option that a word names, also by a unique beginning."""
    if value in options:
        return value
    near = [name for name in options if name.startswith(value)]
    return near[0] if len(near) == 1 else None


def _is_number(value: str) -> bool:
    return re.fullmatch(r"-[0-9.]+", value) is not None


def _bad_option(spec: Spec, word: Word, value: str) -> Fault:
    near = get_close_matches(value, spec.options, n=1) if len(value) < 40 else []
    listed = ", ".join(spec.options)
    return Fault(
        "tcl.args.option",
        f'bad option "{value[:40]}"',
        word.span,
        f'did you mean "{near[0]}"?' if near else f"must be {listed}",
        Level.VALID,
        fix=Fix(word.span, near[0]) if near and word.kind == "bare" else None,
    )


def find_sub(spec: Spec, word: Word, text: str) -> tuple[Spec | None, Fault | None]:
    """The subcommand that a word names, or the fault of a word that names none."""
    value = value_of(word, text)
    if value is None or word.expand:
        return None, None
    if value in spec.sub:
        return spec.sub[value], None
    near = [name for name in spec.sub if name.startswith(value)]
    if len(near) == 1:  # Tcl takes unique beginnings
        return spec.sub[near[0]], None
    ensemble = spec.usage.split()[0]
    close = get_close_matches(value, spec.sub, n=1, cutoff=0.7) if len(value) < 40 else []
    what = "ambiguous" if near else "unknown"
    hint = f'did you mean "{close[0]}"?' if close else f"must be {', '.join(spec.sub)}"
    fix = Fix(word.span, close[0]) if close and word.kind == "bare" else None
    message = f'{what} subcommand "{value[:40]}" of {ensemble}'
    # Packages add subcommands to ensembles; only what looks misspelt is probably wrong.
    severity = Severity.ERROR if near or close else Severity.WARNING
    return None, Fault("tcl.args.subcommand", message, word.span, hint, Level.VALID, severity, fix)
