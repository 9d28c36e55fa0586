"""The names of one module: what each is, how wide, and who drives which of its bits.

It declares and looks up; expressions are measured in `widths`, and drives judged in `checker`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum

from idiolect.dialects.gates.syntax import (
    MAX_WIDTH,
    Const,
    Expr,
    Instance,
    Module,
    Name,
    PortKind,
    Reg,
    Stage,
    Wire,
)
from idiolect.dialects.verdict import Fault, Fix, Level, Severity
from idiolect.source import Span

MAX_FAULTS = 50
# A near name is looked for a few times in not too many names: a search costs about 15 us a name.
_MAX_SEARCHES = 10
_MAX_SEARCHED = 500


class Kind(StrEnum):
    INPUT = "input"
    OUTPUT = "output"
    CLOCK = "clock"
    RESET = "reset"
    WIRE = "wire"
    REG = "register"
    CONST = "constant"
    VALUE = "stage value"


@dataclass(frozen=True, slots=True)
class Driver:
    """Who gives bits `high` to `low` of a signal their value: an expression or an instance's output."""

    signal: str
    high: int
    low: int
    span: Span
    value: Expr | None = None
    source: tuple[str, str] | None = None  # instance and port
    stage: str | None = None  # where the expression stands


@dataclass(slots=True)
class Signal:
    """A named word; stage wires and stage values are named `STAGE.NAME`."""

    name: str
    kind: Kind
    width: int
    span: Span
    number: int = 0  # a register's reset value, or a constant's value
    drivers: list[Driver] = field(default_factory=list)
    read: bool = False
    broken: bool = False  # a drive of it is at fault, so a missing one is not reported as well


@dataclass(slots=True)
class Report:
    """Faults of a text, in order, up to a bound."""

    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    searches: int = 0

    @property
    def full(self) -> bool:
        return len(self.faults) >= MAX_FAULTS

    def add(
        self, code: str, message: str, span: Span, hint: str | None = None, fix: Fix | None = None
    ) -> None:
        if not self.full:
            self.faults.append(Fault(f"gates.{code}", message, span, hint, Level.VALID, fix=fix))

    def warn(self, code: str, message: str, span: Span, hint: str) -> None:
        if len(self.warnings) < MAX_FAULTS:
            fault = Fault(f"gates.{code}", message, span, hint, Level.VALID, Severity.WARNING)
            self.warnings.append(fault)

    def near(self, name: str, names: Iterable[str]) -> str | None:
        """The known name that is most like an unknown one."""
        known = list(names)
        self.searches += 1
        if self.searches > _MAX_SEARCHES or len(known) > _MAX_SEARCHED or len(name) > 100:
            return None
        found = get_close_matches(name, [word for word in known if len(word) <= 100], n=1, cutoff=0.6)
        return found[0] if found else None

    def misspelt(self, code: str, message: str, name: Name, names: Iterable[str], otherwise: str) -> None:
        """A fault about an unknown name, with the nearest known one as its cure."""
        near = self.near(name.text, names)
        fix = Fix(name.span, near) if near else None
        self.add(code, message, name.span, f"did you mean {near}?" if near else otherwise, fix)


@dataclass(slots=True)
class Scope:
    """All that one module declares. Stages hold `STAGE.NAME` signals of their own."""

    module: Module
    signals: dict[str, Signal] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)
    literals: dict[int, int] = field(default_factory=dict)  # id of a plain number -> its width
    undeclared: set[str] = field(default_factory=set)  # reported already

    def names(self) -> list[str]:
        """Every name that the module's own statements can use."""
        return [*(name for name in self.signals if "." not in name), *self.instances, *self.stages]

    def taken(self, name: str) -> Span | None:
        """Where a name is declared, if it is."""
        if name in self.signals:
            return self.signals[name].span
        if name in self.instances:
            return self.instances[name].name.span
        return self.stages[name].name.span if name in self.stages else None


def declare(module: Module, report: Report) -> Scope:
    """Collect the names of a module, and report those that clash or have an impossible width."""
    scope = Scope(module)
    for port in module.ports:
        _add(scope, report, port.name, Kind(port.kind.value.lower()), port.width)
        if port.kind in (PortKind.CLOCK, PortKind.RESET):
            _check_single(module, port.kind, port.name, port.width, report)
    for statement in module.body:
        match statement:
            case Wire():
                _add(scope, report, statement.name, Kind.WIRE, statement.width)
            case Reg():
                _add(scope, report, statement.name, Kind.REG, statement.width, statement.reset.value)
            case Const():
                width = statement.value.width or 1
                _add(scope, report, statement.name, Kind.CONST, width, statement.value.value)
            case Instance():
                if _free(scope, report, statement.name):
                    scope.instances[statement.name.text] = statement
            case Stage():
                if _free(scope, report, statement.name):
                    scope.stages[statement.name.text] = statement
    for stage in scope.stages.values():
        _declare_stage(scope, report, stage)
    return scope


def _declare_stage(scope: Scope, report: Report, stage: Stage) -> None:
    for item in stage.items:
        if isinstance(item, Wire) and scope.taken(item.name.text):
            _free(scope, report, item.name)  # a stage's wire may not hide a name of the module
        kind = Kind.WIRE if isinstance(item, Wire) else Kind.VALUE
        _add(scope, report, item.name, kind, item.width, owner=stage.name.text)


def _check_single(module: Module, kind: PortKind, name: Name, width: int, report: Report) -> None:
    if width != 1:
        report.add(
            "width.range", f"the {kind.lower()} {name} has {width} bits", name.span, "write it without width"
        )
    first = module.ports_of(kind)[0]
    if first.name is not name:
        message = f"{name} is a second {kind.lower()}: {first.name} is the module's {kind.lower()}"
        report.add(f"{kind.lower()}.double", message, name.span, f"connect everything to {first.name}")


def _free(scope: Scope, report: Report, name: Name, owner: str = "") -> bool:
    full = f"{owner}.{name}" if owner else name.text
    if scope.taken(full) is None:
        return True
    report.add("name.duplicate", f"{full} is declared twice", name.span, "take another name or take one away")
    return False


def _add(
    scope: Scope, report: Report, name: Name, kind: Kind, width: int, number: int = 0, owner: str = ""
) -> None:
    if not _free(scope, report, name, owner):
        return
    if not 1 <= width <= MAX_WIDTH:
        report.add("width.range", f"{name} has {width} bits", name.span, f"a word has 1 to {MAX_WIDTH} bits")
        width = max(1, min(width, MAX_WIDTH))
    full = f"{owner}.{name}" if owner else name.text
    scope.signals[full] = Signal(full, kind, width, name.span, number)
