"""Finds the files that a script includes. It looks whether they are there; it never reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from idiolect.dialects.ahk2.script import Include

_KNOWN = re.compile(r"%(A_ScriptDir|A_WorkingDir|A_LineFile)%", re.I)


@dataclass(frozen=True, slots=True)
class Found:
    """An include and the file that it means; None where there is none."""

    include: Include
    path: Path | None


def find_includes(includes: list[Include], folder: Path | None) -> Iterator[Found]:
    """Look for each include from the script's folder; a folder that is included moves the search."""
    here = folder
    for include in includes:
        path = None
        if here is not None and folder is not None:
            path = _library(folder, include.path) if include.library else _file(here, folder, include.path)
            if path is not None and path.is_dir() and not include.library:
                here = path
        yield Found(include, path)


def _file(here: Path, folder: Path, written: str) -> Path | None:
    match = _KNOWN.match(written)
    if match is None:
        return None if "%" in written else _walk(here, written)
    return _walk(folder, written[match.end() :].lstrip("\\/"))


def _library(folder: Path, name: str) -> Path | None:
    return _walk(folder, f"Lib/{name}.ahk") or _walk(folder, f"Lib/{name.partition('_')[0]}.ahk")


def _walk(folder: Path, written: str) -> Path | None:
    """The file below a folder, letters compared as Windows does."""
    path = folder
    for part in re.split(r"[\\/]+", written.strip()):
        if part in ("", "."):
            continue
        if part == ".." or (path / part).exists():
            path = path / part
            continue
        if not path.is_dir():
            return None
        found = next((entry for entry in sorted(path.iterdir()) if entry.name.lower() == part.lower()), None)
        if found is None:
            return None
        path = found
    return path if path.exists() else None
