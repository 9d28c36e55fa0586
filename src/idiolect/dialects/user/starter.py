"""Makes a new dialect folder that works at once: a small, complete language to be changed into one's own."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

_MARK = "@NAME@"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")


class CantMake(Exception):
    """A folder that can't be made; the message says why and what to do."""


def make_folder(name: str, folder: Path) -> list[Path]:
    """Write the starter's files into a folder that is new or empty; the paths written."""
    if not _NAME.match(name):
        near = re.sub(r"[^a-z0-9_-]+", "_", name.lower()).lstrip("_-0123456789") or "mine"
        raise CantMake(
            f'"{name}" is no name for a dialect (small letters, digits, _ and -); try "{near[:40]}"'
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CantMake(f"{folder} is already there and not an empty folder; name another one by --dir")
    written: list[Path] = []
    try:
        _copy(files("idiolect.dialects.user").joinpath("template"), folder, name, written)
    except OSError as error:
        raise CantMake(f"{error.filename or folder} can't be written: {error.strerror}") from error
    return written


def _copy(source: Traversable, target: Path, name: str, written: list[Path]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for item in sorted(source.iterdir(), key=lambda item: item.name):
        path = target / item.name.replace(_MARK, name)
        if item.is_dir():
            if item.name != "__pycache__":
                _copy(item, path, name, written)
        else:
            path.write_text(item.read_text(encoding="utf-8").replace(_MARK, name), encoding="utf-8")
            written.append(path)
