from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from toy_stages import contents, make_project, walk

from idiolect.runs.folder import RunFolder
from idiolect.runs.lock import holder_of
from idiolect.runs.manifest import read_manifest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")

# What a process does to files, as the interpreter announces it just before it happens.
_FILE_EVENTS = frozenset(
    {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"}
)


def in_child(root: Path, before=lambda: None) -> int:
    """Walk in a child process; how it ended: an exit code, or a signal as a negative number."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            before()
            walk(root)
            code = 0
        finally:
            os._exit(code)
    return pid


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_at(event: int) -> None:
    """Make this process kill itself before its file operation of that number."""
    left = [event]

    def count(name: str, _: object) -> None:
        if name in _FILE_EVENTS:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, bytes]:
    """What a run leaves that nobody killed."""
    root = make_project(tmp_path / "whole")
    walk(root)
    return contents(root / "runs" / "toy")


def change(root: Path) -> None:
    """The files before the change; the run after it then replaces the files of one before."""
    (root / "texts" / "c.txt").write_text("something else\n")
    walk(root)
    (root / "texts" / "c.txt").write_text("four\n")


@pytest.mark.parametrize("second_time", [False, True], ids=["first run", "run over an older one"])
def test_a_run_killed_before_any_file_operation_ends_in_the_same_bytes(tmp_path, whole, second_time):
    start = make_project(tmp_path / "start")
    if second_time:
        change(start)
    kills, event = 0, 1
    while True:
        root = tmp_path / "killed"
        shutil.copytree(start, root)
        status = ended(in_child(root, lambda: kill_at(event)))  # noqa: B023
        if status == 0:
            break
        assert status == -signal.SIGKILL
        kills += 1
        walk(root)
        assert contents(root / "runs" / "toy") == whole, f"killed before file operation {event}"
        assert not (root / "runs" / "toy" / "set-aside").exists()
        shutil.rmtree(root)
        event += 9  # every one of them in the slow test
    assert kills >= 20


@pytest.mark.slow
def test_a_run_killed_before_each_file_operation_ends_in_the_same_bytes(tmp_path, whole):
    start = make_project(tmp_path / "start")
    change(start)
    event = 1
    while True:
        root = tmp_path / "killed"
        shutil.copytree(start, root)
        if ended(in_child(root, lambda: kill_at(event))) == 0:  # noqa: B023
            break
        walk(root)
        assert contents(root / "runs" / "toy") == whole, f"killed before file operation {event}"
        shutil.rmtree(root)
        event += 1
    assert event > 200


def test_a_run_killed_at_random_times_over_and_over_ends_in_the_same_bytes(tmp_path, whole):
    rng = random.Random(7)
    root = make_project(tmp_path / "killed")
    start = time.monotonic()
    assert ended(in_child(make_project(tmp_path / "timed"))) == 0
    lasts = time.monotonic() - start
    killed = tries = 0
    while killed < 50 and tries < 400:  # a child that is done before its instant does not count
        tries += 1
        pid = in_child(root)
        time.sleep(rng.uniform(0, lasts))
        os.kill(pid, signal.SIGKILL)
        killed += ended(pid) == -signal.SIGKILL
        if rng.random() < 0.2:  # now and then everything begins anew, or after a change
            shutil.rmtree(root / "runs", ignore_errors=True)
        elif rng.random() < 0.2:
            (root / "texts" / "c.txt").write_text(f"{rng.random()}\n")
    (root / "texts" / "c.txt").write_text("four\n")
    walk(root)
    assert contents(root / "runs" / "toy") == whole
    assert killed == 50


def test_answers_that_were_paid_for_are_not_paid_for_again(project, whole):
    event, paid = 60, project / "runs" / "toy" / "journal" / "synth" / "answers"
    while not paid.exists() or len(list(paid.iterdir())) < 6:
        shutil.rmtree(project / "runs", ignore_errors=True)
        assert ended(in_child(project, lambda: kill_at(event))) == -signal.SIGKILL  # noqa: B023
        event += 10
    before = {path.name: path.stat().st_mtime_ns for path in paid.iterdir() if not path.suffix}
    assert 4 <= len(before) < 12
    walk(project)
    after = {path.name: path.stat().st_mtime_ns for path in paid.iterdir()}
    assert {name: after[name] for name in before} == before
    assert contents(project / "runs" / "toy") == whole


def test_the_lock_of_a_dead_process_holds_nobody_up(project):
    assert ended(in_child(project, lambda: kill_at(120))) == -signal.SIGKILL
    run = project / "runs" / "toy"
    assert (run / ".lock").exists()
    assert holder_of(run) is None
    interrupted = read_manifest(run).interrupted
    assert interrupted is not None
    assert interrupted.how == "running"
    walk(project)
    assert not (run / ".lock").exists()
    assert not list(RunFolder(run).path.glob(".partial"))
