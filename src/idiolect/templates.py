"""Project templates: the example projects, copied into a folder of the user's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from idiolect.files import write_beside
from idiolect.text_hints import did_you_mean

_SKIPPED = {"runs", "export", "__pycache__"}  # what a run of an example leaves behind


class TemplateProblem(Exception):
    """A template can't be copied; the text says why and what to do."""


def examples_folder() -> Path:
    """The example projects: beside the package in a wheel, at the repository's root in a checkout."""
    installed = Path(__file__).with_name("examples")
    return installed if installed.is_dir() else Path(__file__).resolve().parents[2] / "examples"


def templates() -> dict[str, str]:
    """Names of the templates, each with the description of its script."""
    found = {}
    for folder in sorted(examples_folder().iterdir()):
        scripts = sorted(folder.glob("scripts/*.okt"))
        if scripts:
            found[folder.name] = _description(scripts[0])
    return found


def _description(script: Path) -> str:
    for line in script.read_text(encoding="utf-8").splitlines():
        if line.startswith("DESCRIPTION"):
            return line.partition('"')[2].rstrip().rstrip('"')
    return ""


def copy_template(name: str, folder: Path) -> list[Path]:
    """Copy a template's files into a folder; refuses if one of them is there already."""
    known = templates()
    if name not in known:
        raise TemplateProblem(
            f'no template "{name}"\n   help: {did_you_mean(name, tuple(known), "templates")}'
        )
    source = examples_folder() / name
    files = sorted(_files(source))
    clash = next((path for path in files if os.path.lexists(folder / path)), None)
    if clash is not None:
        raise TemplateProblem(f"{folder / clash} is there already\n   help: give the name of a new folder")
    if folder.exists() and not folder.is_dir():
        raise TemplateProblem(f"{folder} is a file\n   help: give the name of a new folder")
    try:
        for path in files:
            write_beside(folder / path, (source / path).read_text(encoding="utf-8"))
    except OSError as error:
        raise TemplateProblem(f"{folder} can't be written: {error.strerror}") from error
    return [folder / path for path in files]


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        if path.is_file() and not _SKIPPED & set(relative.parts):
            yield relative
