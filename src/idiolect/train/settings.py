"""What a plan says of the training loop, as typed settings: the task, the loss, the schedule, when to look.

`settings_of` reads the plan and refuses what can't be trained, each fault with what to write instead.
`arguments_of` turns settings into those of transformers' Trainer. Nothing here loads a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from idiolect.okt.blocks.train import HardExamples, Train
from idiolect.okt.vocab import METRICS, Loss, Optimizer, Scheduler, metric_name
from idiolect.plan.plan import Plan
from idiolect.problem import problem
from idiolect.train.trackers import usable_trackers
from idiolect.train.trouble import TrainingError

Task = Literal["language", "classification", "regression"]
SaveStrategy = Literal["steps", "epoch", "no"]

# Losses by task; the first is the task's own. Where a token has one right answer, the divergence from the
# target is the cross entropy itself.
LOSSES: dict[Task, tuple[Loss, ...]] = {
    "language": ("cross_entropy", "focal", "kl_divergence"),
    "classification": ("cross_entropy", "bce", "focal", "kl_divergence"),
    "regression": ("mse", "mae", "huber"),
}
_NOT_TRAINED = ("vision-transformer", "cnn", "diffusion", "rnn")


@dataclass(frozen=True, slots=True)
class Looking:
    """When training is scored, and what follows from it."""

    every_steps: int | None
    every_epochs: int | None
    most_rows: int
    on_train: bool
    watched: str  # a metric without prefix: loss, accuracy
    direction: Literal["min", "max"]
    early_stopping: bool
    patience: int
    min_delta: float
    save_best: bool
    by_rule: bool = False  # CONTROL.validate_every says when

    @property
    def wanted(self) -> bool:
        return self.every_steps is not None or self.every_epochs is not None or self.by_rule


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How one training runs."""

    task: Task
    loss: Loss
    epochs: int
    max_steps: int | None  # wins over epochs
    batch_size: int
    accumulation: int
    learning_rate: float
    optimizer: Optimizer
    scheduler: Scheduler
    warmup_steps: int
    weight_decay: float
    gradient_clip: float | None
    checkpointing: bool  # activations are computed again in the backward pass
    precision: str | None  # fp32, fp16, bf16; None: by device
    seed: int
    logging_steps: int
    save_strategy: SaveStrategy
    save_steps: int | None
    save_total_limit: int
    max_seq_length: int
    tokens_per_batch: int | None
    sharing: bool
    curriculum: bool
    val_split: float
    looking: Looking
    hard: HardExamples | None = None
    report_to: tuple[str, ...] = ()

    @property
    def rows_per_step(self) -> int:
        """Rows that one update sees, whatever the number of micro-batches and processes."""
        return self.batch_size * self.accumulation


def settings_of(plan: Plan) -> LoopSettings:
    """The settings of a plan's training; TrainingError for what this engine does not train."""
    train = plan.train
    if train is None:
        what = "the script trains nothing: it has neither TRAIN nor FT_LORA"
        raise TrainingError(problem("L650", what, help="add TRAIN { epochs: 3 batch_size: 8 }"))
    task = task_of(plan)
    return LoopSettings(
        task=task,
        loss=_loss(train, task),
        epochs=train.epochs or 1,
        max_steps=train.max_steps,
        batch_size=train.batch_size or 1,
        accumulation=train.gradient_accumulation,
        learning_rate=train.learning_rate or 5e-5,
        optimizer=train.optimizer,
        scheduler=train.scheduler,
        warmup_steps=train.warmup_steps,
        weight_decay=train.weight_decay,
        gradient_clip=train.gradient_clip,
        checkpointing=train.gradient_checkpointing,
        precision=train.precision,
        seed=train.seed,
        logging_steps=(plan.logging.log_every if plan.logging else None) or train.logging_steps,
        save_strategy=train.save_strategy or "no",
        save_steps=train.checkpoint_steps,
        save_total_limit=train.save_total_limit,
        max_seq_length=train.max_seq_length,
        tokens_per_batch=train.tokens_per_batch,
        sharing=train.prefix_sharing,
        curriculum=train.curriculum,
        val_split=train.val_split,
        looking=_looking(plan, train),
        hard=train.hard_examples,
        report_to=tuple(name for name in train.report_to if name != "none"),
    )


def task_of(plan: Plan) -> Task:
    """What is learned, by DATASET.type and MODEL.architecture."""
    kind = plan.dataset.type if plan.dataset else None
    architecture = plan.model.architecture if plan.model else None
    if kind == "vision" or (architecture in _NOT_TRAINED):
        asked = 'DATASET.type "vision"' if kind == "vision" else f'MODEL.architecture "{architecture}"'
        what = f"{asked} is not supported: this engine trains language models"
        help = "train on text with architecture transformer, gpt, bert or t5"
        raise TrainingError(problem("L650", what, help=help))
    if kind in ("classification", "regression"):
        return "classification" if kind == "classification" else "regression"
    return "language"


def _loss(train: Train, task: Task) -> Loss:
    fitting = LOSSES[task]
    if train.loss is None:
        return fitting[0]
    if train.loss not in fitting:
        kind = "texts" if task == "language" else f"a {task}"
        what = f'loss "{train.loss}" is none for {kind}'
        help = f"write loss: {' or '.join(fitting)}; DATASET.type says what is learned"
        raise TrainingError(problem("L650", what, help=help, where="TRAIN.loss"))
    return train.loss


def _looking(plan: Plan, train: Train) -> Looking:
    validate, control, stability = plan.validate_, plan.control, plan.stability
    watched = metric_name(validate.metric_to_monitor) if validate else "loss"
    known = METRICS.get(watched)
    steps: int | None = train.eval_steps
    epochs = validate.frequency if validate else None
    if not _written(plan, "TRAIN.eval_steps") and (
        _written(plan, "VALIDATE.frequency") or (control is not None and control.validate_every)
    ):
        steps = None  # the script says otherwise when to look
    if steps is not None and not _written(plan, "VALIDATE.frequency"):
        epochs = None
    by_rule = control is not None and control.validate_every is not None
    if validate is not None and not validate.on_validation and not validate.on_train:
        steps = epochs = None
        by_rule = False
    smallest = train.early_stop_min_delta
    if stability and stability.min_improvement and not _written(plan, "TRAIN.early_stop_min_delta"):
        smallest = stability.min_improvement
    return Looking(
        every_steps=steps,
        every_epochs=epochs,
        most_rows=train.eval_max_samples,
        on_train=bool(validate and validate.on_train),
        watched=watched,
        direction="max" if known is not None and known.direction == "max" else "min",
        early_stopping=train.early_stopping,
        patience=train.early_stop_patience,
        min_delta=smallest,
        save_best=bool(validate and validate.save_best_model),
        by_rule=by_rule,
    )


def _written(plan: Plan, path: str) -> bool:
    setting = plan.settings.get(path)
    return setting is not None and setting.origin.kind not in ("default", "proposed", "derived")


def loop_precision(settings: LoopSettings, device: str, weights: str) -> str:
    """The number type of the loop's arithmetic: as asked, else that of the weights or the device."""
    if settings.precision in ("fp32", "fp16", "bf16"):
        return settings.precision
    if weights != "fp32":
        return weights
    if device != "cuda":
        return "fp32"
    import torch

    return "bf16" if torch.cuda.is_bf16_supported() else "fp32"


def arguments_of(
    settings: LoopSettings, home: Path, *, device: str, precision: str, max_steps: int, project: str
) -> Any:
    """The arguments of transformers' Trainer. One batch of its loader is one update; validation and saving
    follow our own callbacks."""
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=str(home),
        num_train_epochs=settings.epochs,
        max_steps=max_steps,
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=1,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.gradient_clip or 0.0,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        activation_checkpointing=settings.checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False} if settings.checkpointing else None,
        logging_strategy="steps",
        logging_steps=settings.logging_steps,
        logging_nan_inf_filter=False,
        eval_strategy="no",
        save_strategy="no",
        report_to=usable_trackers(settings.report_to)[0] or "none",
        run_name=project,
        seed=settings.seed,
        use_cpu=device == "cpu",
        disable_tqdm=True,
        log_level="error",
        log_level_replica="error",
        remove_unused_columns=False,
        ignore_data_skip=True,
        dataloader_pin_memory=False,
        # The library writes this into the model's own settings, which a saved student keeps.
        use_cache=settings.task == "language",
        ddp_find_unused_parameters=False,
        average_tokens_across_devices=False,
    )
