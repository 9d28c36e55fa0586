"""What tests of the server share: a tiny student behind a real server on this machine's own address."""

from __future__ import annotations

import io
import json
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

SCHEMA = {
    "type": "object",
    "properties": {
        "op": {"enum": ["and", "or", "not"]},
        "field": {"type": "string", "pattern": "^[a-z]{1,12}$"},
        "value": {"type": "integer", "minimum": 0, "maximum": 999},
    },
    "required": ["op", "field"],
    "additionalProperties": False,
}


def student() -> Any:
    """A tiny random student."""
    import tempfile

    from idiolect.student.load import load_student
    from tiny_models import tiny_model

    folder = Path(tempfile.mkdtemp(prefix="idiolect-served-"))
    return load_student(tiny_model(folder / "llama", "llama"), root=folder, device="cpu")


def answering(found: Any, *, dialect: Any = None, **about: Any) -> Any:
    """What a server answers with: the student, and a language or none."""
    from idiolect.decode.generate import Generator
    from idiolect.decode.opened import Answering
    from idiolect.decode.pipeline import Pipeline
    from idiolect.decode.records import Sampling
    from idiolect.dialects.contract import EMPTY

    project = about.pop("project", EMPTY)
    sampling = about.pop("sampling", Sampling(max_tokens=60))
    engine = about.pop("engine", None) or Generator(found)
    pipeline = Pipeline(engine, dialect=dialect, project=project, sampling=sampling, **about)
    return Answering(pipeline, found, None, dialect, project)


class Running:
    """A server in a thread, with what it wrote."""

    def __init__(self, opened: Any, **settings: Any) -> None:
        from idiolect.serve.answerer import Answerer
        from idiolect.serve.app import make_app
        from idiolect.serve.journal import Journal
        from idiolect.serve.server import server_of
        from idiolect.serve.settings import ServeSettings

        training = settings.pop("training", None)
        self.settings = ServeSettings(**({"name": "tiny", "endpoint": "/tiny", "port": 0} | settings))
        self.written = io.StringIO()
        journal = Journal(self.written)
        self.answerer = Answerer(opened, self.settings, training)
        self.app = make_app(self.answerer, self.settings, journal=journal)
        self.server = server_of(self.app, self.settings)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def start(self) -> Running:
        import time

        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive()
            time.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=60)
        return self

    def stop(self) -> None:
        self.client.close()
        self.server.handle_exit(15, None)
        self.thread.join(30)
        assert not self.thread.is_alive()

    def post(self, path: str, body: Any, **about: Any) -> httpx.Response:
        return self.client.post(path, json=body, **about)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.written.getvalue().splitlines()]


@contextmanager
def running(opened: Any, **settings: Any) -> Any:
    made = Running(opened, **settings).start()
    try:
        yield made
    finally:
        made.stop()
