"""The two dialects that a user might have written, loaded once for all tests."""

from collections.abc import Iterator

import pytest
from user_dialects import FOLDERS, load

from idiolect.dialects.generic import FolderDialect


@pytest.fixture(scope="session")
def shopsql() -> Iterator[FolderDialect]:
    dialect = load(FOLDERS / "shopsql")
    yield dialect
    dialect.close()


@pytest.fixture(scope="session")
def unitfile() -> Iterator[FolderDialect]:
    dialect = load(FOLDERS / "unitfile")
    yield dialect
    dialect.close()
