"""Scans of JSONL, CSV and plain text files: every row counted, rows up to a budget checked in full.

A scan chooses no columns and passes no judgement; it returns what it saw.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import BinaryIO

from pydantic_core import from_json

from idiolect.data.probe_lines import MAX_ROW_BYTES, bounded_lines, count_rows
from idiolect.data.probe_tally import BLANK, MAX_COLUMNS, Faults, Scan
from idiolect.text_hints import counted, shortened, size

_TOO_LONG = f"longer than {size(MAX_ROW_BYTES)}"
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*")
_LONGEST_NUMBER = 400
_AT = re.compile(r" at line \d+ column (\d+)$")
_NAMES = {list: "a list", str: "a text", type(None): "null", bool: "true or false"}


def scan_jsonl(stream: BinaryIO, max_rows: int, max_bytes: int) -> Scan:
    """Check that every line is a JSON object."""
    return _scan_lines(stream, max_rows, max_bytes, _check_object)


def scan_text(stream: BinaryIO, max_rows: int, max_bytes: int) -> Scan:
    """Take every line with anything on it as one example."""
    return _scan_lines(stream, max_rows, max_bytes, _check_text)


def _scan_lines(
    stream: BinaryIO, max_rows: int, max_bytes: int, check: Callable[[Scan, int, bytes], None]
) -> Scan:
    scan = Scan()
    for number, line in bounded_lines(stream):
        if line is not None and line.isspace():
            continue
        scan.rows += 1
        scan.rows_checked += 1
        if line is None:
            scan.too_long.add(number, _TOO_LONG)
            continue
        scan.bytes_checked += len(line)
        check(scan, number, line)
        if scan.rows_checked == max_rows or scan.bytes_checked >= max_bytes:
            scan.rows += count_rows(stream)
            break
    return scan


def _check_text(scan: Scan, number: int, line: bytes) -> None:
    if _is_utf8(scan.encoding_faults, number, line):
        scan.tally.add_shape(("text",), ("string",))


def _check_object(scan: Scan, number: int, line: bytes) -> None:
    try:
        row = from_json(line, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        if not _is_utf8(scan.encoding_faults, number, line):
            return
        scan.broken.add(number, _at_column(str(error)))
    else:
        if type(row) is dict:
            scan.tally.add_object(row)
            return
        scan.broken.add(number, f"is {_NAMES.get(type(row), 'a number')}, not a JSON object")
    if scan.rows == 1:
        scan.hint = _jsonl_hint(line.strip())


def _jsonl_hint(first: bytes) -> str | None:
    if first.startswith(b"["):
        return "the file looks like one JSON array; write one object a line instead, with no brackets around"
    if first == b"{":
        return "the objects look spread over several lines; write each on one line"
    if b"," in first and not first.startswith(b"{"):
        return 'the first line looks like CSV; set format: "csv"'
    return None


def scan_csv(stream: BinaryIO, max_rows: int, max_bytes: int, *, numbers: bool = False) -> Scan:
    """Check the header and that every row has as many fields; `numbers` tells numbers from other text."""
    scan = Scan()
    lines = _decoded(stream, scan)
    first = next(lines, "")
    with _field_limit(MAX_ROW_BYTES):
        reader = csv.reader(chain([first], lines), delimiter=delimiter_of(first), strict=True)
        header = _read_header(reader, scan)
        while scan.cut_at is None:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                scan.rows += 1
                scan.rows_checked += 1
                _note_csv_error(scan, line, str(error))
                continue
            if not row:
                continue
            scan.rows += 1
            if scan.rows_checked == max_rows or scan.bytes_checked >= max_bytes:
                continue
            scan.rows_checked += 1
            if len(row) == len(header):
                scan.tally.add_shape(header, _kinds(row, numbers))
            else:
                fields = counted(len(row), "field")
                scan.broken.add(line, f"has {fields}, the header has {len(header):,}")
    return scan


def _read_header(reader: Iterator[list[str]], scan: Scan) -> tuple[str, ...]:
    header: tuple[str, ...] = ()
    try:
        header = tuple(next((row for row in reader if row), ()))
        fault = _header_fault(header)
    except csv.Error as error:
        fault = str(error)
    if fault:
        scan.broken.add(1, fault)
        scan.cut_at = 1
    else:
        scan.tally.add_header(header)
    return header


def _header_fault(header: tuple[str, ...]) -> str | None:
    if len(header) > MAX_COLUMNS:
        return f"the header has {len(header):,} columns; at most {MAX_COLUMNS:,} are read"
    seen: set[str] = set()
    for name in header:
        if name in seen:
            return f'the header has the column "{shortened(name)}" twice'
        seen.add(name)
    return None


def delimiter_of(header: str) -> str:
    """The delimiter that a header line uses: a comma unless only semicolons or tabs are there."""
    counts = {mark: header.count(mark) for mark in ",;\t"}
    return "," if counts[","] else max(counts, key=lambda mark: counts[mark])


def _kinds(row: list[str], numbers: bool) -> tuple[str, ...]:
    if not numbers:
        return tuple(["string" if value and not value.isspace() else BLANK for value in row])
    return tuple([_kind_with_numbers(value) for value in row])


def _kind_with_numbers(value: str) -> str:
    if not value or value.isspace():
        return BLANK
    return "number" if len(value) < _LONGEST_NUMBER and _NUMBER.fullmatch(value) else "string"


def _note_csv_error(scan: Scan, line: int, error: str) -> None:
    if "field larger than" in error or "unexpected end of data" in error:
        scan.broken.add(line, f"a quoted field that opens here is not closed within {size(MAX_ROW_BYTES)}")
        scan.cut_at = line
    else:
        scan.broken.add(line, error)


def _decoded(stream: BinaryIO, scan: Scan) -> Iterator[str]:
    for number, line in bounded_lines(stream):
        if line is None:
            scan.rows += 1
            scan.rows_checked += 1
            scan.too_long.add(number, _TOO_LONG)
            yield "\n"  # keeps the reader's count of lines
            continue
        scan.bytes_checked += len(line)
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            scan.encoding_faults.add(number, _encoding_fault(error))
            yield line.decode(errors="replace")


@contextmanager
def _field_limit(limit: int) -> Iterator[None]:
    before = csv.field_size_limit(limit)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _is_utf8(faults: Faults, number: int, line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        faults.add(number, _encoding_fault(error))
        return False
    return True


def _encoding_fault(error: UnicodeDecodeError) -> str:
    return f"byte {error.start + 1:,} (0x{error.object[error.start]:02x}) is not UTF-8"


def _at_column(error: str) -> str:
    return _AT.sub(lambda at: f" at column {int(at[1]):,}", error)
