"""One contract for every dialect: the built-in ones, and folders made as a user would make them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from idiolect.dialects.conformance import Check, Report, conform
from idiolect.dialects.contract import Dialect
from idiolect.dialects.registry import BUILT_IN, load_dialect
from idiolect.dialects.user.examples import read_examples
from idiolect.dialects.user.starter import make_folder

FOLDERS = Path(__file__).parent / "user" / "folders"
USERS = sorted(path.name for path in FOLDERS.iterdir())
SAMPLES = 12
MANY_SAMPLES = 150


def built_in(name: str) -> Dialect:
    module = BUILT_IN[name].partition(":")[0]
    try:
        there = find_spec(module) is not None
    except ModuleNotFoundError:
        there = False
    if not there:
        pytest.skip(f"{module} does not exist yet")
    return load_dialect(name)


def measure_folder(folder: Path, samples: int, *, allow_code: bool = False) -> Report:
    dialect = load_dialect(str(folder), allow_code=allow_code)
    good, bad = read_examples(folder, dialect.suffixes)
    assert good
    assert bad
    try:
        return conform(dialect, examples=good, bad=bad, samples=samples)
    finally:
        dialect.close()


def failed(report: Report) -> str:
    wrong = [check for check in report.checks if not check.ok]
    lines = [f"{check.name}: {check.passed} of {check.total}: {check.notes}" for check in wrong]
    lines += [
        f"{one.origin}: {one.text!r}: {one.verifier} / {one.constraint}" for one in report.disagreements[:5]
    ]
    return "\n".join([*lines, *report.skipped])


def check_named(report: Report, name: str) -> Check:
    return next(check for check in report.checks if check.name == name)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_a_built_in_dialect_keeps_the_contract(name):
    report = conform(built_in(name), samples=SAMPLES)
    assert report.ok, failed(report)
    assert check_named(report, "samples verify").total == SAMPLES
    assert check_named(report, "mutants refused").total > 0
    assert check_named(report, "constraint accepts good texts").total > 0


@pytest.mark.parametrize("name", USERS)
def test_a_users_folder_keeps_the_contract(name):
    report = measure_folder(FOLDERS / name, SAMPLES)
    assert report.ok, failed(report)
    assert not report.skipped
    assert check_named(report, "samples verify").total == SAMPLES
    assert check_named(report, "constraint refuses broken syntax").total > SAMPLES


def test_a_new_folder_keeps_the_contract_at_once(tmp_path):
    make_folder("fresh", tmp_path / "fresh")
    report = measure_folder(tmp_path / "fresh", SAMPLES, allow_code=True)
    assert report.ok, failed(report)
    assert check_named(report, "examples pass their tests").total == 2
    assert report.uncovered == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_a_built_in_dialect_keeps_the_contract_over_many_samples(name):
    report = conform(built_in(name), samples=MANY_SAMPLES, seed=1)
    assert report.ok, failed(report)


@pytest.mark.slow
@pytest.mark.parametrize("name", USERS)
def test_a_users_folder_keeps_the_contract_over_many_samples(name):
    report = measure_folder(FOLDERS / name, MANY_SAMPLES)
    assert report.ok, failed(report)


def test_the_dialects_are_found():
    assert len(BUILT_IN) == 4
    assert USERS == ["shopsql", "unitfile"]
