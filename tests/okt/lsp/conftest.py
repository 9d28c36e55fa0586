"""One server for the tests of a file; those about its life start their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pygls", reason='the language server needs an extra: pip install "idiolect[lsp]"')

from editor import Editor


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    with Editor(tmp_path_factory.mktemp("workspace")) as started:
        yield started
        assert started.leave() == 0
        assert started.errors == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with data in it."""
    (tmp_path / "okt.yaml").write_text("project: demo\n")
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "train.jsonl").write_text("{}\n")
    (tmp_path / "data" / "été.jsonl").write_text("{}\n")
    (tmp_path / "data" / ".hidden").write_text("")
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "hook.py").write_text("")
    return tmp_path
