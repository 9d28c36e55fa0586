"""The newest value of everything that training measures, under the names that conditions use.

A step gives loss, learning rate, step and epoch; a validation gives `val_loss`, `val_accuracy` and, since
rules write them so, `accuracy`. Kept over a resume, so that a rule sees what it would have seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from idiolect.okt.vocab import metric_name
from idiolect.train.signals import Value
from idiolect.train.step_facts import StepFacts

# What a trainer says about its own work while it validates.
_WORK = ("_runtime", "_per_second", "_compilation_time", "_model_preparation_time", "_samples", "_steps")


class TrainingBoard:
    """Signals of training by name."""

    def __init__(self) -> None:
        self._values: dict[str, Value | None] = {}
        self.stop_reason = ""  # who ended training early, and why

    def step(
        self, step: int, epoch: float, facts: StepFacts, learning_rate: float | None, **others: float | None
    ) -> None:
        """A step has ended."""
        self._values |= {
            "step": step,
            "epoch": epoch,
            "loss": facts.loss,
            "grad_norm": facts.grad_norm,
            "learning_rate": learning_rate,
            "token_count": facts.tokens,
            **others,
        }

    def logged(self, values: Mapping[str, Any]) -> None:
        """The trainer logged something. It stands in for what the loop itself does not tell of each step."""
        for name in ("loss", "grad_norm"):
            if self._values.get(name) is None and isinstance(values.get(name), int | float):
                self._values[name] = values[name]

    def validated(self, metrics: Mapping[str, Any]) -> dict[str, float]:
        """A validation has ended; its metrics by their names without a prefix."""
        found: dict[str, float] = {}
        for written, value in metrics.items():
            name = metric_name(written.removeprefix("eval_").removeprefix("val_"))
            number = value.item() if hasattr(value, "item") else value
            is_number = isinstance(number, int | float) and not isinstance(number, bool)
            if is_number and not written.endswith(_WORK) and name not in ("epoch", "step"):
                found[name] = number
        for name, value in found.items():
            self._values[f"val_{name}"] = value
            if name != "loss":
                self._values[name] = value
        return found

    def values(self) -> dict[str, Value | None]:
        """All of it."""
        return dict(self._values)

    def metrics(self) -> dict[str, float]:
        """Its numbers, for a hook."""
        return {
            name: value
            for name, value in self._values.items()
            if isinstance(value, int | float)
            and not isinstance(value, bool)
            and name not in ("step", "epoch")
        }

    def state(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"values": dict(self._values)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken."""
        self._values = dict(state["values"])
