"""A package as a folder: how one is told from a run, and what is where in it."""

from __future__ import annotations

from pathlib import Path

MANIFEST, SIGNATURE = "package.json", "signature.json"
PLAN, PROGRAM, README, REQUIREMENTS = "plan.json", "bundle.py", "README.md", "requirements.txt"
MODEL, BASE, GGUF, DIALECT, CONSTRAINT, INDEX, WHEELS = (
    "model", "base", "gguf", "dialect", "constraint", "index", "wheels"
)  # fmt: skip
SEALED = "model.okm"


def is_package(folder: Path) -> bool:
    """Whether a folder is a package, and not a run."""
    return (folder / MANIFEST).is_file() and (folder / PLAN).is_file()


def model_of(folder: Path) -> Path | None:
    """The student in a package; None where it was packed without."""
    places = (folder / MODEL, folder / SEALED)
    return next((place for place in places if place.exists()), None)
