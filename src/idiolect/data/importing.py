"""Reads a dataset of any known form to examples, row by row.

A row that is no example is Rejected and the rest goes on; rows of no known form end it with UnknownForm.
It does **not** verify targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from idiolect.data.example import Example, Rejected
from idiolect.data.forms import NO_COLUMNS, Columns, Form, form_named, form_of, to_example
from idiolect.data.jsonl import BadRow
from idiolect.data.tables import read_table


def import_rows(
    path: Path, form: Form | None = None, columns: Columns = NO_COLUMNS
) -> Iterator[Example | Rejected]:
    """The example of each row; the first row tells the form unless one is given."""
    if form is None and columns.output is not None:
        form = form_named("input_output")
    for line, row in read_table(path):
        if isinstance(row, Rejected):
            yield row
            continue
        form = form or form_of(tuple(row))
        try:
            example = to_example(row, form, columns)
        except BadRow as fault:
            yield Rejected(reason="unknown row", detail=fault.message, source=str(path), line=line)
            continue
        origin = example.provenance
        if origin.source is None:
            origin = replace(origin, source=path.name, line=line, last_line=line, recipe="import")
        yield replace(example, provenance=origin)
