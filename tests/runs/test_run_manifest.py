from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy_stages import walk

from idiolect.runs.folder import NoRunFolder
from idiolect.runs.manifest import DamagedManifest, dumped, read_manifest


def test_a_manifest_reads_back_as_it_was_written(project):
    walk(project)
    folder = project / "runs" / "toy"
    assert dumped(read_manifest(folder)) == (folder / "manifest.json").read_text()


def test_no_time_and_no_path_of_this_machine_is_in_what_a_run_keeps(project):
    walk(project)
    folder = project / "runs" / "toy"
    for name in ("manifest.json", "plan.json"):
        text = (folder / name).read_text()
        assert str(project) not in text
        assert not re.search(r"\d{4}-\d\d-\d\d", text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ('{"format": "idiolect.run/1", "proj', "was cut short"),
        ("[]", "is not the manifest of a run"),
        ('{"name": "somebody else\'s"}', "is not the manifest of a run"),
        ('{"format": "idiolect.run/9"}', '"format" is not "idiolect.run/1"'),
        ("[" * 100_000, "is no JSON"),
        ("\x00\x01", "is no JSON"),
    ],
)
def test_a_damaged_manifest_is_told_in_one_line(project, text, reason):
    walk(project)
    path = project / "runs" / "toy" / "manifest.json"
    path.write_text(text)
    with pytest.raises(DamagedManifest) as told:
        read_manifest(path.parent)
    assert reason in str(told.value)
    assert "\n" not in str(told.value)
    with pytest.raises(NoRunFolder, match="can't be gone on with"):
        walk(project)
    # Taken over on request, its folder is made anew; nothing of it is lost.
    assert walk(project, take_over=True).how != "failed"
    assert (project / "runs" / "toy" / "set-aside" / "corpus-1" / "all.json").is_file()


def test_a_folder_where_the_manifest_should_be_is_told(project):
    (project / "runs" / "toy" / "manifest.json").mkdir(parents=True)
    with pytest.raises(DamagedManifest, match=r"manifest\.json is a folder"):
        read_manifest(project / "runs" / "toy")


def test_a_file_where_the_run_should_be_is_told(project):
    (project / "runs").mkdir()
    (project / "runs" / "toy").write_text("x")
    with pytest.raises(NoRunFolder, match="is no folder"):
        walk(project)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_broken_in_a_manifest_is_no_traceback(project, data):
    folder = project / "runs" / "toy"
    if not folder.exists():
        walk(project)
    path = folder / "manifest.json"
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    junk = data.draw(st.binary(max_size=4))
    path.write_bytes(whole[:at] + junk + whole[at + data.draw(st.integers(0, 40)) :])
    with contextlib.suppress(DamagedManifest):  # any other exception is a traceback for somebody
        read_manifest(folder)
    path.write_bytes(whole)
