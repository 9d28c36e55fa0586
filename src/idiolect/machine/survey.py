"""Looks at the machine: processor, memory, disk, GPUs, container limits and installed libraries.

Nothing is imported to find a library's version, and no network is used.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from idiolect.machine.container import container_limits
from idiolect.machine.gpus import find_gpus
from idiolect.machine.record import Disk, Library, Machine, Platform
from idiolect.machine.system import System, ThisSystem, python_name

_PLATFORMS: dict[str, Platform] = {"Linux": "linux", "Darwin": "mac", "Windows": "windows"}
_SYSCTL_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Extra:
    """A set of libraries that one `pip install` brings."""

    purpose: str
    packages: tuple[str, ...]


@cache
def extras() -> dict[str, Extra]:
    """The extras by name."""
    table = tomllib.loads(files("idiolect.machine").joinpath("extras.toml").read_text("utf-8"))
    return {name: Extra(entry["for"], tuple(entry["packages"])) for name, entry in table.items()}


def survey(folder: Path = Path(), system: System | None = None) -> Machine:
    """The machine as it is now; `folder` chooses the disk."""
    system = system or ThisSystem()
    kind, full_name, processor = system.names()
    limits = container_limits(system)
    built_in, available = system.memory()
    total = min(built_in, limits.memory or built_in)
    space = system.disk(folder)
    gpus, problems = find_gpus(system)
    return Machine(
        platform=_PLATFORMS.get(kind, "other"),
        system=full_name,
        python=python_name(),
        cpu=_cpu_model(system) or processor or "unknown",
        cores=min(system.cores(), math.ceil(limits.processors)) if limits.processors else system.cores(),
        memory_total=total,
        memory_available=min(
            available, total, built_in if limits.memory_left is None else limits.memory_left
        ),
        memory_limited=total < built_in,
        disk=Disk(folder, *space) if space else None,
        gpus=gpus,
        libraries=tuple(
            Library(package, name, system.installed(package))
            for name, extra in extras().items()
            for package in extra.packages
        ),
        problems=problems,
    )


def _cpu_model(system: System) -> str | None:
    for line in (system.read("/proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name" and value.strip():
            return value.strip()
    if system.names()[0] == "Darwin":
        ran = system.run(("sysctl", "-n", "machdep.cpu.brand_string"), _SYSCTL_TIMEOUT_S)
        return ran.output.strip() or None if ran and ran.code == 0 else None
    return None
