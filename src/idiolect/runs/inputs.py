"""What decides the outcome of a stage: settings of the plan, files that they name, and other stages' files.

Paths are looked for as everywhere: below the project root, the current folder, then the script's folder.
It does **not** judge the files; a stage does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from idiolect.plan.paths import locate
from idiolect.plan.plan import Plan
from idiolect.runs.digest import Digester, sha256_of
from idiolect.runs.manifest import Basis, Content, InputRecord
from idiolect.runs.stage import Inputs, Stage, StageError
from idiolect.text_hints import shortened

_MOST_NAMED = 200  # files of one setting whose change is told by name
_GLOB = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Found:
    """The files of a stage's settings, and the basis that they make with the rest."""

    inputs: Inputs
    basis: Basis

    @property
    def key(self) -> str:
        return key_of(self.basis)


def key_of(basis: Basis) -> str:
    """The hash that stands for a basis; names of single files only explain it."""
    files = {setting: record.content.sha256 for setting, record in basis.files.items()}
    stages = {name: content.sha256 for name, content in basis.stages.items()}
    parts = [basis.version, basis.settings, files, stages]
    return sha256_of(json.dumps(parts, sort_keys=True, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a plan's paths lead."""

    plan: Plan
    script: Path
    root: Path
    runs: Path  # the folder of all runs, which no input may hold


def find_inputs(
    stage: Stage, around: Surroundings, stages: dict[str, tuple[Path, Content]], digester: Digester
) -> Found:
    """Everything that a stage reads, hashed. StageError where a file is missing."""
    named: dict[str, tuple[Path, ...]] = {}
    records: dict[str, InputRecord] = {}
    for setting in (*stage.reads, *stage.may_read):
        optional = setting in stage.may_read
        paths = [
            path
            for text in texts_at(around.plan, setting)
            for path in _paths(text, setting, around, optional)
        ]
        if paths:
            named[setting] = tuple(dict.fromkeys(paths))
            records[setting] = _record(named[setting], around.root, digester)
    settings = dict(settings_at(around.plan, stage.settings))
    if _own_seed(stage, around.plan) is None:
        settings.setdefault("TRAIN.seed", _train_seed(around.plan))
    basis = Basis(
        version=stage.version,
        settings=settings,
        files=records,
        stages={name: content for name, (_, content) in stages.items()},
    )
    return Found(Inputs(named, {name: path for name, (path, _) in stages.items()}), basis)


def settings_at(plan: Plan, paths: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Settings by the names that a script gives them; a section gives each of its fields."""
    for path in paths:
        value = _at(plan, path)
        if isinstance(value, BaseModel):
            for name, inner in value.model_dump(mode="json").items():
                yield shown_name(f"{path}.{name}"), inner
        else:
            yield shown_name(path), _plain(value)


def texts_at(plan: Plan, path: str) -> list[str]:
    """The texts at a path of the plan; where it leads through a list, those of each item."""
    values: list[Any] = [plan]
    for part in path.split("."):
        following = [getattr(value, part) for value in values if value is not None]
        values = [
            item for value in following for item in (value if isinstance(value, list | tuple) else [value])
        ]
    return [value for value in values if isinstance(value, str) and value]


def shown_name(path: str) -> str:
    """A path of the plan as a script writes it: BLOCK.field."""
    block, _, rest = path.partition(".")
    name = block.rstrip("_").upper()
    return f"{name}.{rest.rstrip('_')}" if rest else name


def seed_of(stage: Stage, plan: Plan) -> int:
    """The seed of a stage: that of the first of its sections which has one, else of TRAIN."""
    own = _own_seed(stage, plan)
    return own if own is not None else _train_seed(plan)


def _own_seed(stage: Stage, plan: Plan) -> int | None:
    seeds = (getattr(_at(plan, path), "seed", None) for path in stage.settings)
    return next((seed for seed in seeds if isinstance(seed, int)), None)


def _train_seed(plan: Plan) -> int:
    return plan.train.seed if plan.train is not None else 0


def _at(plan: Plan, path: str) -> Any:
    value: Any = plan
    for part in path.split("."):
        if value is None:
            return None
        value = getattr(value, part)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _paths(text: str, setting: str, around: Surroundings, optional: bool) -> list[Path]:
    found = locate(text, around.script)
    if found.exists:
        paths = [found.path]
    elif not optional and _GLOB & set(text):
        paths = _matches(text, around)
    else:
        paths = []
    if not paths and not optional:
        _missing(text, setting, found.tried)
    for path in paths:
        if around.runs.is_relative_to(path):
            raise StageError(
                f'{shown_name(setting)}: "{shortened(text)}" holds the runs themselves',
                f"name a folder that does not contain {around.runs}",
            )
    return paths


def _matches(pattern: str, around: Surroundings) -> list[Path]:
    """Files that a glob finds, in the first of the usual folders where it finds any; never a run's own."""
    whole = Path(pattern)
    bases = [around.root, Path.cwd(), around.script.absolute().parent]
    if whole.is_absolute():
        bases, whole = [Path(whole.anchor)], whole.relative_to(whole.anchor)
    for base in bases:
        try:
            hits = sorted(path for path in base.glob(str(whole)) if not path.is_relative_to(around.runs))
        except (ValueError, NotImplementedError, OSError) as error:
            raise StageError(
                f'"{shortened(pattern)}" is no usable pattern: {error}', "write for example scripts/**/*.tcl"
            ) from error
        files = [path for path in hits if not path.is_dir()]
        if hits:
            return files or hits  # scripts/**/* finds the folders of its files as well
    return []


def _missing(text: str, setting: str, tried: tuple[Path, ...]) -> None:
    if _GLOB & set(text):
        raise StageError(
            f'{shown_name(setting)}: no file matches "{shortened(text)}"',
            f"it was looked for below {tried[0].parent if tried else 'the project root'}",
        )
    raise StageError(
        f'{shown_name(setting)}: "{shortened(text)}" does not exist',
        f"looked for: {', '.join(str(path) for path in tried)}",
    )


def _record(paths: tuple[Path, ...], root: Path, digester: Digester) -> InputRecord:
    contents = {_name(path, root): digester.content(path) for path in paths}
    whole = Content(
        files=sum(content.files for content in contents.values()),
        bytes=sum(content.bytes for content in contents.values()),
        sha256=sha256_of(json.dumps([[name, content.sha256] for name, content in contents.items()])),
    )
    each = {name: content.sha256 for name, content in contents.items()}
    return InputRecord(content=whole, each=each if len(each) <= _MOST_NAMED else {})


def _name(path: Path, root: Path) -> str:
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    # A name need not be UTF-8 on every system; what is written down of it is.
    return shown.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
