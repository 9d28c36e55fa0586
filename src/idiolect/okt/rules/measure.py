"""Rules of METRICS, VALIDATE, MONITOR and EXPLORER."""

from __future__ import annotations

from idiolect.okt.diagnostics import Edit, Reporter
from idiolect.okt.language import BLOCKS
from idiolect.okt.reading import BlockReading, Reading
from idiolect.okt.syntax import List
from idiolect.okt.values import BAD, ValueReader
from idiolect.okt.vocab import METRICS, NEEDS_CUDA, known_metric, watched_metric_name
from idiolect.text_hints import nearest

# What a dataset type counts as when a metric is held against it.
_TASKS = {
    "classification": {"classification"},
    "vision": {"classification"},
    "regression": {"regression"},
    "generation": {"language model", "generation", "translation"},
    "qa": {"language model", "generation", "translation"},
    "chat": {"language model", "generation", "translation"},
}


def metrics(reading: Reading, reporter: Reporter) -> None:
    """Metrics against the task, the watched metric, and custom ones against HOOKS."""
    block = reading.blocks.get("METRICS")
    task = reading.get("DATASET", "type")
    listed: set[str] = set()
    if block is not None:
        builtin = block.fields.get("builtin")
        custom = block.fields.get("custom")
        for index, name in enumerate(builtin.value if builtin else []):
            listed.add(name)
            metric = METRICS[name]
            if task is not None and metric.tasks and not _TASKS[task] & set(metric.tasks):
                assert builtin is not None
                reporter.warning(
                    "V007",
                    builtin.span_of(index),
                    f'metric {name} is for {" or ".join(metric.tasks)}; the data is of type "{task}"',
                    "it is computed where that is possible, else reported as not available",
                )
        if custom is not None:
            listed.update(custom.value)
            if not reading.get("HOOKS", "custom_metric"):
                for index, name in enumerate(custom.value):
                    reporter.warning(
                        "L313",
                        custom.span_of(index),
                        f'nothing computes the custom metric "{name}"',
                        'add HOOKS { custom_metric: "scripts/metric.py" }, or it is not available',
                    )
    _watched(reading, listed, reporter)


def _watched(reading: Reading, listed: set[str], reporter: Reporter) -> None:
    watched = reading.written("VALIDATE", "metric_to_monitor")
    if watched is None:
        return
    name = watched_metric_name(watched.value)
    if name != "loss" and name not in listed:
        reporter.warning(
            "L312",
            watched.span,
            f'the watched metric "{watched.value}" is not listed in METRICS',
            f"add {name} to METRICS" if known_metric(name) else f'add custom "{name}" to METRICS',
        )


def monitor_without_cuda(reading: Reading, reporter: Reporter) -> None:
    """GPU metrics on a run that is told to stay on the CPU are left out."""
    device = reading.get("FT_LORA", "device") or reading.get("TRAIN", "device")
    if device not in ("cpu", "mps"):
        return
    for field in ("log_system", "metrics"):
        written = reading.written("MONITOR", field)
        for index, name in enumerate(written.value if written else []):
            if name in NEEDS_CUDA:
                assert written is not None
                reporter.warning(
                    "V014",
                    written.span_of(index),
                    f'{name} needs CUDA, and the device is "{device}"; it is left out',
                )


def explorer(reading: Reading, reporter: Reporter) -> None:
    """A search has candidates, and each is valid for its field."""
    block = reading.blocks.get("EXPLORER")
    if block is None:
        return
    tried = block.blocks.get("try")
    if tried is None or not (tried.fields or tried.unknown or tried.broken):
        place = (tried or block).keyword_span
        reporter.error("L106", place, "EXPLORER.try lists no candidates", "add try { lr: [0.0001, 0.0003] }")
        return
    for name, written in list(tried.fields.items()):
        if isinstance(written.value, list) and not written.value:
            reporter.error("L106", written.span, f"EXPLORER.try.{name} lists no candidates")
    _other_candidates(tried, reporter)


def _other_candidates(tried: BlockReading, reporter: Reporter) -> None:
    """Candidates of fields that `try` does not name itself: any field of TRAIN or FT_LORA."""
    known = {name: spec for block in ("FT_LORA", "TRAIN") for name, spec in BLOCKS[block].by_name.items()}
    values = ValueReader("EXPLORER.try", reporter)
    for name, written in tried.unknown.items():
        spec = known.get(name)
        if spec is None:
            near = nearest(name, known)
            reporter.error(
                "L102",
                written.name_span,
                f'"{name}" is no field of TRAIN or FT_LORA, so it can\'t be tried',
                f'did you mean "{near}"?' if near else None,
                edits=(Edit(f"Write {near}", written.name_span, near),) if near else (),
            )
        elif not isinstance(written.value, List):
            reporter.error(
                "L201",
                written.span,
                f"EXPLORER.try.{name} wants a list of candidates",
                f"write {name}: [...]",
            )
        elif spec.kind.value in ("list", "block", "conditions"):
            reporter.error("L201", written.span, f'"{name}" can\'t be tried: its values are not single ones')
        else:
            read = [values.read(spec, item) for item in written.value.items]
            candidates = [value for value in read if value is not BAD]
            if not read:
                reporter.error("L106", written.span, f"EXPLORER.try.{name} lists no candidates")
            others = tried.fields.get("others")
            merged = {**(others.value if others else {}), spec.name: candidates}
            tried.fields["others"] = type(written)(merged, written.span, "others", written.name_span)
