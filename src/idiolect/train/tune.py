"""What `tune` adds to a script: rules that adapt the learning rate and the batch size, and ends in time.

The user's own rules win: an event that CONTROL has already is left as it is. The rules are ordinary CONTROL,
and `control_text` writes them as a script would, so that a user can take them over and change them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from idiolect.okt.blocks.answer import Control
from idiolect.okt.control import Act, Change, Every, Say, Statement, When
from idiolect.plan.plan import Considered, Origin, Plan, Setting
from idiolect.train.rule_text import statement_text

EVENTS = ("on_step_end", "on_epoch_end", "on_memory_low", "on_nan", "on_plateau")
BUILT_IN: Mapping[str, tuple[Statement, ...]] = {
    "on_memory_low": (
        Change(do="DECREASE", parameter="batch_size", amount=0.5, relative=True),
        Say(text="memory is low: batch size halved"),
    ),
    "on_nan": (
        Change(do="DECREASE", parameter="learning_rate", amount=0.5, relative=True),
        Say(text="NaN: learning rate halved"),
    ),
    "on_plateau": (
        Change(do="DECREASE", parameter="learning_rate", amount=0.5, relative=True),
        Say(text="no progress: learning rate halved"),
    ),
}
_SOURCE = "tune"
_HALVINGS = 4  # as many looks without progress as make two halvings before training ends


def tuned(plan: Plan) -> tuple[Plan, tuple[str, ...]]:
    """The plan with the built-in rules, and one line for each thing that was added."""
    assert plan.train is not None
    before = plan.control or Control()
    added = {name: rules for name, rules in BUILT_IN.items() if getattr(before, name) is None}
    said = [f"CONTROL.{name} {{ {' '.join(map(statement_text, rules))} }}" for name, rules in added.items()]
    update: dict[str, object] = {"control": before.model_copy(update=added)}
    settings = {
        f"CONTROL.{name}": _told(plan, f"CONTROL.{name}", control_body(rules))
        for name, rules in added.items()
    }
    if not plan.train.early_stopping:
        # Between two halvings of the rate, each must have its time to help.
        stops = {"early_stopping": True, "early_stop_patience": _HALVINGS * plan.train.early_stop_patience}
        update["train"] = plan.train.model_copy(update=stops)
        for name, value in stops.items():
            settings[f"TRAIN.{name}"] = _told(plan, f"TRAIN.{name}", value)
            said.append(f"TRAIN.{name}: {str(value).lower()}")
    return plan.model_copy(update={**update, "settings": {**plan.settings, **settings}}), tuple(said)


def _told(plan: Plan, path: str, value: object) -> Setting:
    before = plan.settings.get(path)
    lost = () if before is None else (Considered(value=before.value, origin=before.origin), *before.lost)
    return Setting(value=value, origin=Origin(kind="override", source=_SOURCE), lost=lost)


def control_text(control: Control) -> str:
    """A CONTROL block as a script has it."""
    lines = ["CONTROL {"]
    if control.validate_every is not None:
        lines.append(f"    validate_every: {control.validate_every}")
    for name in EVENTS:
        rules = getattr(control, name)
        if rules:
            lines += [f"    {name} {{", *_lines(rules, 2), "    }"]
    return "\n".join([*lines, *_lines(control.rules, 1), "}"]) + "\n"


def control_body(rules: Iterable[Statement]) -> str:
    """Statements on one line."""
    return " ".join(line.strip() for line in _lines(rules, 0))


def _lines(rules: Iterable[Statement], depth: int) -> Iterator[str]:
    indent = "    " * depth
    for rule in rules:
        if isinstance(rule, When | Every):
            yield f"{indent}{statement_text(rule)} {{"
            yield from _lines(rule.body, depth + 1)
            yield f"{indent}}}"
        else:
            yield indent + (statement_text(rule) if not isinstance(rule, Act) else rule.do)
