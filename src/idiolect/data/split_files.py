"""Writes a run's splits: examples by split, suites, negatives, what was left out, the report.

It does **not** decide anything about examples.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idiolect.data.coverage import Coverage, coverage_data
from idiolect.data.example import SPLITS, Example, Rejected
from idiolect.data.jsonl import plain_record, write_examples, write_rows
from idiolect.data.leakage import KINDS, Leak
from idiolect.data.split import SplitResult
from idiolect.files import write_beside

NEGATIVES, REJECTED = "negatives.jsonl", "rejected.jsonl"
SUITES = "suites"  # a folder
REPORT, PAGE = "report.json", "report.html"


@dataclass(frozen=True, slots=True)
class SplitReport:
    """What is told of splits beside the examples themselves."""

    title: str
    rejected: tuple[Rejected, ...]
    suites: Mapping[str, tuple[Example, ...]]
    coverage: Coverage | None  # None without a dialect
    leaks: Mapping[str, tuple[Leak, ...]]  # by held-out split: what it still shares with train
    words: int = 0  # examples whose answers are words, which no dialect judges
    warnings: tuple[str, ...] = ()


def write_split(result: SplitResult, report: SplitReport, folder: Path) -> None:
    """Write all files of a split."""
    from idiolect.data.split_page import page

    for split in SPLITS:
        write_examples(folder / f"{split}.jsonl", result.of(split))
    write_examples(folder / NEGATIVES, (one for one in result.examples if not one.valid))
    write_rows(folder / REJECTED, map(plain_record, report.rejected))
    for name, examples in report.suites.items():
        write_examples(folder / SUITES / f"{name}.jsonl", examples)
    data = json.dumps(split_data(result, report), indent=2, ensure_ascii=False)
    write_beside(folder / REPORT, data.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")
    write_beside(folder / PAGE, page(result, report))


def split_data(result: SplitResult, report: SplitReport) -> Mapping[str, Any]:
    """The report as JSON."""
    return {
        "title": report.title,
        "counts": [
            {"of": one.of, "read": one.read, "kept": one.kept, "rejected": dict(one.rejected)}
            for one in result.counts
        ],
        "splits": {
            split: {
                "examples": len(result.of(split)),
                "negatives": len(result.of(split, valid=False)),
                "groups": result.groups[split],
                "tasks": _counted(one.task for one in result.of(split)),
                "levels": _counted(one.level or "none" for one in result.of(split)),
            }
            for split in SPLITS
        },
        "moved_with_their_source": result.moved,
        "suites": {name: len(examples) for name, examples in report.suites.items()},
        "shared_with_train": {split: shared(found) for split, found in report.leaks.items()},
        "coverage": coverage_data(report.coverage) if report.coverage else None,
        "words": report.words,
        "warnings": list(report.warnings),
        "rejected": _counted(one.reason for one in report.rejected),
    }


def shared(leaks: tuple[Leak, ...]) -> dict[str, int]:
    """How many held-out examples share something with train, by what it is."""
    by_kind = Counter(leak.kind for leak in leaks)
    return {kind: by_kind[kind] for kind in KINDS}


def _counted(names: Any) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
