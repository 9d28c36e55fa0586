"""Callbacks that act: STABILITY, CONTROL and HOOKS."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from idiolect.okt.blocks.answer import Control
from idiolect.okt.blocks.train import Train
from idiolect.okt.blocks.watch import Hooks
from idiolect.okt.vocab import INFERENCE_SIGNALS
from idiolect.train.board import TrainingBoard
from idiolect.train.callback_base import (
    KeptCallback,
    Logs,
    Surroundings,
    ends_epoch,
    number_of,
    of_first_process,
)
from idiolect.train.control import ControlEngine, Decision, Event, Moment
from idiolect.train.hooks import HOOKS
from idiolect.train.levers import TrainerLoop, save_weights
from idiolect.train.machine_load import Load, Machine
from idiolect.train.plateau import Plateau
from idiolect.train.signals import Signals
from idiolect.train.stability import StabilityWatch
from idiolect.train.triggers import Triggers

_LOAD_EVERY_S = 1.0  # the machine is asked for rules at most this often


class StabilityCallback(KeptCallback):
    """Ends training when the loss is no number or runs away."""

    def __init__(self, around: Surroundings, board: TrainingBoard, logs: Logs) -> None:
        assert around.plan.stability is not None
        self._around, self._board, self._logs = around, board, logs
        self._watch = StabilityWatch(
            around.plan.stability.stop_if_nan, around.plan.stability.stop_if_diverges
        )

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.resumed(state)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        facts = self._around.facts
        broken = self._watch.look(state.global_step, facts.loss, facts.grad_norm)
        if broken is None:
            return
        control.should_training_stop = True
        # The weights are broken: what is saved now would be loaded by a run that goes on.
        control.should_save = False
        if self._board.stop_reason:
            return
        name = "stop_if_nan" if broken.what == "nan" else "stop_if_diverges"
        self._board.stop_reason = f"STABILITY.{name}: {broken.message}"
        values = {"loss": facts.loss, "grad_norm": facts.grad_norm}
        epoch = round(float(state.epoch or 0.0), 4)
        self._logs.decided(
            Decision(
                state.global_step, epoch, f"STABILITY.{name}", broken.message, values, "STOP_TRAINING", ""
            )
        )
        self._around.warn(self._board.stop_reason)

    def kept(self) -> dict[str, Any]:
        return self._watch.state()

    def take(self, kept: Mapping[str, Any]) -> None:
        self._watch.restore(kept)


class ControlCallback(KeptCallback):
    """Tells the rules what happens, and writes down what they did."""

    def __init__(
        self,
        around: Surroundings,
        board: TrainingBoard,
        logs: Logs,
        control: Control,
        machine: Machine,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        train, stability = around.plan.train, around.plan.stability
        self._around, self._board, self._logs, self._machine = around, board, logs, machine
        self._clock = clock
        self._load: Load = {}
        self._load_at = -_LOAD_EVERY_S
        self._model: Any = None
        self._epoch_waits = False
        self._loop = TrainerLoop(
            around.say,
            self._stopped,
            around.save_model or self._save,
            around.levers,
            can_validate=around.can_validate,
        )
        self._engine = ControlEngine(control, self._loop, can_validate=around.can_validate)
        smallest = stability.min_improvement if stability else 0.0
        self._triggers = Triggers(Plateau(plateau_patience(train), smallest))

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._attach(args, state, control, kwargs)
        self.resumed(state)
        for name in sorted(self._engine.asked_signals() & set(INFERENCE_SIGNALS) - {"confidence"}):
            self._around.warn(f'CONTROL: signal "{name}" belongs to answers; a rule on it can\'t fire here')
        self._tell("train_begin", state)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._attach(args, state, control, kwargs)
        signals = self._signals()
        if self._triggers.nan(number_of(signals["loss"]), number_of(signals["grad_norm"])):
            self._tell("nan", state, signals)
        if self._engine.asks_machine and self._triggers.memory_low(signals):
            self._tell("memory_low", state, signals)
        self._tell("step_end", state, signals)
        if ends_epoch(state):
            self._epoch_waits = True
            by_epoch = str(getattr(args.eval_strategy, "value", args.eval_strategy)) == "epoch"
            if not control.should_evaluate and not by_epoch:
                self._end_epoch(state)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        loss = (logs or {}).get("loss")
        if not self._around.can_validate and isinstance(loss, int | float):
            self._attach(args, state, control, kwargs)
            if self._triggers.stalled(float(loss)):
                self._tell("plateau", state)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        self._attach(args, state, control, kwargs)
        self._tell("validated", state)
        loss = self._board.values().get("val_loss")
        if isinstance(loss, int | float) and self._triggers.stalled(float(loss)):
            self._tell("plateau", state)
        self._end_epoch(state)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._attach(args, state, control, kwargs)
        if not control.should_evaluate:
            self._end_epoch(state)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        for name in self._engine.silent_signals():
            self._around.warn(f'CONTROL: signal "{name}" was never available; a rule on it never fired')
        self._logs.flush()

    def _end_epoch(self, state: Any) -> None:
        if self._epoch_waits:
            self._epoch_waits = False
            self._tell("epoch_end", state)

    def _tell(self, event: Event, state: Any, signals: Signals | None = None) -> None:
        moment = Moment(event, state.global_step, float(state.epoch or 0.0))
        for decision in self._engine.happened(moment, signals or self._signals()):
            self._logs.decided(decision)

    def _signals(self) -> Signals:
        signals = self._board.values()
        if self._engine.asks_machine and self._around.writes:
            if self._clock() >= self._load_at + _LOAD_EVERY_S:
                self._load, self._load_at = self._machine.read(), self._clock()
            signals |= self._load
        return of_first_process(signals)

    def _attach(self, args: Any, state: Any, control: Any, kwargs: Mapping[str, Any]) -> None:
        loop = self._loop
        loop.args, loop.state, loop.control = args, state, control
        loop.optimizer = kwargs.get("optimizer", loop.optimizer)
        loop.scheduler = kwargs.get("lr_scheduler", loop.scheduler)
        self._model = kwargs.get("model", self._model)

    def _stopped(self, reason: str) -> None:
        if not self._board.stop_reason:
            self._board.stop_reason = reason
            self._around.say(f"training stops: {self._board.stop_reason}")

    def _save(self, name: str) -> str:
        folder = self._around.files.folder / "saved" / name
        if self._around.writes:
            save_weights(self._model, folder)
        return folder.relative_to(self._around.files.folder).as_posix()

    def kept(self) -> dict[str, Any]:
        return {
            "engine": self._engine.state(),
            "triggers": self._triggers.state(),
            "epoch_waits": self._epoch_waits,
        }

    def take(self, kept: Mapping[str, Any]) -> None:
        self._triggers.restore(kept["triggers"])
        self._epoch_waits = kept["epoch_waits"]
        self._engine.restore(kept["engine"])


def plateau_patience(train: Train | None) -> int:
    """Looks without progress before on_plateau: those of early stopping, or half where that is on itself.

    A rule that halves the rate in the moment in which training ends would never help.
    """
    if train is None:
        return 2
    return max(1, train.early_stop_patience // 2) if train.early_stopping else train.early_stop_patience


class HookCallback(KeptCallback):
    """Calls the user's hooks around epochs and after checkpoints. The first process alone calls them."""

    def __init__(self, around: Surroundings, board: TrainingBoard, logs: Logs, hooks: Hooks) -> None:
        self._around, self._board, self._logs = around, board, logs
        self._named = {name for name in HOOKS if getattr(hooks, name)}  # the same in every process
        self._begun = 0  # epochs that before_epoch was called for
        self._ended = 0
        self._checkpoint: str | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.resumed(state)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        epoch = int(float(state.epoch or 0.0) + 1e-6) + 1
        if epoch > self._begun:
            self._begun = epoch
            self._epoch("before_epoch", epoch, state, control)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        by_epoch = str(getattr(args.eval_strategy, "value", args.eval_strategy)) == "epoch"
        if ends_epoch(state) and not control.should_evaluate and not by_epoch:
            self._end_epoch(state, control)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        if ends_epoch(state):
            self._end_epoch(state, control)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if ends_epoch(state) and not control.should_evaluate:
            self._end_epoch(state, control)

    def _end_epoch(self, state: Any, control: Any) -> None:
        epoch = round(float(state.epoch or 0.0))
        if epoch > self._ended:
            self._ended = epoch
            self._epoch("after_epoch", epoch, state, control)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._checkpoint = str(Path(args.output_dir) / f"checkpoint-{state.global_step}")
        if self._around.writes and "on_checkpoint" in self._named:
            self._call(
                "on_checkpoint",
                {"path": self._checkpoint, "step": state.global_step, "metrics": self._board.metrics()},
            )

    def _epoch(self, name: str, epoch: int, state: Any, control: Any) -> None:
        if name not in self._named:
            return
        wants_stop = False
        if self._around.writes:
            model_state = {
                "step": state.global_step,
                "total_steps": state.max_steps,
                "learning_rate": self._board.values().get("learning_rate"),
                "checkpoint": self._checkpoint,
                "base": self._around.plan.model.base if self._around.plan.model else None,
            }
            answer = self._call(
                name, {"epoch": epoch, "metrics": self._board.metrics(), "model_state": model_state}
            )
            wants_stop = answer is True
        if of_first_process({"stop": wants_stop})["stop"]:
            control.should_training_stop = True
            self._board.stop_reason = self._board.stop_reason or f"hook {name} returned true"
            self._around.say(f"training stops: {self._board.stop_reason}")

    def _call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        assert self._around.hooks is not None
        outcome = self._around.hooks.call(name, arguments)
        if self._logs.live is not None:
            self._logs.live.tell("hook", {"hook": name, "how": outcome.how, "message": outcome.message})
        if outcome.how != "answered":
            self._around.warn(outcome.text)
            return None
        return outcome.value

    def kept(self) -> dict[str, Any]:
        return {"begun": self._begun, "ended": self._ended, "checkpoint": self._checkpoint}

    def take(self, kept: Mapping[str, Any]) -> None:
        self._begun, self._ended = kept["begun"], kept["ended"]
        self._checkpoint = kept["checkpoint"]
