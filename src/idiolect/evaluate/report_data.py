"""Collects from a run's folder what its report tells: what was built, from what data, and how good it is.

Every part may be missing, since a run may have ended early; the report says so. Nothing is computed again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idiolect.data.example import Example
from idiolect.data.jsonl import BadRow, read_examples
from idiolect.evaluate.records import Judged
from idiolect.evaluate.results import RESULTS, SUMMARY, TASKS, blocks_of, read_judged
from idiolect.evaluate.summary import Block
from idiolect.files import Unreadable
from idiolect.runs.manifest import StageRecord, read_manifest
from idiolect.runs.shelf import NotJson, read_json

EVALUATIONS = (("eval", "after training"), ("eval_aligned", "after alignment"))
_TRAINED = ((".", "training"), ("align", "alignment"))  # the folder in a run, and what it is called


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluation of a run left."""

    stage: str
    title: str
    facts: Mapping[str, Any]  # the summary file without its blocks
    blocks: tuple[Block, ...]
    judged: tuple[Judged, ...]
    tasks: Mapping[str, Example]


@dataclass(frozen=True, slots=True)
class Training:
    """The log of one training: a mapping for each line."""

    stage: str
    title: str
    lines: tuple[Mapping[str, Any], ...]
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReportData:
    """All that a report tells."""

    project: str
    description: str
    plan: Mapping[str, Any]
    stages: tuple[StageRecord, ...]
    evaluations: tuple[Evaluation, ...]
    trainings: tuple[Training, ...]
    comparison: Mapping[str, Any] | None  # of SFT and aligned student
    missing: tuple[str, ...]  # what could not be told, and why


def collect(folder: Path) -> ReportData:
    """The data of a run's report; DamagedManifest where the folder is no run."""
    manifest = read_manifest(folder)
    missing: list[str] = []
    plan = _json(folder / "plan.json", missing) or {}
    project = plan.get("project") or {}
    return ReportData(
        project=manifest.project,
        description=str(project.get("description") or ""),
        plan=plan,
        stages=manifest.stages,
        evaluations=tuple(
            one for stage, title in EVALUATIONS if (one := _evaluation(folder / stage, title, missing))
        ),
        trainings=tuple(
            each for stage, title in _TRAINED if (each := _training(folder / stage, title, missing))
        ),
        comparison=_json(folder / "eval_aligned" / "comparison.json", []),
        missing=tuple(missing),
    )


def _evaluation(folder: Path, title: str, missing: list[str]) -> Evaluation | None:
    if not folder.is_dir():
        return None
    summary = _json(folder / SUMMARY, missing)
    try:
        judged = tuple(read_judged(folder / RESULTS))
        tasks = {example.id: example for example in read_examples(folder / TASKS)}
    except (Unreadable, BadRow) as error:
        missing.append(f"{folder.name}: {error}")
        return None
    if summary is None:
        return None
    facts = {name: value for name, value in summary.items() if name != "blocks"}
    return Evaluation(folder.name, title, facts, blocks_of(summary), judged, tasks)


def _training(folder: Path, title: str, missing: list[str]) -> Training | None:
    path = folder / "training_metrics.jsonl"
    if not path.is_file():
        return None
    lines = []
    for line in path.read_text("utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            missing.append(f"{folder.name}: a line of {path.name} is no JSON")
    return Training(folder.name, title, tuple(lines), _json(folder / "run_config.json", []) or {})


def _json(path: Path, missing: list[str]) -> Any:
    try:
        return read_json(path)
    except NotJson as error:
        missing.append(f"{path.parent.name}/{path.name} {error}")
        return None
