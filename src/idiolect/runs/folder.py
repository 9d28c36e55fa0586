"""A run's folder: what lies where in it, which folder is a script's, and files written whole or not at all.

    runs/<project>/
      manifest.json   plan.json   script.okt      what made the run
      env_report.json                             the machine
      corpus/  synth/  split/  ...                a folder for each stage
      journal/<stage>/                            kept between attempts: paid answers, checkpoints
      logs/  times.json                           when, and how long
      .lock  .partial/  .hashes.json              the run's own

It does **not** run stages.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from idiolect.runs.lock import LOCK
from idiolect.runs.manifest import MANIFEST, DamagedManifest, Manifest, read_manifest
from idiolect.text_hints import shortened

PLAN = "plan.json"
SCRIPT = "script.okt"
TIMES = "times.json"
JOURNAL = "journal"
LOGS = "logs"
RUN_LOG = "run.log"
PARTIAL = ".partial"
HASHES = ".hashes.json"
SET_ASIDE = "set-aside"
RESERVED = frozenset({MANIFEST, PLAN, SCRIPT, TIMES, JOURNAL, LOGS, SET_ASIDE})
# What differs between two runs of the same script on the same files.
_NOT_CONTENT = frozenset({TIMES, JOURNAL, LOGS, "training_logs.json", "training_metrics.jsonl"})

_LONGEST_NAME = 120  # bytes; file systems take 255, and a number may follow
_UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
_WAYS_OUT = "--new starts a numbered run beside it, --force takes it over, another PROJECT leaves it alone"
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


class NoRunFolder(Exception):
    """There is no folder that a run may use: why, and one line that helps."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths in a run's folder, and writing there."""

    path: Path
    found_owner: str = ""  # the script whose run was there when the folder was chosen

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def partial(self) -> Path:
        return self.path / PARTIAL

    @property
    def log(self) -> Path:
        return self.path / LOGS / RUN_LOG

    def journal(self, stage: str) -> Path:
        return self.path / JOURNAL / stage

    def of(self, stage: str, at_root: bool) -> Path:
        """Where the files of a stage lie."""
        return self.path if at_root else self.path / stage

    def scratch(self, purpose: str) -> Path:
        """A new empty folder that the next run clears away, should this one die."""
        made = self.partial / f"{purpose}-{token_hex(6)}"
        made.mkdir(parents=True)
        return made

    def write(self, name: str, text: str) -> None:
        """Write a file beside and rename it into place; an unchanged one is left as it is."""
        target = self.path / name
        data = text.encode("utf-8", "surrogateescape")
        if _holds(target, data):
            return
        beside = self.scratch("write") / target.name
        beside.write_bytes(data)
        beside.replace(target)
        beside.parent.rmdir()

    def clear_partial(self) -> None:
        """Remove what an attempt that died has left behind."""
        if self.partial.is_symlink():
            self.partial.unlink()
        elif self.partial.exists():
            shutil.rmtree(self.partial, ignore_errors=True)

    def content_files(self) -> Iterator[Path]:
        """The files that the same script on the same inputs leaves with the same bytes."""
        for folder, folders, names in os.walk(self.path):
            at_top = Path(folder) == self.path
            folders[:] = sorted(one for one in folders if not (at_top and _is_own(one)))
            yield from (Path(folder) / name for name in sorted(names) if not (at_top and _is_own(name)))


def _is_own(name: str) -> bool:
    return name.startswith(".") or name in _NOT_CONTENT


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def names_in(folder: Path) -> list[str]:
    """The names in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir())


def script_name(script: Path, root: Path) -> str:
    """A script as a manifest names it."""
    path = Path(os.path.normpath(script.absolute()))
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def choose_folder(
    written: Path, project: str, script: str, *, fresh: bool = False, take_over: bool = False
) -> RunFolder:
    """The run of a script: its own where it has one, else a new one.

    `written` is the folder that the plan names; beside it lie numbered ones. What is there and belongs to
    another script is not touched, unless `take_over` says so.
    """
    _check_name(project)
    own = [folder for folder in (written, *_numbered(written)) if _owner(folder) == (project, script)]
    if fresh:
        return RunFolder(_next_free(written) if os.path.lexists(written) else written)
    if own:
        return RunFolder(own[-1], script)
    return RunFolder(written, _refuse_foreign(written, take_over))


def _check_name(project: str) -> None:
    fault = _UNFIT.search(project)
    reason = ""
    if fault:
        reason = f"it holds {fault.group()!a}"
    elif project.startswith((".", " ")) or project.endswith((".", " ")):
        reason = "it begins with a dot or a space, or ends with one"
    elif _DEVICES.fullmatch(project):
        reason = "Windows keeps this name for a device"
    elif len(project.encode()) > _LONGEST_NAME:
        reason = f"it is longer than {_LONGEST_NAME} bytes"
    if reason:
        better = re.sub(r"[^\w.-]+", "-", project).strip("-. ")[:40] or "my-project"
        raise NoRunFolder(
            f"PROJECT \"{shortened(project)}\" can't be the name of a run's folder: {reason}",
            f'write PROJECT "{better}"' if better != project else 'write PROJECT "my-project"',
        )


def _numbered(written: Path) -> list[Path]:
    """The numbered folders beside the first, in order."""
    pattern = re.compile(re.escape(written.name) + r"-([2-9]|[1-9]\d{1,5})")
    try:
        names = names_in(written.parent)
    except OSError:
        return []
    found = [(int(match[1]), name) for name in names if (match := pattern.fullmatch(name))]
    return [written.parent / name for _, name in sorted(found)]


def _next_free(written: Path) -> Path:
    number = 2
    while os.path.lexists(path := written.parent / f"{written.name}-{number}"):
        number += 1
    return path


def _owner(folder: Path) -> tuple[str, str] | None:
    try:
        manifest = read_manifest(folder)
    except DamagedManifest:
        return None
    return manifest.project, manifest.script


def _refuse_foreign(folder: Path, take_over: bool) -> str:
    """Whose run a folder holds, if it may be taken over; NoRunFolder where it may not be used."""
    if not os.path.lexists(folder):
        return ""
    if not folder.is_dir():
        raise NoRunFolder(f"{folder} is no folder", "move it away, or write another PROJECT")
    try:
        manifest = read_manifest(folder)
    except DamagedManifest as error:
        if take_over or (error.missing and _is_empty(folder)):
            return ""
        what = "holds files that no run has made" if error.missing else f"can't be gone on with: {error}"
        raise NoRunFolder(f"{folder} {what}", _WAYS_OUT) from error
    if not take_over:
        raise another_script(folder, manifest)
    return manifest.script


def another_script(folder: Path, manifest: Manifest) -> NoRunFolder:
    """Why a run is not gone on with by a script that it does not belong to."""
    return NoRunFolder(
        f'{folder} is the run of another script, {manifest.script} (PROJECT "{manifest.project}")', _WAYS_OUT
    )


def _is_empty(folder: Path) -> bool:
    """Whether nothing but traces of a run that died at its very beginning is there."""
    return all(name in (LOCK, PARTIAL) for name in names_in(folder))
