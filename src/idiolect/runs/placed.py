"""The plan of a run: the script under the name that a run knows, for its folder, with a limit of steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from idiolect.okt.check import Checked
from idiolect.plan.paths import project_root
from idiolect.plan.plan import Considered, Origin, Plan, Setting
from idiolect.plan.resolve import resolve
from idiolect.runs.folder import script_name
from idiolect.source import SourceText

# Files that follow the run's folder, unless the script says where they go.
_FOLLOW = (("logging", "metrics_file"), ("logging", "training_file"), ("monitor", "export_to"))


def plan_of(checked: Checked, script: Path) -> Plan:
    """The plan of a script, which has one name in it from whichever folder it is run."""
    root, _ = project_root(script)
    source = SourceText(checked.source.text, script_name(script, root))
    return resolve(replace(checked, script=replace(checked.script, source=source)), root=root)


def placed(plan: Plan, run_folder: str) -> Plan:
    """The plan for another run folder (relative to the project root)."""
    former = plan.project.run_folder
    if run_folder == former:
        return plan
    plan = plan.model_copy(update={"project": plan.project.model_copy(update={"run_folder": run_folder})})
    for section, field in _FOLLOW:
        setting = plan.settings.get(f"{section.upper()}.{field}")
        if setting is None or setting.origin.kind != "proposed":
            continue
        value = str(setting.value)
        if value.startswith(f"{former}/"):
            origin = Origin(kind="derived", source="the run's folder")
            plan = _with(plan, section, field, run_folder + value.removeprefix(former), origin)
    return plan


def limited(plan: Plan, max_steps: int) -> Plan:
    """The plan with no more training steps than these."""
    return _with(plan, "train", "max_steps", max_steps, Origin(kind="override", source="--max-steps"))


def changed(plan: Plan, section: str, values: Mapping[str, tuple[Any, str]]) -> Plan:
    """The plan with values of one section that options gave: field to value and option; None is not given."""
    for field, (value, option) in values.items():
        if value is not None:
            plan = _with(plan, section, field, value, Origin(kind="override", source=option))
    return plan


def resumed(plan: Plan, checkpoint: str) -> Plan:
    """The plan that goes on from a checkpoint, whatever wrote it."""
    origin = Origin(kind="override", source="--resume")
    return _with(plan, "train", "resume_from_checkpoint", checkpoint, origin)


def _with(plan: Plan, section: str, field: str, value: Any, origin: Origin) -> Plan:
    part = getattr(plan, section)
    path = f"{section.upper()}.{field}"
    before = plan.settings.get(path)
    lost = () if before is None else (Considered(value=before.value, origin=before.origin), *before.lost)
    settings = {**plan.settings, path: Setting(value=value, origin=origin, lost=lost)}
    return plan.model_copy(update={section: part.model_copy(update={field: value}), "settings": settings})
