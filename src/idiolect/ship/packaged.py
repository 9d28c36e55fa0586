"""A package, or an unpacked archive, as a folder: how one is told from a run, and what is where in it."""

from __future__ import annotations

from pathlib import Path

from idiolect.student.saved import RECORD

MANIFEST, SIGNATURE = "package.json", "signature.json"
PLAN, PROGRAM, README, REQUIREMENTS = "plan.json", "bundle.py", "README.md", "requirements.txt"
MODEL, BASE, GGUF, DIALECT, CONSTRAINT, INDEX, WHEELS = (
    "model", "base", "gguf", "dialect", "constraint", "index", "wheels"
)  # fmt: skip
SEALED = "model.okm"


def is_package(folder: Path) -> bool:
    """Whether a folder is a package or what an archive held, and not a run."""
    own = (folder / MANIFEST).is_file() or (folder / RECORD).is_file()
    return own and (folder / PLAN).is_file()


def model_of(folder: Path) -> Path | None:
    """The student in a package; None where it was packed without."""
    if (folder / RECORD).is_file():
        return folder
    places = (folder / MODEL, folder / SEALED)
    return next((place for place in places if place.exists()), None)
