"""Reads what an evaluation judged, and makes pairs of it: for the stage `align` and for `align pairs`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from idiolect.data.jsonl import BadRow, read_examples, read_rows
from idiolect.okt.blocks.extension import Align
from idiolect.runs.stage import Counts
from idiolect.train.pairs import Preference, pairs_of_results

RESULTS, TASKS = "evaluation_results.jsonl", "tasks.jsonl"  # of the stage eval


def judged_pairs(place: Path, block: Align) -> tuple[list[Preference], Counts]:
    """The pairs of a results file, or of the folder that holds it beside its tasks."""
    results = place / RESULTS if place.is_dir() else place
    beside = results.parent / TASKS
    tasks = {one.id: one for one in read_examples(beside)} if beside.is_file() else {}
    return pairs_of_results(
        _objects(results), tasks, pairs_from=block.pairs_from, only_rejected=block.only_rejected
    )


def _objects(path: Path) -> Iterator[Mapping[str, Any]]:
    for number, row in read_rows(path):
        if not isinstance(row, dict):
            raise BadRow(f"{path}:{number}", row.detail)
        yield row
