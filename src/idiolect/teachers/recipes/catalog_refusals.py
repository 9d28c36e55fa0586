"""Requests that a catalog can't satisfy, each with the reason: no such command, option or value.

A request is told from a script that the verifier refuses for just that fault; the reason is worded by rules.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from idiolect.dialects.catalog import Arg
from idiolect.dialects.contract import Context
from idiolect.dialects.tcl.calls import Call
from idiolect.dialects.tcl.describe import asked, request, steps_of
from idiolect.dialects.tcl.dialect import Tcl
from idiolect.dialects.tcl.pick import NoValue
from idiolect.dialects.tcl.sample import Drawn, NoSample, draw
from idiolect.teachers.recipes.catalog_slices import Slice
from idiolect.teachers.recipes.catalogs import invented_word, random_catalog
from idiolect.text_hints import shortened

_TRIES = 20
_MOST_VALUES = 8  # of an enum that a reason lists
_NOT_OPTIONS = ("force", "dry_run", "verbose", "async", "fast", "quiet", "safe", "turbo", "retry", "strict")


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that can't be satisfied, and why."""

    instruction: str
    reason: str
    kind: str  # "missing", "enum", "range", "option"
    level: str


def refused_request(
    dialect: Tcl, part: Slice, context: Context, level: str, rng: random.Random
) -> Refused | None:
    """A request over a slice that its catalog has no answer to; None where none was found."""
    kinds: list[Callable[[Tcl, Slice, Context, str, random.Random], Refused | None]] = [
        _missing, _missing, _bad_value, _bad_value, _no_option,
    ]  # fmt: skip
    rng.shuffle(kinds)
    for kind in kinds:
        try:
            made = kind(dialect, part, context, level, rng)
        except (NoSample, NoValue):
            continue
        if made is not None:
            return made
    return None


def _missing(dialect: Tcl, part: Slice, context: Context, level: str, rng: random.Random) -> Refused | None:
    """What only another catalog could do: the rest of the own one, or an invented one."""
    own = {action for proc in part.catalog.procs if (action := proc.notes.strip())}
    kept = {proc.name for proc in part.catalog.procs}
    more = len(part.whole.procs) > len(kept)
    for _ in range(_TRIES):
        if more and part.noted and rng.random() < 0.7:
            catalog, pools, words = part.whole, part.pools, part.other_words
            chosen = rng.choice(part.whole.procs)
            if chosen.name in kept or any(
                chosen.notes.strip() == proc.notes.strip() for proc in part.catalog.procs
            ):
                continue
        else:
            other = random_catalog(rng, "other", part.language)
            catalog, pools, words = other.catalog, other.pools, other.other_words
            chosen = rng.choice(catalog.procs)
            stems = {word for note in own for word in note.split()}
            if stems & set(_verbs_of(chosen.notes)):
                continue  # it may be what a command here does as well
        alone = replace(catalog, procs=(chosen,), variables=(), dsl=())
        micro = replace(context, catalog=alone, level="micro")
        try:
            drawn = draw(dialect, rng, micro, plain=True, pools=pools)
        except (NoSample, NoValue):
            continue
        if len(drawn.found.calls) != 1 or len(drawn.found.walk.top.commands) != 1 + _headers(dialect, micro):
            continue
        steps = steps_of(drawn.found, None, part.language, other_words=words)
        told = steps_of(drawn.found, rng, part.language, other_words=words)
        said = _reason(part.language, "missing", step=steps[-1])
        return Refused(asked(told[-1:], rng, part.language), said, "missing", "micro")
    return None


def _headers(dialect: Tcl, context: Context) -> int:
    """How many commands a policy puts before a script."""
    policy = dialect.settings(context).policy
    required = policy.required if policy else None
    return len(required.packages) + len(required.lines) if required else 0


def _verbs_of(notes: str) -> list[str]:
    return notes.split()[:1]


def _bad_value(dialect: Tcl, part: Slice, context: Context, level: str, rng: random.Random) -> Refused | None:
    """A script whose one value is none of its enum, or out of its range."""
    for _ in range(_TRIES):
        drawn = draw(dialect, rng, replace(context, level=level), plain=True, pools=part.pools)
        options = [
            (call, arg)
            for call in drawn.found.calls
            for arg in call.proc.args
            if arg.name in call.values and not arg.list and _limited(part, arg)
        ]
        if not options:
            continue
        call, arg = rng.choice(options)
        made = _with_bad_value(dialect, part, context, drawn, call, arg, rng)
        if made is not None:
            return made
    return None


def _limited(part: Slice, arg: Arg) -> bool:
    value = part.catalog.resolve(arg)
    return bool(value.values) or value.range is not None


def _with_bad_value(
    dialect: Tcl,
    part: Slice,
    context: Context,
    drawn: Drawn,
    call: Call,
    arg: Arg,
    rng: random.Random,
) -> Refused | None:
    word = call.values[arg.name]
    text = drawn.found.text
    if "$" in text[word.start : word.end]:
        return None
    value = part.catalog.resolve(arg)
    if value.values:
        bad = _strange_word(value.words, rng)
        listed = [*value.words[:_MOST_VALUES], *(["..."] if len(value.words) > _MOST_VALUES else [])]
        joined = (
            ", ".join(listed[:-1]) + _table()[part.language]["or"] + listed[-1]
            if len(listed) > 1
            else listed[0]
        )
        reason = _reason(part.language, "enum", name=arg.name, values=joined, value=bad)
        kind = "enum"
    else:
        low, high = value.range or (None, None)
        unit = value.unit if value.unit and value.unit_written else ""
        upwards = high is not None and (low is None or low <= 0 or rng.random() < 0.7)
        limit = high if upwards else low
        if limit is None:
            return None
        number = limit * rng.choice((1.5, 2, 3, 10)) + 1 if upwards else limit / rng.choice((2, 4, 5)) - 1
        if value.type in ("int", "port"):
            number = int(number)
        bad = f"{number:g}{unit}"
        side = "high" if upwards else "low"
        reason = _reason(part.language, side, name=arg.name, limit=f"{limit:g}{unit}", value=bad)
        kind = "range"
    broken = dialect.analyse(text[: word.start] + bad + text[word.end :], context)
    wrong = [fault for fault in broken.faults if fault.severity == "error"]
    if len(wrong) != 1 or len(broken.calls) != len(drawn.found.calls):
        return None
    told = request(broken, rng, part.language, noted=part.noted, other_words=part.other_words)
    return Refused(told, reason, kind, drawn.level) if bad in told else None


def _strange_word(words: tuple[str, ...], rng: random.Random) -> str:
    """A word much like those of an enum, and none of them."""
    model = rng.choice(words)
    head, digits = model.rstrip("0123456789"), model[len(model.rstrip("0123456789")) :]
    for _ in range(_TRIES):
        made = f"{head}{int(digits) + rng.randint(1, 9)}" if digits else invented_word(rng)
        if made not in words:
            return made
    return "none_of_them"


def _no_option(dialect: Tcl, part: Slice, context: Context, level: str, rng: random.Random) -> Refused | None:
    """A call with an option that its command does not have."""
    drawn = draw(dialect, rng, replace(context, level="micro"), plain=True, pools=part.pools)
    steps = steps_of(drawn.found, rng, part.language, noted=part.noted, other_words=part.other_words)
    calls = drawn.found.calls
    if len(calls) != 1 or len(drawn.found.walk.top.commands) != 1 + _headers(dialect, context):
        return None
    proc = calls[0].proc
    free = [name for name in _NOT_OPTIONS if proc.arg(name) is None]
    name = rng.choice([*free, invented_word(rng)])
    if not free or not dialect.analyse(drawn.found.text.rstrip("\n") + f" -{name}\n", context).faults:
        return None
    step = rng.choice(_table()[part.language]["asked_option"]).format(step=steps[-1], name=name)
    reason = _reason(part.language, "option", proc=proc.name, name=name)
    return Refused(asked([step], rng, part.language), reason, "option", "micro")


def _reason(language: str, kind: str, **values: str) -> str:
    return shortened(str(_table()[language][kind]).format_map(values), 160)


@cache
def _table() -> Mapping[str, Any]:
    text = files("idiolect.teachers.recipes").joinpath("catalog_refusals.toml").read_text("utf-8")
    return tomllib.loads(text)
