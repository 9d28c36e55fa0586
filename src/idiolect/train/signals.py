"""What conditions compare: named values of training and machine, and how one comparison is decided.

One name a thing: `LR` is `learning_rate`, `f1_score` is `f1`. Usage is on a scale of 0 to 100, memory in
bytes. A value that is not known is None, and a comparison with it is undecided: it neither holds nor fails.
It does **not** know where values come from.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from idiolect.okt.control import Comparison
from idiolect.okt.vocab import CONTROL_PARAMETERS, METRICS, metric_name

Value = bool | int | float | str
Signals = Mapping[str, Value | None]

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
USAGE = frozenset({"cpu_usage", "ram_usage", "gpu_usage"})
# `gpu_memory < 12GB` speaks of what is left: the texts beside such rules say "low memory".
_SAME = {"gpu_memory": "gpu_memory_free", **CONTROL_PARAMETERS}
# What a share of, or an amount in bytes, means for a signal that is held otherwise.
_TOTALS = {
    "gpu_memory_free": "gpu_memory_total",
    "gpu_memory_used": "gpu_memory_total",
    "ram_used": "ram_total",
    "ram_free": "ram_total",
}
_IN_BYTES = {"ram_usage": "ram_used"}
_SHARES = frozenset(
    name for name, metric in METRICS.items() if metric.direction == "max" and name != "token_efficiency"
)
_MACHINE = frozenset(
    {*USAGE, *_TOTALS, *_TOTALS.values(), "disk_io", "temperature", "gpu_temperature", "gpu_memory"}
)


@dataclass(frozen=True, slots=True)
class Held:
    """How a comparison came out, and the value that decided it."""

    holds: bool | None  # None: the value is not known
    seen: Value | None


def canonical(name: str) -> str:
    """The one name of a signal."""
    for prefix in ("val_", "eval_"):
        if name.startswith(prefix):
            return "val_" + metric_name(name.removeprefix(prefix))
    return _SAME.get(name, metric_name(name))


def of_machine(name: str) -> bool:
    """Whether a signal is read off the machine, so that asking for it costs something."""
    return name in _MACHINE


def signal_of(signals: Signals, name: str) -> Value | None:
    """The value of a signal by any of its names."""
    one = canonical(name)
    return signals.get(one, signals.get(name))


def compared(comparison: Comparison, signals: Signals) -> Held:
    """Decide one comparison."""
    seen = _in_unit(comparison, signals)
    if seen is None:
        return Held(None, None)
    wanted = comparison.value
    if isinstance(seen, str) or isinstance(wanted, str):
        if comparison.operator not in ("==", "!="):
            return Held(None, seen)
        return Held(_OPERATORS[comparison.operator](str(seen), str(wanted)), seen)
    if isinstance(seen, float) and math.isnan(seen):
        # Every order with NaN is false: rules on NaN belong into on_nan.
        return Held(comparison.operator == "!=", seen)
    return Held(_OPERATORS[comparison.operator](seen, wanted), seen)


def _in_unit(comparison: Comparison, signals: Signals) -> Value | None:
    name = canonical(comparison.signal)
    if comparison.unit == "bytes":
        return signals.get(_IN_BYTES.get(name, name))
    value = signal_of(signals, comparison.signal)
    if comparison.unit != "percent" or value is None or isinstance(value, bool | str):
        return value
    if name in _TOTALS:
        total = signals.get(_TOTALS[name])
        return 100 * value / total if isinstance(total, int | float) and total else None
    if name.removeprefix("val_") in _SHARES:
        return 100 * value
    return value


def all_hold(comparisons: Iterable[Comparison], signals: Signals) -> tuple[bool, dict[str, Value | None]]:
    """Whether every comparison holds, and the values that were looked at. What is not known does not hold."""
    held = {comparison: compared(comparison, signals) for comparison in comparisons}
    values = {comparison.signal: one.seen for comparison, one in held.items()}
    return all(one.holds is True for one in held.values()), values
