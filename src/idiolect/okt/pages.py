"""Documentation pages made from the block definitions and from the table of faults."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from idiolect.okt.fields import FieldSpec, Kind, Status
from idiolect.okt.language import BLOCKS, BlockSpec
from idiolect.okt.vocab import (
    CONTROL_DIRECTIVES,
    CONTROL_EVENTS,
    INFERENCE_SIGNALS,
    METRICS,
    TRAINING_SIGNALS,
)
from idiolect.problem import problem_codes

_GENERATED = "<!-- Written by `idiolect docs` from the definitions; change those, not this page. -->\n"
STATUS_TEXT = {
    Status.LEGACY: "older form, still read",
    Status.UNDOCUMENTED: "in no grammar, used by files",
    Status.PROPOSED: "1.3 hardware hint, without effect here",
    Status.PLANNED: "announced for 2.0",
    Status.EXTENSION: "extension of this engine",
}


@dataclass(frozen=True, slots=True)
class FaultRow:
    """A fault of a script: its code, what it means, and scripts that have it."""

    code: str
    title: str
    meaning: str
    cure: str
    examples: tuple[FaultExample, ...]


@dataclass(frozen=True, slots=True)
class FaultExample:
    """A bad script, and where the fault is told: line:column, severity, and a part of the message."""

    bad: str
    at: str
    severity: str
    says: str
    pedantic: bool = False


@cache
def fault_table() -> tuple[FaultRow, ...]:
    """The table that the tests and the page of diagnostics share."""
    text = files("idiolect.okt").joinpath("faults.toml").read_text("utf-8")
    return tuple(
        FaultRow(
            code,
            row["title"],
            row["meaning"],
            row["cure"],
            tuple(FaultExample(**example) for example in row.get("example", ())),
        )
        for code, row in tomllib.loads(text).items()
    )


def pages() -> dict[str, str]:
    """Every page by its name below the docs folder."""
    made = {f"blocks/{spec.keyword}.md": _block_page(spec) for spec in BLOCKS.values()}
    made["blocks/README.md"] = _index()
    made["diagnostics.md"] = _diagnostics()
    return made


def _index() -> str:
    lines = [_GENERATED, "# Blocks of an .okt file\n", "Blocks may stand in any order.\n"]
    lines += ["| block | since | what it says |", "|---|---|---|"]
    for spec in BLOCKS.values():
        note = f" ({STATUS_TEXT[spec.status]})" if spec.status in STATUS_TEXT else ""
        lines.append(f"| [{spec.keyword}]({spec.keyword}.md){note} | {spec.since} | {_cell(spec.help)} |")
    return "\n".join(lines) + "\n"


def _block_page(spec: BlockSpec) -> str:
    lines = [_GENERATED, f"# {spec.keyword}\n", f"{spec.help}\n"]
    if spec.status in STATUS_TEXT:
        lines.append(f"Status: {STATUS_TEXT[spec.status]}.\n")
    lines.append(f"Since {spec.since}. {'Required.' if spec.required else 'Optional.'}\n")
    lines += _example(spec)
    lines += _fields(spec, "Fields" if spec.form == "block" else "Parts")
    if spec.keyword == "CONTROL":
        lines += _control()
    if spec.keyword == "METRICS":
        lines += _metrics()
    return "\n".join(lines).rstrip() + "\n"


def _example(spec: BlockSpec) -> Iterator[str]:
    field = spec.fields[0]
    if spec.form == "scalar":
        yield f"```okt\n{field.form}\n```\n"
        return
    shown = [one for one in spec.fields if one.example or (one.form and one.kind is not Kind.OBJECT)]
    if shown:
        inner = "\n".join(f"    {one.example or one.form}" for one in shown)
        yield f"```okt\n{spec.keyword} {{\n{inner}\n}}\n```\n"


def _fields(spec: BlockSpec, title: str) -> Iterator[str]:
    if spec.form == "scalar":
        field = spec.fields[0]
        if field.length:
            unit = "items" if field.kind is Kind.LIST else "characters"
            yield f"Takes {field.length} {unit}.\n"
        return
    yield f"## {title}\n"
    if spec.parent:
        yield f"{spec.help}\n"
    yield "| field | type | allowed | default | meaning |"
    yield "|---|---|---|---|---|"
    nested: list[FieldSpec] = []
    for field in spec.fields:
        yield _field_row(field)
        if field.block is not None:
            nested.append(field)
    yield ""
    for field in nested:
        yield from _fields(spec.nested(field), f"{field.name} {{ ... }}")


def _field_row(field: FieldSpec) -> str:
    name = f"`{field.form}`" if field.implicit else f"`{field.name}`"
    notes = []
    if field.required:
        notes.append("required")
    if field.status in STATUS_TEXT:
        notes.append(STATUS_TEXT[field.status])
    if field.aliases:
        notes.append("also written " + ", ".join(f"`{alias}`" for alias in field.aliases))
    if field.since not in ("1.0", ""):
        notes.append(f"since {field.since}")
    name += f" ({'; '.join(notes)})" if notes else ""
    allowed = field.allowed_text + (" and others" if field.open_values else "")
    cells = (name, field.type_text, allowed, field.shown_default, field.help)
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _control() -> Iterator[str]:
    yield "## Statements\n"
    yield f"Events: {', '.join(CONTROL_EVENTS)}, and validate_every: N.\n"
    yield "IF and WHEN take comparisons joined by AND; EVERY takes a count of steps or epochs.\n"
    yield f"Directives: {', '.join(CONTROL_DIRECTIVES)}.\n"
    yield f"Signals in training: {', '.join(TRAINING_SIGNALS)}, and every metric.\n"
    yield f"Signals of an answer: {', '.join(INFERENCE_SIGNALS)}.\n"


def _metrics() -> Iterator[str]:
    yield "## Metrics\n"
    yield "| metric | better is | for |"
    yield "|---|---|---|"
    better = {"max": "higher", "min": "lower", "none": "neither"}
    for metric in METRICS.values():
        names = ", ".join(f"`{name}`" for name in (metric.name, *metric.aliases))
        yield f"| {names} | {better[metric.direction]} | {', '.join(metric.tasks) or 'any task'} |"


def _diagnostics() -> str:
    lines = [
        _GENERATED,
        "# Diagnostics\n",
        "Codes V001 to V021 are the language's published ones; codes that begin with L are this engine's.",
        "Errors end a command with exit code 1; `--strict` makes errors of warnings too.\n",
        "## In the script\n",
    ]
    for row in fault_table():
        lines += [f"### {row.code}: {row.title}\n", f"{row.meaning} {row.cure}\n"]
        for example in row.examples:
            flag = " with `--pedantic`" if example.pedantic else ""
            lines.append(f"```okt\n{example.bad.strip()}\n```\n")
            lines.append(f"{example.severity.capitalize()} at {example.at}{flag}: {example.says}\n")
    lines.append("## In what the script points to\n")
    lines += ["| code | title | meaning | cure |", "|---|---|---|---|"]
    for code, entry in problem_codes().items():
        lines.append(f"| {code} | {_cell(entry.title)} | {_cell(entry.meaning)} | {_cell(entry.cure)} |")
    return "\n".join(lines).rstrip() + "\n"
