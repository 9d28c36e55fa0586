"""The machine against ENV and the settled device.

Another machine may run the script, so what this one lacks is a warning.
"""

from __future__ import annotations

from idiolect.machine.requirements import Requirements, check_requirements
from idiolect.machine.survey import survey
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
    device = get("FT_LORA", "device") or get("TRAIN", "device") or get("MODEL", "device") or "auto"
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
        gpu_metrics=tuple(name for name in dict.fromkeys(metrics) if name in NEEDS_CUDA),
    )


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
