"""manifest.json: what made a run. Records, a strict reader and the text that is written.

No time stands in it, so that the same script on the same files gives the same manifest; times are in
times.json. It does **not** decide what is to be done with what it says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from idiolect.files import Unreadable, read_small
from idiolect.runs.stage import Ending
from idiolect.text_hints import shortened

FORMAT: Literal["idiolect.run/1"] = "idiolect.run/1"
MANIFEST = "manifest.json"
_MOST_BYTES = 32 << 20


class DamagedManifest(Exception):
    """A manifest that can't be read; `str()` names the file and the reason."""

    def __init__(self, path: Path, reason: str, *, missing: bool = False) -> None:
        super().__init__(f"{path} {reason}")
        self.path = path
        self.reason = reason
        self.missing = missing


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Content(_Record):
    """What a file or a folder holds, in short."""

    files: int
    bytes: int
    sha256: str


class InputRecord(_Record):
    """The files that one setting named, or that another stage gave."""

    content: Content
    each: dict[str, str] = Field(default_factory=dict)  # sha256 by name, where they are few


class OutputRecord(_Record):
    """A file or folder at the top of what a stage wrote."""

    name: str
    content: Content | None  # None where it is about this machine, and is not compared


class CountsRecord(_Record):
    of: str
    read: int
    kept: int
    rejected: dict[str, int] = Field(default_factory=dict)


class Basis(_Record):
    """All that decides the outcome of a stage."""

    version: int
    settings: dict[str, Any]
    files: dict[str, InputRecord] = Field(default_factory=dict)  # by setting
    stages: dict[str, Content] = Field(default_factory=dict)


class StageRecord(_Record):
    """A stage that came to its end, and what it left."""

    name: str
    ending: Ending
    reasons: tuple[str, ...] = ()
    key: str  # hash of the basis
    basis: Basis
    outputs: tuple[OutputRecord, ...]
    counts: tuple[CountsRecord, ...] = ()
    numbers: dict[str, int | float] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    made_with: str  # version of Idiolect


class Interrupted(_Record):
    """The stage that a run is in, or did not get beyond."""

    stage: str
    how: Literal["running", "stopped", "failed"]
    reason: str = ""


class Manifest(_Record):
    format: Literal["idiolect.run/1"] = FORMAT
    project: str
    script: str  # relative to the project root
    script_sha256: str
    plan_sha256: str
    versions: dict[str, str]
    stages: tuple[StageRecord, ...] = ()  # in the order of a run
    interrupted: Interrupted | None = None

    def stage(self, name: str) -> StageRecord | None:
        """The record of a stage, if it ever came to its end."""
        return next((record for record in self.stages if record.name == name), None)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a run's folder; DamagedManifest says why there is none to use."""
    path = folder / MANIFEST
    try:
        data = read_small(path, _MOST_BYTES)
    except Unreadable as error:
        raise DamagedManifest(path, str(error), missing=error.missing) from error
    if not data.strip():
        raise DamagedManifest(path, "is empty")
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        raise DamagedManifest(path, _reason(error)) from error


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return f"is no JSON, or was cut short: {shortened(str(first['ctx']['error']), 80)}"
    place = ".".join(str(part) for part in first["loc"])
    if place == "format" or not place:
        return f'is not the manifest of a run: "format" is not "{FORMAT}"'
    return f"is not the manifest of a run: {shortened(place)}: {first['msg'].lower()}"


def dumped(record: BaseModel) -> str:
    """A record as the text of its file."""
    return record.model_dump_json(indent=2, by_alias=True) + "\n"
