"""Scan of a parquet file through pyarrow, which is an extra. It reads column by column, a batch at a time."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from idiolect.data.probe_tally import BLANK, MAX_COLUMNS, Scan
from idiolect.problem import Problem, problem

_BATCH_ROWS = 1_024


def scan_parquet(path: Path, max_rows: int, max_bytes: int) -> tuple[Scan | None, tuple[Problem, ...]]:
    """Count rows by the file's own record, and check values up to the budget."""
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        cure = 'pip install "idiolect[parquet]"'
        return None, (problem("L505", f"reading {path.name} needs pyarrow", help=cure, where=str(path)),)
    try:
        with parquet.ParquetFile(path) as file:
            return _scan(file, max_rows, max_bytes), ()
    except (arrow.ArrowException, OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return None, (problem("L404", f"{path.name} is no whole parquet file: {reason}", where=str(path)),)


def _scan(file: Any, max_rows: int, max_bytes: int) -> Scan:
    scan = Scan(rows=file.metadata.num_rows)
    names = tuple(file.schema_arrow.names)
    if len(names) > MAX_COLUMNS:
        scan.broken.add(1, f"the file has {len(names):,} columns; at most {MAX_COLUMNS:,} are read")
        scan.cut_at = 1
        return scan
    scan.tally.add_header(names)
    for batch in file.iter_batches(batch_size=_BATCH_ROWS):
        rows = batch.to_pylist()
        for row in rows[: max_rows - scan.rows_checked]:
            scan.tally.add_shape(names, tuple(_kind(row[name]) for name in names))
            scan.rows_checked += 1
        scan.bytes_checked += batch.nbytes
        if scan.rows_checked == max_rows or scan.bytes_checked >= max_bytes:
            break
    return scan


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return "string" if value and not value.isspace() else BLANK
    if isinstance(value, bool):
        return "true/false"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, list):
        return "list"
    return "object" if isinstance(value, dict) else type(value).__name__
