"""What an offline machine must install: exact versions of what runs here, and our own wheel.

The versions are those that are installed and proven here, of idiolect and of all that it needs to answer.
Wheels of others are not made here; `pip download` fetches them (`fetch_wheels`).
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import idiolect

EXTRAS = ("train", "serve")  # the extras that answering needs
_OTHERS = {
    "gguf": ("llama-cpp-python",),
    "okm": ("cryptography",),
    "serve": ("fastapi", "uvicorn", "websockets", "prometheus-client"),
}
_EPOCH = (1980, 1, 1, 0, 0, 0)
_TIMEOUT_S = 3600


class NoWheels(Exception):
    """Wheels that could not be fetched; `str()` is pip's last word."""


def pinned(purposes: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Requirements with exact versions: idiolect, and everything that it needs here, sorted.

    `purposes` are of `_OTHERS`; what is not installed here is left out, since no version of it was proven.
    """
    found: dict[str, str] = {}
    todo = [("idiolect", frozenset(EXTRAS))]
    todo += [(name, frozenset()) for purpose in purposes for name in _OTHERS.get(purpose, ())]
    while todo:
        name, extras = todo.pop()
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        key = _normal(name)
        first = key not in found
        # a local version ("+cpu") is of an index of its own; wheels with it satisfy the plain one
        found[key] = installed.version.partition("+")[0]
        if first or extras:
            todo += [one for one in _needs(installed, extras) if one[1] or _normal(one[0]) not in found]
    return tuple(f"{name}=={version}" for name, version in sorted(found.items()))


def _needs(installed: metadata.Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    from packaging.requirements import Requirement

    for line in installed.requires or ():
        wanted = Requirement(line)
        tried = [{"extra": extra} for extra in ("", *extras)]
        if wanted.marker is None or any(wanted.marker.evaluate(one) for one in tried):
            yield wanted.name, frozenset(wanted.extras)


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def write_own_wheel(folder: Path, home: Path | None = None) -> Path:
    """Write the wheel of the code that is running, or of a copy; the same code gives the same bytes."""
    version = idiolect.__version__
    home = home or Path(idiolect.__file__).parent
    info = f"idiolect-{version}.dist-info"
    installed = metadata.distribution("idiolect")
    content: dict[str, bytes] = {
        f"idiolect/{path.relative_to(home).as_posix()}": path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    content[f"{info}/METADATA"] = (installed.read_text("METADATA") or "").encode()
    content[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: idiolect\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    content[f"{info}/entry_points.txt"] = (installed.read_text("entry_points.txt") or "").encode()
    rows = [f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in content.items()]
    content[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"]).encode()
    path = folder / f"idiolect-{version}-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return path


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def fetch_wheels(requirements: Path, into: Path, *, found_in: Path | None = None) -> int:
    """Fetch the wheels of a list with pip, from a folder alone where one is given; how many there are."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:"]
    command += ["--requirement", str(requirements), "--dest", str(into), "--find-links", str(into)]
    if found_in is not None:
        command += ["--no-index", "--find-links", str(found_in)]
    done = subprocess.run(  # noqa: S603 - our own pip, and paths as single words
        command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    if done.returncode:
        raise NoWheels((done.stderr.strip().splitlines() or ["pip said nothing"])[-1])
    return len(list(into.glob("*.whl")))
