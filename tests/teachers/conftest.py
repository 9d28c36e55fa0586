"""A journal, and teachers that ask a fake server quickly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from idiolect.teachers.client import ServerTeacher
from idiolect.teachers.fake import FakeServer
from idiolect.teachers.journal import Journal
from idiolect.teachers.settings import ServerSettings

MakeTeacher = Callable[..., ServerTeacher]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite") as opened:
        yield opened


@pytest.fixture
def teacher(journal: Journal) -> MakeTeacher:
    def make(server: FakeServer, **values: object) -> ServerTeacher:
        chosen = {"model": "fake", "url": server.url, "first_back_off_s": 0.002, "timeout_s": 5.0} | values
        return ServerTeacher(ServerSettings(**chosen), journal)  # type: ignore[arg-type]

    return make
