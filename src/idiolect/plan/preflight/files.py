"""okt.yaml, and the single files that blocks name: schemas, catalogs, hooks, pairs, suites."""

from __future__ import annotations

from idiolect.dialects.registry import BUILT_IN
from idiolect.okt.diagnostics import Edit
from idiolect.okt.fields import Kind
from idiolect.okt.reading import BlockReading, Written
from idiolect.plan.paths import read_okt_yaml
from idiolect.plan.preflight.absent import tell_absent
from idiolect.plan.preflight.flight import Flight
from idiolect.source import Span
from idiolect.text_hints import nearest

# Paths that a run writes to, that other checks look at, or whose absence another rule tells.
_NOT_READ = {
    "TRAIN.checkpoint_path",
    "TRAIN.resume_from_checkpoint",
    "MONITOR.log_to",
    "MONITOR.export_to",
    "LOGGING.metrics_file",
    "LOGGING.training_file",
    "EXPORT.path",
    "PACKAGE.path",
    "MERGE.output",
    "BENCHMARK.output",
    "MODEL.ADAPTER.path",
    "CORPUS.sources",
}
_LOOKED_AT_BY_DATA = ("DATASET", "FT_LORA")
_SUITES = ("test", "syntax", "unit", "scenario")


def check_project_file(flight: Flight) -> None:
    """okt.yaml is optional; where it is, it is read, and its name should be PROJECT's."""
    path = flight.root / "okt.yaml"
    name = flight.reading.head.fields.get("PROJECT")
    span = name.span if name else Span(0, 0)
    if not path.exists():
        flight.reporter.info("L335", span, "no okt.yaml above the script; it is optional")
        return
    content, faults = read_okt_yaml(path)
    for found in faults:
        flight.tell(found, span)
    if content is not None and name is not None and content.project != name.value:
        flight.reporter.warning(
            "L335",
            span,
            f'okt.yaml says project "{content.project}", the script says "{name.value}"',
            "PROJECT names the run folder; make both the same",
        )


def check_files(flight: Flight) -> None:
    """Every file that a block reads is there."""
    for block in flight.reading.all_blocks():
        if block.path.split(".")[0] in _LOOKED_AT_BY_DATA:
            continue
        for spec in block.spec.fields:
            written = block.fields.get(spec.name)
            path = f"{block.path}.{spec.name}"
            if written is None or path in _NOT_READ:
                continue
            if spec.kind is Kind.PATH:
                _must_exist(flight, written, written.value, written.span)
            elif spec.kind is Kind.LIST and spec.item is Kind.PATH:
                for index, item in enumerate(written.value):
                    _must_exist(flight, written, item, written.span_of(index))
            elif spec.kind is Kind.HOOK and not written.value.startswith(("python:", "api:")):
                _must_exist(flight, written, written.value, written.span)
    _dialect(flight)
    _suites(flight)


def _must_exist(flight: Flight, written: Written, text: str, span: Span) -> None:
    located = flight.find(Written(text, span, written.name, written.name_span))
    if located.exists:
        return
    tell_absent(flight, text, span, located.tried)


def _dialect(flight: Flight) -> None:
    """A built-in name, or a folder with a dialect.toml."""
    for block, name in (("DIALECT", "name"), ("DIALECT", "embed")):
        written = flight.reading.written(block, name)
        if written is None or written.value in BUILT_IN:
            continue
        folder = flight.find(written)
        if folder.exists and (folder.path / "dialect.toml").is_file():
            continue
        near = nearest(written.value, BUILT_IN, cutoff=0.7)
        what = "the folder has no dialect.toml" if folder.exists else f'no dialect "{written.value}"'
        known = f"built-in dialects: {', '.join(BUILT_IN)}; or the path of a folder with a dialect.toml"
        flight.reporter.error(
            "L338",
            written.span,
            what,
            f'did you mean "{near}"?' if near else known,
            edits=(Edit(f'Write "{near}"', written.span, f'"{near}"'),) if near else (),
        )


def _suites(flight: Flight) -> None:
    """A suite is one of four names, or a JSONL file."""
    block: BlockReading | None = flight.reading.blocks.get("EVALUATE")
    written = block.fields.get("suites") if block is not None else None
    for index, suite in enumerate(written.value if written else []):
        assert written is not None
        if suite in _SUITES:
            continue
        if suite.endswith(".jsonl") or "/" in suite:
            _must_exist(flight, written, suite, written.span_of(index))
            continue
        near = nearest(suite, _SUITES)
        flight.reporter.error(
            "V010",
            written.span_of(index),
            f'unknown suite "{suite}"',
            f'did you mean "{near}"?'
            if near
            else f"suites: {', '.join(_SUITES)}, or a path of a .jsonl file",
        )
