"""transformers' Trainer, fed with whole steps: our rows, losses and checkpoints; its loop and devices.

One batch of the loader is what this process does of one optimizer step: some micro-batches, whose losses are
divided by the weight of the whole step over all processes. So `batch_size` 1 eight times and 8 once have one
gradient, and memory is bounded by tokens alone. When memory runs out, the step is cut finer and done again.

An update whose gradient is no number is left out, so that a checkpoint never holds broken weights; what else
is done about it is STABILITY's and CONTROL's business.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer
from transformers.trainer_callback import ExportableState, TrainerState

from idiolect.problem import problem
from idiolect.train import checkpoints
from idiolect.train.checkpoints import Checkpoint
from idiolect.train.feed import Feed, Work
from idiolect.train.objectives import Objective
from idiolect.train.processes import Processes
from idiolect.train.random_state import put_state, take_state
from idiolect.train.schedules import Pace, ScheduleSettings, make_schedule
from idiolect.train.shortage import disk_trouble, is_out_of_memory, out_of_memory
from idiolect.train.state_tree import read_tree, write_tree
from idiolect.train.step_facts import StepFacts
from idiolect.train.trouble import TrainingError
from idiolect.train.weights import read_weights

STATE, LOOP, OPTIMIZER, SCHEDULER, RANDOM = "trainer_state.json", "loop", "optimizer", "scheduler", "random"
_MOST_SKIPPED = 25  # updates in a row that may be no numbers
_CLOCKS = ("_runtime", "_per_second", "_flos")


@dataclass(slots=True)
class Parts:
    """What the trainer is made of besides transformers' own."""

    feed: Feed
    objective: Objective
    facts: StepFacts
    processes: Processes
    schedule: ScheduleSettings
    fingerprint: str
    save_student: Callable[[Path, Mapping[str, Any] | None], None]
    epochs: int
    max_steps: int | None  # wins over epochs
    validate: Callable[[Any], dict[str, float]] | None = None
    saved: Callable[[float], None] = lambda seconds: None  # a checkpoint took so long
    warn: Callable[[str], None] = lambda text: None
    save_total_limit: int = 3
    may_cut: bool = True  # a step may be cut finer when memory runs out
    others: Mapping[str, Any] = field(
        default_factory=dict
    )  # of what else lies in a checkpoint: name -> state()/restore()


class FeedLoader:
    """The feed as the loop iterates it: one item a step, one iteration an epoch."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.dataset = range(feed.rows)
        self.batch_sampler = None

    def __iter__(self) -> Iterator[Work]:
        return iter(self._feed)

    def __len__(self) -> int:
        return self._feed.steps_per_epoch()


class StudentTrainer(Trainer):  # type: ignore[misc]
    """The loop of transformers over a feed."""

    lr_scheduler: Any
    optimizer: Any
    control: Any

    def __init__(
        self, model: Any, args: Any, parts: Parts, optimizer: tuple[Any, Any], callbacks: list[Any]
    ) -> None:
        self.parts = parts
        self._skipped = 0
        self._sums: dict[str, float] = {}  # since the last log
        self.last_sums: dict[str, float] = {}  # of the last step
        self._sums_weight = 0.0
        self.guard_wanted = False  # a checkpoint is due that the script does not ask for
        self._saved_at = -1
        self.spared: set[int] = set()  # checkpoints that are not thinned out
        super().__init__(model=model, args=args, optimizer_cls_and_kwargs=optimizer, callbacks=callbacks)
        self.loss_is_scaled_for_ga = True

    # What the loop iterates, and where it begins.

    def get_train_dataloader(self) -> FeedLoader:
        return FeedLoader(self.parts.feed)

    def set_initial_training_values(self, args: Any, dataloader: Any) -> tuple[Any, ...]:
        """Steps of an epoch are counted generously: the loader's end ends it (`get_batch_samples`)."""
        rows = self.parts.feed.rows
        max_steps = self.parts.schedule.steps if args.max_steps <= 0 else args.max_steps
        epochs = math.ceil(args.num_train_epochs) if args.max_steps <= 0 else max_steps + 1
        return epochs, rows + 1, rows, rows * epochs, self.parts.feed.rows_per_step, rows + 1, max_steps

    def get_batch_samples(
        self, epoch_iterator: Any, num_batches: int, device: Any
    ) -> tuple[list[Work], None]:
        if self.state.global_step >= self.state.max_steps:
            self.control.should_training_stop = True
            return [], None
        work = next(epoch_iterator, None)
        if work is None:
            self.control.should_epoch_stop = True
            return [], None
        return [work], None

    def _init_training_state(
        self, max_steps: int, steps_per_epoch: int, epochs: int, resume_from_checkpoint: Any, trial: Any
    ) -> tuple[int, int]:
        self.state = TrainerState()
        self.state.compute_steps(self.args, max_steps)
        self.state.train_batch_size = self.args.per_device_train_batch_size
        if resume_from_checkpoint is not None:
            said = json.loads((Path(resume_from_checkpoint) / STATE).read_text("utf-8"))
            known = {one.name for one in dataclasses.fields(TrainerState)}
            for name, value in said.items():
                if name in known:
                    setattr(self.state, name, value)
            self._restore_loop(Path(resume_from_checkpoint))
        self.state.init_training_references(self, max_steps, epochs, trial)
        feed = self.parts.feed
        if resume_from_checkpoint is not None and self.parts.max_steps is None:
            self.state.max_steps = self.state.global_step + feed.steps_left(self.parts.epochs)
        begun = feed.epoch + (1 if feed.progress >= feed.epoch + 1 else 0)
        return begun, 0

    # One step.

    def training_step(self, model: Any, inputs: Work, num_items_in_batch: Any = None) -> Any:
        """Gradients of one whole step; its loss as this process's part of the mean over processes."""
        model.train()
        work = inputs
        while True:
            try:
                loss, sums, tokens = self._gradients(model, work)
                break
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                work = self._cut_finer(model, error)
        total = self.parts.processes.summed({"loss": loss, "here": float(tokens), **sums})
        self.last_sums = dict(total)
        facts = self.parts.facts
        facts.loss = total["loss"] / work.weight
        facts.tokens += int(total.pop("here"))
        facts.samples += work.rows
        for name, value in total.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._sums_weight += work.weight
        return torch.tensor(facts.loss, device=self.args.device)

    def _gradients(self, model: Any, work: Work) -> tuple[float, dict[str, float], int]:
        """Run the micro-batches forward and backward; gradients meet other processes at the last one."""
        total, tokens = 0.0, 0
        sums: dict[str, float] = {}
        rounds = [rows or None for rows in work.batches]
        processes = self.parts.processes.count
        for number, rows in enumerate(rounds):
            last = number == len(rounds) - 1
            here = rows or (work.filler,)
            with self._unsynced(model, not last), self.compute_loss_context_manager():
                told = self.parts.objective.told(model, here)
                scaled = told.loss * ((processes if rows else 0) / work.weight)
                self.accelerator.backward(scaled)
            if rows:
                total += float(told.loss.detach())
                tokens += self.parts.objective.tokens(rows)
                for name, value in told.sums.items():
                    sums[name] = sums.get(name, 0.0) + value
        return total, sums, tokens

    def _unsynced(self, model: Any, wanted: bool) -> Any:
        import contextlib

        return self.accelerator.no_sync(model=model) if wanted else contextlib.nullcontext()

    def _cut_finer(self, model: Any, error: BaseException) -> Work:
        """The step in smaller micro-batches after memory ran out; any other error goes on."""
        if not is_out_of_memory(error):
            raise error
        budget = self.parts.feed.budget
        if not self.parts.may_cut:
            raise TrainingError(out_of_memory(budget)) from error
        model.zero_grad(set_to_none=True)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        work = self.parts.feed.halve_budget()
        if work is None:
            raise TrainingError(out_of_memory(budget, at_limit=True)) from error
        self.parts.warn(
            f"memory ran out: batches hold {self.parts.feed.budget:,} tokens from now on instead of "
            f"{budget:,}; a step sees its {work.rows:,} rows as before"
        )
        return work

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        value = float(norm)
        facts = self.parts.facts
        facts.grad_norm = value
        if math.isfinite(value) and math.isfinite(facts.loss or 0.0):
            self._skipped = 0
            return value
        if self.accelerator.scaler is not None:
            return value  # the scaler leaves such updates out by itself, and finds a smaller scale
        model.zero_grad(set_to_none=True)
        self._skipped += 1
        if self._skipped == 1:
            self.parts.warn(
                f"step {self.state.global_step + 1}: loss {facts.loss:.4g}, gradient norm {value:.4g}: "
                "the update is left out"
            )
        if self._skipped >= _MOST_SKIPPED:
            what = f"the last {_MOST_SKIPPED} steps gave no finite gradient; nothing is learned any more"
            help = "lower learning_rate, write gradient_clip: 1.0, or look at the data of these steps"
            raise TrainingError(problem("L652", what, help=help))
        return value

    def _track_num_input_tokens(self, inputs: Any) -> None: ...

    def floating_point_ops(self, inputs: Any) -> int:
        return 0  # the library counts padded ids; our batches have none

    # Optimizer and schedule.

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        if self.lr_scheduler is None:
            inner = getattr(optimizer or self.optimizer, "optimizer", optimizer or self.optimizer)
            self.lr_scheduler = make_schedule(self.parts.schedule, inner)
            self._created_lr_scheduler = True
        return self.lr_scheduler

    @property
    def pace(self) -> Pace:
        return self.parts.schedule.pace

    # Logs and validation.

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add what the objective says of the steps since the last log; bare summaries are not logged."""
        if "train_runtime" in logs:
            return
        if "loss" in logs:
            if self._sums_weight:
                told = self.parts.objective.metrics(self._sums, self._sums_weight)
                logs = {**told, **logs, "loss": told["loss"]}
            self._sums, self._sums_weight = {}, 0.0
        super().log(logs, start_time)

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> Any:
        """Score the held-out rows."""
        if self.parts.validate is None:
            return {}
        metrics = self.parts.validate(self.model_wrapped)
        self.model.train()
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    # Checkpoints.

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Write a checkpoint that the script asks for; where the disk is full, say so and train on."""
        self.save_now(kept=True)

    def _maybe_log_save_evaluate(self, *args: Any, **kwargs: Any) -> None:
        super()._maybe_log_save_evaluate(*args, **kwargs)
        wanted, self.guard_wanted = self.guard_wanted, False
        if wanted and self._saved_at != self.state.global_step:
            self.save_now(kept=False)

    def save_now(self, *, kept: bool) -> Checkpoint | None:
        """Write everything that training needs to go on exactly from here."""
        home, step = Path(self.args.output_dir), self.state.global_step
        began, self._saved_at = time.monotonic(), step
        states = self.parts.processes.gathered(take_state())
        optimizer = self.parts.processes.optimizer_state(self.model_wrapped, self.optimizer)
        weights = self.parts.processes.model_state(self.model_wrapped)
        if not self.parts.processes.first:
            self.parts.processes.wait()
            return None

        def fill(folder: Path) -> None:
            self.parts.save_student(folder, weights)
            write_tree(folder / OPTIMIZER, optimizer)
            write_tree(folder / SCHEDULER, self.lr_scheduler.state_dict())
            for number, state in enumerate(states):
                write_tree(folder / f"{RANDOM}-{number}", state)
            write_tree(folder / LOOP, self._loop_state())
            (folder / STATE).write_text(self._state_text(), encoding="utf-8")

        try:
            return checkpoints.write_checkpoint(
                home,
                step,
                fill,
                fingerprint=self.parts.fingerprint,
                processes=self.parts.processes.count,
                kept=kept,
            )
        except Exception as error:
            reason = disk_trouble(error)
            if reason is None:
                raise
            self.parts.warn(f"checkpoint-{step} was not written: {reason}; the one before it is whole")
            return None
        finally:
            checkpoints.thin_out(home, self.parts.save_total_limit, frozenset(self.spared))
            self.parts.saved(time.monotonic() - began)
            self.parts.processes.wait()

    def _state_text(self) -> str:
        """The library's own record of where training is. No clock stands in it."""
        self.state.stateful_callbacks = {
            type(one).__name__: one.state()
            for one in self.callback_handler.callbacks
            if isinstance(one, ExportableState)
        }
        said = dataclasses.asdict(self.state)
        said["log_history"] = [
            {name: value for name, value in entry.items() if not name.endswith(_CLOCKS)}
            for entry in said["log_history"]
        ]
        return json.dumps(said, indent=2, sort_keys=True) + "\n"

    def _loop_state(self) -> dict[str, Any]:
        scaler = self.accelerator.scaler
        return {
            "feed": self.parts.feed.state(),
            "facts": dataclasses.asdict(self.parts.facts),
            "pace": self.pace.state(),
            "objective": self.parts.objective.state(),
            "sums": self._sums,
            "sums_weight": self._sums_weight,
            "skipped": self._skipped,
            "spared": sorted(self.spared),
            "max_grad_norm": self.args.max_grad_norm,
            "scaler": scaler.state_dict() if scaler is not None else None,
            "others": {name: one.state() for name, one in self.parts.others.items()},
        }

    def _restore_loop(self, folder: Path) -> None:
        said = read_tree(folder / LOOP)
        self.parts.feed.restore(said["feed"])
        for name, value in said["facts"].items():
            setattr(self.parts.facts, name, value)
        self.pace.restore(said["pace"])
        self.parts.objective.restore(said["objective"])
        self._sums, self._sums_weight = said["sums"], said["sums_weight"]
        self._skipped = said["skipped"]
        self.spared = set(said["spared"])
        self.args.max_grad_norm = said["max_grad_norm"]
        for name, one in self.parts.others.items():
            if name in said["others"]:
                one.restore(said["others"][name])

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        read_weights(Path(resume_from_checkpoint), self.model, self.parts.processes)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        folder = Path(checkpoint)
        state = read_tree(folder / OPTIMIZER)
        self.parts.processes.load_optimizer(self.model_wrapped, self.optimizer, state)
        self.lr_scheduler.load_state_dict(read_tree(folder / SCHEDULER))
        inner = getattr(self.optimizer, "optimizer", self.optimizer)
        for group, rate in zip(inner.param_groups, self.lr_scheduler.get_last_lr(), strict=True):
            group["lr"] = rate

    def _load_scaler(self, checkpoint: str | None) -> None:
        said = read_tree(Path(checkpoint) / LOOP)["scaler"] if checkpoint else None
        if said is not None and self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(said)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        path = Path(checkpoint) / f"{RANDOM}-{self.parts.processes.rank}"
        if path.with_suffix(".json").is_file():
            put_state(read_tree(path))
