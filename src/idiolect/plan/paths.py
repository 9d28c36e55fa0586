"""Where the paths in a script lead: the project root, the order of folders tried, and okt.yaml.

It reads no script, and it does **not** expand `~` or turn Windows drive paths into others: they are opaque.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml

from idiolect.files import Unreadable, read_small
from idiolect.problem import Problem, problem
from idiolect.text_hints import did_you_mean

Base = Literal["project root", "current directory", "script folder", "absolute"]

_OKT_YAML_BYTES = 65_536
_OKT_YAML_DEPTH = 8  # the layout itself needs 2
_OKT_YAML_KEYS = ("project", "description", "version", "author", "structure", "default_language", "license")
_STRUCTURE_KEYS = ("dataset_dir", "scripts_dir", "runs_dir", "export_dir")
_EXAMPLE = "write project: my-project"
_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")


@dataclass(frozen=True, slots=True)
class Located:
    """Where a path written in a script leads; where nothing exists, `path` is the first one tried."""

    path: Path
    base: Base
    exists: bool
    tried: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """The content of okt.yaml, as text."""

    path: Path
    project: str
    description: str | None = None
    version: str | None = None
    author: str | None = None
    structure: Mapping[str, str] = field(default_factory=dict)  # keys: _STRUCTURE_KEYS
    default_language: str | None = None
    license: str | None = None


def project_root(script: Path) -> tuple[Path, str]:
    """The folder that a script's paths start from, and why it is that one."""
    folder = _absolute(script).parent
    for candidate in (folder, *folder.parents):
        if _is_there(candidate / "okt.yaml"):
            return candidate, f"okt.yaml is in {candidate}"
    if folder.name == "scripts":
        return folder.parent, "the script is in a scripts folder"
    return folder, "no okt.yaml above the script: its own folder"


def locate(written: str, script: Path, *, current: Path | None = None) -> Located:
    """Look for a path as written: below the project root, the current folder, then the script's folder."""
    if _is_opaque(written) or Path(written).is_absolute():
        path = Path(written)
        return Located(path, "absolute", _is_there(path), (path,))
    bases: tuple[tuple[Base, Path], ...] = (
        ("project root", project_root(script)[0]),
        ("current directory", _absolute(current or Path())),
        ("script folder", _absolute(script).parent),
    )
    tried: dict[Path, Base] = {}
    for base, folder in bases:
        path = Path(os.path.normpath(folder / written))
        if path in tried:
            continue
        tried[path] = base
        if written and _is_there(path):
            return Located(path, base, True, tuple(tried))
    return Located(next(iter(tried)), "project root", False, tuple(tried))


def read_okt_yaml(path: Path) -> tuple[ProjectFile | None, tuple[Problem, ...]]:
    """The project file, or all that is wrong with it, each with its line."""
    try:
        text = read_small(path, _OKT_YAML_BYTES).decode("utf-8-sig")
        _refuse_deep(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except Unreadable as reason:
        return None, (problem("L440", f"{path.name} {reason}", where=str(path)),)
    except UnicodeDecodeError as error:
        return None, (problem("L440", f"{path.name} is not UTF-8 (byte {error.start})", where=str(path)),)
    except (yaml.YAMLError, _TooDeep) as error:
        return None, (_yaml_fault(path, error),)
    if not isinstance(root, yaml.MappingNode):
        return None, (problem("L440", f"{path.name} is no YAML mapping", help=_EXAMPLE, where=str(path)),)
    faults: list[Problem] = []
    values = _read_mapping(root, _OKT_YAML_KEYS, path, faults, nested="structure")
    if not any(key.value == "project" for key, _ in root.value):
        faults.append(problem("L442", f"{path.name} has no project key", help=_EXAMPLE, where=str(path)))
    if faults:
        return None, tuple(faults)
    structure = values.pop("structure", {})
    assert isinstance(structure, dict)
    return ProjectFile(path, structure=structure, **_texts(values)), ()


class _TooDeep(Exception):
    def __init__(self, line: int) -> None:
        super().__init__(f"nested more than {_OKT_YAML_DEPTH} levels deep")
        self.line = line


def _refuse_deep(text: str) -> None:
    # Composing recurses on depth; the stream of events does not.
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _OKT_YAML_DEPTH:
                raise _TooDeep(event.start_mark.line + 1 if event.start_mark else 1)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _read_mapping(
    node: yaml.MappingNode,
    allowed: tuple[str, ...],
    path: Path,
    faults: list[Problem],
    nested: str | None = None,
) -> dict[str, str | dict[str, str]]:
    values: dict[str, str | dict[str, str]] = {}
    for key_node, value_node in node.value:
        where = f"{path}:{key_node.start_mark.line + 1}"
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        if key not in allowed:
            shown = f'"{key}"' if key is not None else "that is not text"
            faults.append(
                problem("L441", f"unknown key {shown}", help=did_you_mean(key or "", allowed), where=where)
            )
        elif key in values:
            faults.append(problem("L441", f'key "{key}" is written twice', where=where))
        elif key == nested:
            if isinstance(value_node, yaml.MappingNode):
                inner = _read_mapping(value_node, _STRUCTURE_KEYS, path, faults)
                values[key] = _texts(inner)
            else:
                help_text = f"write below it {', '.join(_STRUCTURE_KEYS)}"
                faults.append(problem("L442", f'"{key}" must hold folder names', help=help_text, where=where))
        elif not isinstance(value_node, yaml.ScalarNode) or not value_node.value.strip():
            faults.append(problem("L442", f'"{key}" must be text', help=f'write {key}: "..."', where=where))
        else:
            values[key] = value_node.value
    return values


def _texts(values: dict[str, str | dict[str, str]]) -> dict[str, str]:
    return {key: value for key, value in values.items() if isinstance(value, str)}


def _yaml_fault(path: Path, error: Exception) -> Problem:
    line = getattr(error, "line", None)
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        line = mark.line + 1
    said = getattr(error, "problem", None) or str(error).splitlines()[0]
    return problem("L440", f"{path.name}: {said}", where=f"{path}:{line}" if line else str(path))


def _is_opaque(written: str) -> bool:
    return written.startswith("~") or _DRIVE.match(written) is not None


def _is_there(path: Path) -> bool:
    # A link counts even if it leads nowhere: whoever opens it can say what is wrong with it.
    return os.path.lexists(path)


def _absolute(path: Path) -> Path:
    return Path(os.path.normpath(path.absolute()))
