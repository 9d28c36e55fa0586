"""What is written down about a machine: env_report.json, and advice in sentences. It decides nothing new."""

from __future__ import annotations

from collections.abc import Iterable

from idiolect.machine.memory_need import FULL_BYTES_A_PARAMETER
from idiolect.machine.record import Machine
from idiolect.machine.requirements import GIB, gib, install_command
from idiolect.machine.survey import extras
from idiolect.problem import Problem, has_errors
from idiolect.text_hints import listed

_ADAPTER_BYTES_A_PARAMETER = 2  # a frozen base in 16 bits; the adapter itself is small


def env_report(machine: Machine, problems: Iterable[Problem], auto_install: bool) -> dict[str, object]:
    """The content of env_report.json."""
    listed_problems = list(problems)
    gpu = machine.gpu
    return {
        "gpu_found": gpu is not None,
        "gpu_name": gpu.name if gpu else "",
        "ram": f"{round(machine.memory_total / GIB)}GB",
        "ram_available": f"{round(machine.memory_available / GIB)}GB",
        "platform": machine.platform,
        "status": "incompatible" if has_errors(listed_problems) else "compatible",
        "auto_install": auto_install,
        "warnings": [f"{one.code}: {one.message}" for one in listed_problems if one.severity != "info"],
    }


def advice(machine: Machine) -> list[str]:
    """What this machine can train, by arithmetic, and what to install."""
    gpu = machine.gpu
    on_gpu = gpu is not None and gpu.memory_total is not None
    memory = gpu.memory_total if on_gpu and gpu and gpu.memory_total else machine.memory_available
    place = gpu.name if on_gpu and gpu else "main memory that is free now"
    lines = [
        f"By weights and optimizer alone, {gib(memory)} ({place}) hold a full fine-tuning of at most "
        f"{_parameters(memory // FULL_BYTES_A_PARAMETER)} parameters, or a LoRA on a 16-bit base of at most "
        f"{_parameters(memory // _ADAPTER_BYTES_A_PARAMETER)}; activations come on top."
    ]
    if gpu is None:
        lines.append('No GPU can be used: training runs on the CPU. Start with the smallest base, "nano".')
    for name, extra in extras().items():
        missing = machine.missing(name)
        if missing:
            lines.append(f"For {extra.purpose}, install {listed(missing)}: {install_command(name)}")
    return lines


def _parameters(number: int) -> str:
    for unit, size in (("B", 10**9), ("M", 10**6)):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return f"{number:,}"
