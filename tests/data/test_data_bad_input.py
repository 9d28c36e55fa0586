"""Bad input to build, import and split: named, counted, the rest goes on, and never a traceback."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from idiolect.cli.app import app

GOOD = {"description": "an inverter", "dsl_code": "MODULE N(INPUT A, OUTPUT Y) { Y = ~A; }"}


def idiolect(folder: Path, *words: str, memory: int | None = None) -> subprocess.CompletedProcess[str]:
    limit = None if memory is None else lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    return subprocess.run(
        [sys.executable, "-m", "idiolect", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        timeout=240,
    )


def odd_rows(path: Path) -> None:
    """Rows of which one can be used; the others are each broken in a way of their own."""
    rows = [
        json.dumps(GOOD).encode(),
        b"{broken",
        b"[1, 2]",
        b'"text"',
        b"\xff\xfe\xfa",
        b'{"description": "x"}',
        b'{"description": 3, "dsl_code": "y"}',
        b'{"description": "", "dsl_code": "y"}',
        b'{"description": "deep", "dsl_code": ' + b"[" * 3000 + b"]" * 3000 + b"}",
        b'{"description": "x\\ud800", "dsl_code": "MODULE"}',
        b"NaN",
        b"  ",
    ]
    path.write_bytes(b"\n".join(rows) + b"\n")


def test_broken_rows_are_named_by_import_and_the_good_ones_kept(tmp_path: Path) -> None:
    odd_rows(tmp_path / "rows.jsonl")
    done = idiolect(tmp_path, "data", "import", "rows.jsonl", "--to", "out.jsonl")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "rows.jsonl:2: broken row" in done.stderr
    kept = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(kept[0])["instruction"] == "an inverter"
    assert f"11 rows read, {len(kept)} kept" in done.stdout


def test_the_same_rows_in_a_corpus_and_in_a_split_close_their_counts(tmp_path: Path) -> None:
    odd_rows(tmp_path / "rows.jsonl")
    build = ["corpus", "build", "--input-dir", "rows.jsonl", "--output-dir", "out", "--dialect", "gates"]
    done = idiolect(tmp_path, *build, "--json")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (sources, *_) = json.loads(done.stdout)["counts"]
    assert sources["read"] == 11 == sources["kept"] + sum(sources["rejected"].values())
    (tmp_path / "train.okt").write_text(
        'PROJECT "toys"\nDIALECT { name: "gates" }\nDATASET { train: "rows.jsonl" }\n'
    )
    done = idiolect(tmp_path, "run", "train.okt", "--until", "split")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rows of rows.jsonl: 11 read = 1 kept + 10 rejected" in done.stdout


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_files_without_permission_are_named(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "good.gates").write_text(GOOD["dsl_code"])
    (tmp_path / "src" / "shut.gates").write_text(GOOD["dsl_code"])
    (tmp_path / "src" / "shut.gates").chmod(0)
    (tmp_path / "src" / "closed").mkdir(mode=0)
    build = ["corpus", "build", "--input-dir", "src", "--output-dir", "out", "--dialect", "gates"]
    done = idiolect(tmp_path, *build)
    assert done.returncode == 1
    assert "2 unreadable" in done.stdout
    assert "no permission" in (tmp_path / "out" / "quarantine.jsonl").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["data", "import", "nothing.jsonl", "--dry-run"], "does not exist"),
        (["data", "import", "folder", "--dry-run"], "is a folder"),
        (["data", "import", "empty.jsonl", "--dry-run"], "no row is an example"),
        (["data", "import", "loop.jsonl", "--dry-run"], "leads back to itself"),
        (["data", "import", "packed.jsonl", "--dry-run"], "packed with gzip"),
        (["data", "import", "binary.csv", "--dry-run"], "binary.csv"),
        (["data", "coverage", "nothing.jsonl", "--dialect", "gates"], "does not exist"),
        (["data", "coverage", "folder"], "has no splits"),
        (["data", "errors", "nothing.jsonl"], "does not exist"),
        (["data", "errors", "packed.jsonl"], "packed with gzip"),
        (["data", "harvest", "nothing.jsonl", "--to", "x.jsonl"], "does not exist"),
        (["data", "harvest", "folder", "--to", "x.jsonl"], "is a folder"),
        (
            ["corpus", "build", "--input-dir", "folder", "--output-dir", "o", "--dialect", "gates"],
            "no source",
        ),
    ],
)
def test_what_is_no_data_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.jsonl").write_text("\n\n")
    (tmp_path / "loop.jsonl").symlink_to("loop.jsonl")
    (tmp_path / "packed.jsonl").write_bytes(b"\x1f\x8b\x08\0\0\0")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    assert told in done.stderr
    assert isinstance(done.exception, SystemExit)


@pytest.mark.slow
def test_a_line_of_200_mb_costs_no_more_memory_than_a_row_may(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with path.open("wb") as stream:
        stream.write(json.dumps(GOOD).encode() + b'\n{"description": "')
        for _ in range(200):
            stream.write(b"x" * 1_000_000)
        stream.write(
            b'", "dsl_code": "y"}\n' + json.dumps({**GOOD, "description": "another"}).encode() + b"\n"
        )
    done = idiolect(tmp_path, "data", "import", "rows.jsonl", "--to", "out.jsonl", memory=2_000_000_000)
    assert done.returncode == 1, done.stderr
    assert "3 rows read, 2 kept, 1 row too long" in done.stdout
    (tmp_path / "train.okt").write_text(
        'PROJECT "toys"\nDIALECT { name: "gates" }\nDATASET { train: "rows.jsonl" }\n'
    )
    done = idiolect(tmp_path, "run", "train.okt", "--until", "split")
    assert "3 read = 2 kept + 1 rejected" in done.stdout
    build = ["corpus", "build", "--input-dir", "rows.jsonl", "--output-dir", "o", "--dialect", "gates"]
    assert "1 row too long" in idiolect(tmp_path, *build).stdout
