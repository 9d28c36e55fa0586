"""Finds combinational loops: signals that feed themselves with no register between.

Works on drives: a drive depends on the drives of the bits it reads. It presumes that names and
drives are in order, and says for each module which inputs reach which outputs, for its users.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from idiolect.dialects.gates.scope import Driver, Kind, Report, Scope, Signal
from idiolect.dialects.gates.syntax import (
    Bit,
    Expr,
    Instance,
    Module,
    Number,
    PortKind,
    Ref,
    Slice,
    references,
)
from idiolect.source import Span

# What a node of the graph stands for: bits (signal, high, low), or a drive (signal, place in its list).
Node = tuple[str, int, int] | tuple[str, int]
Reach = dict[str, dict[str, set[str]]]  # module -> output -> the inputs that reach it


def find_loops(scopes: Sequence[Scope], modules: dict[str, Module], report: Report) -> None:
    """Report one loop of each module; the scopes come with used modules first."""
    reach: Reach = {}
    for scope in scopes:
        graph = _Graph(scope, modules, reach)
        circle = graph.walk()
        if circle is not None:
            names, span = circle
            shown = " -> ".join(names if len(names) <= 12 else [*names[:11], "...", names[-1]])
            hint = "put a register in the circle, or drive the bits one by one"
            report.add("loop.combinational", f"combinational loop: {shown}", span, hint)
            return
        reach[scope.module.name.text] = graph.inputs_of_outputs()


@dataclass(slots=True)
class _Graph:
    scope: Scope
    modules: dict[str, Module]
    reach: Reach
    edges: dict[Node, list[Node]] = field(default_factory=dict)
    order: list[Node] = field(default_factory=list)

    def walk(self) -> tuple[list[str], Span] | None:
        """Visit all drives depth first; a way back to an open node is a loop."""
        state: dict[Node, int] = {}
        for signal in list(self.scope.signals.values()):
            for place in range(len(signal.drivers)):
                root: Node = (signal.name, place)
                if signal.kind in (Kind.REG, Kind.VALUE) or root in state:
                    continue
                found = self._visit(root, state)
                if found is not None:
                    return found
        return None

    def _visit(self, root: Node, state: dict[Node, int]) -> tuple[list[str], Span] | None:
        state[root] = 1
        path = [(root, iter(self._inputs(root)))]
        while path:
            node, left = path[-1]
            following = next(left, None)
            if following is None:
                state[node] = 2
                self.order.append(node)
                path.pop()
            elif state.get(following) == 1:
                steps = [step for step, _ in path]
                return self._circle(steps[steps.index(following) :])
            elif following not in state:
                state[following] = 1
                path.append((following, iter(self._inputs(following))))
        return None

    def _circle(self, steps: list[Node]) -> tuple[list[str], Span]:
        """The signals of a loop, in the order in which they feed each other, and a place in it."""
        drives = [step for step in steps if len(step) == 2]
        names = [step[0] for step in reversed(drives)]
        start = drives[-1]
        span = self.scope.signals[start[0]].drivers[start[1]].span
        return [*names, names[0]], span

    def _inputs(self, node: Node) -> list[Node]:
        """What a node reads; each list is made once."""
        known = self.edges.get(node)
        if known is None:
            known = self.edges[node] = self._bits(node) if len(node) == 3 else self._drive(node)
        return known

    def _bits(self, node: tuple[str, int, int]) -> list[Node]:
        name, high, low = node
        signal = self.scope.signals[name]
        if signal.kind not in (Kind.WIRE, Kind.OUTPUT):
            return []
        return [
            (name, place)
            for place, driver in enumerate(signal.drivers)
            if driver.high >= low and driver.low <= high
        ]

    def _drive(self, node: tuple[str, int]) -> list[Node]:
        driver = self.scope.signals[node[0]].drivers[node[1]]
        if driver.value is not None:
            return self._reads(driver.value, driver.stage)
        assert driver.source is not None
        return self._through(driver)

    def _reads(self, expression: Expr, stage: str | None) -> list[Node]:
        found: dict[Node, None] = {}
        for reference in references(expression):
            signal = resolve(self.scope, reference, stage)
            high, low = bits_of(reference, signal.width)
            found[(signal.name, high, low)] = None
        return list(found)

    def _through(self, driver: Driver) -> list[Node]:
        """An instance's output reads what drives those inputs that reach it."""
        assert driver.source is not None
        instance = self.scope.instances[driver.source[0]]
        reaching = self.reach[instance.module.text][driver.source[1]]
        found: list[Node] = []
        for port, value in connected(instance, self.modules[instance.module.text]).items():
            if port in reaching:
                found += self._reads(value, None)
        return found

    def inputs_of_outputs(self) -> dict[str, set[str]]:
        """For every output the inputs that reach it with no register between."""
        ports = [port.name.text for port in self.scope.module.ports_of(PortKind.INPUT, PortKind.RESET)]
        place = {name: 1 << number for number, name in enumerate(ports)}
        mask: dict[Node, int] = {}
        for node in self.order:  # what a node reads comes before it
            bits = place.get(node[0], 0) if len(node) == 3 else 0
            for read in self.edges[node]:
                bits |= mask[read]
            mask[node] = bits
        result = {}
        for port in self.scope.module.ports_of(PortKind.OUTPUT):
            drivers = self.scope.signals[port.name.text].drivers
            bits = 0
            for number in range(len(drivers)):
                bits |= mask[(port.name.text, number)]
            result[port.name.text] = {name for name in ports if bits & place[name]}
        return result


def resolve(scope: Scope, reference: Ref, stage: str | None) -> Signal:
    """The signal that a checked reference reads."""
    if reference.owner is not None:
        return scope.signals[f"{reference.owner}.{reference.name}"]
    if stage is not None:
        local = scope.signals.get(f"{stage}.{reference.name}")
        if local is not None and local.kind is Kind.WIRE:
            return local
    return scope.signals[reference.name.text]


def bits_of(reference: Ref, width: int) -> tuple[int, int]:
    """The bits (high, low) that a reference reads or drives; all of them where an index is not known."""
    match reference.select:
        case Slice(high=high, low=low):
            return high, low
        case Bit(index=Number(value=value)):
            return value, value
        case _:
            return width - 1, 0


def connected(instance: Instance, module: Module) -> dict[str, Expr]:
    """What each port of an instance is connected to; outputs may be left out."""
    if instance.connections and instance.connections[0].port is None:
        pairs = zip(module.ports, instance.connections, strict=True)
        return {port.name.text: connection.value for port, connection in pairs}
    return {
        connection.port.text: connection.value
        for connection in instance.connections
        if connection.port is not None
    }
