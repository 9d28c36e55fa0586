"""`idiolect doctor`: what this machine is, what it can train, what is missing, and whether a script fits it.

It installs nothing and contacts nobody, unless a script says `network: "required"`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idiolect.cli.report import WRONG_INPUT

if TYPE_CHECKING:
    from idiolect.machine.record import Machine
    from idiolect.machine.requirements import Requirements
    from idiolect.okt.reading import Reading
    from idiolect.problem import Problem

_STYLES = {"error": "bold red", "warning": "yellow", "info": "dim"}


def doctor(
    script: Annotated[Path | None, typer.Argument(help="A .okt file whose requirements to check.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[Path, typer.Option("--out", help="Where the report is written.")] = Path(
        "env_report.json"
    ),
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.")] = False,
) -> None:
    """Report GPU, CUDA, memory, disk and libraries; with a FILE, exit 1 if a requirement is not met."""
    from idiolect.machine.report import env_report
    from idiolect.machine.requirements import check_requirements
    from idiolect.machine.survey import survey

    wanted = _requirements(script) if script else None
    machine = survey(script.absolute().parent if script else Path())
    problems = [*machine.problems, *(check_requirements(machine, wanted) if wanted else ())]
    report = env_report(machine, problems, bool(wanted and wanted.install_missing))
    if not no_report:
        _write(out, report)
    if as_json:
        told = [asdict(found) for found in problems]
        content = {"machine": _plain(machine), "problems": told, "report": report}
        typer.echo(json.dumps(content, indent=2, default=str, ensure_ascii=False))
    else:
        _print(machine, problems, script, str(report["status"]))
        if not no_report:
            typer.echo(f"written to {out}")
    if report["status"] == "incompatible":
        raise typer.Exit(WRONG_INPUT)


def _requirements(script: Path) -> Requirements:
    from idiolect.okt.check import check_file
    from idiolect.okt.text import UnreadableScript
    from idiolect.plan.preflight.flight import Flight
    from idiolect.plan.preflight.machine import requirements

    try:
        checked = check_file(script)
    except UnreadableScript as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_INPUT) from error
    except OSError as error:
        typer.echo(f"{script}: error[L014]: {error.strerror}", err=True)
        raise typer.Exit(WRONG_INPUT) from error
    if checked.errors:
        count = len(checked.errors)
        faults = "1 error" if count == 1 else f"{count} errors"
        typer.echo(f"{script}: {faults} in the script; idiolect validate shows them", err=True)
    return replace(requirements(Flight(checked, script)), extras=_extras(checked.reading))


def _extras(reading: Reading) -> tuple[str, ...]:
    """The extras that a script's stages need."""
    formats = reading.get("EXPORT", "format") or ()
    needed = {
        "train": reading.trains,
        "export": "gguf" in formats or "onnx" in formats,
        "serve": reading.get("DEPLOY", "target") == "api",
    }
    return tuple(name for name, is_needed in needed.items() if is_needed)


def _write(path: Path, report: dict[str, object]) -> None:
    from idiolect.files import write_beside

    try:
        write_beside(path, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        typer.echo(f"error: {path} can't be written: {reason}", err=True)
        raise typer.Exit(WRONG_INPUT) from error


def _plain(machine: Machine) -> dict[str, Any]:
    values = asdict(machine)
    del values["problems"]  # they are listed with the others
    return values


def _print(machine: Machine, problems: list[Problem], script: Path | None, status: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from idiolect.machine.report import advice

    console = Console(highlight=False)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in (*_machine_rows(machine), *_library_rows(machine)):
        grid.add_row(Text(name), Text(value))
    console.print(grid)
    if problems:
        console.print()
    for found in problems:
        line = Text(f"{found.severity}[{found.code}]", style=_STYLES[found.severity])
        line.append(f": {found.message}", style="default")
        console.print(line, soft_wrap=True)
        if found.help:
            console.print(Text(f"   help: {found.help}"), soft_wrap=True)
    console.print()
    for sentence in advice(machine):
        console.print(Text(f"- {sentence}"), soft_wrap=True)
    if script:
        verdict = "fits this machine" if status == "compatible" else "does not fit this machine"
        console.print(Text(f"\n{script} {verdict}", style="bold"), soft_wrap=True)


def _machine_rows(machine: Machine) -> list[tuple[str, str]]:
    from idiolect.machine.requirements import gib

    limited = " (limited by the container)" if machine.memory_limited else ""
    rows = [
        ("system", f"{machine.system} ({machine.platform})"),
        ("python", machine.python),
        ("processor", f"{machine.cpu}, {machine.cores} cores usable"),
        ("memory", f"{gib(machine.memory_total)}{limited}, {gib(machine.memory_available)} available"),
    ]
    if machine.disk:
        rows.append(("disk", f"{gib(machine.disk.free)} of {gib(machine.disk.total)} free"))
    for gpu in machine.gpus:
        details = [gpu.name]
        if gpu.memory_total is not None:
            free = f", {gib(gpu.memory_free)} free" if gpu.memory_free is not None else ""
            details.append(f"{gib(gpu.memory_total)}{free}")
        if gpu.driver:
            details.append(f"driver {gpu.driver}")
        if gpu.cuda:
            details.append(f"CUDA {gpu.cuda}")
        if gpu.compute_capability:
            details.append("compute capability {}.{}".format(*gpu.compute_capability))
        rows.append(("gpu", ", ".join(details)))
    return rows if machine.gpus else [*rows, ("gpu", "none found")]


def _library_rows(machine: Machine) -> list[tuple[str, str]]:
    from idiolect.machine.survey import extras

    rows = []
    for name in extras():
        shown = [
            f"{library.name} {library.version or 'missing'}"
            for library in machine.libraries
            if library.extra == name
        ]
        rows.append((f"[{name}]", ", ".join(shown)))
    return rows
