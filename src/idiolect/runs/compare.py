"""Two runs side by side: settings that differ, inputs that differ, and what each measured.

It reads what the runs left, and does **not** say which of the two is better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from idiolect.runs.changes import what_changed
from idiolect.runs.shelf import NotJson, ShelfRun, read_json

_TOO_LARGE = 10**300


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing that two runs have, or one of them."""

    name: str
    first: Any  # None where the run does not have it
    second: Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two runs, and all that both measured."""

    settings: list[Pair]
    same_settings: int
    inputs: list[tuple[str, str]]  # stage, and what changed from the first run to the second
    numbers: list[Pair]


def compare(first: ShelfRun, second: ShelfRun) -> Comparison:
    """The second run as seen from the first."""
    before, after = _portable(first), _portable(second)
    pairs = _pairs(before, after)
    return Comparison(
        settings=[pair for pair in pairs if pair.first != pair.second],
        same_settings=sum(pair.first == pair.second for pair in pairs),
        inputs=list(_inputs(first, second)),
        numbers=_pairs(numbers_of(first), numbers_of(second)),
    )


def numbers_of(run: ShelfRun) -> dict[str, float]:
    """What a run measured: its stages' numbers and counts, and its metrics."""
    found: dict[str, float] = {}
    for record in run.manifest.stages if run.manifest else ():
        found |= {f"{record.name}.{name}": number for name, number in flat_numbers(record.numbers).items()}
        for counts in record.counts:
            found[f"{record.name}.{counts.of} read"] = counts.read
            found[f"{record.name}.{counts.of} kept"] = counts.kept
    try:
        metrics = read_json(metrics_file(run))
    except NotJson:
        return found
    return found | flat_numbers(metrics)


def metrics_file(run: ShelfRun) -> Path:
    """Where a run's metrics are written, by its plan."""
    written = run.settings().get("LOGGING.metrics_file")
    return run.root / written if isinstance(written, str) else run.folder.path / "metrics.json"


def flat_numbers(metrics: Any) -> dict[str, float]:
    """The numbers of a metrics file."""
    if not isinstance(metrics, dict):
        return {}
    return {name: value for name, value in metrics.items() if is_number(value)}


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value from a file is a number that can be reckoned with; a whole one may be too large."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) < _TOO_LARGE


def _portable(run: ShelfRun) -> dict[str, Any]:
    """A run's settings, its own folder under one name: that two runs have two folders is no difference."""
    own = f"runs/{run.folder.name}/"
    return {
        path: f"runs/.../{value.removeprefix(own)}"
        if isinstance(value, str) and value.startswith(own)
        else value
        for path, value in run.settings().items()
    }


def _pairs(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Pair]:
    return [Pair(name, before.get(name), after.get(name)) for name in dict.fromkeys((*before, *after))]


def _inputs(first: ShelfRun, second: ShelfRun) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    if first.manifest is None or second.manifest is None:
        return told
    for record in second.manifest.stages:
        before = first.manifest.stage(record.name)
        if before is None:
            continue
        # Settings are told apart already; what is left are files, code and other stages.
        basis = record.basis.model_copy(update={"settings": before.basis.settings})
        told += [(record.name, line) for line in what_changed(before.basis, basis)]
    return told
