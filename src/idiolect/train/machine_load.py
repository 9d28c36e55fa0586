"""The load of this machine, read by psutil and, for NVIDIA GPUs, by NVML where `pynvml` is installed.

`ThisMachine` is the real one; anything with `read()` may stand in its place. Memory is in bytes and counts a
container's limit as the machine's; usage is on a scale of 0 to 100; what can't be read is left out, and
`why_not` says why.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

import psutil

from idiolect.machine.container import container_limits
from idiolect.machine.system import System, ThisSystem

Load = Mapping[str, float]
_GPU = ("gpu_usage", "gpu_memory_used", "gpu_memory_free", "gpu_memory_total", "gpu_temperature")


class Machine(Protocol):
    """Whoever tells the load."""

    def read(self) -> Load:
        """Names to numbers, of what can be read now."""
        ...

    def why_not(self, name: str) -> str:
        """Why a name is not in what was read."""
        ...


class ThisMachine:
    """The machine that this runs on. `gpu` is the device's number as CUDA counts; None looks at no GPU."""

    def __init__(
        self,
        gpu: int | None = None,
        *,
        system: System | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._system = system or ThisSystem()
        self._clock = clock
        self._gpu = Nvml.opened(gpu) if gpu is not None else "the device is no GPU"
        self._disk: tuple[float, int] | None = None  # when, and bytes moved until then
        psutil.cpu_percent(None)  # the first answer of a process is always 0

    def read(self) -> Load:
        """What can be read now."""
        load: dict[str, float] = {"cpu_usage": psutil.cpu_percent(None), **self._memory()}
        moved = self._disk_rate()
        if moved is not None:
            load["disk_io"] = moved
        temperature = _temperature()
        if temperature is not None:
            load["temperature"] = temperature
        if isinstance(self._gpu, Nvml):
            load |= self._gpu.read()
        return load

    def why_not(self, name: str) -> str:
        """Why a name is not in what was read."""
        if name in _GPU:
            return self._gpu if isinstance(self._gpu, str) else "the GPU's driver does not tell it"
        if name == "temperature":
            return "this system has no sensor that may be read"
        if name == "disk_io":
            return "this system does not count it, or only one sample was taken"
        return "nothing on this machine measures it"

    def _memory(self) -> dict[str, float]:
        total, available = self._system.memory()
        limits = container_limits(self._system)
        if limits.memory is not None and limits.memory < total:
            total = limits.memory
        if limits.memory_left is not None:
            available = min(available, limits.memory_left)
        used = max(0, total - available)
        return {
            "ram_usage": round(100 * used / total, 1) if total else 0.0,
            "ram_used": used,
            "ram_free": available,
            "ram_total": total,
        }

    def _disk_rate(self) -> float | None:
        counters = None
        with suppress(OSError, RuntimeError):  # containers may hide the disks
            counters = psutil.disk_io_counters()
        if counters is None:
            return None
        at, moved = self._clock(), counters.read_bytes + counters.write_bytes
        before, self._disk = self._disk, (at, moved)
        if before is None or at <= before[0]:
            return None
        return round(max(0, moved - before[1]) / (at - before[0]), 1)


def _temperature() -> float | None:
    """The hottest sensor of the processor or the board."""
    read: Callable[[], Mapping[str, Any]] | None = getattr(psutil, "sensors_temperatures", None)
    if read is None:
        return None
    with suppress(OSError, RuntimeError, ValueError):
        found = [one.current for group in read().values() for one in group if one.current]
        return max(found) if found else None
    return None


class Nvml:
    """One NVIDIA GPU through its management library."""

    def __init__(self, library: Any, handle: Any) -> None:
        self._library = library
        self._handle = handle

    @classmethod
    def opened(cls, device: int) -> Nvml | str:
        """The GPU that CUDA counts as this one, or why it can't be asked."""
        try:
            import pynvml
        except ImportError:
            return 'NVML is not installed; pip install "idiolect[monitor]"'
        try:
            pynvml.nvmlInit()
            return cls(pynvml, _handle(pynvml, device))
        except pynvml.NVMLError as error:
            return f"no NVIDIA driver answers: {error}"

    def read(self) -> dict[str, float]:
        """What the driver tells now."""
        nvml, handle = self._library, self._handle
        load: dict[str, float] = {}
        with suppress(nvml.NVMLError):
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            load |= {
                "gpu_memory_used": memory.used,
                "gpu_memory_free": memory.free,
                "gpu_memory_total": memory.total,
            }
        with suppress(nvml.NVMLError):
            load["gpu_usage"] = nvml.nvmlDeviceGetUtilizationRates(handle).gpu
        with suppress(nvml.NVMLError):
            load["gpu_temperature"] = nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)
        return load


def _handle(pynvml: Any, device: int) -> Any:
    """NVML counts all GPUs of the machine, CUDA those that are visible: the UUID is the same for both."""
    with suppress(ImportError, RuntimeError, AssertionError, AttributeError):
        import torch

        uuid = str(torch.cuda.get_device_properties(device).uuid)
        return pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
    return pynvml.nvmlDeviceGetHandleByIndex(device)
