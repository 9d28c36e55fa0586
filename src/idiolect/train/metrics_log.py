"""training_metrics.jsonl, training_logs.json and metrics.json: what training says of itself.

The first grows by a line with each log and each evaluation. The second is written again and again, so that a
training that was killed has one as well. A run that goes on drops the lines that it will write again.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from idiolect.files import replacing, write_beside
from idiolect.runs.times import now
from idiolect.train.json_list import finite

# Marks of the trainer about itself, which are no measurement of the step.
_SUMMARY = frozenset({"train_runtime", "train_samples_per_second", "train_steps_per_second", "total_flos"})
_EVERY_S = 2.0  # between two writings of the whole history, but for checkpoints and the end
_MOST_KEPT = 2_000  # log lines, decisions and checkpoints that training_logs.json holds of each


class MetricsStream:
    """training_metrics.jsonl: one object a line, `step` and `epoch` first."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, step: int) -> None:
        """Make ready to go on after a step: 0 begins anew."""
        kept = [line for line in self._lines() if _step_of(line) <= step] if step else []
        write_beside(self.path, "".join(kept))

    def add(self, step: int, epoch: float, values: Mapping[str, Any]) -> None:
        """Append what was logged at a step; the trainer's final summary is none of it."""
        if _SUMMARY & set(values):
            return
        measured = {name: _plain(value) for name, value in values.items() if name not in ("step", "epoch")}
        line = json.dumps(finite({"step": step, "epoch": round(epoch, 6), **measured}), ensure_ascii=False)
        with self.path.open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(line + "\n")

    def _lines(self) -> list[str]:
        if not self.path.is_file():
            return []
        lines = self.path.read_text("utf-8", errors="replace").splitlines(keepends=True)
        return [line for line in lines if line.endswith("\n")]


def _step_of(line: str) -> float:
    try:
        step = json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return math.inf
    return step if isinstance(step, int | float) else math.inf


def _plain(value: Any) -> Any:
    """A number out of a tensor or an array of one element."""
    return value.item() if hasattr(value, "item") else value


class TrainingLog:
    """training_logs.json: the history of a training, under the names of the FAQ."""

    def __init__(
        self,
        path: Path,
        *,
        project: str,
        version: str | None,
        model_base: str | None,
        device: str,
        clock: Callable[[], str] = now,
    ) -> None:
        self.path = path
        self._clock = clock
        self._due = 0.0
        self._said: dict[str, Any] = {
            "project": project,
            "version": version or "",
            "training_started": "",
            "training_completed": None,
            "total_epochs": 0,
            "total_steps": 0,
            "final_loss": None,
            "device": device,
            "model_base": model_base or "",
            "ended": "",
            "resumed": [],
            "checkpoints": [],
            "decisions": [],
            "notifications": [],
            "log": [],
        }

    def begin(self, step: int) -> None:
        """A training begins, or goes on after a step: then its history up to there is taken over."""
        old = self._old() if step else {}
        for name in ("checkpoints", "decisions", "notifications", "log"):
            records = old.get(name)
            if isinstance(records, list):
                self._said[name] = [one for one in records if _at_most(one, step)]
        self._said["training_started"] = old.get("training_started") or self._clock()
        if step:
            before = old.get("resumed")
            resumed = before if isinstance(before, list) else []
            self._said["resumed"] = [*resumed, {"step": step, "timestamp": self._clock()}]
        self.write()

    def logged(self, step: int, epoch: float, values: Mapping[str, Any]) -> None:
        """What was logged at a step."""
        if _SUMMARY & set(values):
            return
        measured = {name: _plain(value) for name, value in values.items() if name not in ("step", "epoch")}
        if "loss" in measured:
            self._said["final_loss"] = measured["loss"]
        self._keep("log", {"step": step, "epoch": round(epoch, 6), **measured})
        if time.monotonic() >= self._due:
            self.write()

    def checkpoint(self, step: int, loss: float | None) -> None:
        """A checkpoint was written."""
        self._keep("checkpoints", {"step": step, "loss": loss, "timestamp": self._clock()})
        self.write()

    def decided(self, record: Mapping[str, Any]) -> None:
        """CONTROL or STABILITY did something."""
        self._keep("decisions", dict(record))

    def notified(self, record: Mapping[str, Any]) -> None:
        """MONITOR.notify_if raised something."""
        self._keep("notifications", dict(record))

    def end(self, *, step: int, epochs: float, loss: float | None, ended: str) -> None:
        """The training is over."""
        self._said |= {
            "training_completed": self._clock(),
            "total_epochs": math.ceil(epochs - 1e-6),
            "total_steps": step,
            "ended": ended,
        }
        if loss is not None:
            self._said["final_loss"] = loss
        self.write()

    def write(self) -> None:
        """Write the file whole."""
        with replacing(self.path) as stream:
            json.dump(finite(self._said), stream, indent=2, ensure_ascii=False)
            stream.write("\n")
        self._due = time.monotonic() + _EVERY_S

    def _keep(self, name: str, record: dict[str, Any]) -> None:
        records = self._said[name]
        records.append(record)
        if len(records) > _MOST_KEPT:  # the newest are kept; the other files have all of them
            del records[: len(records) - _MOST_KEPT]

    def _old(self) -> dict[str, Any]:
        try:
            said = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}


def _at_most(record: Any, step: int) -> bool:
    at = record.get("step") if isinstance(record, dict) else None
    return isinstance(at, int | float) and at <= step


def write_metrics(path: Path, metrics: Mapping[str, Any]) -> None:
    """metrics.json: names to numbers, flat, in the order of the names. What is no number is left out.

    `eval_loss` stands as `loss`, since these are the metrics of the finished model; the training's own
    loss stays as `train_loss`.
    """
    flat: dict[str, float] = {}
    for name, value in metrics.items():
        number = _plain(value)
        if isinstance(number, int | float) and not isinstance(number, bool):
            validated = f"eval_{name}" in metrics
            flat[f"train_{name}" if validated else name.removeprefix("eval_")] = number
    with replacing(path) as stream:
        json.dump(finite(dict(sorted(flat.items()))), stream, indent=2)
        stream.write("\n")
