"""A client to be killed. Arguments: the server, the journal, how many requests, how many at once."""

import sys
from pathlib import Path

from idiolect.teachers.client import ServerTeacher
from idiolect.teachers.journal import Journal
from idiolect.teachers.records import Message, Request
from idiolect.teachers.settings import ServerSettings

url, path, count, at_once = sys.argv[1:]
with Journal(Path(path)) as journal:
    teacher = ServerTeacher(ServerSettings("fake", url=url, concurrency=int(at_once)), journal)
    for ending in teacher.answer(Request("ast", (Message("user", f"q{n}"),)) for n in range(int(count))):
        print(ending.text, flush=True)
