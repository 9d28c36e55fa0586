"""before_train: what the hook is shown, and the plan with the config that it returned.

The config is TRAIN as it was resolved, flat, with FT_LORA below "ft_lora". What comes back is checked like a
script: unknown names, wrong types and values out of range end the run with a message before it trains.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from idiolect.okt.fields import Block, specs
from idiolect.plan.plan import Origin, Plan, Setting
from idiolect.runs.stage import StageError
from idiolect.text_hints import did_you_mean
from idiolect.train.hooks import HookRunner, Outcome

_LORA = "ft_lora"


def settled_by_hook(
    plan: Plan, hooks: HookRunner | None, *, dataset: Mapping[str, Any], model: Mapping[str, Any]
) -> Plan:
    """The plan as before_train leaves it. StageError where the hook fails or returns no config."""
    if hooks is None or not hooks.has("before_train"):
        return plan
    outcome = hooks.call("before_train", {"config": config_of(plan), "dataset": dataset, "model": model})
    if outcome.how != "answered":
        raise StageError(outcome.text, "mend the hook or remove it; nothing was trained")
    return with_config(plan, outcome)


def config_of(plan: Plan) -> dict[str, Any]:
    """The config that a hook is shown."""
    config: dict[str, Any] = plan.train.model_dump(mode="json", by_alias=True) if plan.train else {}
    if plan.ft_lora is not None:
        config[_LORA] = plan.ft_lora.model_dump(mode="json", by_alias=True)
    return config


def with_config(plan: Plan, outcome: Outcome) -> Plan:
    """The plan with the config that a hook returned. None means: as it was."""
    if outcome.value is None:
        return plan
    if not isinstance(outcome.value, Mapping):
        kind = type(outcome.value).__name__
        raise StageError(f"{outcome.hook} returned {kind}, not a config", "return the config it was given")
    returned = dict(outcome.value)
    lora = returned.pop(_LORA, None)
    if plan.train is not None:
        plan = _with_section(plan, "train", plan.train, returned, outcome.target)
    if plan.ft_lora is not None and lora is not None:
        if not isinstance(lora, Mapping):
            raise StageError(
                "before_train returned an ft_lora that is no object", "return it as it was given"
            )
        plan = _with_section(plan, _LORA, plan.ft_lora, dict(lora), outcome.target)
    return plan


def _with_section(plan: Plan, name: str, section: Block, returned: dict[str, Any], target: str) -> Plan:
    before = section.model_dump(mode="json", by_alias=True)
    changed = {key: value for key, value in returned.items() if key not in before or before[key] != value}
    if not changed:
        return plan
    new = checked_section(section, changed, name.upper(), "before_train returned")
    origin = Origin(kind="override", source=f'HOOKS.before_train "{target}"')
    paths = {f"{name.upper()}.{key}": Setting(value=value, origin=origin) for key, value in changed.items()}
    return plan.model_copy(update={name: new, "settings": {**plan.settings, **paths}})


def checked_section(section: Block, changed: Mapping[str, Any], block: str, who: str) -> Block:
    """A section with some values changed, each within the bounds of its field; StageError where not."""
    known = {spec.name: spec for spec in specs(type(section))}
    for key, value in changed.items():
        if key not in known:
            raise StageError(f'{who} "{key}", which {block} does not know', did_you_mean(key, list(known)))
        bounds = known[key].bounds
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if bounds and is_number and not bounds.hold(value):
            raise StageError(f"{who} {key} = {value}, which is out of range", f"{key}: {bounds}")
    values = {**section.model_dump(by_alias=True), **changed}
    try:
        return type(section).model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise StageError(
            f"{who} a value of {where} that does not fit: {fault['msg']}", f"{block} says what fits"
        ) from None
