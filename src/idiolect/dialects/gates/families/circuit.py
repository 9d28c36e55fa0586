"""What a family of circuits makes, and how it picks names, widths and words.

A family gives ports, a body, what it should do in English, and a model of it in Python. The model
is written apart from the body: a sample's tests come from it, so text and words are held to one another.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, int]
Step = Callable[[Any, Row], tuple[Row, Any]]


@dataclass(frozen=True, slots=True)
class Pin:
    """One port of a sampled module."""

    kind: str
    name: str
    width: int = 1

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f"[{self.width}]" if self.width > 1 else "")


def inp(name: str, width: int = 1) -> Pin:
    return Pin("INPUT", name, width)


def out(name: str, width: int = 1) -> Pin:
    return Pin("OUTPUT", name, width)


@dataclass(frozen=True, slots=True)
class Circuit:
    """One sampled circuit. `step(state, inputs)` gives outputs and next state; no reset is in it."""

    name: str
    title: str
    pins: tuple[Pin, ...]
    body: str
    behaviour: str
    step: Step
    start: Any = None
    library: str = ""  # modules that the body uses
    family: str = ""

    @property
    def text(self) -> str:
        pins = ", ".join(str(pin) for pin in self.pins)
        return f"{self.library}MODULE {self.name}({pins}) {{ {self.body} }}"

    def pins_of(self, *kinds: str) -> dict[str, int]:
        """Names and widths of some kinds of ports, in order."""
        return {pin.name: pin.width for pin in self.pins if pin.kind in kinds}

    @property
    def clocked(self) -> bool:
        return bool(self.pins_of("CLOCK"))


def gates(function: Callable[[Row], Row]) -> Step:
    """The step of a circuit that keeps nothing."""
    return lambda state, row: (function(row), None)


@dataclass(slots=True)
class Picker:
    """Random choices for one circuit; no name is given out twice."""

    rng: random.Random
    taken: set[str] = field(default_factory=set)
    invented: float = 0.0  # share of names that nobody could guess

    def one(self, *options: Any) -> Any:
        return self.rng.choice(options)

    def width(self, low: int, high: int) -> int:
        """A width between two, round ones more often."""
        round_ones = [width for width in (2, 4, 8, 16, 32) if low <= width <= high]
        if round_ones and self.rng.random() < 0.6:
            return self.rng.choice(round_ones)
        return self.rng.randint(low, high)

    def number(self, low: int, high: int) -> int:
        return self.rng.randint(low, high)

    def name(self, *options: str) -> str:
        """One of some names that is still free."""
        free = [option for option in options if option not in self.taken]
        name = self.rng.choice(free or options)
        if self.invented and self.rng.random() < self.invented:
            name = self.invent()
        number = 2
        while name in self.taken:
            name, number = f"{name.rstrip('0123456789')}{number}", number + 1
        self.taken.add(name)
        return name

    def invent(self) -> str:
        """A name made of syllables, such as KORA or TULEM7; no keyword is one."""
        word = "".join(self.rng.choice("BDFGKLMNPRSTVZ") + self.rng.choice("AEIOU") for _ in range(2))
        return word + self.rng.choice(("", "", "N", "X", "_K", str(self.rng.randint(0, 9))))

    def pair(self) -> tuple[str, str]:
        """Names of two operands."""
        if self.invented and self.rng.random() < self.invented:
            return self.name(self.invent()), self.name(self.invent())
        names = self.rng.choice(
            [
                ("A", "B"),
                ("X", "Y"),
                ("P", "Q"),
                ("A", "B"),
                ("LEFT", "RIGHT"),
                ("D0", "D1"),
                ("OP1", "OP2"),
                ("IN1", "IN2"),
                ("M", "N"),
            ]
        )
        if self.taken & set(names):
            return self.name("A", "U"), self.name("B", "V")
        self.taken |= set(names)
        return names

    def data(self) -> str:
        return self.name("D", "DATA", "A", "X", "IN", "DIN", "VALUE", "WORD")

    def result(self) -> str:
        return self.name("Y", "OUT", "Z", "RESULT", "R", "F", "RES", "DOUT")

    def control(self) -> tuple[Pin, Pin | None]:
        """A clock, and in two cases of three a reset."""
        clock = Pin("CLOCK", self.name("CLK", "CLOCK_IN", "CK", "CLK", "SYS_CLK"))
        if self.rng.random() < 0.67:
            return clock, Pin("RESET", self.name("RST", "CLR", "RST", "SRST", "RESET_IN"))
        return clock, None

    def module(self, *stems: str) -> str:
        """A module name, at times with a number or a prefix."""
        stem = self.rng.choice(stems)
        if self.invented and self.rng.random() < self.invented:
            stem = self.invent()
        shape = self.rng.random()
        if shape < 0.25:
            stem = f"{stem}_{self.rng.choice(['UNIT', 'BLOCK', 'CORE', 'CELL', 'TOP', 'MOD'])}"
        elif shape < 0.5:
            stem = f"{stem}{self.rng.randint(1, 99)}"
        elif shape < 0.6:
            stem = f"{self.rng.choice(['MY', 'U', 'T', 'SYS', 'X'])}_{stem}"
        self.taken.add(stem)
        return stem


Family = Callable[[Picker], Circuit]
FAMILIES: dict[str, dict[str, Family]] = {"micro": {}, "multi": {}, "scenario": {}}


def family(level: str) -> Callable[[Family], Family]:
    """Register a family of circuits under its function's name."""

    def register(function: Family) -> Family:
        known = FAMILIES[level]
        assert function.__name__ not in known, f"two families are named {function.__name__}"
        known[function.__name__] = function
        return function

    return register


def mask(width: int) -> int:
    return (1 << width) - 1


def bits_for(count: int) -> int:
    """How many bits number `count` things."""
    return max(1, (count - 1).bit_length())


def pins(*given: Pin | None) -> tuple[Pin, ...]:
    return tuple(pin for pin in given if pin is not None)


def extended(name: str, width: int, to: int) -> str:
    """A word with zeros in front, as text."""
    return name if to <= width else f"{{{to - width}'d0, {name}}}"


def signed(value: int, width: int) -> int:
    """A word read as two's complement."""
    return value - (1 << width) if value >> (width - 1) else value
