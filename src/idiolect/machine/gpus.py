"""Finds GPUs: NVIDIA ones by nvidia-smi, Apple's by the platform. It loads no driver and no library.

AMD and Intel GPUs are **not** looked for.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from idiolect.machine.record import Gpu
from idiolect.machine.system import Ran, System
from idiolect.problem import Problem, problem
from idiolect.text_hints import counted, shortened

_TOOLS = ("nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi")
_TIMEOUT_S = 10.0  # a cold driver takes seconds
_COLUMNS = ("index", "uuid", "name", "memory.total", "memory.free", "driver_version", "compute_cap")
_CUDA = re.compile(r"CUDA (?:UMD )?Version\s*:\s*(\d+(?:\.\d+)?)")
_DRIVER_FILE = "/proc/driver/nvidia/version"
_VISIBLE = "CUDA_VISIBLE_DEVICES"


def find_gpus(system: System) -> tuple[tuple[Gpu, ...], tuple[Problem, ...]]:
    """The GPUs that programs may use, and why some could not be read."""
    kind, _, processor = system.names()
    if kind == "Darwin":
        apple = processor.lower().startswith("arm")
        return ((Gpu("mps", "Apple GPU (shares main memory)"),) if apple else ()), ()
    listed, problems = _ask(system)
    rows = [row for row in csv.reader(listed.splitlines(), skipinitialspace=True) if len(row) >= 6]
    if not rows:
        return (), problems
    cuda = _cuda_version(system)
    visible = _visible(rows, system.env.get(_VISIBLE))
    hidden = len(rows) - len(visible)
    if hidden:
        what = f"{_VISIBLE} hides {counted(hidden, 'GPU')}"
        problems += (problem("L509", what, help=f"unset {_VISIBLE} to use all", severity="info"),)
    return tuple(_gpu(row, cuda) for row in visible), problems


def _ask(system: System) -> tuple[str, tuple[Problem, ...]]:
    ran = _query(system, _COLUMNS)
    if ran is None:
        if system.read(_DRIVER_FILE) is None:
            return "", ()
        what = "an NVIDIA driver is loaded, but nvidia-smi was not found"
        return "", (problem("L509", what, help="install the driver's utilities"),)
    if ran.code:
        ran = _query(system, _COLUMNS[:-1]) or ran  # drivers before 510 do not know compute_cap
    if ran.code == 0:
        return ran.output, ()
    if ran.code is None:
        return "", (problem("L509", f"nvidia-smi did not answer within {_TIMEOUT_S:g} s"),)
    said = next((line.strip() for line in ran.output.splitlines() if line.strip()), f"exit code {ran.code}")
    return "", (problem("L509", f"nvidia-smi failed: {shortened(said, 120)}"),)


def _query(system: System, columns: Sequence[str]) -> Ran | None:
    return _run(system, f"--query-gpu={','.join(columns)}", "--format=csv,noheader,nounits")


def _run(system: System, *arguments: str) -> Ran | None:
    for tool in _TOOLS:
        ran = system.run((tool, *arguments), _TIMEOUT_S)
        if ran is not None:
            return ran
    return None


def _cuda_version(system: System) -> str | None:
    ran = _run(system)
    found = _CUDA.search(ran.output) if ran else None
    return found[1] if found else None


def _visible(rows: list[list[str]], chosen: str | None) -> list[list[str]]:
    # The driver's own rule: the list counts up to its first entry that names no GPU.
    if chosen is None or chosen.startswith("MIG-"):
        return rows
    found = []
    for entry in chosen.split(","):
        wanted = entry.strip()
        row = next((row for row in rows if wanted and (row[0] == wanted or row[1].startswith(wanted))), None)
        if row is None:
            break
        found.append(row)
    return found


def _gpu(row: list[str], cuda: str | None) -> Gpu:
    return Gpu(
        kind="cuda",
        name=row[2],
        memory_total=_mebibytes(row[3]),
        memory_free=_mebibytes(row[4]),
        driver=row[5],
        cuda=cuda,
        compute_capability=_capability(row[6]) if len(row) > 6 else None,
    )


def _mebibytes(text: str) -> int | None:
    return int(text) << 20 if text.isdecimal() and len(text) < 12 else None


def _capability(text: str) -> tuple[int, int] | None:
    found = re.fullmatch(r"(\d{1,3})\.(\d{1,3})", text.strip())
    return (int(found[1]), int(found[2])) if found else None
