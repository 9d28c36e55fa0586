"""MONITOR, STABILITY, EXPLORER, LOGGING and HOOKS: what happens around the loop."""

from __future__ import annotations

from typing import Literal

from idiolect.okt.control import Conditions
from idiolect.okt.fields import Block, Duration, HookRef, MetricName, PathText, Scalar, field
from idiolect.okt.vocab import Optimizer, Scheduler, SpeedMetric, SystemMetric


class Monitor(Block):
    """Telemetry on top of METRICS and LOGGING, which it extends and does not replace."""

    metrics: list[MetricName] | None = field("Metrics to record.", since="1.1", aliases=("log_metrics",))
    notify_if: Conditions | None = field(
        "Comparisons that raise a notification.",
        since="1.2",
        form="notify_if { gpu_temperature > 80 }",
    )
    log_to: PathText | None = field("Text log file.", since="1.2")
    level: Literal["basic", "full"] = field(
        "basic keeps the essentials; full records everything available.", suggested="basic", since="1.1"
    )
    log_system: list[SystemMetric] | None = field("Machine metrics to record.", since="1.1", code="V014")
    log_speed: list[SpeedMetric] | None = field("Speed metrics to record.", since="1.1")
    refresh_interval: Duration = field(
        "Sampling period.",
        suggested=5.0,
        default_text="5s",
        at_least=1,
        since="1.1",
        example="refresh_interval: 2s",
    )
    export_to: PathText | None = field(
        "JSON file with the samples; its folder is created.",
        default_text="runs/<project>/logs/system.json",
        since="1.1",
    )
    dashboard: bool = field("Live view while training runs.", suggested=False, since="1.1")


class Stability(Block):
    """Safety stops for training."""

    stop_if_nan: bool = field("Stop on NaN.", suggested=False, since="1.1")
    stop_if_diverges: bool = field(
        "Stop when the loss runs away: its mean over 5 steps above three times its best mean over 20, or"
        " infinite.",
        suggested=False,
        since="1.1",
    )
    min_improvement: float = field(
        "Smallest change that counts as progress.", suggested=0.0, at_least=0, since="1.1"
    )


class Try(Block):
    """Lists of candidate values, at least one. Any other TRAIN or FT_LORA field may be listed by name."""

    lr: list[float] | None = field(
        "Learning rates.",
        aliases=("learning_rate",),
        above=0,
        at_most=1.0,
        since="1.1",
        example="lr: [0.0001, 0.0003]",
    )
    batch_size: list[int] | None = field("Batch sizes.", at_least=1, at_most=1024, since="1.1")
    optimizer: list[Optimizer] | None = field("Optimizers.", since="1.1", code="V002")
    scheduler: list[Scheduler] | None = field("Schedulers.", since="1.1", code="V003")
    others: dict[str, list[Scalar]] = field(
        "Candidates of any other TRAIN or FT_LORA field.",
        suggested={},
        implicit=True,
        form="lora_rank: [8, 16]",
    )


class Explorer(Block):
    """A small search over settings; the winner's settings are used for the real run."""

    try_: Try | None = field("Lists of candidate values.", name="try", required=True, since="1.1")
    max_tests: int | None = field(
        "Upper bound of trials.",
        at_least=1,
        at_most=50,
        default_text="every combination, 50 at most",
        since="1.1",
        code="V017",
    )
    pick_best_by: MetricName = field("Metric that decides.", suggested="val_loss", since="1.1")


class Logging(Block):
    """Files that the run writes about itself."""

    save_logs: bool = field("Switch for log files.", suggested=True)
    metrics_file: PathText | None = field("Final metrics.", default_text="runs/<project>/metrics.json")
    training_file: PathText | None = field(
        "History of the run.", default_text="runs/<project>/training_logs.json"
    )
    log_level: Literal["debug", "info", "warning", "error"] = field("How much to say.", suggested="info")
    log_every: int | None = field("Log every so many steps.", above=0, default_text="TRAIN.logging_steps")


class Hooks(Block):
    """Your own code, called at fixed moments. It runs only with --allow-code."""

    before_train: HookRef | None = field(
        "Once before training: before_train(config, dataset, model) returns the config to use.",
        example='before_train: "scripts/preprocess.py"',
    )
    after_train: HookRef | None = field("Once after training: after_train(config, metrics, model).")
    before_epoch: HookRef | None = field(
        "Before each epoch: before_epoch(epoch, metrics, model_state); True stops training."
    )
    after_epoch: HookRef | None = field(
        "After each epoch: after_epoch(epoch, metrics, model_state); True stops training."
    )
    on_checkpoint: HookRef | None = field(
        "After a checkpoint was written: on_checkpoint(path, step, metrics)."
    )
    custom_metric: HookRef | None = field(
        "Computes the custom metrics of METRICS: custom_metric(predictions, references) -> number or dict."
    )
