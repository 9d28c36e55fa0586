"""Limits that a container sets (cgroup versions 1 and 2): memory in bytes, processors as a number.

It only reads; a machine without cgroups has no limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from idiolect.machine.system import System

_ROOT = "/sys/fs/cgroup"


@dataclass(frozen=True, slots=True)
class ContainerLimits:
    """The tightest limits around this process; None where there is none."""

    memory: int | None = None
    memory_left: int | None = None  # below that limit, with file cache counted as free
    processors: float | None = None


def container_limits(system: System) -> ContainerLimits:
    """Read the limits of this process's group and of all groups around it."""
    groups = _groups(system.read("/proc/self/cgroup") or "")
    memory = memory_left = None
    processors = None
    for folder in _folders(groups.get("", groups.get("memory")), "" if "" in groups else "/memory"):
        limit = _number(system.read(f"{folder}/memory.max") or system.read(f"{folder}/memory.limit_in_bytes"))
        if limit is None:
            continue
        memory = limit if memory is None else min(memory, limit)
        left = max(0, limit - _used(system, folder))
        memory_left = left if memory_left is None else min(memory_left, left)
    for folder in _folders(groups.get("", groups.get("cpu")), "" if "" in groups else "/cpu"):
        share = _processors(system, folder)
        if share is not None:
            processors = share if processors is None else min(processors, share)
    return ContainerLimits(memory, memory_left, processors)


def _groups(text: str) -> dict[str, str]:
    """Controller to the path of this process's group; version 2 has one, under the name ""."""
    groups = {}
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in controllers.split(","):
            groups[controller] = path
    if len(groups) > 1 and "memory" in groups:
        groups.pop("", None)  # mixed setup: the limits are with version 1
    return groups


def _folders(path: str | None, below: str) -> Iterator[str]:
    # Inside a container the path may be the host's; its root then is what the container sees.
    inner = PurePosixPath(path or "/")
    for group in (inner, *inner.parents):
        yield f"{_ROOT}{below}{'' if str(group) == '/' else group}"


def _used(system: System, folder: str) -> int:
    for current, key in (
        ("memory.current", "inactive_file"),
        ("memory.usage_in_bytes", "total_inactive_file"),
    ):
        used = _number(system.read(f"{folder}/{current}"))
        if used is not None:
            stat = (line.split() for line in (system.read(f"{folder}/memory.stat") or "").splitlines())
            cache = next((_number(words[1]) for words in stat if len(words) == 2 and words[0] == key), None)
            return used - (cache or 0)
    return 0


def _processors(system: System, folder: str) -> float | None:
    quota, _, period = (system.read(f"{folder}/cpu.max") or "").strip().partition(" ")
    if not quota:
        quota = system.read(f"{folder}/cpu.cfs_quota_us") or ""
        period = system.read(f"{folder}/cpu.cfs_period_us") or ""
    share, whole = _number(quota), _number(period)
    return share / whole if share and whole else None


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 25 else None
