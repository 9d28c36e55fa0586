"""What a project holds: scripts, trained models, data files and exports.

It looks at names and sizes, and loads nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from idiolect.files import Unreadable, open_plain
from idiolect.plan.paths import read_okt_yaml
from idiolect.runs.folder import names_in
from idiolect.runs.shelf import ShelfRun, runs_of
from idiolect.text_hints import size

_DATA_SUFFIXES = (".jsonl", ".json", ".csv", ".parquet", ".txt")
_WEIGHTS = (".safetensors", ".gguf", ".onnx", ".okm")
_MOST_COUNTED_BYTES = 1 << 28
_DEEPEST = 4
_SKIPPED = frozenset({"runs", "node_modules", "__pycache__"})

Row = tuple[object, ...]


def projects(root: Path) -> Iterator[Row]:
    """Scripts below the root: script, project, and how its run stands."""
    from idiolect.okt.check import check_file
    from idiolect.okt.text import UnreadableScript

    runs = {run.manifest.script: run for run in runs_of(root)[0] if run.manifest is not None}
    for path in _files(root, (".okt",)):
        name = path.relative_to(root).as_posix()
        try:
            project = check_file(path).reading.head.get("PROJECT") or path.stem
        except UnreadableScript:
            project = "(can't be read)"
        yield name, project, runs[name].state() if name in runs else "no run yet"


def models(root: Path) -> Iterator[Row]:
    """Weights in runs and in models/: path, size, what they are."""
    for run in runs_of(root)[0]:
        yield from _weights(root, run)
    folder = root / "models"
    for name in names_in(folder) if folder.is_dir() else ():
        if (folder / name / "config.json").is_file():
            yield f"models/{name}", size(_bytes(folder / name)), "a base model"


def datasets(root: Path) -> Iterator[Row]:
    """Data files in the project's dataset folder: path, size, lines."""
    folder = _structure(root, "dataset_dir", "dataset")
    for path in _files(folder, _DATA_SUFFIXES):
        yield _name(path, root), size(_bytes(path)), _lines(path)


def exports(root: Path) -> Iterator[Row]:
    """Exported files, in the project's export folder and where runs' plans put them: path, size, format."""
    folders = [_structure(root, "export_dir", "export")]
    for run in runs_of(root)[0]:
        written = run.settings().get("EXPORT.path")
        if isinstance(written, str):
            folders.append(root / written)
    for folder in dict.fromkeys(Path(os.path.normpath(folder)) for folder in folders):
        for path in _files(folder, _WEIGHTS):
            yield _name(path, root), size(_bytes(path)), path.suffix[1:]


def _weights(root: Path, run: ShelfRun) -> Iterator[Row]:
    for path in _files(run.folder.path, _WEIGHTS):
        if run.folder.path / "set-aside" not in path.parents:
            what = (
                "adapter"
                if path.name.startswith("adapter")
                else "checkpoint"
                if "checkpoint-" in str(path)
                else "model"
            )
            yield _name(path, root), size(_bytes(path)), f"{what} of {run.folder.name}"


def _structure(root: Path, key: str, default: str) -> Path:
    okt_yaml = root / "okt.yaml"
    project = read_okt_yaml(okt_yaml)[0] if okt_yaml.exists() else None
    return root / (project.structure.get(key, default) if project else default)


def _files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Files below a folder that end so, in order; hidden folders, runs and what is very deep are left out."""
    for at, folders, names in os.walk(folder):
        below = Path(at).relative_to(folder).parts
        kept = sorted(one for one in folders if not one.startswith(".") and one not in _SKIPPED)
        folders[:] = kept if len(below) < _DEEPEST else []
        yield from (Path(at) / name for name in sorted(names) if name.endswith(suffixes))


def _bytes(path: Path) -> int:
    if path.is_dir():
        return sum(one.lstat().st_size for one in path.rglob("*") if one.is_file())
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _lines(path: Path) -> str:
    """How many lines a text file has; "-" where it has none or is too large to count in passing."""
    if path.suffix == ".parquet" or _bytes(path) > _MOST_COUNTED_BYTES:
        return "-"
    try:
        with open_plain(path) as stream:
            return f"{sum(1 for _ in stream):,} lines"
    except Unreadable as error:
        return str(error)


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
