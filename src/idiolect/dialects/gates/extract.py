"""Collects the modules of source files, with their ports, into a catalog.

A file that does not parse gives nothing; what it defines can't be relied on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from idiolect.dialects.catalog import Arg, Catalog, Proc
from idiolect.dialects.gates.describe import describe
from idiolect.dialects.gates.reader import NotParsed, read
from idiolect.dialects.gates.syntax import Module, Port, PortKind, Program
from idiolect.source import SourceText

SUFFIX = ".gates"


def extract(sources: Sequence[Path]) -> Catalog:
    """A catalog of all modules in files and folders; of two of one name the first counts."""
    found: dict[str, Proc] = {}
    unread = []
    for path in _files(sources):
        try:
            text = path.read_text(encoding="utf-8")
            program = read(text)
        except (OSError, UnicodeDecodeError, NotParsed) as stop:
            unread.append(f"{path.name}: {stop}")
            continue
        for module in program.modules:
            line = SourceText(text).place(module.span.start).line
            found.setdefault(module.name.text, _symbol(module, f"{path}:{line}"))
    notes = f"not read: {'; '.join(unread)}" if unread else ""
    return Catalog(name="gates", notes=notes, procs=tuple(found.values()))


def _files(sources: Sequence[Path]) -> list[Path]:
    files = []
    for source in sources:
        files += sorted(source.rglob(f"*{SUFFIX}")) if source.is_dir() else [source]
    return files


def _symbol(module: Module, place: str) -> Proc:
    return Proc(
        name=module.name.text,
        kind="module",
        args=tuple(_argument(port) for port in module.ports),
        notes=describe(Program(module.span, (module,))),
        side_effects=("registers",) if module.clocked else (),
        examples=(_example(module),),
        defined_in=place,
    )


def _example(module: Module) -> str:
    """An instance, every port connected to a signal of its own name."""
    ends = ", ".join(f"{port.name} = {port.name}" for port in module.ports)
    return f"{module.name} U1({ends});"


def _argument(port: Port) -> Arg:
    bits = "1 bit" if port.width == 1 else f"{port.width} bits"
    return Arg(
        name=port.name.text,
        type="port",
        passed="positional",
        required=port.kind is not PortKind.OUTPUT,
        notes=f"{port.kind.lower()}, {bits}",
    )
