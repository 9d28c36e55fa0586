"""Why a stage must run again, or need not: what it was made from last time against what there is now.

Pure: it compares records and reads no file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from idiolect.runs.manifest import Basis, Content, InputRecord, OutputRecord
from idiolect.text_hints import counted, shortened

_MOST_TOLD = 3
_LONGEST_VALUE = 40


def what_changed(before: Basis, now: Basis) -> list[str]:
    """Each thing that is not as it was, in words."""
    told = []
    if before.version != now.version:
        told.append(f"the stage's code is version {now.version}, and was {before.version}")
    for name in _names(before.settings, now.settings):
        if before.settings.get(name) != now.settings.get(name):
            old, new = _shown(before.settings, name), _shown(now.settings, name)
            told.append(f"{name} was {old} and is {new}")
    for setting in _names(before.files, now.files):
        told += _files_changed(setting, before.files.get(setting), now.files.get(setting))
    for stage in _names(before.stages, now.stages):
        if before.stages.get(stage) != now.stages.get(stage):
            told.append(f"{stage} gave other files")
    return told


def what_is_the_same(basis: Basis) -> str:
    """What was compared and found unchanged."""
    parts = [counted(len(basis.settings), "setting")]
    files = sum(record.content.files for record in basis.files.values())
    if files:
        parts.append(counted(files, "input file"))
    if basis.stages:
        parts.append(f"the files of {', '.join(basis.stages)}")
    return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Disturbed:
    """Files of a stage that are not as it left them."""

    missing: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    added: tuple[str, ...] = ()  # no reason to run the stage again, but not to be lost when it does

    def told(self) -> list[str]:
        return [f"{name} is missing" for name in self.missing] + [
            f"{name} was altered" for name in self.altered
        ]


def disturbed(
    before: tuple[OutputRecord, ...], now: Mapping[str, Content], present: Iterable[str] = ()
) -> Disturbed:
    """What happened to a stage's files since."""
    there = [output for output in before if output.name in now]
    known = {output.name for output in before}
    return Disturbed(
        missing=tuple(output.name for output in before if output.name not in now),
        altered=tuple(
            output.name
            for output in there
            if output.content is not None and now[output.name] != output.content
        ),
        added=tuple(name for name in present if name not in known),
    )


def in_brief(told: list[str]) -> str:
    """The first few of what there is to tell."""
    more = len(told) - _MOST_TOLD
    return "; ".join(told[:_MOST_TOLD]) + (f"; and {more:,} more" if more > 0 else "")


def _files_changed(setting: str, before: InputRecord | None, now: InputRecord | None) -> list[str]:
    if before is None or now is None:
        return [f"{setting} names files now"] if before is None else [f"{setting} names no file any more"]
    if before.content.sha256 == now.content.sha256:
        return []
    if not (before.each and now.each):
        return [f"files of {setting} changed: {before.content.files:,} before, {now.content.files:,} now"]
    told = []
    for name in _names(before.each, now.each):
        if name not in now.each:
            told.append(f"{name} is gone")
        elif name not in before.each:
            told.append(f"{name} is new")
        elif before.each[name] != now.each[name]:
            told.append(f"{name} changed")
    return told or [f"the files of {setting} come in another order"]


def _names(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys((*now, *before)))


def _shown(settings: dict[str, Any], name: str) -> str:
    if name not in settings or settings[name] is None:
        return "not set"
    return shortened(json.dumps(settings[name], ensure_ascii=False), _LONGEST_VALUE)
