from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from toy_stages import contents, walk

from idiolect.runs.manifest import read_manifest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals")

# The command itself, over a toy table.
COMMAND = (
    "import sys; import toy_stages, idiolect.runs.stages as stages; "
    "stages.TABLE = getattr(toy_stages, sys.argv.pop(1)); from idiolect.cli.app import main; main()"
)


def start(project: Path, table: str = "SLOW") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, table, "run", "scripts/train.okt"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("way", ["polite", "asleep", "deaf", "in a library", "with workers"])
def test_ctrl_c_ends_any_stage_within_a_second_and_says_how_to_go_on(project, way):
    (project / "texts" / "a.txt").write_text(way)
    process = start(project)
    assert process.stdout is not None
    while "working" not in (line := process.stdout.readline()):
        assert line, process.communicate()
    time.sleep(0.1)
    workers = psutil.Process(process.pid).children(recursive=True)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    lasted = time.monotonic() - sent
    assert process.returncode == 130
    assert "go on with: idiolect run scripts/train.okt" in errors
    assert "Traceback" not in errors
    assert lasted < 5  # a second, and what a busy machine takes
    assert len(workers) == (way == "with workers")
    psutil.wait_procs(workers, timeout=1)
    # Nobody may be there to bury an orphan: one that is only a name counts as dead.
    assert all(not one.is_running() or one.status() == psutil.STATUS_ZOMBIE for one in workers)
    if way in ("polite", "asleep"):
        interrupted = read_manifest(project / "runs" / "toy").interrupted
        assert interrupted is not None
        assert interrupted.how == "stopped"
        assert not (project / "runs" / "toy" / ".partial").exists()


def test_a_stopped_run_goes_on_to_the_same_bytes(project, tmp_path):
    walk(project)
    whole = contents(project / "runs" / "toy")
    (project / "runs").rename(tmp_path / "whole")
    process = start(project, "TABLE")
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode in (143, -signal.SIGTERM, 0)  # before, while or after the run had it in hand
    walk(project)
    assert contents(project / "runs" / "toy") == whole


def test_a_live_run_is_named_to_the_second_one(project):
    (project / "texts" / "a.txt").write_text("polite")
    process = start(project)
    try:
        assert process.stdout is not None
        while "working" not in process.stdout.readline():
            assert process.poll() is None
        second = start(project)
        _, errors = second.communicate(timeout=20)
        assert second.returncode == 1
        assert f"runs/toy is in use by process {process.pid}, started 20" in errors
    finally:
        process.kill()
        process.communicate()


def test_logs_are_followed_until_the_run_ends(project):
    (project / "texts" / "a.txt").write_text("polite")
    process = start(project)
    assert process.stdout is not None
    while "working" not in process.stdout.readline():
        assert process.poll() is None
    follower = subprocess.Popen(
        [sys.executable, "-m", "idiolect", "logs", "toy", "--follow"],
        cwd=project,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert follower.stdout is not None
    while "the run's log ends with" not in (line := follower.stdout.readline()):
        assert line
    time.sleep(0.5)
    with (project / "runs" / "toy" / "training_metrics.jsonl").open("a") as stream:
        stream.write('{"step": 7, "loss": 0.5, "eval_loss": 0.75}\n{"step": 8')
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    told, _ = follower.communicate(timeout=10)
    assert follower.returncode == 0
    assert "step 7: loss 0.5, val_loss 0.75\n" in told
    assert '{"step": 8' not in told
    assert "run: stopped corpus\n" in told
    assert told.endswith("the run has ended\n")
