from __future__ import annotations

import os
import time

import pytest

from idiolect.runs.digest import Digester


def test_a_folder_is_its_names_and_bytes_and_nothing_else(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "a").write_text("1")
        (tmp_path / name / "deep" / "b").write_text("22")
    os.utime(tmp_path / "two" / "a", (1, 1))
    digester = Digester()
    first, second = digester.content(tmp_path / "one"), digester.content(tmp_path / "two")
    assert first == second
    assert (first.files, first.bytes) == (2, 3)
    (tmp_path / "two" / "a").rename(tmp_path / "two" / "c")
    assert Digester().content(tmp_path / "two").sha256 != first.sha256


def test_links_in_circles_end(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "file").write_text("x")
    for name in ("a/up", "a/b/up", "a/b/self"):
        (tmp_path / name).symlink_to(tmp_path / "a" / "b" if name.endswith("self") else tmp_path)
    (tmp_path / "a" / "nowhere").symlink_to(tmp_path / "nothing")
    (tmp_path / "a" / "round").symlink_to(tmp_path / "a" / "round")
    content = Digester().content(tmp_path)
    assert content == Digester().content(tmp_path)
    assert content.files < 10


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert Digester().file(tmp_path / "pipe") == "unreadable: is a pipe, not a plain file"


def test_a_file_is_read_again_only_when_it_changed(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    old = time.time() - 60
    os.utime(path, (old, old))
    memory = tmp_path / "memory"
    first = Digester(memory)
    before = first.file(path)
    memory.write_text(first.memory_text())
    # Same size, time and identity: the memory is believed, which shows that it was used.
    path.write_text("BEFORE")
    os.utime(path, (old, old))
    assert Digester(memory).file(path) == before
    path.write_text("after!")
    assert Digester(memory).file(path) != before


def test_a_file_that_changed_just_now_is_not_remembered(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    digester = Digester(tmp_path / "memory")
    digester.file(path)
    assert digester.memory_text() == "{}"


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"a": 1}', '{"a": [1]}', "[" * 50_000, '{"a": [1, 2, 3, null]}']
)
def test_a_damaged_memory_is_no_memory(tmp_path, text):
    (tmp_path / "memory").write_text(text)
    (tmp_path / "file").write_text("x")
    assert len(Digester(tmp_path / "memory").file(tmp_path / "file")) == 64
