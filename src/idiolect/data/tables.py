"""Rows of JSONL, JSON, CSV, Parquet and plain text files, one at a time; an unreadable row is Rejected.

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
from idiolect.data.probe_lines import HEAD_BYTES, MAX_ROW_BYTES, as_utf8, bounded_lines, encoding_of
from idiolect.data.probe_text import delimiter_of
from idiolect.files import Unreadable, open_plain, read_small
from idiolect.text_hints import counted, listed, shortened, size

_FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".json": "json",
}
TABLE_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
MAX_WHOLE_BYTES = 512 << 20  # JSON arrays and tables are read whole
_BATCH_ROWS = 1_024


def is_table(path: Path) -> bool:
    """Whether a file holds rows, by its name."""
    return path.suffix.casefold() in TABLE_SUFFIXES


def read_table(
    path: Path, encoding: str = "auto", format: str | None = None
) -> Iterator[tuple[int, Row | Rejected]]:
    """Number and content of each row; Unreadable where the file as a whole can't be read.

    The file's ending tells the format, unless one is given: jsonl, json, csv, parquet or txt.
    """
    match format or _FORMATS.get(path.suffix.casefold(), "jsonl"):
        case "csv":
            yield from _csv_rows(path, encoding)
        case "parquet":
            yield from _parquet_rows(path)
        case "json":
            yield from _json_rows(path, encoding)
        case "txt":
            yield from _text_rows(path)
        case _:
            yield from read_rows(path)


def _text_rows(path: Path) -> Iterator[tuple[int, Row | Rejected]]:
    """Each line with anything on it, as a row of one column."""
    with open_plain(path) as stream:
        encoding = encoding_of(stream.read(HEAD_BYTES))
        for number, line in bounded_lines(as_utf8(stream, encoding)):
            if line is None:
                yield number, _broken(path, number, f"the line is longer than {size(MAX_ROW_BYTES)}")
            elif not line.isspace():
                try:
                    yield number, {"text": line.decode("utf-8").rstrip("\r\n")}
                except UnicodeDecodeError as error:
                    yield number, _broken(path, number, f"not UTF-8 text: byte {error.start}")


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
