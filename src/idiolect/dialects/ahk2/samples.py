"""Makes scripts with the instruction that asks for them, from the templates of samples.json.

A slot is filled with one value in code and words alike; no two slots of a script share a value.
Every script is brought into its canonical form and judged before it is given.
"""

from __future__ import annotations

import json
import random
import re
from functools import cache
from importlib.resources import files
from typing import Any

from idiolect.dialects.ahk2.formatter import format_script
from idiolect.dialects.ahk2.loader import load
from idiolect.dialects.contract import Context, Sample
from idiolect.dialects.verdict import Severity

LEVELS = ("micro", "multi", "scenario")
_SLOT = re.compile(r"<<([a-z]+)(\d?)(:words)?>>")
_PRELUDE = ("", "", "#Requires AutoHotkey v2.0\n", "#Requires AutoHotkey v2.0\n#SingleInstance Force\n")
_JOINED = 0.35  # of the multi-level samples: two small jobs in one script


@cache
def _data() -> dict[str, Any]:
    text = files("idiolect.dialects.ahk2").joinpath("samples.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def _templates(level: str) -> tuple[dict[str, Any], ...]:
    return tuple(entry for entry in _data()["templates"] if entry["level"] == level)


def make_sample(rng: random.Random, context: Context) -> Sample:
    """A random script of the level asked for, or of any."""
    level = context.level or rng.choice(LEVELS)
    if level not in LEVELS:
        raise ValueError(f'level "{level}" is not known; write {", ".join(LEVELS)}')
    while True:
        made = _draw(rng, level)
        faults = load(made.text).faults.found
        if not any(fault.severity is Severity.ERROR for fault in faults):
            return Sample(
                format_script(made.text), made.description, context, level, made.productions, made.details
            )


def _draw(rng: random.Random, level: str) -> Sample:
    used: set[tuple[str, str]] = set()
    if level == "multi" and rng.random() < _JOINED:
        chosen = rng.sample(_templates("micro"), 2)
    else:
        chosen = [rng.choice(_templates(level))]
    parts: list[str] = []
    words: list[str] = []
    for entry in chosen:
        picked: dict[str, list[str]] = {}
        parts.append(_fill(entry["code"], picked, used, rng))
        words.append(_fill(rng.choice(entry["say"]), picked, used, rng))
    text = "\n".join(parts) + "\n"
    if level != "scenario":
        text = rng.choice(_PRELUDE) + text
    tags = tuple(dict.fromkeys(tag for entry in chosen for tag in entry["tags"]))
    return Sample(text, " Then: ".join(words), level=level, productions=tags, details={"tags": list(tags)})


def _fill(template: str, picked: dict[str, list[str]], used: set[tuple[str, str]], rng: random.Random) -> str:
    def value(match: re.Match[str]) -> str:
        kind, number, words = match[1], match[2], match[3]
        slot = kind + number
        if slot not in picked:
            options = [entry for entry in _data()["slots"][kind] if (kind, entry[0]) not in used]
            picked[slot] = rng.choice(options or _data()["slots"][kind])
            used.add((kind, picked[slot][0]))
        return picked[slot][-1] if words else picked[slot][0]

    return _SLOT.sub(value, template)
