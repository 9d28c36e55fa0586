"""The loop as it will run: FT_LORA over TRAIN, device, precision, checkpoints and log files."""

from __future__ import annotations

from typing import Any

from idiolect.okt.fields import Block
from idiolect.okt.language import BLOCKS
from idiolect.plan.plan import Project
from idiolect.plan.settle import Candidate, derived, proposed
from idiolect.plan.sources import (
    BASE_ORDER,
    CHECKPOINT_ORDER,
    DEVICE_ORDER,
    LORA_OVER_TRAIN,
    PRECISION_ORDER,
    Sources,
)

_ACCELERATORS = {"gpu": "cuda", "cpu": "cpu"}
_LOOP_PRECISIONS = {"fp32": "fp32", "fp16": "fp16"}  # int8 and int4 are how weights are stored
_DTYPES = {
    "float16": "fp16",
    "float32": "fp32",
    "bfloat16": "bf16",
    "half": "fp16",
    "fp16": "fp16",
    "bf16": "bf16",
}


def lora(sources: Sources) -> Block | None:
    if not sources.reading.has("FT_LORA"):
        return None
    rank = sources.reading.get("FT_LORA", "lora_rank")
    settled = {
        "lora_alpha": sources.settle(
            "FT_LORA.lora_alpha",
            "",
            sources.of("FT_LORA", "lora_alpha"),
            derived("FT_LORA.lora_rank", 2 * rank if rank else None, "twice the rank"),
        ),
        "base_model": sources.settle(
            "FT_LORA.base_model", BASE_ORDER, sources.of("FT_LORA", "base_model"), *sources.levels("base")
        ),
    }
    return sources.section("FT_LORA", {name: value for name, value in settled.items() if value is not None})


def train(sources: Sources, project: Project) -> Block:
    settled: dict[str, Any] = {}
    for name in ("epochs", "batch_size"):
        candidates = [sources.of("FT_LORA", name), sources.of("TRAIN", name), tried(sources, name)]
        if name == "epochs" and sources.reading.get("TRAIN", "max_steps") is not None:
            candidates.append(derived("TRAIN.max_steps", 1, "max_steps ends training"))
        settled[name] = sources.settle(f"TRAIN.{name}", LORA_OVER_TRAIN, *candidates)
    settled["learning_rate"] = sources.settle(
        "TRAIN.learning_rate",
        LORA_OVER_TRAIN,
        sources.of("FT_LORA", "learning_rate"),
        sources.of("TRAIN", "learning_rate"),
        proposed("TRAIN.learning_rate", BLOCKS["TRAIN"].by_name["learning_rate"].default),
    )
    settled["device"] = device(sources)
    settled["precision"] = precision(sources)
    settled.update(checkpoints(sources, project))
    return sources.section("TRAIN", {name: value for name, value in settled.items() if value is not None})


def tried(sources: Sources, name: str) -> Candidate:
    """The first candidate of a search stands in for a field that only EXPLORER gives."""
    candidates = sources.reading.find("EXPLORER.try")
    values = candidates.get(name) if candidates is not None else None
    return derived(
        f"EXPLORER.try.{name}", values[0] if values else None, "first candidate, until the search decides"
    )


def device(sources: Sources) -> Any:
    gpu = sources.of("TRAIN", "gpu")
    older = Candidate("TRAIN.gpu", {True: "cuda", False: "cpu"}.get(gpu.value), gpu.origin)
    accelerator = sources.of("ENV", "accelerator")
    wanted = Candidate("ENV.accelerator", _ACCELERATORS.get(accelerator.value), accelerator.origin)
    return sources.settle(
        "TRAIN.device",
        f"device order: {DEVICE_ORDER}",
        sources.of("FT_LORA", "device"),
        sources.of("TRAIN", "device"),
        older,
        sources.from_model("device"),
        wanted,
        proposed("TRAIN.device", "auto"),
    )


def precision(sources: Sources) -> Any:
    """The loop's number type. None means auto: bf16 where the device has it, else fp32."""
    mixed = sources.of("TRAIN", "mixed_precision")
    loop = {"no": "fp32", "fp16": "fp16", "bf16": "bf16"}.get(mixed.value)
    weights = sources.from_model("precision")
    dtype = sources.from_model("dtype")
    env = sources.of("ENV", "precision")
    return sources.settle(
        "TRAIN.precision",
        f"precision order: {PRECISION_ORDER}",
        sources.of("TRAIN", "precision"),
        Candidate("TRAIN.mixed_precision", loop, mixed.origin),
        Candidate(
            "MODEL.precision",
            weights.value if weights.value in ("fp32", "fp16") else None,
            weights.origin,
        ),
        Candidate("MODEL.dtype", _DTYPES.get(dtype.value), dtype.origin),
        Candidate("ENV.precision", env.value if env.value != "auto" else None, env.origin),
    )


def checkpoints(sources: Sources, project: Project) -> dict[str, Any]:
    steps = sources.settle(
        "TRAIN.checkpoint_steps",
        CHECKPOINT_ORDER,
        sources.of("TRAIN", "checkpoint_steps"),
        sources.of("TRAIN", "save_steps"),
    )
    written = sources.of("TRAIN", "save_strategy")
    implied = derived("TRAIN.checkpoint_steps", "steps" if steps else None, "a step count is given")
    chosen = (
        [implied, written]
        if steps
        else [written, proposed("TRAIN.save_strategy", "no", "no step count is given")]
    )
    return {
        "checkpoint_steps": steps,
        "save_strategy": sources.settle("TRAIN.save_strategy", "a step count implies steps", *chosen),
        "checkpoint_path": sources.settle(
            "TRAIN.checkpoint_path",
            "",
            sources.of("TRAIN", "checkpoint_path"),
            proposed("TRAIN.checkpoint_path", project.run_folder),
        ),
    }


def logging(sources: Sources, project: Project) -> Block:
    steps = sources.reading.get("TRAIN", "logging_steps")
    every = derived("TRAIN.logging_steps", steps or 10)
    folder = project.run_folder
    settled = {
        "log_every": sources.settle("LOGGING.log_every", "", sources.of("LOGGING", "log_every"), every),
        "metrics_file": sources.settle(
            "LOGGING.metrics_file",
            "",
            sources.of("LOGGING", "metrics_file"),
            proposed("LOGGING.metrics_file", f"{folder}/metrics.json"),
        ),
        "training_file": sources.settle(
            "LOGGING.training_file",
            "",
            sources.of("LOGGING", "training_file"),
            proposed("LOGGING.training_file", f"{folder}/training_logs.json"),
        ),
    }
    return sources.section("LOGGING", settled)
