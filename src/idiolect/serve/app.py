"""The HTTP application: the door, the routes and the pages, put together.

    app = make_app(answerer, settings)

It starts no process and opens no port; `server.py` does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from idiolect import __version__
from idiolect.serve.answerer import Answerer
from idiolect.serve.desk import Desk
from idiolect.serve.door import Door
from idiolect.serve.errors import add_handlers
from idiolect.serve.house import House
from idiolect.serve.journal import Journal, PromptLog
from idiolect.serve.keys import FILE as KEYS
from idiolect.serve.keys import KeyFile
from idiolect.serve.limits import FILE as LIMITS
from idiolect.serve.limits import RateLimiter
from idiolect.serve.numbers import Numbers
from idiolect.serve.openai_api import openai_routes
from idiolect.serve.own_api import own_routes
from idiolect.serve.pages import add_pages
from idiolect.serve.settings import ServeSettings


def make_app(answerer: Answerer, settings: ServeSettings, *, journal: Journal | None = None) -> FastAPI:
    """The application of one server."""
    journal = journal or Journal()
    keys = KeyFile(settings.state / KEYS.name)
    limiter = RateLimiter(settings.per_minute, settings.state / LIMITS.name) if settings.per_minute else None
    house = House(
        answerer,
        settings,
        Desk(settings.most_requests, settings.queue, settings.request_timeout_s),
        journal,
        Numbers(),
        PromptLog(settings.log_prompts, settings.name) if settings.log_prompts else None,
    )
    _add_gauges(house)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        house.desk.close()
        answerer.close()
        if limiter is not None:
            limiter.close()

    app = FastAPI(
        title=settings.name,
        version=__version__,
        description="Texts of one language, each checked before it is sent.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.house = house
    door = Door(
        None, settings=settings, keys=keys, limiter=limiter, journal=journal, numbers=house.numbers
    )  # fmt: skip
    app.include_router(openai_routes(house))
    app.include_router(own_routes(house, door.take_turn))
    add_pages(app, "chat")
    add_handlers(app)
    app.add_middleware(_At, door=door)
    return app


class _At:
    """The door before the application that the framework hands over."""

    def __init__(self, app: Any, door: Door) -> None:
        door.app = app
        self.door = door

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.door(scope, receive, send)


def _add_gauges(house: House) -> None:
    numbers, desk, flow = house.numbers, house.desk, house.answerer.flow
    numbers.gauge("waiting", "Requests that wait for a place.", lambda: float(desk.waiting))
    numbers.gauge("working", "Requests that are being answered.", lambda: float(desk.working))
    if flow is not None:
        numbers.gauge("rows", "Rows that are being decoded together.", lambda: float(flow.going))
        numbers.gauge("steps", "Steps of the model so far.", lambda: float(flow.steps))
        numbers.gauge("rows_of_steps", "Rows of all steps together.", lambda: float(flow.rows_run))
        numbers.gauge(
            "prompt_tokens_reused",
            "Tokens of prompts that were not run again.",
            lambda: float(flow.shelf.reused),
        )
