"""The files of an evaluation: one line an answer, a summary, and the tasks that were asked.

evaluation_results.jsonl   every answer with its verdict
evaluation_summary.json    rates with intervals; the first of them by themselves at the top
tasks.jsonl                the examples that were asked, so that pairs and reports can be made of them
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from idiolect.data.example import Rejected
from idiolect.data.jsonl import BadRow, plain_record, read_rows, write_examples, write_rows
from idiolect.evaluate.records import Judged, Mode, Task
from idiolect.evaluate.summary import Block, Rate
from idiolect.files import replacing
from idiolect.runs.stage import Counts

RESULTS, SUMMARY, TASKS = "evaluation_results.jsonl", "evaluation_summary.json", "tasks.jsonl"
HEADLINE = (
    "parsed_rate",
    "schema_valid_rate",
    "exact_match_rate",
    "teacher_accept_rate",
    "semantic_pass_rate",
)
# Seed pipelines call it so; it stands beside `valid`, and is read by nobody here.
_ALSO = {"schema_valid": "valid", "teacher_accept": "teacher_accept"}


def write_results(
    folder: Path,
    judged: Sequence[Judged],
    tasks: Sequence[Task],
    blocks: Sequence[Block],
    facts: Mapping[str, Any],
    product_mode: Mode,
) -> None:
    """Write the three files. `facts` say what was judged by whom: student, judge, counts of tasks."""
    write_rows(folder / RESULTS, map(row_of_judged, judged))
    write_examples(folder / TASKS, (task.example for task in tasks))
    with replacing(folder / SUMMARY) as stream:
        json.dump(
            summary_data(blocks, facts, product_mode), stream, indent=2, ensure_ascii=False, allow_nan=False
        )
        stream.write("\n")


def row_of_judged(one: Judged) -> dict[str, Any]:
    """A judged answer as its line."""
    row = plain_record(one)
    for name, source in _ALSO.items():
        row[name] = getattr(one, source)
    return row


def read_judged(path: Path) -> list[Judged]:
    """The judged answers of a file; BadRow at the first line that is none."""
    found = []
    for number, row in read_rows(path):
        place = f"{path}:{number}"
        if isinstance(row, Rejected):
            raise BadRow(place, row.detail)
        kept = {name: value for name, value in row.items() if name not in _ALSO}
        try:
            found.append(_adapter().validate_json(json.dumps(kept)))
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"]))
            raise BadRow(place, f"no judged answer: {where}: {fault['msg']}") from None
    return found


@cache
def _adapter() -> TypeAdapter[Judged]:
    return TypeAdapter(Judged)


def headline_block(blocks: Sequence[Block], product_mode: Mode) -> Block:
    """The block that a summary speaks of first: all suites, as the product decodes, coolest first."""
    fitting = [block for block in blocks if block.mode == product_mode] or list(blocks)
    whole = [block for block in fitting if block.suite == "all"] or fitting
    return min(whole, key=lambda block: block.temperature)


def summary_data(blocks: Sequence[Block], facts: Mapping[str, Any], product_mode: Mode) -> dict[str, Any]:
    """A summary as plain data."""
    first = headline_block(blocks, product_mode)
    headline = {name: first.rates[name].value if name in first.rates else None for name in HEADLINE}
    return {
        **headline,
        "of": {"suite": first.suite, "mode": first.mode, "temperature": first.temperature},
        "tasks": first.tasks,
        **facts,
        "blocks": [_block_data(block) for block in blocks],
    }


def _block_data(block: Block) -> dict[str, Any]:
    data = asdict(block)
    data["pass_at"] = {str(k): rate for k, rate in data["pass_at"].items()}
    return data


def blocks_of(summary: Mapping[str, Any]) -> tuple[Block, ...]:
    """The blocks that a summary holds."""
    return tuple(_block(data) for data in summary["blocks"])


def _block(data: Mapping[str, Any]) -> Block:
    values = dict(data)
    values["rates"] = {name: Rate(**rate) for name, rate in data["rates"].items()}
    values["pass_at"] = {int(k): Rate(**rate) for k, rate in data["pass_at"].items()}
    values["best_of"] = Rate(**data["best_of"]) if data["best_of"] else None
    values["groups"] = {
        name: {key: Rate(**rate) for key, rate in group.items()} for name, group in data["groups"].items()
    }
    return Block(**values)


def counts_data(counts: Sequence[Counts]) -> list[dict[str, Any]]:
    """Counts of tasks as plain data."""
    return [
        {"of": one.of, "read": one.read, "kept": one.kept, "rejected": dict(one.rejected)} for one in counts
    ]
