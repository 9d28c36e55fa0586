"""The plan of a run whose folder is not the one that the script's PROJECT names, or with a step limit."""

from __future__ import annotations

from typing import Any

from idiolect.plan.plan import Considered, Origin, Plan, Setting

# Files that follow the run's folder, unless the script says where they go.
_FOLLOW = (("logging", "metrics_file"), ("logging", "training_file"), ("monitor", "export_to"))


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


def portable(plan: Plan, script: str) -> Plan:
    """The plan as it is kept: the script under one name, from whichever folder it was run."""
    settings = {
        path: setting.model_copy(update={"origin": _renamed(setting.origin, plan.script, script)})
        for path, setting in plan.settings.items()
    }
    return plan.model_copy(update={"script": script, "settings": settings})


def _renamed(origin: Origin, former: str, name: str) -> Origin:
    return origin.model_copy(update={"file": name}) if origin.file == former else origin


def limited(plan: Plan, max_steps: int) -> Plan:
    """The plan with no more training steps than these."""
    return _with(plan, "train", "max_steps", max_steps, Origin(kind="override", source="--max-steps"))


def _with(plan: Plan, section: str, field: str, value: Any, origin: Origin) -> Plan:
    part = getattr(plan, section)
    path = f"{section.upper()}.{field}"
    before = plan.settings.get(path)
    lost = () if before is None else (Considered(value=before.value, origin=before.origin), *before.lost)
    settings = {**plan.settings, path: Setting(value=value, origin=origin, lost=lost)}
    return plan.model_copy(update={section: part.model_copy(update={field: value}), "settings": settings})
