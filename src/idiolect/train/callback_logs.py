"""Callbacks that write: logs and metrics, the monitor's samples, the terminal's live line."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from transformers import TrainerCallback

from idiolect.train.board import TrainingBoard
from idiolect.train.callback_base import Logs, Surroundings, made_by, number_of
from idiolect.train.json_list import JsonList
from idiolect.train.live_line import LiveLine, Progress
from idiolect.train.machine_load import Machine
from idiolect.train.monitor import MOST_SAMPLES, Outlets, TrainingMonitor, shown
from idiolect.train.speed import SpeedMeter


class LogCallback(TrainerCallback):  # type: ignore[misc]
    """training_metrics.jsonl, training_logs.json and the live file."""

    def __init__(self, around: Surroundings, board: TrainingBoard, logs: Logs) -> None:
        self._around, self._board, self._logs = around, board, logs
        self._speed = SpeedMeter()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._logs.begin(state.global_step)
        self._speed.begin(self._around.facts.tokens, self._around.facts.samples)
        if self._logs.live is not None:
            facts = {
                "project": self._around.plan.project.name,
                "total_steps": state.max_steps,
                "total_epochs": state.num_train_epochs,
                "from_step": state.global_step,
                "device": self._around.device,
            }
            self._logs.live.tell("begin", facts)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._speed.step_ends(self._around.facts.tokens, self._around.facts.samples)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        values = dict(logs or {})
        if any(name.startswith("eval_") for name in values):
            return  # comes again with on_evaluate
        self._write(state, values)
        logging = self._around.plan.logging
        if logging is not None and logging.log_level == "debug" and "loss" in values:
            said = ", ".join(f"{name} {shown(value)}" for name, value in values.items() if name != "epoch")
            self._around.say(f"step {state.global_step}: {said}")
        if self._logs.live is not None and "loss" in values:
            speed = {**self._speed.take(), **values, "step": state.global_step, "epoch": state.epoch}
            self._logs.live.tell("step", speed)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        values = {name: value for name, value in (metrics or {}).items() if name != "epoch"}
        self._write(state, values)
        if self._logs.live is not None:
            self._logs.live.tell("validation", {"step": state.global_step, "epoch": state.epoch, **values})

    def _write(self, state: Any, values: dict[str, Any]) -> None:
        epoch = float(state.epoch or 0.0)
        if self._logs.stream is not None and values:
            self._logs.stream.add(state.global_step, epoch, values)
        if self._logs.training is not None and values:
            self._logs.training.logged(state.global_step, epoch, values)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        loss = self._board.values().get("loss")
        if self._logs.training is not None:
            self._logs.training.checkpoint(state.global_step, loss if isinstance(loss, float) else None)
        if self._logs.live is not None:
            where = f"checkpoint-{state.global_step}"
            self._logs.live.tell("checkpoint", {"step": state.global_step, "path": where})
        self._logs.flush()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        ended = self._board.stop_reason or "all steps done"
        loss = self._board.values().get("loss")
        self._logs.flush()
        if self._logs.training is not None:
            self._logs.training.end(
                step=state.global_step,
                epochs=float(state.epoch or 0.0),
                loss=loss if isinstance(loss, int | float) else None,
                ended=ended,
            )
        if self._logs.live is not None:
            self._logs.live.tell("end", {"step": state.global_step, "epoch": state.epoch, "ended": ended})


class MonitorCallback(TrainerCallback):  # type: ignore[misc]
    """Starts and ends the monitor, and hands it what training measures."""

    def __init__(self, around: Surroundings, board: TrainingBoard, logs: Logs, machine: Machine) -> None:
        assert around.plan.monitor is not None
        files = around.files
        self._around, self._board, self._logs = around, board, logs
        self._outlets = Outlets(
            samples=JsonList(files.system, most=MOST_SAMPLES),
            notifications=JsonList(files.notifications),
            text=files.monitor_log,
            live=logs.live,
            notify=lambda one: self._notify(one.text, asdict(one)),
            warn=around.warn,
        )
        self._monitor = TrainingMonitor(around.plan.monitor, machine, self._outlets)

    def _notify(self, text: str, record: dict[str, Any]) -> None:
        self._around.warn(text)
        if self._logs.training is not None:
            self._logs.training.notified(record)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        for one in (self._outlets.samples, self._outlets.notifications):
            if one is not None and one.path.exists():
                step = state.global_step
                one.keep(partial(made_by, step))
        self._monitor.speed.begin(self._around.facts.tokens, self._around.facts.samples)
        self._monitor.start()

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._monitor.speed.step_begins()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._monitor.speed.step_ends(self._around.facts.tokens, self._around.facts.samples)
        self._monitor.tell(state.global_step, self._board.values())

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        self._monitor.tell(state.global_step, self._board.values())

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._monitor.stop()

    def close(self) -> None:
        """End the thread where training ended with an error."""
        self._monitor.stop()


class LiveLineCallback(TrainerCallback):  # type: ignore[misc]
    """Draws the one line of the terminal."""

    def __init__(self, around: Surroundings, board: TrainingBoard, line: LiveLine, machine: Machine) -> None:
        self._around, self._board, self._line, self._machine = around, board, line, machine
        self._first_step = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._first_step = state.global_step
        self._line.begin(self._around.facts.tokens)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._line.show(self._progress(state))

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        self._line.show(self._progress(state), now=True)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._line.close()

    def _progress(self, state: Any) -> Progress:
        values = self._board.values()
        return Progress(
            step=state.global_step,
            first_step=self._first_step,
            total=state.max_steps,
            epoch=float(state.epoch or 0.0),
            loss=number_of(values.get("loss")),
            val_loss=number_of(values.get("val_loss")),
            tokens=self._around.facts.tokens,
        )
