"""Plans out of a few lines of script, and a loop that remembers what rules did to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from idiolect.okt.check import check_text
from idiolect.plan.plan import Plan
from idiolect.plan.resolve import resolve
from idiolect.train.parameters import CantChange

HEAD = """PROJECT "toy"
DATASET { train: "a.jsonl" }
MODEL { base: "nano" }
"""
TRAIN = 'TRAIN { epochs: 3 batch_size: 4 learning_rate: 0.001 device: "cpu" }\n'


def plan_of(text: str, *, train: str = TRAIN, root: Path | None = None) -> Plan:
    checked = check_text(HEAD + train + text, "toy.okt")
    assert checked.errors == [], checked.errors
    return resolve(checked, {}, root)


@dataclass
class FakeLoop:
    """A loop whose parameters are a dict."""

    parameters: dict[str, float] = field(default_factory=lambda: {"learning_rate": 0.001, "batch_size": 8})
    fixed: tuple[str, ...] = ()
    said: list[str] = field(default_factory=list)
    saved: list[tuple[str, str]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    validations: int = 0

    def get(self, parameter: str) -> float | None:
        return self.parameters.get(parameter)

    def set(self, parameter: str, value: float) -> None:
        if parameter in self.fixed:
            raise CantChange("it is fixed here")
        self.parameters[parameter] = value

    def save(self, what: Literal["model", "checkpoint", "named"], name: str) -> str:
        self.saved.append((what, name))
        return name or what

    def say(self, text: str) -> None:
        self.said.append(text)

    def stop(self, reason: str) -> str:
        self.stopped.append(reason)
        return "ends"

    def validate(self) -> str:
        self.validations += 1
        return "validates"
