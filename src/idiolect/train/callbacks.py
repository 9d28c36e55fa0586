"""Ties control rules, stability, monitor, logs, hooks and the live line to a transformers.Trainer.

`callbacks_of` makes the list that the trainer is given. Each adapter is thin: it hands on what happened, and
carries out what an engine decided. With several processes the first one decides, and all act alike; only it
writes. State goes into the trainer's own checkpoint (`trainer_state.json`) and is taken from there on resume.

An epoch's end is dealt with at its last step, after a validation that belongs to it and before a checkpoint:
a checkpoint at that step then holds what the rules did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from idiolect.okt.blocks.answer import Control
from idiolect.okt.vocab import INFERENCE_SIGNALS
from idiolect.plan.plan import Plan
from idiolect.train.board import TrainingBoard
from idiolect.train.control import ControlEngine, Decision, Event, Moment
from idiolect.train.hooks import HookRunner
from idiolect.train.json_list import JsonList
from idiolect.train.levers import Lever, TrainerLoop, save_weights
from idiolect.train.live_file import LiveFile
from idiolect.train.live_line import LiveLine, Progress
from idiolect.train.machine_load import Load, Machine, ThisMachine
from idiolect.train.metrics_log import MetricsStream, TrainingLog
from idiolect.train.monitor import MOST_SAMPLES, Outlets, TrainingMonitor
from idiolect.train.plateau import Plateau
from idiolect.train.run_files import RunFiles
from idiolect.train.signals import Signals
from idiolect.train.speed import SpeedMeter
from idiolect.train.stability import StabilityWatch
from idiolect.train.step_facts import StepFacts
from idiolect.train.triggers import Triggers

_LOAD_EVERY_S = 1.0  # the machine is asked for rules at most this often


def nothing(text: str) -> None:
    """For who does not listen."""


@dataclass(slots=True)
class Surroundings:
    """What a trainer gives its callbacks."""

    plan: Plan
    files: RunFiles
    facts: StepFacts  # the trainer writes it with each step, before on_step_end
    say: Callable[[str], None] = nothing  # a line for the run's log and the terminal
    warn: Callable[[str], None] = nothing
    levers: Mapping[str, Lever] = field(default_factory=dict)  # batch_size, early_stop_patience, ...
    can_validate: bool = True
    save_model: Callable[[str], str] | None = None  # where the default, save_pretrained, will not do
    hooks: HookRunner | None = None
    machine: Machine | None = None
    live_line: LiveLine | None = None
    writes: bool = True  # whether this process is the one that writes
    device: str = "cpu"
    gpu: int | None = None


def callbacks_of(around: Surroundings) -> list[TrainerCallback]:
    """The callbacks that a plan asks for, in the order in which they must stand."""
    board = TrainingBoard()
    logs = Logs(around)
    machine = around.machine or ThisMachine(around.gpu)
    callbacks: list[TrainerCallback] = [BoardCallback(around, board)]
    callbacks.append(LogCallback(around, board, logs))
    control, stability = around.plan.control, around.plan.stability
    if stability is not None and (stability.stop_if_nan or stability.stop_if_diverges):
        callbacks.append(StabilityCallback(around, board, logs))
    if control is not None:
        callbacks.append(ControlCallback(around, board, logs, control, machine))
    if around.hooks is not None:
        callbacks.append(HookCallback(around, board, logs, around.hooks))
    if around.plan.monitor is not None and around.writes:
        callbacks.append(MonitorCallback(around, board, logs, machine))
    if around.live_line is not None and around.writes:
        callbacks.append(LiveLineCallback(around, board, around.live_line, machine))
    return callbacks


class Logs:
    """The files that several callbacks write to; silent in a process that does not write."""

    def __init__(self, around: Surroundings) -> None:
        plan, files = around.plan, around.files
        logging = plan.logging
        saves = around.writes and (logging is None or logging.save_logs)
        self.live = LiveFile(files.live) if around.writes else None
        self.stream = MetricsStream(files.stream) if around.writes else None
        self.training = (
            TrainingLog(
                files.training,
                project=plan.project.name,
                version=plan.project.version,
                model_base=plan.model.base if plan.model else None,
                device=around.device,
            )
            if saves
            else None
        )
        self.decisions = JsonList(files.decisions) if around.writes and plan.control is not None else None

    def begin(self, step: int) -> None:
        """A training begins, or goes on after a step: what it will write again is dropped."""
        if self.stream is not None:
            self.stream.begin(step)
        if self.training is not None:
            self.training.begin(step)
        if self.decisions is not None:
            self.decisions.keep(partial(_made_by, step))

    def decided(self, decision: Decision) -> None:
        """Write a decision down."""
        record = asdict(decision)
        if self.decisions is not None:
            self.decisions.add(record)
        if self.training is not None:
            self.training.decided(record)
        if self.live is not None:
            self.live.tell("decision", record)

    def flush(self) -> None:
        """Write what waits."""
        if self.decisions is not None:
            self.decisions.flush()
        if self.training is not None:
            self.training.write()


class _Kept(TrainerCallback, ExportableState):  # type: ignore[misc]
    """A callback whose state lies in the checkpoint under its class's name."""

    def kept(self) -> dict[str, Any]:
        return {}

    def take(self, kept: Mapping[str, Any]) -> None: ...

    def state(self) -> dict[str, Any]:
        return {"args": {}, "attributes": {"kept": self.kept()}}

    def resumed(self, state: Any) -> None:
        """Take over what the checkpoint holds, if this training goes on from one."""
        if not state.global_step:
            return
        found = (state.stateful_callbacks or {}).get(type(self).__name__)
        if isinstance(found, Mapping):
            self.take(found["attributes"]["kept"])


class BoardCallback(_Kept):
    """Keeps the signals of training. First in the list: the others read them."""

    def __init__(self, around: Surroundings, board: TrainingBoard) -> None:
        self._around, self.board = around, board  # `board`: others say there why training ends

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.resumed(state)
        self._step(state, kwargs.get("optimizer"))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._step(state, kwargs.get("optimizer"))

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        self.board.logged(logs or {})

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        self.board.validated(metrics or {})

    def _step(self, state: Any, optimizer: Any) -> None:
        rate = float(optimizer.param_groups[0]["lr"]) if optimizer is not None else None
        lever = self._around.levers.get("batch_size")
        size = lever.get() if lever else self._around.plan.train and self._around.plan.train.batch_size
        self.board.step(
            state.global_step, float(state.epoch or 0.0), self._around.facts, rate, batch_size=size or None
        )

    def kept(self) -> dict[str, Any]:
        facts = asdict(self._around.facts)
        return {"board": self.board.state(), "facts": facts}

    def take(self, kept: Mapping[str, Any]) -> None:
        self.board.restore(kept["board"])
        for name, value in kept["facts"].items():
            setattr(self._around.facts, name, value)


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


class StabilityCallback(_Kept):
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


class ControlCallback(_Kept):
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
        patience = train.early_stop_patience if train else 2
        self._triggers = Triggers(Plateau(patience, smallest))

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._attach(args, state, control, kwargs)
        self.resumed(state)
        for name in sorted(self._engine.asked_signals() & set(INFERENCE_SIGNALS) - {"confidence"}):
            self._around.warn(f'CONTROL: signal "{name}" belongs to answers; a rule on it can\'t fire here')
        self._tell("train_begin", state)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._attach(args, state, control, kwargs)
        signals = self._signals()
        if self._triggers.nan(_number(signals["loss"]), _number(signals["grad_norm"])):
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
        return _of_first_process(signals)

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


class HookCallback(_Kept):
    """Calls the user's hooks around epochs and after checkpoints. The first process alone calls them."""

    def __init__(self, around: Surroundings, board: TrainingBoard, logs: Logs, hooks: HookRunner) -> None:
        self._around, self._board, self._logs, self._hooks = around, board, logs, hooks
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
        if self._around.writes and self._hooks.has("on_checkpoint"):
            self._call(
                "on_checkpoint",
                {"path": self._checkpoint, "step": state.global_step, "metrics": self._board.metrics()},
            )

    def _epoch(self, name: str, epoch: int, state: Any, control: Any) -> None:
        if not self._hooks.has(name):
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
        if _of_first_process({"stop": wants_stop})["stop"]:
            control.should_training_stop = True
            self._board.stop_reason = self._board.stop_reason or f"hook {name} returned true"
            self._around.say(f"training stops: {self._board.stop_reason}")

    def _call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        outcome = self._hooks.call(name, arguments)
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
                one.keep(partial(_made_by, step))
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
            loss=_number(values.get("loss")),
            val_loss=_number(values.get("val_loss")),
            tokens=self._around.facts.tokens,
        )


def _made_by(step: int, record: Mapping[str, Any]) -> bool:
    """Whether a training that goes on after a step keeps a record; one that begins anew keeps none."""
    return bool(step) and int(record.get("step", 0)) <= step


def ends_epoch(state: Any) -> bool:
    """Whether the step that has just ended is an epoch's last."""
    epoch = float(state.epoch or 0.0)
    return epoch > 0 and abs(epoch - round(epoch)) < 1e-9


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _of_first_process(values: dict[str, Any]) -> dict[str, Any]:
    """The same values in every process: those of the first. Rules must not part them."""
    import torch.distributed as distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return values
    if distributed.get_world_size() == 1:
        return values
    shared = [values]
    distributed.broadcast_object_list(shared, src=0)
    return shared[0]
