"""The levers of a transformers.Trainer's loop that rules of CONTROL may pull.

A learning rate is changed in the optimizer and in the schedule alike, so that the schedule goes on from
there. What the trainer alone can change (the batch size, early stopping) it hands in as levers of its own.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from idiolect.train.parameters import CantChange


@dataclass(frozen=True, slots=True)
class Lever:
    """One parameter: how to read it and how to change it. `set` may raise CantChange."""

    get: Callable[[], float | None]
    set: Callable[[float], None]


@dataclass(slots=True)
class TrainerLoop:
    """The loop of a trainer, as CONTROL acts on it. Its parts are set before each event."""

    say: Callable[[str], None]
    stop_with: Callable[[str], None]  # is told why training ends
    save_model: Callable[[str], str]  # writes the weights under a name, and says where
    levers: Mapping[str, Lever] = field(default_factory=dict)
    can_validate: bool = True
    args: Any = None
    state: Any = None
    control: Any = None
    optimizer: Any = None
    scheduler: Any = None

    def get(self, parameter: str) -> float | None:
        """The value of a parameter now; None where there is none of this name."""
        lever = self._lever(parameter)
        return lever.get() if lever else None

    def set(self, parameter: str, value: float) -> None:
        """Change a parameter from the next step on."""
        lever = self._lever(parameter)
        if lever is None:
            raise CantChange(f"this training has no {parameter}")
        lever.set(value)

    def save(self, what: Literal["model", "checkpoint", "named"], name: str) -> str:
        """Ask for a checkpoint with this step, or write the weights now."""
        if what == "checkpoint":
            self.control.should_save = True
            return f"checkpoint-{self.state.global_step}"
        try:
            return self.save_model(safe_name(name) if what == "named" else "model")
        except OSError as error:
            return f"not saved: {error.strerror or error}"

    def stop(self, reason: str) -> str:
        """End training after this step."""
        self.control.should_training_stop = True
        self.stop_with(reason)
        return "training ends after this step"

    def validate(self) -> str:
        """Validate with this step."""
        if not self.can_validate:
            return "there is nothing to validate on"
        self.control.should_evaluate = True
        return "validation with this step"

    def _lever(self, name: str) -> Lever | None:
        if name in self.levers:
            return self.levers[name]
        if name == "gradient_clip":
            return Lever(lambda: self.args.max_grad_norm or None, self._setter(self.args, "max_grad_norm"))
        steps = {"logging_steps": "logging", "eval_steps": "eval", "checkpoint_steps": "save"}.get(name)
        if steps is not None:
            strategy = getattr(self.args, f"{steps}_strategy", "no")
            if str(getattr(strategy, "value", strategy)) != "steps":
                return None
            attribute = "save_steps" if steps == "save" else name
            return Lever(lambda: getattr(self.state, attribute), self._setter(self.state, attribute))
        if self.optimizer is None:
            return None
        return {
            "learning_rate": Lever(lambda: float(self._groups()[0]["lr"]), self._set_learning_rate),
            "weight_decay": Lever(self._weight_decay, self._set_weight_decay),
        }.get(name)

    def _groups(self) -> list[dict[str, Any]]:
        groups: list[dict[str, Any]] = self.optimizer.param_groups
        return groups

    def _setter(self, of: Any, attribute: str) -> Callable[[float], None]:
        return lambda value: setattr(of, attribute, value)

    def _set_learning_rate(self, value: float) -> None:
        now = float(self._groups()[0]["lr"])
        factor = value / now if now else None  # groups keep their ratio to each other

        def changed(old: float) -> float:
            return old * factor if factor is not None else value

        for group in self._groups():
            # A schedule may hold the rate as a tensor on the device; it is changed in place then.
            if hasattr(group["lr"], "fill_"):
                group["lr"].fill_(changed(float(group["lr"])))
            else:
                group["lr"] = changed(group["lr"])
            if "initial_lr" in group:
                group["initial_lr"] = changed(float(group["initial_lr"]))
        scheduler = getattr(self.scheduler, "scheduler", self.scheduler)
        for name in ("base_lrs", "_last_lr"):
            rates = getattr(scheduler, name, None)
            if rates is not None:
                setattr(scheduler, name, [changed(float(rate)) for rate in rates])

    def _weight_decay(self) -> float:
        return max(float(group.get("weight_decay", 0.0)) for group in self._groups())

    def _set_weight_decay(self, value: float) -> None:
        decayed = [group for group in self._groups() if group.get("weight_decay")]
        # Where nothing decays yet, the trainer's first group is that of the weights that may.
        for group in decayed or self._groups()[:1]:
            group["weight_decay"] = value


def safe_name(name: str) -> str:
    """A name for a folder out of what a script says."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:100] or "model"


def save_weights(model: Any, folder: Path) -> Path:
    """Write a model's weights (an adapter's, where it has one) as safetensors: beside, and renamed."""
    beside = folder.with_name(f".{folder.name}.partial")
    former = folder.with_name(f".{folder.name}.former")
    for leftover in (beside, former):
        shutil.rmtree(leftover, ignore_errors=True)
    beside.mkdir(parents=True)
    inner = model.module if hasattr(model, "module") else model  # DDP wraps it
    inner.save_pretrained(beside)
    if folder.exists():
        folder.rename(former)
    beside.rename(folder)
    shutil.rmtree(former, ignore_errors=True)
    return folder
