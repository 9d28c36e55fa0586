"""A run of the real stages corpus and split ends with the same bytes when it is killed fifty times."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups"),
]

SCRIPT = """PROJECT "toys"
DIALECT { name: "gates" }
CORPUS { sources: ["scripts/*.gates"] tasks: ["reference", "describe", "repair"] near_dedup: 0 }
DATASET { train: "rows.jsonl" }
EVALUATE { suites: ["test"] }
"""
KILLS = 50


def project(root: Path) -> Path:
    (root / "scripts").mkdir(parents=True)
    (root / "okt.yaml").write_text("project: toys\n")
    (root / "train.okt").write_text(SCRIPT)
    for number in range(12):
        text = f"MODULE N{number}(INPUT A, INPUT B{number}, OUTPUT Y) {{ Y = A & ~B{number}; }}\n"
        (root / "scripts" / f"n{number}.gates").write_text(text)
    rows = (
        {"description": f"gate {n}", "dsl_code": f"MODULE G{n}(INPUT A, OUTPUT Y{n}) {{ Y{n} = ~A; }}"}
        for n in range(20)
    )
    (root / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


def started(root: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "idiolect", "run", "train.okt", "--until", "split"]
    return subprocess.Popen(
        command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def made(root: Path) -> dict[str, bytes]:
    folder = root / "runs" / "toys"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for stage in ("corpus", "split")
        for path in sorted((folder / stage).rglob("*"))
        if path.is_file()
    }


def test_fifty_kills_change_no_byte(tmp_path: Path) -> None:
    whole = project(tmp_path / "whole")
    begin = time.monotonic()
    assert started(whole).wait() == 0
    lasts = time.monotonic() - begin
    expected = made(whole)
    assert len(expected["split/train.jsonl"]) > 1000
    assert expected["split/report.json"]
    rng = random.Random(4)
    root = project(tmp_path / "killed")
    killed = 0
    while killed < KILLS:
        child = started(root)
        try:
            child.wait(timeout=rng.uniform(0.1, lasts))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            killed += 1
            continue
        assert child.returncode == 0
        assert made(root) == expected
        shutil.rmtree(root / "runs")  # it got through: from the start again
    assert started(root).wait() == 0
    assert made(root) == expected
