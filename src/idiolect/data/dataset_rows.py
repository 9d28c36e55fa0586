"""Reads a data file as the block DATASET says: which columns are prompt, answer and context, in which format.

Columns are chosen as `probe_fields` chooses them, so that what was told of a file before is what is read.
A row that is no example is Rejected, and the rest goes on. It does **not** verify targets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from idiolect.data.example import Example, Rejected
from idiolect.data.forms import Columns, form_named, to_example
from idiolect.data.jsonl import BadRow, Row
from idiolect.data.probe_fields import Fields, context_prompt, resolve_fields
from idiolect.data.probe_format import decide_format
from idiolect.data.probe_lines import HEAD_BYTES
from idiolect.data.tables import read_table
from idiolect.files import Unreadable, open_plain
from idiolect.text_hints import shortened

PLAIN_TEXT = "text"  # the task of an example without a prompt: the text itself is learned
_PEEKED = 200  # rows that tell the columns
_FORMS = {  # known rows by the form that reads them; the others are a prompt column and an answer column
    "example": "example",
    "messages": "messages",
    "schema_query_ast": "schema_ast",
    "schema_json_query_ast": "schema_ast",
    "description_dsl_tests": "description_dsl",
    "prompt_completion": "prompt_completion",
    "instruction_output": "instruction",
}
_LABELLED = (None, "classification", "regression")  # types whose answers may be numbers


@dataclass(frozen=True, slots=True)
class RowSettings:
    """What DATASET says of its rows."""

    format: str | None = None
    type: str | None = None
    input_field: str | None = None
    output_field: str | None = None
    context_fields: tuple[str, ...] = ()


def read_dataset(path: Path, settings: RowSettings, shown: str) -> Iterator[Example | Rejected]:
    """The example of each row; Unreadable where the file can't be read or no column can be used."""
    if path.is_dir():
        raise Unreadable("is a folder; examples come from files, and pictures are not trained on here")
    rows = read_table(path, format=_format_of(path, settings.format))
    first = list(islice(rows, _PEEKED))
    columns = _columns(row for _, row in first if not isinstance(row, Rejected))
    fields = resolve_fields(
        columns,
        settings.input_field,
        settings.output_field,
        settings.context_fields,
    )
    if columns and (fields.input is None or fields.output is None):
        said = fields.problems[0]
        raise Unreadable(f"can't be used: {said.message}" + (f"; {said.help}" if said.help else ""))
    for line, row in chain(first, rows):
        if isinstance(row, Rejected):
            yield replace(row, source=shown)
            continue
        try:
            made = _example(row, fields, settings)
        except BadRow as fault:
            yield Rejected(reason="unknown row", detail=fault.message, source=shown, line=line)
            continue
        origin = made.provenance
        if origin.source is None:
            origin = replace(origin, source=shown, line=line, last_line=line, recipe="import")
        yield replace(made, provenance=origin)


def _format_of(path: Path, declared: str | None) -> str | None:
    if path.suffix.casefold() == ".json":  # a list of rows, which the language has no name for
        return None
    with open_plain(path) as stream:
        return decide_format(path, declared, stream.read(HEAD_BYTES))[0]


def _columns(rows: Iterator[Row]) -> Mapping[str, Sequence[str]]:
    """The columns of some rows, and whether each ever holds text."""
    kinds: dict[str, set[str]] = {}
    for row in rows:
        for name, value in row.items():
            kinds.setdefault(name, set()).add("string" if isinstance(value, str) else "other")
    return {name: sorted(found) for name, found in kinds.items()}


def _example(row: Row, fields: Fields, settings: RowSettings) -> Example:
    assert fields.input is not None
    assert fields.output is not None
    declared = settings.input_field or settings.output_field
    known = _FORMS.get(fields.form.name) if fields.form and not declared else None
    if known is not None:
        made = to_example(row, form_named(known))
        return replace(made, instruction=_behind_context(row, settings.context_fields, made.instruction))
    if fields.input == fields.output:
        return _text(row, fields.input, settings.context_fields)
    columns = Columns(fields.input, fields.output, settings.context_fields)
    return to_example(_with_label(row, fields.output, settings.type), form_named("input_output"), columns)


def _behind_context(row: Row, names: Sequence[str], instruction: str) -> str:
    """An instruction behind the columns that stand in front of it."""
    return context_prompt({**row, "\0": instruction}, names, "\0") if names else instruction


def _text(row: Row, column: str, context_fields: Sequence[str]) -> Example:
    """A text that is prompt and answer at once: a causal model learns all of it, behind its context."""
    text = row.get(column)
    if not isinstance(text, str) or not text.strip():
        raise BadRow("", f'"{shortened(column)}" holds no text')
    others = tuple(name for name in context_fields if name != column)
    prompt = context_prompt({**row, "\0": ""}, others, "\0").rstrip(" |") if others else ""
    return Example(instruction=prompt, target=text, task=PLAIN_TEXT)


def _with_label(row: Row, column: str, type: str | None) -> Row:
    """The row with a number or truth value in its answer column as text, where answers may be such."""
    value = row.get(column)
    if type in _LABELLED and isinstance(value, bool | int | float):
        return {**row, column: json.dumps(value)}
    return row
