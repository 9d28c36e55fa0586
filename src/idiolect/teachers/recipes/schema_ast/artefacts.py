"""The files of the pipeline, d_01 to d_05, with pretty copies for reading.

Rows go straight to disk; of the two large files the pretty copies hold the first rows of each schema.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self, TextIO

from idiolect.data.jsonl import line_of
from idiolect.files import write_beside

NAMES = (
    *("d_01_domain_specs", "d_02_final_schemas", "d_03_schema_queries"),
    *("d_04_dataset", "d_05_training_corpus"),
)
SPECS, SCHEMAS, QUERIES, DATASET, CORPUS = NAMES
PRETTY = "pretty"
_LARGE = (DATASET, CORPUS)
_SHOWN = 25  # rows of a schema in the pretty copy of a large file


class Artefacts:
    """The open files; use it in a `with`, at whose end the pretty copies are written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._streams: dict[str, TextIO] = {}
        self._pretty: dict[str, list[Mapping[str, Any]]] = {name: [] for name in NAMES}
        self._shown: Counter[tuple[str, str]] = Counter()

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            path = self._folder / f"{name}.jsonl"
            stream = path.open("w", encoding="utf-8", newline="\n")
            self._streams[name] = self._stack.enter_context(stream)
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        self._stack.close()
        if failed is None:
            for name, rows in self._pretty.items():
                text = json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
                write_beside(self._folder / PRETTY / f"{name}.json", text)

    def write(self, name: str, row: Mapping[str, Any]) -> None:
        """Add a row to a file."""
        self._streams[name].write(line_of(row))
        kept = (name, str(row["schema_id"]))
        if name not in _LARGE or self._shown[kept] < _SHOWN:
            self._shown[kept] += 1
            self._pretty[name].append(row)
