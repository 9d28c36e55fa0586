"""Compares what a script asks of a machine with what the machine is. The deciding part is pure.

Only `network: "required"` does something: it opens one connection, with a time limit. What a script's
text alone shows (a GPU asked for with little memory, say) is **not** repeated here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from idiolect.machine.memory_need import TrainingNeed, fitting_batch, memory_need
from idiolect.machine.record import Machine
from idiolect.machine.survey import extras
from idiolect.machine.system import System, ThisSystem
from idiolect.problem import Problem, problem
from idiolect.text_hints import listed, shortened

GIB = 1 << 30
_SMALL_GPU = 8 * GIB
_BF16_CAPABILITY = (8, 0)  # Ampere; before it there is no bfloat16 arithmetic
# Firmware, the kernel and built-in graphics keep a part of what a machine is sold with.
_MEMORY_SHARE = 0.9
_HUB = ("huggingface.co", 443)
_CONNECT_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a script asks for. Names and values are those of ENV and TRAIN; memory is in bytes.

    Problems found name the field that asks in `where`, as BLOCK.field.
    """

    platform: str = "any"
    accelerator: str = "auto"
    device: str = "auto"  # after FT_LORA.device, TRAIN.device and MODEL.device were settled
    min_memory: int | None = None
    min_memory_written: bool = True  # a default that is not met is only a warning
    precision: str = "auto"
    network: str = "online"
    install_missing: bool = False
    extras: tuple[str, ...] = ()
    gpu_metrics: tuple[str, ...] = ()
    training: TrainingNeed | None = None
    disk_bytes: int | None = None


def check_requirements(machine: Machine, wanted: Requirements, system: System | None = None) -> list[Problem]:
    """What the machine lacks of what is wanted."""
    found = [
        *_platform(machine, wanted),
        *_memory(machine, wanted),
        *_accelerator(machine, wanted),
        *_precision(machine, wanted),
        *_metrics(machine, wanted),
        *_libraries(machine, wanted),
        *_disk(machine, wanted),
        *_training(machine, wanted),
    ]
    if wanted.network == "required":
        found += _network(system or ThisSystem())
    return found


def _platform(machine: Machine, wanted: Requirements) -> Iterator[Problem]:
    if wanted.platform not in ("any", machine.platform):
        what = f'the script is meant for "{wanted.platform}", and this is {machine.platform}'
        yield problem(
            "L501", what, help=f'write platform: "{machine.platform}" or "any"', where="ENV.platform"
        )


def _memory(machine: Machine, wanted: Requirements) -> Iterator[Problem]:
    if wanted.min_memory is None or machine.memory_total >= wanted.min_memory * _MEMORY_SHARE:
        return
    whose = "the container may use" if machine.memory_limited else "the machine has"
    yield problem(
        "L502",
        f"{gib(wanted.min_memory)} of memory are wanted, and {whose} {gib(machine.memory_total)}",
        where="ENV.min_memory",
        severity=None if wanted.min_memory_written else "warning",
    )


def _accelerator(machine: Machine, wanted: Requirements) -> Iterator[Problem]:
    kinds = {gpu.kind for gpu in machine.gpus}
    place = "TRAIN.device"
    if wanted.device == "cuda" and "cuda" not in kinds:
        yield _absent('device is "cuda", and no NVIDIA GPU can be used', place)
    elif wanted.device == "mps" and "mps" not in kinds:
        yield _absent('device is "mps", and this is no Mac with an Apple GPU', place)
    elif wanted.accelerator == "gpu" and not kinds:
        yield _absent('accelerator is "gpu", and no GPU can be used', "ENV.accelerator")
    if wanted.accelerator == "tpu":
        yield _absent('accelerator is "tpu", which this engine does not use', "ENV.accelerator")
    memory = machine.gpu.memory_total if machine.gpu else None
    if (wanted.accelerator == "gpu" or wanted.device == "cuda") and memory and memory < _SMALL_GPU:
        what = f"{machine.gpu.name if machine.gpu else ''} has {gib(memory)}; 8 GB are advised"
        yield problem(
            "L507", what, help="train an adapter (FT_LORA) or a small base", where="ENV.accelerator"
        )


def _absent(what: str, place: str) -> Problem:
    return problem("L503", what, help='write "auto" or "cpu"', where=place)


def _precision(machine: Machine, wanted: Requirements) -> Iterator[Problem]:
    gpu = machine.gpu
    if wanted.device == "cpu" or wanted.precision != "bf16" or gpu is None:
        return
    if gpu.compute_capability and gpu.compute_capability < _BF16_CAPABILITY:
        yield problem(
            "L508", f"{gpu.name} has no bf16 arithmetic", help='write "fp16"', where="ENV.precision"
        )


def _metrics(machine: Machine, wanted: Requirements) -> Iterator[Problem]:
    if wanted.gpu_metrics and not any(gpu.kind == "cuda" for gpu in machine.gpus):
        what = f"no NVIDIA GPU: {listed(wanted.gpu_metrics)} can't be recorded and are left out"
        yield problem("V014", what, where="MONITOR")


def _libraries(machine: Machine, wanted: Requirements) -> Iterator[Problem]:
    for extra in wanted.extras:
        missing = machine.missing(extra)
        if not missing:
            continue
        what = f"{extras()[extra].purpose} needs {listed(missing)}, not installed"
        yield problem(
            "L505", what, help=install_command(extra), severity="warning" if wanted.install_missing else None
        )


def _disk(machine: Machine, wanted: Requirements) -> Iterator[Problem]:
    if wanted.disk_bytes and machine.disk and machine.disk.free < wanted.disk_bytes:
        what = f"the run writes about {gib(wanted.disk_bytes)}, and {gib(machine.disk.free)} are free"
        yield problem("L506", what)


def _training(machine: Machine, wanted: Requirements) -> Iterator[Problem]:
    training = wanted.training
    if training is None:
        return
    gpu = machine.gpu
    on_gpu = wanted.device != "cpu" and gpu is not None and gpu.memory_total is not None
    memory = gpu.memory_total if on_gpu and gpu and gpu.memory_total else machine.memory_total
    need = memory_need(training)
    if need.total <= memory:
        return
    where = gpu.name if on_gpu and gpu else "the machine"
    parts = f"model {gib(need.model)}, activations of {training.batch_size} examples {gib(need.activations)}"
    yield problem(
        "V006",
        f"training takes at least {gib(need.total)} by estimate ({parts}); {where} has {gib(memory)}",
        help=_smaller(training, memory),
        where="TRAIN.batch_size",
    )


def _smaller(training: TrainingNeed, memory: int) -> str:
    batch = fitting_batch(training, memory)
    if batch is None:
        if not training.adapter:
            return "train an adapter (FT_LORA), or take a smaller base"
        return "take a smaller base, or shorter examples (max_seq_length)"
    steps = training.gradient_accumulation * training.batch_size // batch
    return f"write batch_size: {batch} and gradient_accumulation: {steps}, which train the same"


def _network(system: System) -> list[Problem]:
    host, port = _way_out(system)
    reason = system.connect(host, port, _CONNECT_TIMEOUT_S)
    if reason is None:
        return []
    what = f'network is "required", and {shortened(host)}:{port} can\'t be reached: {reason}'
    cure = 'check the connection, or write network: "offline" and use local models'
    return [problem("L504", what, help=cure, where="ENV.network")]


def _way_out(system: System) -> tuple[str, int]:
    # Through a proxy, the proxy is what must answer.
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HF_ENDPOINT"):
        try:
            parts = urlsplit(system.env.get(name, ""))
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            continue
        if parts.hostname:
            return parts.hostname, port
    return _HUB


def install_command(*names: str) -> str:
    """The command that installs extras."""
    return f'pip install "idiolect[{",".join(names)}]"'


def gib(number: int) -> str:
    """Bytes as .okt files write memory: units of 1024, one decimal where it tells something."""
    value = number / GIB
    return f"{value:.0f} GB" if value >= 100 or value == int(value) else f"{value:.1f} GB"
