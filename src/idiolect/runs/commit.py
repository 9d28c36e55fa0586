"""Putting a finished stage in its place: first it is written down what is to be moved, then it is moved.

A process that dies in between leaves the note, and the next one carries it out. Nothing else in a run
changes more than one file at a time.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from idiolect.files import Unreadable, read_small
from idiolect.runs.folder import PARTIAL, SET_ASIDE, RunFolder, names_in
from idiolect.runs.manifest import MANIFEST, Manifest, StageRecord, dumped
from idiolect.runs.stage import Stage

_NOTE = "commit.json"
_MOST_BYTES = 32 << 20


class Move(BaseModel):
    """One rename, both names relative to the run's folder. No source: what is there goes away."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # What stands in a folder that somebody else made may not lead out of it.
    source: Annotated[str, Field(pattern=r"^\.partial/[\w-]+(/[^/\\]+)?$")] | None
    target: Annotated[str, Field(pattern=r"^[^./\\][^/\\]*$")]
    set_aside: bool = False  # what is at the target was altered by somebody: it is kept elsewhere


class Commit(BaseModel):
    """The record of a finished stage, and where its files go."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    record: StageRecord
    moves: tuple[Move, ...]


def moves_of(
    run: RunFolder, made: Path, stage: Stage, before: StageRecord | None, altered: frozenset[str]
) -> tuple[Move, ...]:
    """The renames that bring a stage's files to their place, and take away those of last time.

    Files of last time that somebody altered, or that no stage is known to have made, are set aside.
    """
    source = made.relative_to(run.path).as_posix()
    if not stage.at_root:
        return (Move(source=source, target=stage.name, set_aside=before is None or bool(altered)),)
    former = {output.name for output in before.outputs} if before else set()
    names = names_in(made)
    moves = [
        Move(source=f"{source}/{name}", target=name, set_aside=name not in former or name in altered)
        for name in names
    ]
    gone = sorted(former.difference(names))
    moves += [Move(source=None, target=name, set_aside=name in altered) for name in gone]
    return tuple(moves)


def carry_out(run: RunFolder, manifest: Manifest, commit: Commit, order: tuple[str, ...]) -> Manifest:
    """Note the commit, then do it."""
    run.write(f"{PARTIAL}/{_NOTE}", dumped(commit))
    return _finish(run, manifest, commit, order)


def recover(run: RunFolder, manifest: Manifest, order: tuple[str, ...]) -> Manifest:
    """Carry out what a process that died had noted."""
    try:
        commit = Commit.model_validate_json(read_small(run.partial / _NOTE, _MOST_BYTES))
    except (Unreadable, ValidationError):
        return manifest
    return _finish(run, manifest, commit, order)


def _finish(run: RunFolder, manifest: Manifest, commit: Commit, order: tuple[str, ...]) -> Manifest:
    for move in commit.moves:
        _move(run, move)
    manifest = with_record(manifest, commit.record, order)
    run.write(MANIFEST, dumped(manifest))
    (run.partial / _NOTE).unlink()
    return manifest


def _move(run: RunFolder, move: Move) -> None:
    source = run.path / move.source if move.source is not None else None
    target = run.path / move.target
    if source is not None and not os.path.lexists(source):
        return  # moved before the process died
    if os.path.lexists(target):
        if move.set_aside:
            target.rename(_aside(run, target.name))
        else:
            old = run.scratch("old")
            target.rename(old / target.name)
            shutil.rmtree(old, ignore_errors=True)
    if source is not None:
        source.rename(target)


def _aside(run: RunFolder, name: str) -> Path:
    number = 1
    while os.path.lexists(path := run.path / SET_ASIDE / f"{name}-{number}"):
        number += 1
    path.parent.mkdir(exist_ok=True)
    return path


def with_record(manifest: Manifest, record: StageRecord, order: tuple[str, ...]) -> Manifest:
    """The manifest with a stage's record in place of its former one."""
    records = {one.name: one for one in manifest.stages} | {record.name: record}
    kept = tuple(records[name] for name in order if name in records)
    return manifest.model_copy(update={"stages": kept, "interrupted": None})
