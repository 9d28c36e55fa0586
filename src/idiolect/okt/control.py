"""Conditions and statements of CONTROL, MONITOR.notify_if and EVALUATE.gate, as typed records.

This is what a script says, not what it does: training and inference read these records and act.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from idiolect.okt.fields import Kind


class Record(BaseModel):
    """Base of the records: frozen, and nothing but the named fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Comparison(Record):
    """`signal operator value`. A size is held in bytes; a percent compares on a 0-100 scale."""

    signal: str
    operator: Literal[">", "<", ">=", "<=", "==", "!="]
    value: bool | int | float | str
    unit: Literal["", "bytes", "percent"] = ""
    line: int = 0


class Set(Record):
    """SET parameter = value."""

    do: Literal["SET"] = "SET"
    parameter: str
    value: bool | int | float | str
    line: int = 0


class Change(Record):
    """DECREASE or INCREASE parameter BY amount; relative for a percent or an amount below 1."""

    do: Literal["DECREASE", "INCREASE"]
    parameter: str
    amount: float
    relative: bool
    line: int = 0


class Say(Record):
    """LOG of a metric's value or of a text."""

    do: Literal["LOG"] = "LOG"
    metric: str | None = None
    text: str | None = None
    line: int = 0


class Save(Record):
    """SAVE model, SAVE checkpoint, or SAVE "name", where the name may hold {epoch} and {step}."""

    do: Literal["SAVE"] = "SAVE"
    what: Literal["model", "checkpoint", "named"]
    name: str | None = None
    line: int = 0


class Answer(Record):
    """REPLACE WITH "text" and RETURN "text": a fixed answer."""

    do: Literal["REPLACE", "RETURN"]
    text: str
    line: int = 0


class Act(Record):
    """A directive with nothing behind it."""

    do: Literal["STOP", "STOP_TRAINING", "RETRY", "REGENERATE"]
    line: int = 0


class When(Record):
    """IF and WHEN: run the body when every comparison holds."""

    do: Literal["IF", "WHEN"]
    conditions: tuple[Comparison, ...]
    body: tuple[Statement, ...]
    line: int = 0


class Every(Record):
    """EVERY n steps or epochs: run the body periodically."""

    do: Literal["EVERY"] = "EVERY"
    count: int
    unit: Literal["steps", "epochs"]
    body: tuple[Statement, ...]
    line: int = 0


Statement = Annotated[
    Set | Change | Say | Save | Answer | Act | When | Every,
    Field(discriminator="do"),
]

# Annotations of block fields that hold such records.
# Each condition is one or more comparisons that must all hold.
Conditions = Annotated[tuple[tuple[Comparison, ...], ...], Kind.CONDITIONS]
Statements = Annotated[tuple[Statement, ...], Kind.STATEMENTS]
