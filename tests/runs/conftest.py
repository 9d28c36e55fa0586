from __future__ import annotations

from pathlib import Path

import pytest
from toy_stages import make_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with a script and three source files."""
    return make_project(tmp_path / "project")
