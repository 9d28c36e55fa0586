"""What the callbacks of a training share: what they are given, their files, their state in a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from idiolect.plan.plan import Plan
from idiolect.train.board import TrainingBoard
from idiolect.train.control import Decision
from idiolect.train.hooks import HookRunner
from idiolect.train.json_list import JsonList
from idiolect.train.levers import Lever
from idiolect.train.live_file import LiveFile
from idiolect.train.live_line import LiveLine
from idiolect.train.machine_load import Machine
from idiolect.train.metrics_log import MetricsStream, TrainingLog
from idiolect.train.run_files import RunFiles
from idiolect.train.step_facts import StepFacts


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
            self.decisions.keep(partial(made_by, step))

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


class KeptCallback(TrainerCallback, ExportableState):  # type: ignore[misc]
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


class BoardCallback(KeptCallback):
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


def made_by(step: int, record: Mapping[str, Any]) -> bool:
    """Whether a training that goes on after a step keeps a record; one that begins anew keeps none."""
    return bool(step) and int(record.get("step", 0)) <= step


def ends_epoch(state: Any) -> bool:
    """Whether the step that has just ended is an epoch's last."""
    epoch = float(state.epoch or 0.0)
    return epoch > 0 and abs(epoch - round(epoch)) < 1e-9


def number_of(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def of_first_process(values: dict[str, Any]) -> dict[str, Any]:
    """The same values in every process: those of the first. Rules must not part them."""
    import torch.distributed as distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return values
    if distributed.get_world_size() == 1:
        return values
    shared = [values]
    distributed.broadcast_object_list(shared, src=0)
    return shared[0]
