"""Writes a built corpus: examples by split in the form asked for, what was left out, the report.

It does **not** decide anything about records.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from idiolect.data.corpus_result import CorpusResult
from idiolect.data.example import SPLITS
from idiolect.data.forms import form_named, from_example
from idiolect.data.jsonl import plain_record, write_examples, write_rows
from idiolect.files import write_beside

EXAMPLES = "examples.jsonl"
QUARANTINE = "quarantine.jsonl"
REPORT, PAGE = "report.json", "report.html"


def write_corpus(result: CorpusResult, folder: Path, form_name: str, title: str) -> tuple[Path, ...]:
    """Write all files of a corpus; their paths. Negatives go only where a row can say that it is one."""
    from idiolect.data.corpus_page import page

    form = form_named(form_name)
    folder.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        chosen = (
            example
            for example in result.examples
            if example.split == split and (example.valid or form.labelled)
        )
        write_rows(folder / f"{split}.jsonl", (from_example(example, form) for example in chosen))
    write_examples(folder / EXAMPLES, result.examples)
    write_rows(folder / QUARANTINE, map(plain_record, result.rejected))
    data = report_data(result, title)
    report = json.dumps(data, indent=2, ensure_ascii=False)
    write_beside(folder / REPORT, report.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")
    write_beside(folder / PAGE, page(result, title))
    names = (*(f"{split}.jsonl" for split in SPLITS), EXAMPLES, QUARANTINE, REPORT, PAGE)
    return tuple(folder / name for name in names)


def report_data(result: CorpusResult, title: str) -> Mapping[str, Any]:
    """The report as JSON."""
    return {
        "title": title,
        "counts": [
            {"of": one.of, "read": one.read, "kept": one.kept, "rejected": dict(one.rejected)}
            for one in result.counts
        ],
        "splits": result.by_split,
        "negatives": result.negatives,
        "groups": result.groups,
        "tasks": result.by_task,
        "encodings": dict(sorted(result.encodings.items())),
        "fault_codes": result.codes,
        "secrets": [plain_record(hit) for hit in result.secrets],
        "secret_kinds": dict(sorted(Counter(hit.kind for hit in result.secrets).items())),
        "unresolved_includes": [list(pair) for pair in result.unresolved],
        "notes": dict(sorted(result.notes.items())),
        "rejected": [
            {"source": one.source, "line": one.line, "reason": one.reason, "detail": one.detail}
            for one in result.rejected
        ],
    }
