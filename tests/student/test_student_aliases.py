import time
from pathlib import Path

import pytest

from idiolect.student.aliases import ALIAS_FILE, read_aliases


def test_aliases_are_read_and_a_missing_file_is_none(tmp_path: Path) -> None:
    assert read_aliases(tmp_path) == ({}, ())
    (tmp_path / ALIAS_FILE).write_text('[aliases]\n"oktoseek/a" = "models/a"\nb = "t5-small"\n')
    assert read_aliases(tmp_path) == ({"oktoseek/a": "models/a", "b": "t5-small"}, ())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[aliases\n",
        b'[alias]\na = "b"\n',
        b'[aliases]\na = "b"\n[more]\n',
        b"[aliases]\na = 1\n",
        b'[aliases]\na = ""\n',
        b'aliases = "x"\n',
        b"[aliases]\na = \xff\n",
        b"a = " + b"[" * 30_000,
        b"a = " + b"{b=" * 20_000,
        b"[aliases]\na = " + b"9" * 10_000,
        b"#" * 100_000,
        b"a." * 30_000 + b"a = 1",
        b"".join(b"x%d" % number + b".a" * 490 + b" = 1\n" for number in range(60)),
        b"[" + b"a." * 30_000 + b"a]",
    ],
)
def test_anything_else_is_one_problem(content: bytes, tmp_path: Path) -> None:
    (tmp_path / ALIAS_FILE).write_bytes(content)
    started = time.process_time()
    aliases, problems = read_aliases(tmp_path)
    assert time.process_time() - started < 4
    assert (aliases, [found.code for found in problems]) == ({}, ["L428"])


def test_an_alias_file_that_is_a_folder_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / ALIAS_FILE).mkdir()
    assert [found.code for found in read_aliases(tmp_path)[1]] == ["L428"]
