import os
import time
from pathlib import Path

import pytest

from idiolect.plan.paths import locate, project_root, read_okt_yaml


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project" / "scripts").mkdir(parents=True)
    (tmp_path / "project" / "okt.yaml").write_text("project: demo\n")
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "project"


def make(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    return path


def test_the_nearest_okt_yaml_above_the_script_marks_the_root(project: Path) -> None:
    deep = project / "scripts" / "a" / "b"
    deep.mkdir(parents=True)
    assert project_root(deep / "train.okt")[0] == project
    (deep.parent / "okt.yaml").write_text("project: inner\n")
    assert project_root(deep / "train.okt")[0] == deep.parent


def test_without_okt_yaml_the_parent_of_scripts_is_the_root(tmp_path: Path) -> None:
    root, reason = project_root(tmp_path / "scripts" / "train.okt")
    assert (root, "scripts folder" in reason) == (tmp_path, True)


def test_without_both_the_root_is_the_scripts_own_folder(tmp_path: Path) -> None:
    root, reason = project_root(tmp_path / "train.okt")
    assert (root, "own folder" in reason) == (tmp_path, True)


def test_folders_are_tried_in_order_and_the_match_is_named(project: Path) -> None:
    script = project / "scripts" / "train.okt"
    current = project.parent / "elsewhere"
    expected = [
        ("script folder", make(project / "scripts" / "d.jsonl")),
        ("current directory", make(current / "d.jsonl")),
        ("project root", make(project / "d.jsonl")),
    ]
    for position, (base, path) in enumerate(expected):
        for later in expected[position + 1 :]:
            later[1].unlink()
        found = locate("d.jsonl", script, current=current)
        assert (found.base, found.path, found.exists) == (base, path, True)
        for later in expected[position + 1 :]:
            make(later[1])


def test_a_missing_path_lists_every_place_that_was_tried_once(project: Path) -> None:
    found = locate("dataset/no.jsonl", project / "train.okt", current=project)
    assert found.tried == (project / "dataset" / "no.jsonl",)
    assert (found.exists, found.base, found.path) == (False, "project root", found.tried[0])
    other = locate("no.jsonl", project / "scripts" / "t.okt", current=project.parent)
    assert other.tried == tuple(
        folder / "no.jsonl" for folder in (project, project.parent, project / "scripts")
    )


@pytest.mark.parametrize("written", ["~/data/a.jsonl", "C:/data/a.jsonl", r"C:\data\a.jsonl", r"\\server\a"])
def test_home_and_drive_paths_are_opaque(written: str, project: Path) -> None:
    found = locate(written, project / "train.okt")
    assert (found.base, found.path, found.tried) == ("absolute", Path(written), (Path(written),))
    assert not found.exists


def test_an_absolute_path_is_taken_as_it_is(project: Path) -> None:
    path = make(project / "a.jsonl")
    found = locate(str(path), project / "scripts" / "t.okt")
    assert (found.base, found.path, found.exists) == ("absolute", path, True)


@pytest.mark.parametrize("written", ["", "\0", "a" * 5000, "dataset/\0.jsonl"])
def test_names_that_no_file_can_have_do_not_exist(written: str, project: Path) -> None:
    assert not locate(written, project / "train.okt").exists


def test_a_link_that_leads_nowhere_is_found_so_that_its_opener_can_explain(project: Path) -> None:
    (project / "loop.jsonl").symlink_to("loop.jsonl")
    assert locate("loop.jsonl", project / "train.okt").exists


def test_okt_yaml_is_read_as_text(tmp_path: Path) -> None:
    path = tmp_path / "okt.yaml"
    path.write_text(
        "project: demo\nversion: 1.0\nstructure:\n  dataset_dir: data\n  runs_dir: out\nlicense: MIT\n"
    )
    read, problems = read_okt_yaml(path)
    assert problems == ()
    assert read is not None
    assert (read.project, read.version, read.license) == ("demo", "1.0", "MIT")
    assert read.structure == {"dataset_dir": "data", "runs_dir": "out"}


# text of okt.yaml, then each fault as (code, line or None, a word of message or help)
BAD = {
    "unknown key": ("project: a\nlicence: MIT\n", [("L441", 2, 'did you mean "license"')]),
    "unknown inner key": ("project: a\nstructure:\n  data_dir: d\n", [("L441", 3, "dataset_dir")]),
    "three faults": (
        "projekt: a\nversion: [1]\n",
        [("L441", 1, "project"), ("L442", 2, "version"), ("L442", None, "no project")],
    ),
    "key twice": ("project: a\nproject: b\n", [("L441", 2, "twice")]),
    "empty project": ("project:\n", [("L442", 1, "must be text")]),
    "list": ("- a\n- b\n", [("L440", None, "mapping")]),
    "empty file": ("", [("L440", None, "mapping")]),
    "broken": ("project: a\n  b: [\n", [("L440", 2, "")]),
    "tab": ("project:\n\t- a\n", [("L440", 2, "")]),
    "python tag": ("project: !!python/object:os.system x\nstructure: text\n", [("L442", 2, "folder names")]),
    "key that is a list": ("? [a]\n: b\nproject: a\n", [("L441", 1, "not text")]),
    "deep": ("project: " + "[" * 30_000 + "\n", [("L440", 1, "levels deep")]),
    "many aliases": (
        "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nproject: p\n",
        [("L441", 1, "a"), ("L441", 2, "b"), ("L441", 3, "c")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_every_fault_of_okt_yaml_is_reported_with_its_line(name: str, tmp_path: Path) -> None:
    text, expected = BAD[name]
    path = tmp_path / "okt.yaml"
    path.write_text(text)
    started = time.process_time()
    read, problems = read_okt_yaml(path)
    assert time.process_time() - started < 4
    assert read is None
    assert len(problems) == len(expected)
    for found, (code, line, word) in zip(problems, expected, strict=True):
        assert found.code == code
        assert found.where == (f"{path}:{line}" if line else str(path))
        assert word in found.message + (found.help or "")


def test_okt_yaml_that_is_no_small_text_file_is_one_fault(tmp_path: Path) -> None:
    folder, pipe, large, coded = (tmp_path / name for name in ("d", "p", "l", "c"))
    folder.mkdir()
    os.mkfifo(pipe)
    large.write_bytes(b"#" * 100_000)
    coded.write_bytes(b"project: \xff\n")
    for path in (folder, pipe, large, coded, tmp_path / "absent"):
        read, problems = read_okt_yaml(path)
        assert read is None
        assert [found.code for found in problems] == ["L440"]
