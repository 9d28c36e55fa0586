"""Learning rates over the steps of a training: the library's schedules, `step`, and a pace that may change.

When CONTROL changes the batch size, an epoch gets another number of steps; the schedule then goes on faster
or slower from where it is, so that it still ends with the training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from idiolect.okt.vocab import Scheduler

_STEP_FACTOR = 0.1  # what the rate is multiplied by after each third
_STEP_PARTS = 3


@dataclass(slots=True)
class Pace:
    """How many steps of the schedule one step of training is."""

    _since: int = 0
    _position: float = 0.0
    _pace: float = 1.0

    def __call__(self, step: int) -> float:
        return self._position + (step - self._since) * self._pace

    def change(self, step: int, factor: float) -> None:
        """From a step on, go so much faster."""
        self._position, self._since = self(step), step
        self._pace *= factor

    def state(self) -> list[float]:
        """What a resumed run needs."""
        return [self._since, self._position, self._pace]

    def restore(self, state: list[float]) -> None:
        """Go on where a state was taken."""
        self._since, self._position, self._pace = int(state[0]), state[1], state[2]


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """The shape of a schedule."""

    name: Scheduler
    warmup_steps: int
    steps: int
    pace: Pace = field(default_factory=Pace)


def make_schedule(settings: ScheduleSettings, optimizer: Any) -> Any:
    """The scheduler of an optimizer. A rule that sets the rate changes `base_lrs`; the shape goes on."""
    from torch.optim.lr_scheduler import LambdaLR

    shape = _shape(settings, optimizer)
    return LambdaLR(optimizer, lambda step: shape(settings.pace(step)))


def _shape(settings: ScheduleSettings, optimizer: Any) -> Callable[[float], float]:
    """The factor of the peak rate at a place of the schedule."""
    if settings.name == "step":
        return lambda at: _stepwise(at, settings.warmup_steps, settings.steps)
    from transformers import get_scheduler

    rates = [group["lr"] for group in optimizer.param_groups]
    name = settings.name
    if name == "constant" and settings.warmup_steps:
        name = "constant_with_warmup"
    made = get_scheduler(
        name,
        optimizer=optimizer,
        num_warmup_steps=settings.warmup_steps,
        num_training_steps=settings.steps,
    )
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
        group.pop("initial_lr", None)
    shape: Callable[[float], float] = made.lr_lambdas[0]
    return shape


def _stepwise(at: float, warmup: int, steps: int) -> float:
    if at < warmup:
        return at / max(1, warmup)
    done = (at - warmup) / max(1, steps - warmup)
    return float(_STEP_FACTOR ** min(_STEP_PARTS - 1, int(_STEP_PARTS * done)))
