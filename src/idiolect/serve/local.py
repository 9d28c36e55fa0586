"""What the dashboard and the editor share: an application for this machine alone, with the pages' files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI

from idiolect import __version__
from idiolect.serve.door import Door
from idiolect.serve.errors import add_handlers
from idiolect.serve.journal import Journal
from idiolect.serve.keys import KeyFile
from idiolect.serve.pages import add_pages
from idiolect.serve.settings import ServeSettings

LOCAL = ServeSettings(port=0, shutdown_timeout_s=1.0)  # events that are still sent hold nothing up


class Nowhere:
    """A log that nobody asked for."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None: ...


def silent() -> Journal:
    """The journal of a page: what it would say, the terminal of a training need not hear."""
    return Journal(Nowhere())  # type: ignore[arg-type]


def local_app(title: str, first: str, *, token: str | None = None) -> FastAPI:
    """An application with one page; with a token only who knows it gets past the page itself."""
    app = FastAPI(title=title, version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    settings = ServeSettings(name=title, token=token, requires_auth=token is not None, most_bytes=4 << 20)
    app.state.at = f"/#token={token}" if token else "/"
    app.state.house = None
    add_pages(app, first)
    add_handlers(app)
    app.add_middleware(_Before, settings=settings, journal=silent())
    return app


class _Before:
    """The door, without limits and numbers."""

    def __init__(self, app: Any, settings: ServeSettings, journal: Journal) -> None:
        nobody = KeyFile(Path("no-keys.json"))
        self.door = Door(app, settings=settings, keys=nobody, limiter=None, journal=journal)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.door(scope, receive, send)
