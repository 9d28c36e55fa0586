"""Every row of the table of faults is told where and as the table says, and every code has a row."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from idiolect.okt.check import check_text
from idiolect.okt.pages import FaultExample, FaultRow, fault_table
from idiolect.problem import problem_codes

CASES = [(row, example) for row in fault_table() for example in row.examples]
PUBLISHED = {f"V{number:03}" for number in range(1, 22)}


def source_files() -> list[Path]:
    package = Path(str(files("idiolect")))
    return [*package.glob("okt/**/*.py"), *package.glob("plan/**/*.py")]


@pytest.mark.parametrize(
    ("row", "example"), CASES, ids=[f"{row.code}-{number}" for number, (row, _) in enumerate(CASES)]
)
def test_a_fault_is_told_at_its_place(row: FaultRow, example: FaultExample) -> None:
    checked = check_text(example.bad, pedantic=example.pedantic)
    told = [
        (f"{place.line}:{place.column}", item.severity.value, item.message)
        for item in checked.diagnostics
        if item.code == row.code and (place := checked.source.place(item.span.start))
    ]
    assert any(
        (at, severity) == (example.at, example.severity) and example.says in message
        for at, severity, message in told
    ), told


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(CASES) > 100


def test_every_code_in_use_is_in_a_table_and_every_row_is_in_use() -> None:
    used = {code for path in source_files() for code in re.findall(r'"([LV]\d{3})"', path.read_text())}
    rows = {row.code for row in fault_table()}
    assert used - rows - set(problem_codes()) == set()
    assert rows - used == set()


def test_every_published_code_is_explained() -> None:
    assert PUBLISHED - {row.code for row in fault_table()} - set(problem_codes()) == set()


@pytest.mark.parametrize("row", fault_table(), ids=lambda row: row.code)
def test_every_fault_has_an_example(row: FaultRow) -> None:
    assert row.examples


def test_edits_of_a_fault_cure_it() -> None:
    """Applying the first edit of a diagnostic makes that diagnostic go away."""
    cured = 0
    for row, example in CASES:
        checked = check_text(example.bad, pedantic=example.pedantic)
        for item in checked.diagnostics:
            if item.code != row.code or not item.edits:
                continue
            edit = item.edits[0]
            text = example.bad[: edit.span.start] + edit.text + example.bad[edit.span.end :]
            again = check_text(text, pedantic=example.pedantic)
            before = sum(one.code == row.code for one in checked.diagnostics)
            assert sum(one.code == row.code for one in again.diagnostics) < before, (row.code, text)
            cured += 1
    assert cured > 25
