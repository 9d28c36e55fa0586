"""JSON Lines: examples read strictly with their line numbers, rows of any shape, and files written in one go.

Files are streamed in bounded memory, written beside and renamed into place, with a fixed order of fields.
It does **not** know the forms that other toolkits write; see `forms.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from idiolect.data.example import Example, Rejected
from idiolect.data.probe_lines import HEAD_BYTES, MAX_ROW_BYTES, as_utf8, bounded_lines, encoding_of
from idiolect.files import open_plain, replacing
from idiolect.text_hints import did_you_mean, shortened, size

Row = dict[str, Any]


class BadRow(Exception):
    """A row that is no example: `str()` says where it stands and what is wrong."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.message = message


def read_examples(path: Path) -> Iterator[Example]:
    """The examples of a file; BadRow at the first line that is none, Unreadable where there is no file."""
    for number, row in read_rows(path):
        place = f"{path}:{number}"
        if isinstance(row, Rejected):
            raise BadRow(place, row.detail)
        yield example_of(row, place)


def read_rows(path: Path) -> Iterator[tuple[int, Row | Rejected]]:
    """Line number and object of each line with anything on it; a line that is no object is Rejected."""
    with open_plain(path) as stream:
        head = stream.read(HEAD_BYTES)
        encoding = encoding_of(head)
        for number, line in bounded_lines(as_utf8(stream, encoding)):
            if line is None:
                detail = f"the line is longer than {size(MAX_ROW_BYTES)}"
                yield number, Rejected(reason="row too long", detail=detail, source=str(path), line=number)
            elif not line.isspace():
                row = _object_of(line)
                if isinstance(row, str):
                    yield number, Rejected(reason="broken row", detail=row, source=str(path), line=number)
                else:
                    yield number, row


def _object_of(line: bytes) -> Row | str:
    try:
        row = from_json(line, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        return f"not JSON: {shortened(str(error), 100)}"
    if not isinstance(row, dict):
        return f"the line holds {shortened(json.dumps(row), 30)}, not a JSON object"
    return row


def example_of(row: Mapping[str, Any], place: str = "") -> Example:
    """The example that a row of our own form is; BadRow for a field that is unknown, missing or wrong."""
    rest = {name: value for name, value in row.items() if name != "id"}
    try:
        example = _adapter().validate_json(json.dumps(rest))
    except ValidationError as error:
        raise BadRow(place, _first_fault(error)) from None
    except (ValueError, RecursionError) as error:
        raise BadRow(place, f"not an example: {shortened(str(error), 100)}") from None
    if "id" in row and row["id"] != example.id:
        written = shortened(str(row["id"]), 30)
        raise BadRow(
            place, f'id "{written}" is not that of the content, {example.id}; remove id or undo the change'
        )
    return example


@cache
def _adapter() -> TypeAdapter[Example]:
    return TypeAdapter(Example)


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    where = ".".join(map(str, fault["loc"])) or "the row"
    if fault["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f'unknown field "{shortened(where)}"; {did_you_mean(where, _FIELDS)}'
    if fault["type"].startswith("missing"):
        return f'the field "{where}" is missing'
    return f'"{shortened(where)}" is {shortened(json.dumps(fault["input"], default=str), 40)}: {fault["msg"]}'


_FIELDS = ("id", *(one.name for one in fields(Example)))


def row_of(example: Example) -> Row:
    """An example as a row of our own form: every field, always in the same order."""
    row: Row = {"id": example.id}
    for one in fields(Example):
        row[one.name] = _plain(getattr(example, one.name))
    return row


def plain_record(record: Any) -> Row:
    """A flat record of ours as a row, in the order of its fields."""
    return {one.name: _plain(getattr(record, one.name)) for one in fields(record)}


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return plain_record(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value


def write_examples(path: Path, examples: Iterable[Example]) -> int:
    """Write examples in our own form; how many there were."""
    return write_rows(path, map(row_of, examples))


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write one object a line, beside the file and then into its place; how many there were."""
    count = 0
    with replacing(path) as stream:
        for row in rows:
            stream.write(line_of(row))
            count += 1
    return count


def line_of(row: Mapping[str, Any]) -> str:
    """A row as its line. Lone surrogates, which UTF-8 can't hold, and Unicode's line ends are escaped."""
    text = json.dumps(row, ensure_ascii=False, allow_nan=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = json.dumps(row, allow_nan=False)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085") + "\n"
