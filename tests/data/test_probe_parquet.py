from pathlib import Path

import pytest

from idiolect.data.probe import Limits, probe_dataset

pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is an extra")


def write(path: Path, columns: dict[str, list[object]]) -> Path:
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path)
    return path


def test_parquet_is_counted_and_its_values_checked(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {
        "input": ["a"] * 10 + ["", None],
        "output": ["b"] * 12,
        "n": list(range(12)),
    }
    probe = probe_dataset(write(tmp_path / "a.parquet", columns))
    assert (probe.format_found, probe.rows, probe.rows_checked) == ("parquet", 12, 12)
    assert (probe.unfit.empty_input, probe.columns["n"]) == (2, "integer")
    assert [found.code for found in probe.problems] == ["L410"]


def test_parquet_beyond_the_budget_is_counted_only(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"text": ["word"] * 5_000})
    assert probe_dataset(path, sample_rows=7).rows_checked == 7
    probe = probe_dataset(path, limits=Limits(checked_bytes=1))
    assert (probe.rows, 0 < probe.rows_checked < 5_000) == (5_000, True)


def test_a_damaged_parquet_file_is_one_problem(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"text": ["word"] * 50})
    data = path.read_bytes()
    for broken in (data[:40], data[:-8] + b"\xff" * 8, b"PAR1" + b"\0" * 100 + b"PAR1"):
        path.write_bytes(broken)
        assert [found.code for found in probe_dataset(path).problems] == ["L404"]


def test_parquet_content_under_another_ending_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"text": ["word"] * 50})
    probe = probe_dataset(path)
    assert (probe.format_found, [found.code for found in probe.problems]) == ("parquet", ["L405"])


def test_without_pyarrow_the_cure_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.parquet", {"text": ["word"]})

    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("idiolect.data.probe_parquet.import_module", absent)
    (found,) = probe_dataset(path).problems
    assert (found.code, found.help) == ("L505", 'pip install "idiolect[parquet]"')
