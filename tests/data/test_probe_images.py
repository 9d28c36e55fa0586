import json
import os
from pathlib import Path

import pytest

from idiolect.data.probe import probe_dataset


def make(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def pictures(folder: Path, number: int) -> Path:
    for index in range(number):
        make(folder, **{f"p{index}_jpg": "x", f"p{index}_txt": "a cat"})
    return folder


def test_images_pair_with_captions_beside_them_also_in_folders(tmp_path: Path) -> None:
    folder = make(pictures(tmp_path, 10), sub__q_PNG="x", sub__q_txt="a dog")
    probe = probe_dataset(folder, format="image+caption")
    assert (probe.rows, probe.problems, probe.format_found) == (11, (), "image+caption")
    assert (probe.input_column, probe.output_column) == ("image", "caption")


def test_images_and_captions_without_a_partner_are_named(tmp_path: Path) -> None:
    folder = make(pictures(tmp_path, 10), lone_png="x", empty_png="x", empty_txt="", orphan_txt="a bird")
    probe = probe_dataset(folder)
    assert [(found.code, found.severity) for found in probe.problems] == [("L413", "warning")] * 2
    assert "2 of 12 images without a caption: empty.png, lone.png" in probe.problems[0].message
    assert "1 caption without an image: orphan" in probe.problems[1].message


def test_no_caption_at_all_is_an_error(tmp_path: Path) -> None:
    (found,) = probe_dataset(make(tmp_path, a_jpg="x", b_jpg="x")).problems
    assert (found.code, found.severity) == ("L413", "error")


@pytest.mark.parametrize("name", ["metadata.jsonl", "captions.csv"])
def test_captions_may_stand_in_a_list(name: str, tmp_path: Path) -> None:
    folder = make(tmp_path, **{f"p{index}_jpg": "x" for index in range(10)})
    rows = [(f"p{index}.jpg", "a cat") for index in range(10)] + [("gone.jpg", "a dog"), ("p1.jpg", "")]
    if name.endswith("csv"):
        text = "file_name,caption\n" + "".join(f"{image},{caption}\n" for image, caption in rows)
    else:
        text = "".join(json.dumps({"file_name": image, "text": caption}) + "\n" for image, caption in rows)
    (folder / name).write_text(text)
    probe = probe_dataset(folder)
    assert probe.rows == 10
    assert [found.code for found in probe.problems] == ["L404", "L413"]
    assert "1 row names no image with a caption" in probe.problems[0].message
    assert "gone.jpg" in probe.problems[1].message


@pytest.mark.parametrize("content", [b'{"file_name": "\xff"}\n', b"[" * 300_000, b"\0\0"])
def test_a_broken_list_is_reported_not_raised(content: bytes, tmp_path: Path) -> None:
    (pictures(tmp_path, 10) / "metadata.jsonl").write_bytes(content)
    assert [found.code for found in probe_dataset(tmp_path).problems] == ["L404"]


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "metadata.csv")
    (tmp_path / "here.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "round").symlink_to(tmp_path, target_is_directory=True)
    assert [found.code for found in probe_dataset(tmp_path).problems] == ["L409", "L406"]


def test_a_folder_that_cannot_be_listed_is_not_taken_for_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.scandir", refuse)
    (found,) = probe_dataset(tmp_path).problems
    assert (found.code, "Permission denied" in found.message) == ("L409", True)


def test_a_folder_for_a_file_format_names_a_file_in_it(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("{}")
    (found,) = probe_dataset(tmp_path, format="jsonl").problems
    assert f'{tmp_path.name}/train.jsonl"' in (found.help or "")
