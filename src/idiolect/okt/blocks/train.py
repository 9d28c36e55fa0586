"""TRAIN, METRICS and VALIDATE: how the loop runs and how it is scored."""

from __future__ import annotations

from typing import Literal

from idiolect.okt.fields import Block, MetricName, PathText, Status, field
from idiolect.okt.vocab import Device, Loss, Optimizer, Scheduler


class HardExamples(Block):
    """Every so many steps: generate on a dev set, verify, and weigh what fails higher in the next epoch."""

    every: int = field("Steps between two rounds.", suggested=500, above=0, status=Status.EXTENSION)
    samples: int = field("Dev examples generated a round.", suggested=64, above=0, status=Status.EXTENSION)
    weight: float = field(
        "Weight of an example that failed.", suggested=2.0, at_least=1, status=Status.EXTENSION
    )
    dev: PathText | None = field(
        "Dev set to generate on.", default_text="the validation split", status=Status.EXTENSION
    )


class Train(Block):
    """How the training loop runs; mandatory even with FT_LORA."""

    epochs: int | None = field(
        "Passes over the data.", required=True, at_least=1, at_most=1000, example="epochs: 3"
    )
    batch_size: int | None = field(
        "Examples a step and device.",
        required=True,
        at_least=1,
        at_most=1024,
        code="V006",
        example="batch_size: 8",
    )
    learning_rate: float | None = field(
        "Peak step size of the optimizer.",
        suggested=5e-5,
        above=0,
        at_most=1.0,
        aliases=("lr", "LR"),
        example="learning_rate: 0.00005",
    )
    optimizer: Optimizer = field("Update rule.", default="adam", code="V002")
    scheduler: Scheduler = field("Shape of the learning rate over time.", suggested="linear", code="V003")
    device: Device | None = field(
        "Where the loop runs.", default_text="MODEL.device, then ENV.accelerator, then auto"
    )
    gradient_accumulation: int = field(
        "Steps summed before an update; the effective batch is batch_size times this.",
        suggested=1,
        at_least=1,
    )
    early_stopping: bool = field("Stop when the watched metric no longer improves.", suggested=False)
    checkpoint_steps: int | None = field("Write a checkpoint every so many steps.", above=0)
    checkpoint_path: PathText | None = field(
        "Folder for checkpoints; created when absent.", default_text="the run folder"
    )
    resume_from_checkpoint: PathText | None = field("Checkpoint folder to continue from.", code="V005")
    loss: Loss | None = field("Objective function.", default_text="the task's own")
    weight_decay: float = field("L2-style shrinkage of weights.", suggested=0.0, at_least=0, at_most=1.0)
    gradient_clip: float | None = field("Upper bound of the gradient norm.", above=0)
    warmup_steps: int = field("Steps over which the learning rate rises from zero.", suggested=0, at_least=0)
    save_strategy: Literal["steps", "epoch", "no"] | None = field(
        "When checkpoints are written.", default_text="steps if a step count is given, else no"
    )
    logging_steps: int = field("Print a log line every so many steps.", default=10, above=0, since="1.2")
    save_steps: int = field(
        "Second spelling of the checkpoint interval; checkpoint_steps wins when both are set.",
        default=500,
        above=0,
        since="1.2",
    )
    gpu: bool | None = field("Older way of asking for a GPU.", status=Status.UNDOCUMENTED)
    mixed_precision: Literal["no", "fp16", "bf16", "auto"] = field(
        "Half precision in the loop; true means auto and false means no.",
        suggested="auto",
        status=Status.UNDOCUMENTED,
    )
    precision: Literal["fp32", "fp16", "bf16"] | None = field(
        "Numeric type of the loop.",
        status=Status.UNDOCUMENTED,
        default_text="MODEL.precision, then ENV.precision",
    )
    gemm_kernel: Literal["final_v1", "best_v3", "pure", "auto"] | None = field(
        "Matrix kernel by name.", since="1.3", status=Status.PROPOSED
    )
    attention_kernel: Literal["flash_v2", "standard", "auto"] | None = field(
        "Attention kernel by name.", since="1.3", status=Status.PROPOSED
    )
    max_steps: int | None = field("Updates in all; wins over epochs.", above=0, status=Status.EXTENSION)
    max_seq_length: int = field("Longest row in tokens.", suggested=2048, above=0, status=Status.EXTENSION)
    val_split: float = field(
        "Share held out when DATASET names no validation file.",
        suggested=0.05,
        at_least=0,
        at_most=0.9,
        status=Status.EXTENSION,
    )
    eval_steps: int = field(
        "Updates between two evaluations.", suggested=50, above=0, status=Status.EXTENSION
    )
    eval_max_samples: int = field(
        "Most examples an evaluation during training looks at.",
        suggested=256,
        above=0,
        status=Status.EXTENSION,
    )
    eval_accumulation_steps: int | None = field(
        "Evaluation batches kept on the device at a time.", above=0, status=Status.EXTENSION
    )
    early_stop_min_delta: float = field(
        "Smallest change of the watched metric that counts as progress.",
        suggested=0.002,
        at_least=0,
        status=Status.EXTENSION,
    )
    early_stop_patience: int = field(
        "Evaluations without progress before training stops.",
        suggested=2,
        at_least=1,
        status=Status.EXTENSION,
    )
    save_total_limit: int = field("Checkpoints kept.", suggested=3, at_least=1, status=Status.EXTENSION)
    load_in_4bit: bool = field("Load the frozen base in 4 bits.", suggested=False, status=Status.EXTENSION)
    gradient_checkpointing: bool = field(
        "Recompute activations to save memory.", suggested=False, status=Status.EXTENSION
    )
    tokens_per_batch: int | None = field(
        "Token budget of a packed batch.", above=0, default_text="what fits memory", status=Status.EXTENSION
    )
    prefix_sharing: bool = field(
        "Compute a prompt that rows share once a batch.", suggested=True, status=Status.EXTENSION
    )
    curriculum: bool = field(
        "Order by difficulty: micro, then multi, then scenario.", suggested=False, status=Status.EXTENSION
    )
    hard_examples: HardExamples | None = field(
        "Generate on a dev set, verify, and weigh what fails higher.", status=Status.EXTENSION
    )
    report_to: list[Literal["none", "tensorboard", "wandb", "mlflow", "trackio"]] = field(
        "Experiment trackers.", suggested=["none"], status=Status.EXTENSION
    )
    seed: int = field(
        "Seed of everything random in training.", suggested=3407, at_least=0, status=Status.EXTENSION
    )


class Metrics(Block):
    """Bare metric names, one a line, plus custom ones."""

    builtin: list[MetricName] = field(
        "Metrics to compute.", suggested=[], code="V007", implicit=True, form="accuracy"
    )
    custom: list[str] = field(
        "Metrics computed by your own code (HOOKS.custom_metric).",
        suggested=[],
        implicit=True,
        form='custom "name"',
    )


class Validate(Block):
    """When to score the model during training."""

    on_train: bool = field("Score on training data too.", suggested=False)
    on_validation: bool = field("Score on validation data.", suggested=True)
    frequency: int = field("Epochs between two validations.", suggested=1, above=0)
    save_best_model: bool = field("Keep the weights with the best watched metric.", suggested=False)
    metric_to_monitor: MetricName = field(
        "The watched metric; should also be listed in METRICS.",
        suggested="loss",
        example='metric_to_monitor: "loss"',
    )
