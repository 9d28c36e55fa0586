"""Breaks of the language's rules: what comes out parses, and names, drives or widths are wrong."""

from __future__ import annotations

import re

from idiolect.dialects.gates.breaks import Break, Good, misspelt, module_of, registrar
from idiolect.dialects.gates.syntax import (
    Case,
    Concat,
    Connection,
    Drive,
    Instance,
    Latch,
    Name,
    Number,
    Port,
    PortKind,
    Ref,
    Stage,
    Wire,
    nodes,
)
from idiolect.source import Span

BREAKS: dict[str, Break] = {}
breaks = registrar(BREAKS)


# Broken names


@breaks("name.undeclared")
def undeclared_signal(good: Good) -> str | None:
    found = good.pick(Ref, test=lambda ref: ref.owner is None)
    fresh = good.rng.choice(["TMP", "NET1", "AUX", "W9", "INT_SIG", "NODE"])
    return good.swap(found.name.span, fresh) if found else None


@breaks("name.undeclared")
def misspelt_signal(good: Good) -> str | None:
    found = good.pick(Ref, test=lambda ref: ref.owner is None and len(ref.name.text) > 1)
    return good.swap(found.name.span, misspelt(good.rng, found.name.text)) if found else None


@breaks("name.undeclared")
def missing_declaration(good: Good) -> str | None:
    found = good.pick(Wire, test=lambda wire: wire.value is None)
    return good.swap(good.statement(found), "") if found else None


@breaks("name.duplicate")
def duplicate_declaration(good: Good) -> str | None:
    found = good.pick(Port) if good.rng.random() < 0.5 else good.pick(Wire)
    return good.add(f"WIRE {found.name};", module_of(good, found)) if found else None


@breaks("module.duplicate")
def module_name_clash(good: Good) -> str | None:
    return f"MODULE {good.program.top.name}(INPUT A, OUTPUT Y) {{ Y = A; }}\n{good.text}"


@breaks("stage.unknown")
def wrong_stage_name(good: Good) -> str | None:
    stages = {node.name.text for node in nodes(good.program) if isinstance(node, Stage)}
    uses = [node.owner for node in nodes(good.program) if isinstance(node, Ref) and node.owner]
    uses += [node.after for node in nodes(good.program) if isinstance(node, Stage) and node.after]
    used = [name for name in uses if name.text in stages]
    if not used:
        return None
    found: Name = good.rng.choice(used)
    wrong = good.rng.choice([misspelt(good.rng, found.text), f"{found}2", "STAGE9", "DECODE_ST"])
    return good.swap(found.span, wrong)


@breaks("stage.value")
def wrong_stage_value(good: Good) -> str | None:
    stages = {node.name.text for node in nodes(good.program) if isinstance(node, Stage)}
    found = good.pick(Ref, test=lambda ref: ref.owner is not None and ref.owner.text in stages)
    return good.swap(found.name.span, f"{found.name}X") if found else None


@breaks("stage.skew")
def skipped_stage(good: Good) -> str | None:
    """A later stage reads an input that no stage carried to it."""
    late = good.pick(Stage, test=lambda stage: stage.after is not None and bool(stage.items))
    inputs = good.program.top.ports_of(PortKind.INPUT)
    if late is None or not inputs:
        return None
    references = [node for node in nodes(late) if isinstance(node, Ref)]
    return (
        good.swap(good.rng.choice(references).span, good.rng.choice(inputs).name.text) if references else None
    )


# Broken drives


@breaks("drive.double")
def double_drive(good: Good) -> str | None:
    found = good.pick(Drive)
    if found is None:
        return None
    arrow = "<=" if found.clocked else "="
    target = good.text[found.target.span.start : found.target.span.end]
    value = good.text[found.value.span.start : found.value.span.end]
    return good.add(f"{target} {arrow} {value};", module_of(good, found)) if found else None


@breaks("drive.missing")
def missing_drive(good: Good) -> str | None:
    found = good.pick(Drive)
    return good.swap(good.statement(found), "") if found else None


@breaks("drive.input")
def input_driven(good: Good) -> str | None:
    found = good.pick(Port, test=lambda port: port.kind is PortKind.INPUT)
    return good.add(f"{found.name} = 0;", module_of(good, found)) if found else None


@breaks("drive.kind")
def wrong_arrow(good: Good) -> str | None:
    found = good.pick(Drive)
    if found is None:
        return None
    between = Span(found.target.span.end, found.value.span.start)
    return good.swap(between, " = " if found.clocked else " <= ")


@breaks("loop.combinational")
def combinational_loop(good: Good) -> str | None:
    """A drive that reads what it drives."""
    found = good.pick(Drive, test=lambda drive: not drive.clocked and drive.target.select is None)
    if found is None:
        return None
    value = good.text[found.value.span.start : found.value.span.end]
    return good.swap(found.value.span, f"({value}) {good.rng.choice('^&|')} {found.target.name}")


# Broken widths and numbers


@breaks("width")
def width_mismatch(good: Good) -> str | None:
    found = good.pick(Port) if good.rng.random() < 0.6 else good.pick(Wire) or good.pick(Latch)
    if found is None or (isinstance(found, Port) and found.kind in (PortKind.CLOCK, PortKind.RESET)):
        return None
    wrong = found.width + good.rng.choice([-1, 1, 2, 3])
    end = found.name.span.end
    width = re.compile(r"\s*\[\d+\]").match(good.text, end)
    return good.swap(Span(end, width.end() if width else end), f"[{wrong}]")


@breaks("width.index")
def index_out_of_range(good: Good) -> str | None:
    found = good.pick(Ref, test=lambda ref: ref.select is not None)
    if found is None or found.select is None:
        return None
    high = good.rng.randint(40, 99)
    return good.swap(found.select.span, good.rng.choice([f"[{high}]", f"[{high}:{high - 3}]", "[0:3]"]))


@breaks("width.unsized")
def unsized_number(good: Good) -> str | None:
    inside = [part for node in nodes(good.program) if isinstance(node, Concat) for part in node.parts]
    numbers = [part for part in inside if isinstance(part, Number)]
    if not numbers:
        return None
    found = good.rng.choice(numbers)
    return good.swap(found.span, str(found.value))


@breaks("number.range")
def number_too_large(good: Good) -> str | None:
    found = good.pick(Number, test=lambda number: number.width is not None)
    if found is None or found.width is None:
        return None
    return good.swap(found.span, f"{found.width}'d{(1 << found.width) + good.rng.randint(0, 9)}")


@breaks("clock.missing")
def missing_clock(good: Good) -> str | None:
    found = good.pick(Port, test=lambda port: port.kind is PortKind.CLOCK)
    if found is None:
        return None
    after = re.compile(r"\s*,\s*").match(good.text, found.span.end)
    return good.swap(Span(found.span.start, after.end() if after else found.span.end), "")


@breaks("case.duplicate")
def duplicate_label(good: Good) -> str | None:
    found = good.pick(Case, test=lambda case: len(case.arms) > 1)
    if found is None:
        return None
    first, second = good.rng.sample([label for label, _ in found.arms], 2)
    return good.swap(second.span, good.text[first.span.start : first.span.end])


# Broken instances


@breaks("instance.unknown")
def unknown_module(good: Good) -> str | None:
    found = good.pick(Instance)
    return good.swap(found.module.span, misspelt(good.rng, found.module.text)) if found else None


@breaks("instance.port")
def wrong_port_name(good: Good) -> str | None:
    found = good.pick(Connection, test=lambda connection: connection.port is not None)
    if found is None or found.port is None:
        return None
    return good.swap(found.port.span, good.rng.choice(["IN9", "PORT1", f"{found.port}X"]))


@breaks("instance.count")
def missing_connection(good: Good) -> str | None:
    found = good.pick(Instance, test=lambda i: len(i.connections) > 1 and i.connections[0].port is None)
    if found is None:
        return None
    left, right = found.connections[-2:]
    return good.swap(Span(left.span.end, right.span.end), "")
