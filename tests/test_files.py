from pathlib import Path

import pytest

from idiolect.files import Unreadable, open_plain, read_small, write_beside


def test_a_small_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_small(path, 5) == b"12345"
    with pytest.raises(Unreadable, match="larger than 4 bytes"):
        read_small(path, 4)


def test_a_name_that_becomes_special_between_look_and_open_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tmp_path / "a"
    plain.write_text("x")
    status = plain.stat()
    monkeypatch.setattr("idiolect.files.look", lambda _: status)
    for special, word in ((tmp_path, "folder"), (Path("/dev/null"), "device")):
        with pytest.raises(Unreadable, match=word):
            open_plain(special)


def test_a_missing_file_is_told_from_an_unreadable_one(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as missing:
        open_plain(tmp_path / "no")
    assert missing.value.missing
    with pytest.raises(Unreadable) as folder:
        open_plain(tmp_path)
    assert not folder.value.missing


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    write_beside(path, "one")
    write_beside(path, "two")
    assert path.read_text() == "two"
    with pytest.raises(UnicodeEncodeError):
        write_beside(path, "\ud800")
    assert path.read_text() == "two"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.json"]
