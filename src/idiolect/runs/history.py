"""What a run wrote about itself while it trained: losses, metrics, control decisions, the machine's load.

It reads the files that the FAQ's layout names, wherever the plan puts them, and says of each that is not
there or can't be read what is the matter. It judges no number.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from idiolect.files import Unreadable, open_plain
from idiolect.runs.compare import flat_numbers, is_number, metrics_file
from idiolect.runs.shelf import NotJson, ShelfRun, read_json
from idiolect.text_hints import counted, shortened

STREAM = "training_metrics.jsonl"
_LONGEST_LINE = 1 << 16
_MOST_POINTS = 2_000_000
_BARS = "▁▂▃▄▅▆▇█"
# Names of one thing in files of different makers.
_SERIES = {"loss": "loss", "train_loss": "loss", "eval_loss": "val_loss", "val_loss": "val_loss"}
_NO_NUMBERS = ("NaN", "Infinity", "-Infinity")
_FACTS = (
    "model_base",
    "device",
    "total_epochs",
    "total_steps",
    "final_loss",
    "training_started",
    "training_completed",
)


@dataclass(slots=True)
class Series:
    """A number over the steps of training."""

    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, step: object, value: object) -> None:
        """Add a point, where it is one. JSON has no NaN: it stands there as a word."""
        value = float(value) if value in _NO_NUMBERS else value
        if is_number(step) and is_number(value) and len(self.values) < _MOST_POINTS:
            self.steps.append(float(step))
            self.values.append(float(value))


@dataclass(slots=True)
class History:
    """All that was found; `absent` names files that are not there, `faults` those that can't be used."""

    facts: dict[str, Any] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    decisions: list[str] = field(default_factory=list)
    system: dict[str, Series] = field(default_factory=dict)
    absent: list[tuple[str, str]] = field(default_factory=list)  # file, and who writes it
    faults: list[str] = field(default_factory=list)


def read_history(run: ShelfRun) -> History:
    """What a run's files say up to now."""
    found = History()
    settings = run.settings()
    _read_stream(found, stream_file(run))
    _read_training(found, _file(run, settings.get("LOGGING.training_file"), "training_logs.json"))
    _read_metrics(found, metrics_file(run))
    has_control = any(path.startswith("CONTROL") for path in settings)
    who = "CONTROL while it trains" if has_control else "CONTROL, which the script does not have"
    _read_decisions(found, run.folder.path / "control_decisions.json", who)
    has_monitor = "MONITOR.export_to" in settings
    who = "MONITOR while it trains" if has_monitor else "MONITOR, which the script does not have"
    _read_system(found, _file(run, settings.get("MONITOR.export_to"), "logs/system.json"), who)
    found.series = {name: series for name, series in found.series.items() if series.values}
    found.system = {name: series for name, series in found.system.items() if series.values}
    return found


def stream_file(run: ShelfRun) -> Path:
    """The file that grows by a line with each logged step."""
    return run.folder.path / STREAM


def describe_point(line: str) -> str | None:
    """One line of the growing file as a person reads it; None where it is not one."""
    said = _object(line)
    if said is None:
        return None
    shown = ", ".join(
        f"{_SERIES.get(name, name)} {value:.4g}"
        for name, value in flat_numbers(said).items()
        if name != "step"
    )
    return f"step {said['step']}: {shown}" if "step" in said else shown


def sparkline(values: list[float], width: int = 48) -> str:
    """Values as a row of bars, low to high; an average for each bar, x where one is not finite."""
    if not values:
        return ""
    count = min(width, len(values))
    cuts = [len(values) * at // count for at in range(count + 1)]
    means = [_mean(values[start:end]) for start, end in pairwise(cuts)]
    finite = [mean for mean in means if math.isfinite(mean)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    return "".join(_bar(mean, low, high) for mean in means)


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if all(math.isfinite(value) for value in values) else math.nan


def _bar(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return "x"
    # Divided first: the difference of two large numbers may be infinite.
    share = (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.0
    return _BARS[min(int(share * len(_BARS)), len(_BARS) - 1)]


def _file(run: ShelfRun, written: object, default: str) -> Path:
    return run.root / written if isinstance(written, str) else run.folder.path / default


def _read_stream(found: History, path: Path) -> None:
    broken = 0
    try:
        for line in _lines(path):
            said = _object(line)
            if said is None:
                broken += 1
                continue
            for name, title in _SERIES.items():
                if name in said:
                    found.series.setdefault(title, Series()).add(said.get("step"), said[name])
    except Unreadable as error:
        _not_there(found, path, str(error), error.missing, "train")
    if broken:
        found.faults.append(f"{path.name}: {counted(broken, 'line')} can't be read")


def _lines(path: Path) -> Iterator[str]:
    """Whole lines; the last one may still be being written."""
    with open_plain(path) as stream:
        while line := stream.readline(_LONGEST_LINE):
            if line.endswith(b"\n"):
                yield line.decode("utf-8", "replace")


def _object(line: str) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _read_training(found: History, path: Path) -> None:
    said = _json(found, path, dict, "train, at its end")
    if said is None:
        return
    found.facts = {name: said[name] for name in _FACTS if said.get(name) is not None}
    checkpoints = said.get("checkpoints")
    if "loss" not in found.series and isinstance(checkpoints, list):
        series = Series()
        for one in checkpoints:
            if isinstance(one, dict):
                series.add(one.get("step"), one.get("loss"))
        if series.values:
            found.series["loss"] = series


def _read_metrics(found: History, path: Path) -> None:
    said = _json(found, path, dict, "train and eval, at their end")
    if said is not None:
        found.metrics = flat_numbers(said)


def _read_decisions(found: History, path: Path, who: str) -> None:
    for one in _json(found, path, list, who) or []:
        if isinstance(one, dict):
            found.decisions.append(_decision(one))


def _decision(one: dict[str, Any]) -> str:
    place = f"step {one['step']}" if "step" in one else f"epoch {one.get('epoch', '?')}"
    because = one.get("condition") or one.get("rule")
    values = one.get("values")
    seen = (
        ", ".join(f"{name} = {value}" for name, value in values.items()) if isinstance(values, dict) else ""
    )
    parts = [
        f"{place}: {one.get('action', '?')}",
        f"because {because}" if because else "",
        f"({seen})" if seen else "",
    ]
    result = one.get("result")
    return shortened(" ".join(part for part in parts if part) + (f": {result}" if result else ""), 200)


def _read_system(found: History, path: Path, who: str) -> None:
    for at, one in enumerate(_json(found, path, list, who) or []):
        if not isinstance(one, dict):
            continue
        for name, value in one.items():
            if name not in ("time", "step"):
                found.system.setdefault(name, Series()).add(one.get("step", at), value)


def _json(found: History, path: Path, shape: type, who: str) -> Any:
    try:
        said = read_json(path)
    except NotJson as error:
        _not_there(found, path, str(error), error.missing, who)
        return None
    if not isinstance(said, shape):
        found.faults.append(f"{path.name} is no {'list' if shape is list else 'object'} of JSON")
        return None
    return said


def _not_there(found: History, path: Path, reason: str, missing: bool, who: str) -> None:
    if missing:
        found.absent.append((path.name, who))
    else:
        found.faults.append(f"{path.name} {reason}")
