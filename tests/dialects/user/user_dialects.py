"""Dialect folders for tests: two written as a user would, and small ones made on the spot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from idiolect.dialects.folder import load_folder
from idiolect.dialects.generic import FolderDialect
from idiolect.dialects.user.problems import BadDialect

FOLDERS = Path(__file__).parent / "folders"
GRAMMAR = 'start: "on" NAME ";"\nNAME: /[a-z]+/\n%ignore " "\n'


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """A folder with these files; a dialect.toml and a grammar unless they are given."""
    contents = {"dialect.toml": 'name = "toy"\nsuffixes = [".toy"]\n', "grammar.lark": GRAMMAR, **files}
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder


def load(folder: Path, *, allow_code: bool = False) -> FolderDialect:
    """The dialect of a folder that has a grammar."""
    dialect = load_folder(folder, allow_code=allow_code)
    assert isinstance(dialect, FolderDialect)
    return dialect


def problems_of(folder: Path, *, allow_code: bool = False) -> dict[str, str]:
    """The problems of a folder that can't be loaded: code -> text as it is printed."""
    try:
        load_folder(folder, allow_code=allow_code)
    except BadDialect as error:
        return {one.fault.code: str(one) for one in error.problems}
    return {}
