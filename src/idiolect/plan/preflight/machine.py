"""The machine against ENV and the settled device.

Another machine may run the script, so what this one lacks is a warning.
"""

from __future__ import annotations

from idiolect.machine.memory_need import TrainingNeed
from idiolect.machine.requirements import Requirements, check_requirements
from idiolect.machine.survey import survey
from idiolect.okt.inherit import inherited_model
from idiolect.okt.reading import Reading
from idiolect.okt.vocab import NEEDS_CUDA
from idiolect.plan.preflight.flight import Flight
from idiolect.source import Span


def check_machine(flight: Flight) -> None:
    """What this machine lacks of what the script asks for."""
    wanted = requirements(flight)
    for found in check_requirements(survey(flight.root), wanted):
        flight.tell(found, _place(flight, found.where), milder=True)


def requirements(flight: Flight) -> Requirements:
    """What a script asks of a machine."""
    get = flight.reading.get
    env = flight.reading.blocks.get("ENV")
    device = settled_device(flight.reading)
    metrics = [*(get("MONITOR", "log_system") or []), *(get("MONITOR", "metrics") or [])]
    return Requirements(
        platform=get("ENV", "platform") or "any",
        accelerator=get("ENV", "accelerator") or "auto",
        device=device,
        min_memory=get("ENV", "min_memory"),
        min_memory_written=env is not None and env.has("min_memory"),
        precision=get("ENV", "precision") or "auto",
        network=get("ENV", "network") or "online",
        install_missing=bool(get("ENV", "install_missing")),
        training=_training(flight),
        disk_bytes=_disk_bytes(flight),
        gpu_metrics=tuple(name for name in dict.fromkeys(metrics) if name in NEEDS_CUDA),
    )


def settled_device(reading: Reading) -> str:
    """Where the loop runs: FT_LORA, TRAIN, the older gpu flag, MODEL, then ENV.accelerator."""
    gpu = {True: "cuda", False: "cpu"}.get(reading.get("TRAIN", "gpu"))
    model = inherited_model(reading).written("device")
    accelerator = {"gpu": "cuda", "cpu": "cpu"}.get(reading.get("ENV", "accelerator"))
    written = (reading.get("FT_LORA", "device"), reading.get("TRAIN", "device"), gpu)
    return next(filter(None, (*written, model[0].value if model else None, accelerator)), "auto")


def _training(flight: Flight) -> TrainingNeed | None:
    """What an estimate of the training memory needs, where the base model's size is known."""
    sized = (one for one in flight.models if one.parameters and one.layers and one.hidden_size)
    model = next(sized, None)
    get = flight.reading.get
    batch = get("FT_LORA", "batch_size") or get("TRAIN", "batch_size")
    if model is None or batch is None or not flight.reading.trains:
        return None
    assert model.parameters
    assert model.layers
    assert model.hidden_size
    window = get("TRAIN", "max_seq_length") or 2048
    return TrainingNeed(
        parameters=model.parameters,
        layers=model.layers,
        hidden_size=model.hidden_size,
        batch_size=batch,
        gradient_accumulation=get("TRAIN", "gradient_accumulation") or 1,
        tokens=min(window, model.context_window or window),
        adapter=flight.reading.has("FT_LORA"),
        precision="int4" if get("TRAIN", "load_in_4bit") else get("TRAIN", "precision") or "fp32",
        checkpointing=bool(get("TRAIN", "gradient_checkpointing")),
    )


# What a checkpoint holds of each trained parameter: 32-bit weights and Adam's two moments.
_CHECKPOINT_BYTES = 12
_EXPORT_BYTES = 4  # of each parameter of a whole model, at most


def _disk_bytes(flight: Flight) -> int | None:
    """What checkpoints and exports take at most, where the base model's size is known.

    An adapter's checkpoints are small beside the exports and are left out.
    """
    parameters = next((model.parameters for model in flight.models if model.parameters), None)
    if parameters is None or not flight.reading.trains:
        return None
    get = flight.reading.get
    keeps = bool(
        get("TRAIN", "checkpoint_steps") or get("TRAIN", "save_steps") or get("TRAIN", "save_strategy")
    )
    full = keeps and not flight.reading.has("FT_LORA")
    checkpoints = (get("TRAIN", "save_total_limit") or 3) * _CHECKPOINT_BYTES if full else 0
    return parameters * (checkpoints + len(get("EXPORT", "format") or []) * _EXPORT_BYTES)


def _place(flight: Flight, where: str | None) -> Span:
    """The field that a finding is about, or the block, or the start of the file."""
    block_name, _, name = (where or "").partition(".")
    fallbacks = {"device": ("FT_LORA", "TRAIN", "MODEL")}
    for candidate in (block_name, *fallbacks.get(name, ())):
        block = flight.reading.blocks.get(candidate)
        if block is not None and block.has(name):
            return block.place(name)
    block = flight.reading.blocks.get(block_name)
    return block.keyword_span if block is not None else Span(0, 0)
