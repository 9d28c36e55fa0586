"""Which settings of TRAIN a rule may change while training runs, and what SET, DECREASE and INCREASE make.

Settings that are fixed once training has begun (epochs, optimizer, seed, ...) are refused by name.
"""

from __future__ import annotations

import math
from functools import cache

from idiolect.okt.blocks.train import Train
from idiolect.okt.control import Change, Set
from idiolect.okt.fields import Bounds, FieldSpec, Kind, specs
from idiolect.okt.vocab import LIVE_PARAMETERS
from idiolect.text_hints import did_you_mean


class CantChange(Exception):
    """Why a parameter keeps its value; completes the sentence "not changed: ..."."""


def changed_value(statement: Set | Change, old: float | None) -> float:
    """The new value of a parameter, within the bounds of its field; CantChange where there is none."""
    name = statement.parameter
    refuse_fixed(name)
    if old is None and (isinstance(statement, Change) or name not in LIVE_PARAMETERS):
        raise CantChange(f"this training has no {name}")
    if isinstance(statement, Set):
        wanted = statement.value
        if isinstance(wanted, bool | str):
            raise CantChange(f"{name} is a number")
    else:
        assert old is not None
        step = old * statement.amount if statement.relative else statement.amount
        wanted = old - step if statement.do == "DECREASE" else old + step
    return _fitted(name, wanted, moves=isinstance(statement, Change))


def refuse_fixed(name: str) -> None:
    """CantChange where a name is a setting that stays as it was when training began, or is none at all."""
    if name in LIVE_PARAMETERS:
        return
    if name in _fields():
        raise CantChange(f"{name} can't change while running")
    if name == "temperature":
        raise CantChange("temperature is for answers; training has none")
    raise CantChange(f"unknown parameter {name}; {did_you_mean(name, LIVE_PARAMETERS, 'parameters')}")


def _fitted(name: str, wanted: float, *, moves: bool) -> float:
    """A value as its field takes it: whole where that is whole; a step beyond a bound ends at the bound."""
    spec = _fields().get(name)
    if not math.isfinite(wanted):
        raise CantChange(f"{wanted} is no value for {name}")
    if spec is None:
        return wanted
    if spec.kind is Kind.INT:
        wanted = max(1, round(wanted)) if moves else wanted
        if wanted != int(wanted):
            raise CantChange(f"{name} is a whole number")
        wanted = int(wanted)
    if moves:
        wanted = _clamped(spec.bounds, wanted)
    if not spec.bounds.hold(wanted):
        raise CantChange(f"{wanted:g} is out of range; {name} is {spec.bounds}")
    return wanted


def _clamped(bounds: Bounds, wanted: float) -> float:
    if bounds.at_most is not None:
        wanted = min(wanted, type(wanted)(bounds.at_most))
    if bounds.at_least is not None:
        wanted = max(wanted, type(wanted)(bounds.at_least))
    return wanted


@cache
def _fields() -> dict[str, FieldSpec]:
    return {spec.name: spec for spec in specs(Train)}
