"""The runs of a project: finding them, opening one by what a user types, and saying how each stands.

It changes nothing; a folder that can't be read is listed with the reason.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idiolect.files import Unreadable, read_small
from idiolect.runs.folder import PLAN, RunFolder, names_in, script_name
from idiolect.runs.lock import holder_of
from idiolect.runs.manifest import MANIFEST, DamagedManifest, Manifest, read_manifest
from idiolect.text_hints import did_you_mean, shortened

_MOST_JSON_BYTES = 64 << 20


class NoSuchRun(Exception):
    """Nothing that the user's word names."""


@dataclass(frozen=True, slots=True)
class ShelfRun:
    """A run's folder and its manifest, or what is wrong with it."""

    folder: RunFolder
    manifest: Manifest | None
    damage: str = ""

    @property
    def root(self) -> Path:
        """The project root, which paths in the plan start from."""
        return self.folder.path.parent.parent

    def state(self) -> str:
        """How the run stands, in a few words."""
        holder = holder_of(self.folder.path)
        if holder is not None:
            return f"running: {holder}"
        if self.manifest is None:
            return f"damaged: {self.damage}"
        interrupted = self.manifest.interrupted
        if interrupted is not None and interrupted.how == "running":
            return f"died in {interrupted.stage}"
        if interrupted is not None:
            reason = f": {shortened(interrupted.reason, 80)}" if interrupted.reason else ""
            return f"{interrupted.how} in {interrupted.stage}{reason}"
        if not self.manifest.stages:
            return "nothing done yet"
        last = self.manifest.stages[-1]
        ends = [record for record in self.manifest.stages if record.ending != "done"]
        return f"{ends[0].ending} in {ends[0].name}" if ends else f"done up to {last.name}"

    def settings(self) -> dict[str, Any]:
        """The settings of the run's plan by path; empty where plan.json is not to be had."""
        try:
            plan = read_json(self.folder.path / PLAN)
        except NotJson:
            return {}
        settings = plan.get("settings") if isinstance(plan, dict) else None
        if not isinstance(settings, dict):
            return {}
        return {
            path: said["value"]
            for path, said in settings.items()
            if isinstance(said, dict) and "value" in said
        }


class NotJson(Exception):
    """No JSON to be had from a file; `str()` completes the sentence that begins with its name."""

    def __init__(self, reason: str, *, missing: bool = False) -> None:
        super().__init__(reason)
        self.missing = missing


def read_json(path: Path) -> Any:
    """What a JSON file of a run holds."""
    try:
        return json.loads(read_small(path, _MOST_JSON_BYTES))
    except Unreadable as error:
        raise NotJson(str(error), missing=error.missing) from error
    except RecursionError as error:
        raise NotJson("is nested too deeply") from error
    except ValueError as error:
        raise NotJson(f"is no JSON, or was cut short: {shortened(str(error), 80)}") from error


def project_of(start: Path) -> Path:
    """The project that a folder is part of: the nearest one above with okt.yaml or runs, else itself."""
    start = Path(os.path.normpath(start.absolute()))
    for folder in (start, *start.parents):
        if (folder / "okt.yaml").exists() or (folder / "runs").is_dir():
            return folder
    return start.parent if start.name == "scripts" else start


def runs_of(root: Path) -> tuple[list[ShelfRun], list[str]]:
    """The runs of a project by name, and the names below runs/ that are no run."""
    shelf = root / "runs"
    if not shelf.is_dir():
        return [], []
    found, others = [], []
    for name in names_in(shelf):
        if name.startswith("."):
            continue
        if os.path.lexists(shelf / name / MANIFEST):
            found.append(_opened(shelf / name))
        else:
            others.append(name)
    return found, others


def open_run(word: str, start: Path) -> ShelfRun:
    """The run that a word names: a run's name, the path of its folder, or the script it belongs to."""
    root = project_of(start)
    path = start / word
    if path.suffix == ".okt" and path.is_file():
        return _of_script(path)
    for folder in (root / "runs" / word, path):
        if word and os.path.lexists(folder / MANIFEST):
            return _opened(Path(os.path.normpath(folder.absolute())))
    runs, others = runs_of(root)
    if word in others:
        raise NoSuchRun(f"{root / 'runs' / word} is no run: it has no {MANIFEST}")
    names = [run.folder.name for run in runs]
    hint = did_you_mean(word, names, "runs here") if names else "no run was made here yet"
    raise NoSuchRun(f'no run "{shortened(word)}" in {root / "runs"}; {hint}')


def _of_script(script: Path) -> ShelfRun:
    from idiolect.plan.paths import project_root

    root, _ = project_root(script)
    name = script_name(script, root)
    own = [run for run in runs_of(root)[0] if run.manifest is not None and run.manifest.script == name]
    if not own:
        raise NoSuchRun(f"{script} has no run yet; idiolect run {script} makes one")
    return own[-1]


def _opened(folder: Path) -> ShelfRun:
    try:
        return ShelfRun(RunFolder(folder), read_manifest(folder))
    except DamagedManifest as error:
        return ShelfRun(RunFolder(folder), None, f"{error.path.name} {error.reason}")
