"""A plan with other settings: those of a trial of EXPLORER, and the winner's for the real training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from idiolect.okt.fields import Block, specs
from idiolect.plan.plan import Considered, Origin, Plan, Setting
from idiolect.runs.shelf import read_json
from idiolect.train.explorer import Settings
from idiolect.train.hook_config import checked_section

BEST = "best.json"
_SHARE = 3  # a trial goes over a third of the way


def with_settings(plan: Plan, settings: Settings, source: str) -> Plan:
    """The plan with these settings of TRAIN and FT_LORA; StageError where one does not fit its field."""
    for section in ("train", "ft_lora"):
        before: Block | None = getattr(plan, section)
        if before is None:
            continue
        known = {spec.name for spec in specs(type(before))}
        changed: dict[str, Any] = {name: value for name, value in settings.items() if name in known}
        if section == "ft_lora":
            changed |= _alpha(plan, settings)
        if changed:
            new = checked_section(before, changed, section.upper(), source)
            plan = plan.model_copy(
                update={section: new, "settings": plan.settings | _told(plan, section, changed, source)}
            )
    return plan


def _alpha(plan: Plan, settings: Settings) -> dict[str, Any]:
    """Alpha follows the rank where the script does not say otherwise."""
    origin = plan.settings.get("FT_LORA.lora_alpha")
    follows = origin is not None and origin.origin.kind == "derived"
    rank = settings.get("lora_rank")
    if not follows or "lora_alpha" in settings or not isinstance(rank, int):
        return {}
    return {"lora_alpha": 2 * rank}


def _told(plan: Plan, section: str, changed: Mapping[str, Any], source: str) -> dict[str, Setting]:
    told = {}
    for name, value in changed.items():
        path = f"{section.upper()}.{name}"
        old = plan.settings.get(path)
        lost = () if old is None else (Considered(value=old.value, origin=old.origin), *old.lost)
        told[path] = Setting(value=value, origin=Origin(kind="override", source=source), lost=lost)
    return told


def trial_plan(plan: Plan, settings: Settings, source: str) -> Plan:
    """The plan of a trial: a third of the way, and nothing but training.

    It has no rules, hooks, monitor and trackers, and keeps no checkpoints: those belong to the real training.
    Where the way itself is tried (epochs, max_steps), it is gone to its end.
    """
    plan = with_settings(plan, settings, source)
    assert plan.train is not None
    update: dict[str, Any] = {"save_strategy": "no", "checkpoint_steps": None, "report_to": ["none"]}
    update |= {"resume_from_checkpoint": None, "hard_examples": None}
    if not {"epochs", "max_steps"} & set(settings):
        if plan.train.max_steps is not None:
            update["max_steps"] = math.ceil(plan.train.max_steps / _SHARE)
        elif plan.train.epochs is not None:
            update["epochs"] = math.ceil(plan.train.epochs / _SHARE)
    train = plan.train.model_copy(update=update)
    return plan.model_copy(update={"train": train, "control": None, "hooks": None, "monitor": None})


def with_best(plan: Plan, folder: Path | None) -> tuple[Plan, str]:
    """The plan with the winner's settings out of the explore stage's folder, and a line that says so."""
    if folder is None:
        return plan, ""
    best = read_json(folder / BEST)
    settings: Settings = best["settings"]
    source = f"EXPLORER, trial {best['trial']}"
    shown = ", ".join(f"{name} {value}" for name, value in settings.items())
    said = f"EXPLORER's best settings are used: {shown} ({best['metric']} {best['score']:.4g})"
    return with_settings(plan, settings, source), said
