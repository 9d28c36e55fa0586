"""Turns a checked program into one flat network of gates, its instances copied into place.

Built once, evaluated many times by `simulator`. It presumes a program without faults.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from idiolect.dialects.gates.bits import ZERO, Network, TooLarge, Word
from idiolect.dialects.gates.checker import Checked
from idiolect.dialects.gates.loops import bits_of, connected, resolve
from idiolect.dialects.gates.scope import Driver, Kind, Scope, Signal
from idiolect.dialects.gates.syntax import (
    Bit,
    Case,
    Chain,
    Choice,
    Concat,
    Expr,
    Instance,
    Module,
    Number,
    PortKind,
    Reduction,
    Ref,
    Slice,
    Unary,
    references,
)

MAX_INSTANCES = 5_000
MAX_DRIVES = 50_000


@dataclass(frozen=True, slots=True)
class Register:
    """Bits that hold a value from one clock step to the next."""

    name: str
    now: Word
    following: Word
    reset: int


@dataclass(frozen=True, slots=True)
class Netlist:
    """A module's whole circuit in gates."""

    module: Module
    network: Network
    inputs: dict[str, Word]
    outputs: dict[str, Word]
    registers: tuple[Register, ...]


class _Node(NamedTuple):
    """One drive of a signal in one copy of a module; place -1 is the connection of an input."""

    frame: int
    signal: str
    place: int


@dataclass(slots=True)
class _Frame:
    """One copy of a module: its signals' bits, and where it hangs."""

    scope: Scope
    parent: int = -1
    connections: dict[str, Expr] = field(default_factory=dict)
    children: dict[str, int] = field(default_factory=dict)
    words: dict[str, list[int | None]] = field(default_factory=dict)
    reset: str | None = None


def build(checked: Checked) -> Netlist:
    """The network of a program's top module; TooLarge past the bounds."""
    return _Builder(checked).build()


class _Builder:
    def __init__(self, checked: Checked) -> None:
        self.scopes = checked.scopes
        self.top = checked.program.top
        self.network = Network()
        self.frames: list[_Frame] = []

    def build(self) -> Netlist:
        self._unfold(self.top.name.text)
        inputs = {}
        for port in self.top.ports_of(PortKind.INPUT, PortKind.RESET):
            inputs[port.name.text] = word = self.network.leaves(port.width)
            self.frames[0].words[port.name.text] = list(word)
        held = list(self._held())
        for node in self._ordered(self._roots(held)):
            self._settle(node)
        registers = [self._register(number, signal, word) for number, signal, word in held]
        signals = self.frames[0].scope.signals
        outputs = {
            port.name.text: self._word(0, signals[port.name.text])
            for port in self.top.ports_of(PortKind.OUTPUT)
        }
        return Netlist(self.top, self.network, inputs, outputs, tuple(registers))

    def _held(self) -> Iterator[tuple[int, Signal, Word]]:
        """Every register and stage value of every copy, each with new bits for what it holds."""
        for number, frame in enumerate(self.frames):
            for signal in frame.scope.signals.values():
                if signal.kind in (Kind.REG, Kind.VALUE):
                    word = self.network.leaves(signal.width)
                    frame.words[signal.name] = list(word)
                    yield number, signal, word

    def _roots(self, held: list[tuple[int, Signal, Word]]) -> list[_Node]:
        """The drives from which all that matters is reached: outputs, next values, and their resets."""
        roots: list[_Node] = []
        for port in self.top.ports_of(PortKind.OUTPUT):
            signal = self.frames[0].scope.signals[port.name.text]
            roots += self._drivers(0, signal, signal.width - 1, 0)
        for number, signal, _ in held:
            frame = self.frames[number]
            if frame.reset is not None:
                roots += self._drivers(number, frame.scope.signals[frame.reset], 0, 0)
            for driver in signal.drivers:
                assert driver.value is not None  # instances drive wires only
                roots += self._reads(number, driver.value, driver.stage)
        return roots

    def _unfold(self, top: str) -> None:
        """A frame for every copy of a module, bounded in number."""
        self.frames = [_frame(self.scopes[top])]
        drives = 0
        for number, frame in enumerate(self.frames):  # grows while it is walked
            drives += sum(len(signal.drivers) for signal in frame.scope.signals.values())
            if len(self.frames) + len(frame.scope.instances) > MAX_INSTANCES or drives > MAX_DRIVES:
                raise TooLarge(f"the circuit has more than {MAX_INSTANCES} instances or {MAX_DRIVES} drives")
            for name, instance in frame.scope.instances.items():
                frame.children[name] = len(self.frames)
                self.frames.append(self._copy(instance, number))

    def _copy(self, instance: Instance, parent: int) -> _Frame:
        scope = self.scopes[instance.module.text]
        frame = _frame(scope)
        frame.parent = parent
        frame.connections = connected(instance, scope.module)
        return frame

    def _ordered(self, roots: list[_Node]) -> Iterator[_Node]:
        """Drives with what they read first. There are no loops: they were looked for before."""
        seen = set()
        for root in roots:
            if root in seen:
                continue
            seen.add(root)
            path = [(root, iter(self._inputs(root)))]
            while path:
                node, left = path[-1]
                following = next(left, None)
                if following is None:
                    path.pop()
                    yield node
                elif following not in seen:
                    seen.add(following)
                    path.append((following, iter(self._inputs(following))))

    def _inputs(self, node: _Node) -> list[_Node]:
        frame = self.frames[node.frame]
        if node.place < 0:
            return self._reads(frame.parent, frame.connections[node.signal], None)
        driver = frame.scope.signals[node.signal].drivers[node.place]
        if driver.value is not None:
            return self._reads(node.frame, driver.value, driver.stage)
        assert driver.source is not None
        child = frame.children[driver.source[0]]
        signal = self.frames[child].scope.signals[driver.source[1]]
        return self._drivers(child, signal, signal.width - 1, 0)

    def _reads(self, number: int, expression: Expr, stage: str | None) -> list[_Node]:
        scope = self.frames[number].scope
        found: dict[_Node, None] = {}
        for reference in references(expression):
            signal = resolve(scope, reference, stage)
            high, low = bits_of(reference, signal.width)
            found.update(dict.fromkeys(self._drivers(number, signal, high, low)))
        return list(found)

    def _drivers(self, number: int, signal: Signal, high: int, low: int) -> list[_Node]:
        if signal.kind in (Kind.INPUT, Kind.RESET):
            return [_Node(number, signal.name, -1)] if self.frames[number].parent >= 0 else []
        if signal.kind not in (Kind.WIRE, Kind.OUTPUT):
            return []
        return [
            _Node(number, signal.name, place)
            for place, driver in enumerate(signal.drivers)
            if driver.high >= low and driver.low <= high
        ]

    def _settle(self, node: _Node) -> None:
        """Build the gates of one drive."""
        frame = self.frames[node.frame]
        signal = frame.scope.signals[node.signal]
        if node.place < 0:
            expression = frame.connections[node.signal]
            frame.words[node.signal] = list(self._fitted(frame.parent, expression, None, signal.width))
            return
        driver = signal.drivers[node.place]
        word = frame.words.setdefault(node.signal, [None] * signal.width)
        word[driver.low : driver.high + 1] = self._driven(node.frame, driver)

    def _driven(self, number: int, driver: Driver) -> Word:
        if driver.value is not None:
            return self._fitted(number, driver.value, driver.stage, driver.high - driver.low + 1)
        assert driver.source is not None
        child = self.frames[number].children[driver.source[0]]
        return self._word(child, self.frames[child].scope.signals[driver.source[1]])

    def _word(self, number: int, signal: Signal) -> Word:
        if signal.kind is Kind.CONST:
            return self.network.constant(signal.number, signal.width)
        word = self.frames[number].words.get(signal.name, [])
        # A bit that is not there yet belongs to a part that the reader does not read.
        return [ZERO if bit is None else bit for bit in word] or [ZERO] * signal.width

    def _register(self, number: int, signal: Signal, now: Word) -> Register:
        following: Word = list(now)
        for driver in signal.drivers:
            following[driver.low : driver.high + 1] = self._driven(number, driver)
        frame = self.frames[number]
        if frame.reset is not None:
            reset = self._word(number, frame.scope.signals[frame.reset])[0]
            following = self.network.chosen(
                reset, self.network.constant(signal.number, signal.width), following
            )
        return Register(signal.name, now, following, signal.number)

    # Expressions

    def _fitted(self, number: int, expression: Expr, stage: str | None, width: int) -> Word:
        word = self._eval(number, expression, stage)
        assert len(word) == width, "the checker measures widths"
        return word

    def _eval(self, number: int, node: Expr, stage: str | None) -> Word:
        network = self.network
        match node:
            case Number():
                width = node.width or self.frames[number].scope.literals[id(node)]
                return network.constant(node.value, width)
            case Ref():
                return self._reference(number, node, stage)
            case Unary():
                word = network.inverted(self._eval(number, node.operand, stage))
                if node.operator == "-":
                    word = network.added(word, network.constant(1, len(word)))
                return word
            case Reduction():
                bit = network.reduced(node.operator[-1], self._eval(number, node.operand, stage))
                return [network.invert(bit) if node.operator[0] == "~" else bit]
            case Chain():
                word = self._eval(number, node.first, stage)
                for operator, operand in node.rest:
                    word = self._joined(operator, word, self._eval(number, operand, stage))
                return word
            case Choice():
                then, otherwise = (
                    self._eval(number, node.then, stage),
                    self._eval(number, node.otherwise, stage),
                )
                return network.chosen(self._eval(number, node.condition, stage)[0], then, otherwise)
            case Case():
                return self._case(number, node, stage)
            case Concat():
                parts = [self._eval(number, part, stage) for part in reversed(node.parts)]
                return [bit for part in parts for bit in part] * (node.times or 1)

    def _joined(self, operator: str, left: Word, right: Word) -> Word:
        network = self.network
        if operator in ("<<", ">>", ">>>"):
            fill = left[-1] if operator == ">>>" else ZERO
            return network.shifted(left, right, left=operator == "<<", fill=fill)
        match operator:
            case "*":
                return network.multiplied(left, right)
            case "+":
                return network.added(left, right)
            case "-":
                return network.subtracted(left, right)
            case "==":
                return [network.equal(left, right)]
            case "!=":
                return [network.invert(network.equal(left, right))]
            case "<":
                return [network.less(left, right)]
            case ">":
                return [network.less(right, left)]
            case "<=":
                return [network.invert(network.less(right, left))]
            case ">=":
                return [network.invert(network.less(left, right))]
        join = {"&": network.conj, "|": network.disj, "^": network.exclusive}[operator[-1]]
        word = [join(a, b) for a, b in zip(left, right, strict=True)]
        return network.inverted(word) if operator[0] == "~" else word

    def _case(self, number: int, case: Case, stage: str | None) -> Word:
        subject = self._eval(number, case.subject, stage)
        word = self._eval(number, case.default, stage)
        scope = self.frames[number].scope
        for label, value in reversed(case.arms):
            chosen = label.value if isinstance(label, Number) else scope.signals[label.text].number
            met = self.network.equal(subject, self.network.constant(chosen, len(subject)))
            word = self.network.chosen(met, self._eval(number, value, stage), word)
        return word

    def _reference(self, number: int, reference: Ref, stage: str | None) -> Word:
        word = self._word(number, resolve(self.frames[number].scope, reference, stage))
        match reference.select:
            case Slice(high=high, low=low):
                return word[low : high + 1]
            case Bit(index=Number(value=value)):
                return [word[value]]
            case Bit(index=index):
                return [self.network.picked(word, self._eval(number, index, stage))]
            case _:
                return word


def _frame(scope: Scope) -> _Frame:
    reset = scope.module.ports_of(PortKind.RESET)
    return _Frame(scope, reset=reset[0].name.text if reset else None)
