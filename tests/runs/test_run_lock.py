from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from idiolect.runs.lock import Locked, RunLock, holder_of

_HOLD = """
import sys, time
from pathlib import Path
from idiolect.runs.lock import RunLock
with RunLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def hold(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process):
    process.communicate("\n")


def test_a_live_process_is_named_with_its_pid_and_its_start(tmp_path):
    process = hold(tmp_path)
    try:
        holder = holder_of(tmp_path)
        assert holder is not None
        assert holder.pid == process.pid
        with pytest.raises(Locked) as told, RunLock(tmp_path):
            pass
        assert f"process {process.pid}" in str(told.value)
        assert f"started {time.strftime('%Y-')}" in str(told.value)
    finally:
        end(process)
    assert holder_of(tmp_path) is None
    with RunLock(tmp_path):
        pass


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path):
    process = hold(tmp_path)
    process.kill()
    process.communicate()
    assert (tmp_path / ".lock").exists()
    with RunLock(tmp_path):
        holder = holder_of(tmp_path)
        assert holder is not None
        assert holder.pid == os.getpid()
    assert not (tmp_path / ".lock").exists()


def test_one_process_does_not_take_its_own_lock_twice(tmp_path):
    with RunLock(tmp_path), pytest.raises(Locked), RunLock(tmp_path):
        pass


@pytest.mark.parametrize("text", ["", "{", "[" * 50_000, '{"pid": "x"}', "\x00\xff", '{"pid": 1}'])
def test_a_damaged_lock_file_that_nobody_holds_is_taken(tmp_path, text):
    (tmp_path / ".lock").write_text(text)
    assert holder_of(tmp_path) is None
    with RunLock(tmp_path):
        pass


def test_asking_who_holds_a_lock_makes_nobody_fail(tmp_path):
    asking = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys\nfrom pathlib import Path\nfrom idiolect.runs.lock import holder_of\n"
            "print('asks', flush=True)\nwhile True: holder_of(Path(sys.argv[1]))",
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert asking.stdout is not None
        asking.stdout.readline()
        for _ in range(200):
            with RunLock(tmp_path):
                pass
    finally:
        asking.kill()
        asking.communicate()
