"""MONITOR: samples of the machine's load and of training's speed while training runs, and notifications.

A thread samples every `refresh_interval`; training hands in what it measured. Samples go to `export_to` (a
JSON list), to the live file, and as text to `log_to`. `notify_if` is looked at with each sample: it notifies
when a condition becomes true, and again only after it was false. What was asked for and can't be measured is
told once, with the reason. It stops nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idiolect.okt.blocks.watch import Monitor
from idiolect.okt.control import Comparison
from idiolect.okt.vocab import MONITOR_BLAS, MONITOR_TRAINING
from idiolect.runs.times import now
from idiolect.train.json_list import JsonList
from idiolect.train.live_file import LiveFile
from idiolect.train.machine_load import Machine
from idiolect.train.rule_text import condition_text
from idiolect.train.signals import Signals, Value, all_hold, signal_of
from idiolect.train.speed import SpeedMeter

# 20,000 samples are 28 hours at 5 s and some 4 MB; after that every second one is dropped, again and again.
MOST_SAMPLES = 20_000
_ESSENTIAL = (
    "loss",
    "val_loss",
    "learning_rate",
    "cpu_usage",
    "ram_usage",
    "gpu_usage",
    "gpu_memory_used",
    "tokens_per_second",
    "step_time",
)
_HELPERS = frozenset({"ram_total", "gpu_memory_total", "ram_free"})
_ENDS_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Notification:
    """A condition of notify_if that has become true."""

    time: str
    step: int
    condition: str
    values: Mapping[str, Value | None]

    @property
    def text(self) -> str:
        """As one line for a person."""
        seen = ", ".join(f"{name} = {shown(value)}" for name, value in self.values.items())
        return f"notification: {self.condition} ({seen})"


@dataclass(slots=True)
class Outlets:
    """Where a monitor writes; None where it does not."""

    samples: JsonList | None = None
    notifications: JsonList | None = None
    text: Path | None = None
    live: LiveFile | None = None
    notify: Callable[[Notification], None] = field(default=lambda one: None)
    warn: Callable[[str], None] = field(default=lambda text: None)


class TrainingMonitor:
    """Samples while it is open."""

    def __init__(
        self,
        settings: Monitor,
        machine: Machine,
        outlets: Outlets,
        *,
        speed: SpeedMeter | None = None,
        clock: Callable[[], str] = now,
    ) -> None:
        self._settings = settings
        self._machine = machine
        self._outlets = outlets
        self._speed = speed or SpeedMeter()
        self._clock = clock
        self._lock = threading.Lock()
        self._training: dict[str, Value | None] = {}
        self._step = 0
        self._was_true: dict[int, bool] = {}
        self._told: set[str] = set()
        self._seen: set[str] = set()  # of what the script names: what had a value at least once
        self._quiet = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def speed(self) -> SpeedMeter:
        """The meter that training tells of its steps."""
        return self._speed

    def start(self) -> None:
        """Begin to sample."""
        self._quiet.clear()
        self._thread = threading.Thread(target=self._run, name="idiolect-monitor", daemon=True)
        self._thread.start()

    def tell(self, step: int, values: Mapping[str, Value | None]) -> None:
        """What training measured; the newest value of each name counts."""
        with self._lock:
            self._step = step
            self._training |= values

    def stop(self) -> None:
        """Take a last sample, write everything, and end the thread."""
        if self._thread is not None:
            self._quiet.set()
            self._thread.join(_ENDS_WITHIN_S)
            self._thread = None
        self.sample()
        self._guarded(self._flush)
        self._tell_missing()

    def sample(self) -> dict[str, Any]:
        """Take one sample, write it, and look at notify_if."""
        found: dict[str, Any] = {}

        def take() -> None:
            signals, step = self._signals()
            self._seen |= {name for name in self._asked() if signal_of(signals, name) is not None}
            found.update({"time": self._clock(), "step": step, **self._chosen(signals)})
            self._write(found)
            for one in self._notifications(signals, step):
                self._raise(one)

        self._guarded(take)
        return found

    def _run(self) -> None:
        while not self._quiet.wait(self._settings.refresh_interval):
            self.sample()

    def _guarded(self, work: Callable[[], None]) -> None:
        """A monitor that fails says so once and goes on: training does not hang on it."""
        try:
            work()
        except Exception as error:  # whatever a driver, a sensor or a disk comes up with
            reason = f"{type(error).__name__}: {error}"
            if reason not in self._told:
                self._told.add(reason)
                self._outlets.warn(f"monitoring: {reason}")

    def _signals(self) -> tuple[dict[str, Value | None], int]:
        load = self._machine.read()
        with self._lock:
            training, step = dict(self._training), self._step
        return {**training, **load, **self._speed.take()}, step

    def _chosen(self, signals: Signals) -> dict[str, Value]:
        """What is recorded: with `full` everything, else what the script names, else the essentials."""
        if self._settings.level == "full":
            names: Sequence[str] = [
                name
                for name in signals
                # A validation's metric goes by two names; one is enough.
                if name not in _HELPERS and (name == "loss" or f"val_{name}" not in signals)
            ]
        else:
            names = self._wanted() or _ESSENTIAL
        named = {name: signal_of(signals, name) for name in dict.fromkeys((*names, *self._wanted()))}
        return {name: value for name, value in named.items() if value is not None}

    def _wanted(self) -> tuple[str, ...]:
        asked = self._settings
        return (*(asked.metrics or ()), *(asked.log_system or ()), *(asked.log_speed or ()))

    def _asked(self) -> list[str]:
        """Everything that the script names, each once."""
        conditions: list[Comparison] = [one for each in self._settings.notify_if or () for one in each]
        return list(dict.fromkeys((*self._wanted(), *(one.signal for one in conditions))))

    def _write(self, sample: Mapping[str, Any]) -> None:
        out = self._outlets
        if out.samples is not None:
            out.samples.add(sample)
        if out.live is not None:
            out.live.tell("sample", {name: value for name, value in sample.items() if name != "time"})
        if out.text is not None:
            values = ", ".join(
                f"{name} {shown(value)}" for name, value in sample.items() if name not in ("time", "step")
            )
            self._line(f"step {sample['step']}: {values}")

    def _notifications(self, signals: Signals, step: int) -> list[Notification]:
        raised = []
        for number, condition in enumerate(self._settings.notify_if or ()):
            true, values = all_hold(condition, signals)
            if true and not self._was_true.get(number, False):
                raised.append(Notification(self._clock(), step, condition_text(condition), values))
            self._was_true[number] = true
        return raised

    def _raise(self, one: Notification) -> None:
        out = self._outlets
        record = {"time": one.time, "step": one.step, "condition": one.condition, "values": dict(one.values)}
        if out.notifications is not None:
            out.notifications.add(record)
            out.notifications.flush()
        if out.live is not None:
            out.live.tell("notification", record)
        if out.text is not None:
            self._line(one.text)
        out.notify(one)

    def _line(self, text: str) -> None:
        assert self._outlets.text is not None
        self._outlets.text.parent.mkdir(parents=True, exist_ok=True)
        with self._outlets.text.open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(f"{self._clock()} {text}\n")

    def _flush(self) -> None:
        for one in (self._outlets.samples, self._outlets.notifications):
            if one is not None and len(one):
                one.flush()

    def _tell_missing(self) -> None:
        for name in self._asked():
            if name not in self._seen:
                self._outlets.warn(f"MONITOR: {name} is not available: {self._why_not(name)}")

    def _why_not(self, name: str) -> str:
        if name in MONITOR_BLAS:
            return "no kernel of this engine counts it"
        bare = name.removeprefix("val_").removeprefix("eval_")
        if name in MONITOR_TRAINING or bare in MONITOR_TRAINING:
            return "training did not measure it; list it in METRICS"
        return self._machine.why_not(name)


def shown(value: Any) -> str:
    """A value for a line of text."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
