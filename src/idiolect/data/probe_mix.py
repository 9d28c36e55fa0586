"""Looks at several datasets together: the parts of a mix, and files that serve two ends.

The weights of a mix are **not** checked here: they stand in the script, not in the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from idiolect.data.probe import DatasetProbe, Limits, probe_dataset
from idiolect.problem import Problem, problem
from idiolect.text_hints import counted, size


@dataclass(frozen=True, slots=True)
class MixProbe:
    """The parts of a mix, and what concerns them together."""

    parts: tuple[DatasetProbe, ...]
    rows: int
    bytes: int
    problems: tuple[Problem, ...]  # of the whole; each part has its own


def probe_mix(
    paths: Sequence[Path],
    *,
    format: str | None = None,
    type: str | None = None,
    input_field: str | None = None,
    output_field: str | None = None,
    context_fields: Sequence[str] = (),
    role: str = "train",
    sample_rows: int | None = None,
    limits: Limits = Limits(),
) -> MixProbe:
    """Look at every part of a mix by the same declarations."""
    parts = tuple(
        probe_dataset(
            path,
            format=format,
            type=type,
            input_field=input_field,
            output_field=output_field,
            context_fields=context_fields,
            role="part of a mix",  # the least number of examples is asked of the whole
            sample_rows=sample_rows,
            limits=limits,
        )
        for path in paths
    )
    rows = sum(part.rows - part.unfit.broken for part in parts)
    problems = list(check_together(parts, limits))
    if role == "train" and 0 < rows < limits.least_examples:
        few = f"{counted(rows, 'usable example')}; training wants at least {limits.least_examples}"
        problems.append(problem("L402", f"the mix has {few}"))
    return MixProbe(parts, rows, sum(part.bytes for part in parts), tuple(problems))


def check_together(probes: Sequence[DatasetProbe], limits: Limits = Limits()) -> tuple[Problem, ...]:
    """Problems of datasets that are used in one run: their size in all, and files that occur twice."""
    found: list[Problem] = []
    total = sum({_identity(probe.path): probe.bytes for probe in probes}.values())
    if total > limits.total_bytes:
        sizes = f"{size(total)}; {size(limits.total_bytes)} are allowed"
        found.append(problem("L403", f"all data files together have {sizes}"))
    first: dict[Path, DatasetProbe] = {}
    for probe in probes:
        other = first.setdefault(_identity(probe.path), probe)
        if other is not probe:
            found.append(_twice(other, probe))
    return tuple(found)


def _twice(first: DatasetProbe, second: DatasetProbe) -> Problem:
    if first.role == second.role:
        return problem("L407", f"{first.path.name} is named twice ({first.role})", where=str(second.path))
    return problem(
        "L407",
        f"{first.path.name} is used for {first.role} and for {second.role}: scores will look too good",
        help=f"hold examples back in a file of their own for {second.role}",
        where=str(second.path),
    )


def _identity(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a circle of links, or no path at all
        return path.absolute()
