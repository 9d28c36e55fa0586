from __future__ import annotations

from pathlib import Path

import pytest
from toy_stages import SCRIPT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with a script and three source files."""
    return make_project(tmp_path / "project")


def make_project(root: Path) -> Path:
    (root / "scripts").mkdir(parents=True)
    (root / "scripts" / "train.okt").write_text(SCRIPT)
    (root / "texts").mkdir()
    for name, text in {"a": "one\ntwo\n", "b": "two\nthree\n", "c": "four\n"}.items():
        (root / "texts" / f"{name}.txt").write_text(text)
    return root
