"""Closed and open word lists of the language. Each list stands once; types are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Optimizer = Literal["adam", "adamw", "sgd", "rmsprop", "adafactor", "lamb"]
Scheduler = Literal[
    "linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup", "step"
]
Loss = Literal["cross_entropy", "mse", "mae", "bce", "focal", "huber", "kl_divergence"]
Device = Literal["cpu", "cuda", "mps", "auto"]
Augmentation = Literal["flip", "rotate", "brightness", "contrast", "noise", "crop", "translate"]
Architecture = Literal["transformer", "cnn", "rnn", "diffusion", "vision-transformer", "bert", "gpt", "t5"]
DatasetFormat = Literal["jsonl", "csv", "txt", "parquet", "image+caption", "qa", "instruction", "multimodal"]
DatasetType = Literal["classification", "generation", "qa", "chat", "vision", "regression"]
ExportFormat = Literal["gguf", "onnx", "okm", "safetensors", "tflite"]
DeployFormat = Literal["onnx", "tflite", "gguf", "pt", "okm"]
SystemMetric = Literal[
    "gpu_memory_used",
    "gpu_memory_free",
    "gpu_usage",
    "cpu_usage",
    "ram_usage",
    "ram_used",
    "disk_io",
    "gpu_temperature",
    "temperature",
]
SpeedMetric = Literal["tokens_per_second", "samples_per_second", "throughput", "latency", "step_time"]

# Written by some files in places where the list has another word for the same thing.
VALUE_ALIASES: dict[str, dict[object, str]] = {
    "INFERENCE.mode": {"intent-classification": "intent"},
    "TRAIN.mixed_precision": {True: "auto", False: "no"},
    "EVALUATE.judge": {False: "none"},
}

# Named somewhere, in no list: answered with a hint of their own.
EXPORT_HINTS = {
    "okx": "okx is a bundle for mobile and edge that no list of formats has; okm is the nearest",
    "pt": "write safetensors",
    "bin": "write safetensors",
}


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric name that METRICS, MONITOR, CONTROL and VALIDATE share."""

    name: str
    direction: Literal["max", "min", "none"]
    tasks: tuple[str, ...] = ()  # where the rules allow it; empty means anywhere
    aliases: tuple[str, ...] = ()


_CLASSIFICATION = ("classification",)
_TEXT = ("generation", "translation")

METRICS = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "max", _CLASSIFICATION),
        Metric("loss", "min"),
        Metric("perplexity", "min", ("language model",)),
        Metric("f1", "max", _CLASSIFICATION, ("f1_score",)),
        Metric("f1_macro", "max", _CLASSIFICATION),
        Metric("f1_micro", "max", _CLASSIFICATION),
        Metric("f1_weighted", "max", _CLASSIFICATION),
        Metric("bleu", "max", _TEXT),
        Metric("rouge", "max", _TEXT),
        Metric("rouge_l", "max", _TEXT),
        Metric("rouge_1", "max", _TEXT),
        Metric("rouge_2", "max", _TEXT),
        Metric("mae", "min", ("regression",)),
        Metric("mse", "min", ("regression",)),
        Metric("rmse", "min", ("regression",)),
        Metric("cosine_similarity", "max"),
        Metric("token_efficiency", "max"),
        Metric("response_coherence", "max"),
        Metric("hallucination_score", "min"),
        Metric("precision", "max", _CLASSIFICATION),
        Metric("recall", "max", _CLASSIFICATION),
        Metric("confusion_matrix", "none", _CLASSIFICATION),
        Metric("confidence", "max"),
    )
}
METRIC_ALIASES = {alias: metric.name for metric in METRICS.values() for alias in metric.aliases}

MONITOR_TRAINING = (
    "loss",
    "val_loss",
    "accuracy",
    "val_accuracy",
    "precision",
    "recall",
    "f1_score",
    "f1",
    "perplexity",
    "bleu",
    "rouge",
    "rouge_l",
    "rouge_1",
    "rouge_2",
    "cer",
    "wer",
    "confidence",
    "hallucination_score",
)
MONITOR_BLAS = (
    "gemm_tflops",
    "attention_tflops",
    "tensor_core_utilization",
    "blas_kernel_used",
    "memory_bandwidth",
)
NEEDS_CUDA = ("gpu_usage", "gpu_memory_used", "gpu_memory_free", "gpu_temperature")
MONITOR_METRICS = (
    *MONITOR_TRAINING,
    *get_args(SystemMetric),
    *get_args(SpeedMetric),
    "token_count",
    *MONITOR_BLAS,
)

TRAINING_SIGNALS = (
    "loss",
    "val_loss",
    "accuracy",
    "val_accuracy",
    "epoch",
    "step",
    "gpu_memory",
    "gpu_usage",
    "gpu_temperature",
    "ram_usage",
)
INFERENCE_SIGNALS = ("confidence", "repetition", "hallucination_score", "toxic", "label")

CONTROL_EVENTS = ("on_step_end", "on_epoch_end", "on_memory_low", "on_nan", "on_plateau")
CONTROL_STRUCTURES = ("IF", "WHEN", "EVERY")
CONTROL_DIRECTIVES = (
    "SET",
    "STOP",
    "LOG",
    "SAVE",
    "RETRY",
    "REGENERATE",
    "STOP_TRAINING",
    "DECREASE",
    "INCREASE",
    "REPLACE",
    "RETURN",
)
CONTROL_WORDS = (*CONTROL_STRUCTURES, *CONTROL_DIRECTIVES)
OPERATORS = (">=", "<=", "==", "!=", ">", "<")
# Settings of TRAIN that rules may change while training runs.
LIVE_PARAMETERS = (
    "learning_rate",
    "batch_size",
    "weight_decay",
    "gradient_clip",
    "logging_steps",
    "eval_steps",
    "checkpoint_steps",
    "early_stop_patience",
    "early_stop_min_delta",
)
# The names that SET, DECREASE and INCREASE know; other names are custom.
CONTROL_PARAMETERS = {
    "LR": "learning_rate",
    "lr": "learning_rate",
    "save_steps": "checkpoint_steps",
    **{name: name for name in LIVE_PARAMETERS},
    "temperature": "temperature",
}
KNOWN_VERSIONS = ("1.0", "1.1", "1.2", "1.3")


def metric_name(written: str) -> str:
    """The one name of a metric that has two spellings."""
    return METRIC_ALIASES.get(written, written)


def known_metric(written: str) -> bool:
    return metric_name(written) in METRICS


def watched_metric_name(written: str) -> str:
    """A watched metric without the prefix that says which split it is taken on."""
    return metric_name(written.removeprefix("val_").removeprefix("eval_"))
