"""When training logs, validates, saves and ends: by steps, by epochs, without progress, when the user asks.

The first of the callbacks: those behind it see an epoch's true number and what is due with a step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from transformers import TrainerCallback

from idiolect.train.levers import Lever
from idiolect.train.parameters import CantChange
from idiolect.train.plateau import Plateau
from idiolect.train.settings import Looking, LoopSettings

_GUARD_EVERY_S = 300.0  # between checkpoints that only guard against a kill
_GUARD_SHARE = 20  # writing them takes at most one part in twenty of the time


class FlowCallback(TrainerCallback):  # type: ignore[misc]
    """What is due with each step and each epoch."""

    def __init__(
        self,
        settings: LoopSettings,
        *,
        validates: bool,
        stopping: Callable[[], bool] = lambda: False,
        agreed: Callable[[bool], bool] = lambda here: here,
        say: Callable[[str], None] = lambda text: None,
        ended: Callable[[str], None] = lambda reason: None,
        guard_every_s: float = _GUARD_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._looking: Looking = settings.looking
        self._validates = validates
        self._stopping, self._agreed, self._say, self._ended = stopping, agreed, say, ended
        self._clock = clock
        self._guard_every = guard_every_s
        self._guard_due = clock() + guard_every_s
        self._plateau = Plateau(self._looking.patience, self._looking.min_delta, self._looking.direction)
        self._best: float | None = None
        self._warned = False
        self.eval_steps = self._looking.every_steps if validates else None
        self.save_steps = settings.save_steps if settings.save_strategy == "steps" else None
        self.trainer: Any = None
        self.stopped = False  # because the user asked
        self.stop_reason = ""
        self.best_step: int | None = None

    # Levers of CONTROL.

    def levers(self) -> dict[str, Lever]:
        """What rules may change of it."""
        return {
            "batch_size": Lever(self._batch_size, self._set_batch_size),
            "eval_steps": Lever(
                lambda: self.eval_steps, lambda value: setattr(self, "eval_steps", int(value))
            ),
            "checkpoint_steps": Lever(
                lambda: self.save_steps, lambda value: setattr(self, "save_steps", int(value))
            ),
            "early_stop_patience": Lever(
                lambda: self._plateau.patience, lambda value: setattr(self._plateau, "patience", int(value))
            ),
            "early_stop_min_delta": Lever(
                lambda: self._plateau.min_delta, lambda value: setattr(self._plateau, "min_delta", value)
            ),
        }

    def _batch_size(self) -> float:
        return int(self.trainer.parts.feed.rows_per_step) / self._settings.accumulation

    def _set_batch_size(self, value: float) -> None:
        """Deal the rest anew; the schedule goes at another pace, and training by epochs has other steps."""
        feed, state = self.trainer.parts.feed, self.trainer.state
        size = int(value) * self._settings.accumulation
        if size == feed.rows_per_step:
            return
        before = feed.steps_per_epoch()
        try:
            feed.set_rows_per_step(size)
        except ValueError as error:
            raise CantChange(str(error)) from error
        if self._settings.max_steps is None:
            self.trainer.pace.change(state.global_step, before / feed.steps_per_epoch())
            state.max_steps = state.global_step + feed.steps_left(self._settings.epochs)

    # Events of the loop.

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._guard_due = self._clock() + self._guard_every

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        state.epoch = self.trainer.parts.feed.progress

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        feed = self.trainer.parts.feed
        state.epoch = feed.progress
        step, ends_epoch = state.global_step, feed.progress == int(feed.progress)
        last = step >= state.max_steps
        if self._validates:
            by_steps = self.eval_steps is not None and step % self.eval_steps == 0
            every = self._looking.every_epochs
            by_epochs = every is not None and ends_epoch and int(feed.progress) % every == 0
            control.should_evaluate = bool(control.should_evaluate or by_steps or by_epochs or last)
        asked = self.save_steps is not None and step % self.save_steps == 0
        asked |= self._settings.save_strategy == "epoch" and ends_epoch
        asked |= self._settings.save_strategy != "no" and last
        if asked:
            control.should_save = True
        self._look_around(control, last)
        if last:
            control.should_training_stop = True
            control.should_log = True

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        value = _watched(metrics or {}, self._looking.watched)
        if value is None:
            if not self._warned and self._looking.watched != "loss":
                self._warned = True
                self._say(
                    f'the metric "{self._looking.watched}" is not measured here; the loss is watched instead'
                )
            value = _watched(metrics or {}, "loss")
        if value is None:
            return
        better = self._best is None or (
            value < self._best if self._looking.direction == "min" else value > self._best
        )
        if better:
            self._best = value
            if self._looking.save_best:
                if self.best_step is not None:
                    self.trainer.spared.discard(self.best_step)
                self.best_step = state.global_step
                self.trainer.spared.add(state.global_step)
                control.should_save = True
        if self._plateau.look(value) and self._looking.early_stopping:
            control.should_training_stop = True
            self.stop_reason = (
                f"early stopping: {self._looking.watched} did not improve by {self._plateau.min_delta:g} "
                f"in {self._plateau.patience} evaluations; its best was {self._plateau.best:.4g}"
            )
            self._say(self.stop_reason)
            self._ended(self.stop_reason)

    def saved(self, seconds: float) -> None:
        """A checkpoint was written, which took so long."""
        self._guard_due = self._clock() + max(self._guard_every, _GUARD_SHARE * seconds)

    def _look_around(self, control: Any, last: bool) -> None:
        """Whether the user wants training to end, and whether a checkpoint is due in case it is killed."""
        if self._agreed(self._stopping()):
            self.stopped = True
            control.should_training_stop = True
            self._ended("stopped; the same command goes on")
        due = self._agreed(self._clock() >= self._guard_due)
        if due or last or self.stopped:
            self.trainer.guard_wanted = True

    def state(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {
            "plateau": self._plateau.state(),
            "patience": self._plateau.patience,
            "min_delta": self._plateau.min_delta,
            "best": self._best,
            "best_step": self.best_step,
            "eval_steps": self.eval_steps,
            "save_steps": self.save_steps,
            "max_steps": self.trainer.state.max_steps,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken."""
        self._plateau.restore(state["plateau"])
        self._plateau.patience, self._plateau.min_delta = state["patience"], state["min_delta"]
        self._best, self.best_step = state["best"], state["best_step"]
        self.eval_steps, self.save_steps = state["eval_steps"], state["save_steps"]


def _watched(metrics: Mapping[str, Any], name: str) -> float | None:
    value = metrics.get(f"eval_{name}", metrics.get(name))
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
