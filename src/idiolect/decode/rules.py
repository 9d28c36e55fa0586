"""INFERENCE.CONTROL: what a script's rules want done with an answer. It decides, and does nothing.

    IF confidence < 0.3 { RETRY }
    WHEN repetition > 3 { SET repetition_penalty = 1.3  REGENERATE }

Statements run in order; a directive that settles the answer (RETRY, REGENERATE, REPLACE WITH, RETURN, STOP)
ends the run. A rule on a signal that nobody measures never fires, and is named once.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from idiolect.decode.signals import Signal
from idiolect.okt.control import Act, Answer, Change, Comparison, Every, Save, Say, Set, Statement, When
from idiolect.okt.vocab import INFERENCE_SIGNALS

Settles = Literal["RETRY", "REGENERATE", "REPLACE", "RETURN", "STOP"]

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
# What SET may change, and what it is called in `Sampling`.
PARAMETERS: Mapping[str, str] = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "repetition_penalty": "repetition_penalty",
    "max_length": "max_tokens",
    "max_tokens": "max_tokens",
    "beams": "beams",
    "do_sample": "do_sample",
}
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "temperature": (0.0, 2.0), "top_p": (1e-6, 1.0), "top_k": (0, 1 << 20), "repetition_penalty": (1e-3, 2.0),
    "max_tokens": (1, 8192), "beams": (1, 64),
}  # fmt: skip


@dataclass(slots=True)
class Wanted:
    """What rules want of one answer."""

    settles: Settles | None = None
    text: str = ""  # of REPLACE WITH and RETURN
    why: str = ""  # the condition that led there
    changes: dict[str, Any] = field(default_factory=dict)  # sampling settings by SET
    logged: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what could not be done


def inference_rules(statements: Iterable[Statement], top_level: Iterable[Statement] = ()) -> list[Statement]:
    """The rules of INFERENCE.CONTROL, and those of a top-level CONTROL that speak of answers."""
    return [*statements, *(one for one in top_level if _of_answers(one))]


def decide(rules: Sequence[Statement], signals: Mapping[str, Signal]) -> Wanted:
    """Run the rules over one answer."""
    wanted = Wanted()
    _run(rules, signals, wanted, "always")
    return wanted


def _run(rules: Sequence[Statement], signals: Mapping[str, Signal], wanted: Wanted, why: str) -> None:
    for rule in rules:
        if wanted.settles is not None:
            return
        match rule:
            case When(conditions=conditions, body=body):
                if _holds(conditions, signals, wanted):
                    _run(body, signals, wanted, _told(conditions, signals))
            case Act(do="STOP_TRAINING"):
                wanted.notes.append(f"line {rule.line}: STOP_TRAINING has no meaning for an answer")
            case Act(do=do):
                assert do != "STOP_TRAINING"
                wanted.settles, wanted.why = do, why
            case Answer(do=do, text=text):
                wanted.settles, wanted.text, wanted.why = do, text, why
            case Set():
                _set(rule, wanted)
            case Say(metric=metric, text=text):
                wanted.logged.append(
                    text if text is not None else f"{metric} = {signals.get(metric or '', '?')}"
                )
            case Save() | Change() | Every():
                wanted.notes.append(f"line {rule.line}: {rule.do} has no meaning for an answer")


def _set(rule: Set, wanted: Wanted) -> None:
    name = PARAMETERS.get(rule.parameter)
    if name is None:
        known = ", ".join(PARAMETERS)
        wanted.notes.append(f"line {rule.line}: SET {rule.parameter} changes nothing here; there is {known}")
        return
    value: Any = rule.value
    low, high = _BOUNDS.get(name, (None, None))
    if low is not None and high is not None:
        if isinstance(value, str | bool) or not low <= value <= high:
            wanted.notes.append(f"line {rule.line}: {rule.parameter} can't be {value}")
            return
        value = int(value) if name in ("top_k", "max_tokens", "beams") else float(value)
    wanted.changes[name] = value


def _holds(conditions: Sequence[Comparison], signals: Mapping[str, Signal], wanted: Wanted) -> bool:
    for one in conditions:
        if one.signal not in signals:
            wanted.notes.append(
                f"line {one.line}: nothing measures {one.signal} here, so the rule never fires"
            )
            return False
    return all(_compared(one, signals[one.signal]) for one in conditions)


def _compared(one: Comparison, found: Signal) -> bool:
    value = one.value
    if one.unit == "percent" and isinstance(found, float | int) and not isinstance(found, bool):
        found = found * 100
    if isinstance(found, str) or isinstance(value, str):
        found, value = str(found).casefold(), str(value).casefold()
    return _COMPARE[one.operator](found, value)


def _told(conditions: Sequence[Comparison], signals: Mapping[str, Signal]) -> str:
    parts = []
    for one in conditions:
        found = signals[one.signal]
        shown = f"{found:.3g}" if isinstance(found, float) else str(found)
        unit = "%" if one.unit == "percent" else ""
        parts.append(f"{one.signal} {one.operator} {one.value}{unit} (it is {shown})")
    return " and ".join(parts)


def _of_answers(rule: Statement) -> bool:
    """Whether a rule of a top-level CONTROL is about answers: it asks for their signals, or settles them."""
    match rule:
        case When(conditions=conditions, body=body):
            if any(one.signal in INFERENCE_SIGNALS for one in conditions):
                return True
            return any(_of_answers(one) for one in body)
        case Answer():
            return True
        case Act(do=do):
            return do in ("RETRY", "REGENERATE")
        case _:
            return False
