"""What a machine is: records only, filled by the survey and read by everything else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from idiolect.problem import Problem

Platform = Literal["windows", "linux", "mac", "other"]


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU that programs may use. Memory is in bytes; None where the driver does not tell."""

    kind: Literal["cuda", "mps"]
    name: str
    memory_total: int | None = None
    memory_free: int | None = None
    driver: str | None = None
    cuda: str | None = None  # the newest CUDA version that the driver can serve
    compute_capability: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk that holds a folder; bytes."""

    path: Path
    total: int
    free: int


@dataclass(frozen=True, slots=True)
class Library:
    """A library that an extra installs; `version` is None where it is not installed."""

    name: str
    extra: str
    version: str | None


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as far as programs on it may use it: a container's limits are taken into account."""

    platform: Platform
    system: str  # name and version of the operating system
    python: str
    cpu: str
    cores: int  # that this process may use
    memory_total: int
    memory_available: int
    memory_limited: bool = False  # whether a container's limit is below what is built in
    disk: Disk | None = None
    gpus: tuple[Gpu, ...] = ()
    libraries: tuple[Library, ...] = ()
    problems: tuple[Problem, ...] = ()  # what the survey itself could not find out

    @property
    def gpu(self) -> Gpu | None:
        """The GPU with most memory."""
        return max(self.gpus, key=lambda gpu: gpu.memory_total or 0, default=None)

    def missing(self, extra: str) -> tuple[str, ...]:
        """The libraries of an extra that are not installed."""
        return tuple(
            library.name for library in self.libraries if library.extra == extra and library.version is None
        )
