"""Judges the rules of Gates on a tree: names, widths, drives, instances, stages and clocks.

Combinational loops are looked for in `loops`, once nothing else is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from idiolect.dialects.gates.loops import find_loops
from idiolect.dialects.gates.module_order import bottom_up
from idiolect.dialects.gates.scope import Driver, Kind, Report, Scope, Signal, declare
from idiolect.dialects.gates.syntax import (
    MAX_WIDTH,
    Connection,
    Const,
    Drive,
    Instance,
    Latch,
    Module,
    Name,
    Port,
    PortKind,
    Program,
    Ref,
    Reg,
    Stage,
    Wire,
)
from idiolect.dialects.gates.widths import Ruler
from idiolect.dialects.verdict import Fault, Severity
from idiolect.source import Span


@dataclass(slots=True)
class Checked:
    """A judged program: its faults, and what the simulator needs if there are none."""

    program: Program
    faults: tuple[Fault, ...]
    scopes: dict[str, Scope] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return all(fault.severity is not Severity.ERROR for fault in self.faults)


def check(program: Program) -> Checked:
    """Judge every module of a program."""
    report = Report()
    modules: dict[str, Module] = {}
    for module in program.modules:
        if module.name.text in modules:
            message = f"module {module.name} is defined twice"
            report.add("module.duplicate", message, module.name.span, "take another name")
        else:
            modules[module.name.text] = module
    scopes = {}
    for name, module in modules.items():
        if report.full:
            break
        scopes[name] = _Checker(modules, declare(module, report), report).check()
    order = bottom_up(modules, report)
    if not report.faults:
        find_loops([scopes[name] for name in order], modules, report)
    # An unknown name leaves another one unread: warnings are told when nothing is wrong.
    faults = report.faults or report.warnings
    faults = sorted(faults, key=lambda fault: fault.span.start if fault.span else 0)
    return Checked(program, tuple(faults), scopes)


@dataclass(slots=True)
class _Checker:
    modules: dict[str, Module]
    scope: Scope
    report: Report
    ruler: Ruler = field(init=False)

    def __post_init__(self) -> None:
        self.ruler = Ruler(self.scope, self.report)

    def check(self) -> Scope:
        self._declare_outputs()
        for statement in self.scope.module.body:
            if self.report.full:
                return self.scope
            match statement:
                case Wire(value=None):
                    pass
                case Wire(value=value):
                    signal = self.scope.signals.get(statement.name.text)
                    if signal is not None and value is not None:
                        self.ruler.fit(value, signal.width, signal.name)
                        span = statement.name.span
                        self._drive(Driver(signal.name, signal.width - 1, 0, span, value), signal, False)
                case Reg():
                    self.ruler.fit(statement.reset, max(1, statement.width), statement.name.text)
                case Const():
                    self._constant(statement)
                case Drive():
                    self._assignment(statement)
                case Instance():
                    self._instance(statement)
                case Stage():
                    self._stage(statement)
        self._check_clock()
        for signal in self.scope.signals.values():
            self._check_driven(signal)
        self._warn_unread()
        return self.scope

    def _declare_outputs(self) -> None:
        """Make `U1.S` a signal for every output of every instance whose module is known."""
        for name, instance in self.scope.instances.items():
            module = self.modules.get(instance.module.text)
            for port in module.ports_of(PortKind.OUTPUT) if module else ():
                full = f"{name}.{port.name}"
                width = max(1, min(port.width, MAX_WIDTH))  # a worse one was reported at the port
                signal = Signal(full, Kind.WIRE, width, instance.name.span, read=True)
                signal.drivers.append(
                    Driver(full, signal.width - 1, 0, instance.name.span, source=(name, port.name.text))
                )
                self.scope.signals[full] = signal

    def _constant(self, constant: Const) -> None:
        if constant.value.width is None:
            hint = f"write CONST {constant.name} = {max(1, constant.value.value.bit_length())}'d..."
            self.report.add(
                "width.unsized", f"the constant {constant.name} has no width", constant.span, hint
            )
        self.ruler.measure(constant.value)

    def _assignment(self, drive: Drive) -> None:
        target = self.ruler.target_width(drive.target)
        if target is None:
            self.ruler.measure(drive.value)
            named = self.scope.signals.get(drive.target.name.text)
            if named is not None:
                named.broken = True
            return
        signal, high, low = target
        self.ruler.fit(drive.value, high - low + 1, signal.name)
        driver = Driver(signal.name, high, low, drive.target.span, drive.value)
        self._drive(driver, signal, drive.clocked)

    def _drive(self, driver: Driver, signal: Signal, clocked: bool) -> None:
        """Note who drives bits, unless the signal can't be driven so."""
        name, span = signal.name, driver.span
        if signal.kind is Kind.REG and not clocked:
            signal.broken = True
            self.report.add(
                "drive.kind", f"{name} is a register: it takes values with <=", span, f"write {name} <= ...;"
            )
        elif signal.kind in (Kind.WIRE, Kind.OUTPUT) and clocked:
            signal.broken = True
            hint = f"write {name} = ...;, or declare a register and drive {name} from it"
            self.report.add("drive.kind", f"{name} is no register: it is driven with =", span, hint)
        elif signal.kind in (Kind.INPUT, Kind.CLOCK, Kind.RESET):
            hint = "drive an OUTPUT or a WIRE"
            self.report.add(
                "drive.input",
                f"{name} is an {signal.kind} and can't be driven"
                if signal.kind is Kind.INPUT
                else f"{name} is a {signal.kind} and can't be driven",
                span,
                hint,
            )
        elif signal.kind is Kind.CONST:
            self.report.add("drive.constant", f"{name} is a constant", span, "drive a WIRE or an OUTPUT")
        else:
            signal.drivers.append(driver)

    def _instance(self, instance: Instance) -> None:
        module = self.modules.get(instance.module.text)
        if module is None:
            message = f"there is no module {instance.module}"
            self.report.misspelt(
                "instance.unknown", message, instance.module, self.modules, "define it in this text"
            )
            for connection in instance.connections:
                self._loose_connection(connection)
            return
        for port, connection in self._paired(instance, module):
            self._connect(instance, port, connection)

    def _loose_connection(self, connection: Connection) -> None:
        """A connection to an unknown port: it may drive what it names, so no drive of that is missed."""
        value = connection.value
        if isinstance(value, Ref) and value.owner is None and value.name.text in self.scope.signals:
            self.scope.signals[value.name.text].broken = True
            self.scope.signals[value.name.text].read = True
        else:
            self.ruler.measure(value)

    def _paired(self, instance: Instance, module: Module) -> list[tuple[Port, Connection]]:
        """Each connection with its port, after reporting the ports that are wrong, doubled or left out."""
        given = instance.connections
        if given and given[0].port is None:
            if len(given) != len(module.ports):
                message = (
                    f"{module.name} has {len(module.ports)} ports, {instance.name} connects {len(given)}"
                )
                ports = ", ".join(port.name.text for port in module.ports[:12])
                self.report.add("instance.count", message, instance.span, f"connect in order: {ports}")
                for connection in given:
                    self._loose_connection(connection)
                return []
            return list(zip(module.ports, given, strict=True))
        known = {port.name.text: port for port in module.ports}
        pairs: dict[str, tuple[Port, Connection]] = {}
        for connection in given:
            name = connection.port
            assert name is not None
            if name.text not in known:
                self._unknown_port(module, name, known)
                self._loose_connection(connection)
            elif name.text in pairs:
                message = f"port {name} of {instance.name} is connected twice"
                self.report.add("instance.port", message, name.span, "connect each port once")
            else:
                pairs[name.text] = (known[name.text], connection)
        missing = [
            port.name.text
            for port in module.ports
            if port.kind is not PortKind.OUTPUT and port.name.text not in pairs
        ]
        unknown = any(connection.port.text not in known for connection in given if connection.port)
        if missing and not unknown:  # a misspelt port is what lacks
            message = f"{instance.name} leaves {', '.join(missing[:5])} of {module.name} unconnected"
            hint = f"write {missing[0]} = ... in its brackets"
            self.report.add("instance.unconnected", message, instance.span, hint)
        return list(pairs.values())

    def _unknown_port(self, module: Module, name: Name, ports: dict[str, Port]) -> None:
        message = f"module {module.name} has no port {name}"
        hint = f"its ports are {', '.join(list(ports)[:8])}" if ports else "it has no ports"
        self.report.misspelt("instance.port", message, name, ports, hint)

    def _connect(self, instance: Instance, port: Port, connection: Connection) -> None:
        value = connection.value
        what = f"port {port.name} of {instance.name}"
        if port.kind is PortKind.OUTPUT:
            self._connect_output(instance, port, value, what)
        elif port.kind is PortKind.CLOCK:
            signal = (
                self.scope.signals.get(value.name.text)
                if isinstance(value, Ref) and not value.owner
                else None
            )
            if signal is None or signal.kind is not Kind.CLOCK:
                self.report.add("clock.use", f"{what} takes the clock", value.span, "connect the CLOCK port")
            else:
                signal.read = True
        else:
            self.ruler.fit(value, port.width, what)

    def _connect_output(self, instance: Instance, port: Port, value: object, what: str) -> None:
        if not isinstance(value, Ref) or value.owner is not None:
            span = getattr(value, "span", instance.span)
            self.report.add(
                "instance.output", f"{what} is an output: it drives a signal", span, "name a WIRE or OUTPUT"
            )
            return
        target = self.ruler.target_width(value)
        if target is None:
            return
        signal, high, low = target
        if high - low + 1 != port.width:
            message = f"{what} has {port.width} bits, {signal.name} takes {high - low + 1}"
            self.report.add(
                "width.mismatch", message, value.span, f"declare WIRE {signal.name}[{port.width}]"
            )
        driver = Driver(signal.name, high, low, value.span, source=(instance.name.text, port.name.text))
        self._drive(driver, signal, False)

    def _stage(self, stage: Stage) -> None:
        if self.scope.stages.get(stage.name.text) is not stage:
            return  # a duplicate, which was reported
        self._check_after(stage)
        ruler = Ruler(self.scope, self.report, stage)
        for item in stage.items:
            signal = self.scope.signals.get(f"{stage.name}.{item.name}")
            if signal is None or signal.span is not item.name.span or item.value is None:
                continue
            ruler.fit(item.value, signal.width, item.name.text)
            driver = Driver(
                signal.name, signal.width - 1, 0, item.name.span, item.value, stage=stage.name.text
            )
            self._drive(driver, signal, isinstance(item, Latch))

    def _check_after(self, stage: Stage) -> None:
        after = stage.after
        if after is None:
            return
        above = []
        for name in self.scope.stages:
            if name == stage.name.text:
                break
            above.append(name)
        if after.text in above:
            return
        if after.text in self.scope.stages:
            message = f"stage {stage.name} comes after {after}, which is not written above it"
            self.report.add(
                "stage.order", message, after.span, "write the stages in the order of the pipeline"
            )
        else:
            hint = (
                f"the stages above are {', '.join(above[:5])}"
                if above
                else "this is the first stage: take AFTER away"
            )
            self.report.misspelt("stage.unknown", f"there is no stage {after}", after, above, hint)

    def _check_clock(self) -> None:
        module = self.scope.module
        if module.clocked:
            return
        for statement in module.body:
            if isinstance(statement, Reg | Stage):
                what = "registers" if isinstance(statement, Reg) else "stages"
                message = f"module {module.name} has {what} and no clock"
                self.report.add("clock.missing", message, statement.span, "add a port: CLOCK CLK")
                return

    def _check_driven(self, signal: Signal) -> None:
        """Every bit of what can be driven is driven exactly once."""
        if signal.kind not in (Kind.WIRE, Kind.OUTPUT, Kind.REG) or signal.broken:
            return
        owner: list[Span | None] = [None] * signal.width
        for driver in signal.drivers:
            taken = [bit for bit in range(driver.low, driver.high + 1) if owner[bit] is not None]
            if taken:
                bits = "" if len(taken) == signal.width else f", bit {_ranges(taken)}"
                self.report.add(
                    "drive.double",
                    f"{signal.name} is driven twice{bits}",
                    driver.span,
                    "keep one of the drives",
                )
            owner[driver.low : driver.high + 1] = [driver.span] * (driver.high - driver.low + 1)
        missing = [bit for bit, span in enumerate(owner) if span is None]
        if not missing:
            return
        arrow = "<=" if signal.kind is Kind.REG else "="
        verb = "takes no value" if signal.kind is Kind.REG else "is not driven"
        what = signal.name if len(missing) == signal.width else f"bit {_ranges(missing)} of {signal.name}"
        self.report.add("drive.missing", f"{what} {verb}", signal.span, f"write {signal.name} {arrow} ...;")

    def _warn_unread(self) -> None:
        for signal in self.scope.signals.values():
            if not signal.read and signal.kind in (Kind.INPUT, Kind.WIRE, Kind.REG, Kind.CONST, Kind.VALUE):
                message = f"the {signal.kind} {signal.name} is never read"
                self.report.warn("name.unread", message, signal.span, "use it or take it away")


def _ranges(bits: list[int]) -> str:
    """Bits in words: "3", "7:4" or "3, 1"."""
    if len(bits) > 1 and bits == list(range(bits[0], bits[-1] + 1)):
        return f"{bits[-1]}:{bits[0]}"
    return ", ".join(str(bit) for bit in sorted(bits, reverse=True)[:8])
