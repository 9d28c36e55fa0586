"""The data files of DATASET, FT_LORA and CORPUS."""

from __future__ import annotations

import glob
from typing import Any

from idiolect.data.probe import DatasetProbe, probe_dataset
from idiolect.data.probe_mix import check_together
from idiolect.okt.reading import Written
from idiolect.okt.rules.data import dataset_sources
from idiolect.plan.preflight.absent import tell_absent
from idiolect.plan.preflight.flight import Flight
from idiolect.problem import problem
from idiolect.source import Span


def check_data(flight: Flight) -> None:
    """Every data file is looked at; a file that no rule makes use of draws a warning at most."""
    ranked = dataset_sources(flight.reading)
    winner = ranked[0][0] if ranked else None
    probes: list[tuple[DatasetProbe, Span]] = []
    for block, name, role in (
        ("FT_LORA", "mix_datasets", "train"),
        ("DATASET", "mix_datasets", "train"),
        ("FT_LORA", "train_dataset", "train"),
        ("DATASET", "train", "train"),
        ("DATASET", "validation", "validation"),
        ("DATASET", "test", "test"),
    ):
        written = flight.reading.written(block, name)
        if written is None:
            continue
        unused = role == "train" and f"{block}.{name}" != winner
        if name == "mix_datasets":
            probes += _mix(flight, written, unused)
        else:
            probe = _one(flight, written, role, unused)
            if probe is not None:
                probes.append((probe, written.span))
    for found in check_together([probe for probe, _ in probes]):
        # The probes can't know that the same file may be named twice on purpose (L304, L324 say it).
        if found.code != "L407":
            flight.tell(found, probes[0][1])
    _corpus(flight)


def _mix(flight: Flight, written: Written, unused: bool) -> list[tuple[DatasetProbe, Span]]:
    probes = []
    for source in written.value:
        path = source.fields.get("path")
        probe = _one(flight, path, "part of a mix", unused) if path is not None else None
        if probe is not None:
            probes.append((probe, path.span))
    return probes


def _one(flight: Flight, written: Written, role: str, unused: bool) -> DatasetProbe | None:
    """One file: that it is there, and that its rows are what the script says."""
    located = flight.find(written)
    if not located.exists:
        tell_absent(flight, written.value, written.span, located.tried, unused=unused)
        return None
    if unused:
        return None
    probe = probe_dataset(located.path, role=role, **_declared(flight))
    for found in probe.problems:
        flight.tell(found, written.span)
    return probe


def _declared(flight: Flight) -> dict[str, Any]:
    """What DATASET says of its rows."""
    get = flight.reading.get
    return {
        "format": get("DATASET", "format"),
        "type": get("DATASET", "type"),
        "input_field": get("DATASET", "input_field"),
        "output_field": get("DATASET", "output_field"),
        "context_fields": tuple(get("DATASET", "context_fields") or ()),
    }


def _corpus(flight: Flight) -> None:
    """CORPUS.sources are globs; each must match something."""
    written = flight.reading.written("CORPUS", "sources")
    for index, pattern in enumerate(written.value if written else []):
        assert written is not None
        if any(character in pattern for character in "*?["):
            # pathlib's globs refuse absolute patterns, which a script may have.
            matches = glob.iglob(pattern, root_dir=flight.root, recursive=True)  # noqa: PTH207
            if next(matches, None) is None:
                found = problem("V001", f'"{pattern}" matches no file', help=f"looked below {flight.root}")
                flight.tell(found, written.span_of(index))
        elif not flight.find(pattern).exists:
            tell_absent(flight, pattern, written.span_of(index), flight.find(pattern).tried)
