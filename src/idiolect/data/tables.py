"""Rows of JSONL, JSON, CSV and Parquet files, one at a time; an unreadable row is Rejected, the rest goes on.

It does **not** choose columns or know what rows mean.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from idiolect.data.encodings import decode
from idiolect.data.example import Rejected
from idiolect.data.jsonl import Row, read_rows
from idiolect.data.probe_lines import MAX_ROW_BYTES
from idiolect.data.probe_text import delimiter_of
from idiolect.files import Unreadable, read_small
from idiolect.text_hints import counted, listed, shortened

TABLE_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
MAX_WHOLE_BYTES = 512 << 20  # JSON arrays and tables are read whole
_BATCH_ROWS = 1_024


def is_table(path: Path) -> bool:
    """Whether a file holds rows, by its name."""
    return path.suffix.casefold() in TABLE_SUFFIXES


def read_table(path: Path, encoding: str = "auto") -> Iterator[tuple[int, Row | Rejected]]:
    """Number and content of each row; Unreadable where the file as a whole can't be read."""
    suffix = path.suffix.casefold()
    if suffix in (".csv", ".tsv"):
        yield from _csv_rows(path, encoding)
    elif suffix == ".parquet":
        yield from _parquet_rows(path)
    elif suffix == ".json":
        yield from _json_rows(path, encoding)
    else:
        yield from read_rows(path)


def _csv_rows(path: Path, encoding: str) -> Iterator[tuple[int, Row | Rejected]]:
    text = decode(read_small(path, MAX_WHOLE_BYTES), encoding).text
    before = csv.field_size_limit(MAX_ROW_BYTES)
    try:
        first = text[: text.find("\n") + 1] or text
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(first), strict=True)
        yield from _rows_of(reader, path)
    finally:
        csv.field_size_limit(before)


def _rows_of(reader: Any, path: Path) -> Iterator[tuple[int, Row | Rejected]]:
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, _broken(path, line, shortened(str(error), 100))
            continue
        if not fields:
            continue
        if header is None:
            header = [name.strip() for name in fields]
            if len(set(header)) < len(header) or not all(header):
                raise Unreadable(f"has a header with an empty or repeated column name: {listed(header)}")
        elif len(fields) != len(header):
            detail = f"has {counted(len(fields), 'field')}, the header has {len(header)}"
            yield line, _broken(path, line, detail)
        else:
            yield line, dict(zip(header, fields, strict=True))


def _json_rows(path: Path, encoding: str) -> Iterator[tuple[int, Row | Rejected]]:
    text = decode(read_small(path, MAX_WHOLE_BYTES), encoding).text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"is not JSON: {shortened(str(error), 100)}") from error
    rows = found if isinstance(found, list) else [found]
    for number, row in enumerate(rows, 1):
        if isinstance(row, dict):
            yield number, row
        else:
            yield number, _broken(path, number, f"entry {number} is not a JSON object")


def _parquet_rows(path: Path) -> Iterator[tuple[int, Row | Rejected]]:
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise Unreadable('needs pyarrow to be read: pip install "idiolect[parquet]"') from error
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (arrow.ArrowException, OSError) as error:
        raise Unreadable(f"is no whole parquet file: {shortened(str(error), 100)}") from error


def _broken(path: Path, line: int, detail: str) -> Rejected:
    return Rejected(reason="broken row", detail=detail, source=str(path), line=line)
