"""Checkpoint folders: written beside and renamed, checked before they are read, thinned out by rule.

    checkpoint-200/
      adapter_model.safetensors or model.safetensors, tokenizer, idiolect.json
                                                     a student, as `load_student` reads it
      optimizer.*  scheduler.*  random-0.*  loop.*   what training needs to go on exactly
      trainer_state.json                             step, epoch and history
      checkpoint.json                                every file with its SHA-256; written last

A folder under its final name is whole: the process that wrote it renamed it as its last act. A disk that is
full, or a kill, leaves what was there before. No file of a checkpoint is a pickle.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from idiolect.files import Unreadable, read_small
from idiolect.problem import problem
from idiolect.train.trouble import TrainingError

RECORD = "checkpoint.json"
PREFIX = "checkpoint-"
FORMAT = "idiolect.checkpoint/1"
_RECORD_BYTES = 4 << 20
_BESIDE = ".writing-"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A whole checkpoint."""

    folder: Path
    step: int
    fingerprint: str  # of the training that wrote it
    processes: int = 1
    kept: bool = True  # the script asks for it; else it only guards against a kill


class Unusable(Exception):
    """Why a checkpoint can't be gone on from; completes the sentence "checkpoint-200 ..."."""


def write_checkpoint(
    home: Path,
    step: int,
    fill: Callable[[Path], None],
    *,
    fingerprint: str,
    processes: int = 1,
    kept: bool = True,
) -> Checkpoint:
    """Let `fill` write into a folder beside, seal it and rename it into place."""
    target = home / f"{PREFIX}{step}"
    beside = home / f"{_BESIDE}{step}-{token_hex(4)}"
    beside.mkdir(parents=True)
    try:
        fill(beside)
        seal(beside, {"step": step, "fingerprint": fingerprint, "processes": processes, "kept": kept})
        if target.exists():
            old = home / f"{_BESIDE}old-{token_hex(4)}"
            target.rename(old)
            beside.rename(target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            beside.rename(target)
        _sync(home)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return Checkpoint(target, step, fingerprint, processes, kept)


def seal(folder: Path, facts: dict[str, Any]) -> None:
    """Write the record of every file that is there, each of them on the disk before it."""
    files = {}
    for path in _files(folder):
        files[path.relative_to(folder).as_posix()] = {"bytes": path.stat().st_size, "sha256": _hash(path)}
        _sync(path)
    said = {"format": FORMAT, **facts, "files": files}
    with (folder / RECORD).open("w", encoding="utf-8", newline="\n") as stream:
        json.dump(said, stream, indent=2)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())


def read_checkpoint(folder: Path) -> Checkpoint:
    """A checkpoint that is whole; Unusable says what is wrong with it."""
    if not folder.is_dir():
        raise Unusable("does not exist" if not folder.exists() else "is no folder")
    try:
        said = json.loads(read_small(folder / RECORD, _RECORD_BYTES))
        facts = (said["step"], said["fingerprint"], said["processes"], said["kept"], said["files"])
    except Unreadable as reason:
        if reason.missing:
            hint = " (it is another trainer's)" if any(folder.glob("*.pt")) else ""
            raise Unusable(f"has no {RECORD}: Idiolect did not write it{hint}") from reason
        raise Unusable(f"has a {RECORD} that {reason}") from reason
    except (ValueError, KeyError, TypeError) as error:
        raise Unusable(f"has a damaged {RECORD}") from error
    if said.get("format") != FORMAT:
        raise Unusable(f'is of another version of Idiolect: its format is "{said.get("format")}"')
    step, fingerprint, processes, kept, files = facts
    for name, known in files.items():
        path = folder / name
        if not path.is_file():
            raise Unusable(f"lacks {name}")
        if path.stat().st_size != known["bytes"] or _hash(path) != known["sha256"]:
            raise Unusable(f"is damaged: {name} is not as it was written")
    return Checkpoint(folder, step, fingerprint, processes, kept)


def listed(folder: Path) -> Checkpoint:
    """A checkpoint by its record alone: of a training that has just written it."""
    said = json.loads(read_small(folder / RECORD, _RECORD_BYTES))
    return Checkpoint(folder, said["step"], said["fingerprint"], said["processes"], said["kept"])


def newest(home: Path, fingerprint: str, warn: Callable[[str], None]) -> Checkpoint | None:
    """The newest checkpoint of a training that can be gone on from; damaged ones are passed over aloud."""
    for folder in reversed(list(folders(home))):
        try:
            found = read_checkpoint(folder)
        except Unusable as reason:
            warn(f"{folder.name} {reason}; the one before it is taken")
            continue
        if found.fingerprint == fingerprint:
            return found
    return None


def newest_of_run(run: Path) -> Path | None:
    """The last checkpoint that any training of a run has written, finished or not."""
    homes = [home for home in (run / "journal" / "train").glob("*") if home.is_dir()]
    found = [folder for home in (*homes, run) for folder in folders(home)]
    return max(found, key=lambda folder: (folder.stat().st_mtime_ns, _step_of(folder)), default=None)


def folders(home: Path) -> Iterator[Path]:
    """Checkpoint folders by step, the oldest first."""
    if not home.is_dir():
        return
    numbered = []
    for path in home.iterdir():
        number = path.name.removeprefix(PREFIX)
        if path.name.startswith(PREFIX) and number.isdecimal() and path.is_dir():
            numbered.append((int(number), path))
    yield from (path for _, path in sorted(numbered))


def clear_unfinished(home: Path) -> None:
    """Remove what a process that died was writing."""
    for path in home.glob(f"{_BESIDE}*") if home.is_dir() else ():
        shutil.rmtree(path, ignore_errors=True)


def thin_out(home: Path, limit: int | None, spared: frozenset[int] = frozenset()) -> None:
    """Remove the oldest: of those that the script asks for all but `limit`, of the guards all but the newest.

    Steps that are `spared` (the best one) stay and are not counted.
    """
    wanted: list[Path] = []
    guards: list[Path] = []
    for folder in folders(home):
        if int(folder.name.removeprefix(PREFIX)) in spared:
            continue
        (wanted if _is_kept(folder) else guards).append(folder)
    newest_of_all = max((*wanted, *guards), key=_step_of, default=None)
    gone = [*(wanted[:-limit] if limit else []), *guards]
    for folder in gone:
        if folder != newest_of_all:
            shutil.rmtree(folder, ignore_errors=True)


def refuse(folder: Path, reason: Unusable) -> TrainingError:
    """The error of a checkpoint that a script names and that can't be used."""
    return TrainingError(problem("V005", f"checkpoint {folder.name} {reason}", where=str(folder)))


def _is_kept(folder: Path) -> bool:
    try:
        return bool(json.loads(read_small(folder / RECORD, _RECORD_BYTES)).get("kept", True))
    except (Unreadable, ValueError):
        return True


def _step_of(folder: Path) -> int:
    return int(folder.name.removeprefix(PREFIX))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Put a file or a folder's entries on the disk, where the system can."""
    try:
        number = os.open(path, os.O_RDONLY)
    except OSError:
        return  # folders can't be opened on Windows
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno in (28, 122):  # no space, no quota: the file is not whole
            raise
    finally:
        os.close(number)
