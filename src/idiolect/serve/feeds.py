"""Answers that are sent while they are written: from the thread of the model to the client's connection.

A feed's job holds its place at the desk by itself, so that a client that goes away at any moment leaves
nothing behind: the job is given up, and the place is free.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

from idiolect.decode.flow import GivenUp, Wish
from idiolect.decode.pipeline import Outcome
from idiolect.decode.records import OnPiece, Piece
from idiolect.serve.desk import Desk

_HEAD_START_S = 1.0  # for errors to come before the answer's first byte, with a status of their own
_KEEP_ALIVE_S = 10.0

Kind = Literal["piece", "outcomes", "error", "waiting"]
Job = Callable[[Wish, OnPiece], list[Outcome]]


class Feed:
    """What comes of one job: pieces, then outcomes or an error."""

    def __init__(self, desk: Desk, job: Job) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[tuple[Kind, Any]] = asyncio.Queue()
        self._desk = desk
        self._job = job
        self._wish: Wish | None = None
        self._unwanted = False
        self._task = asyncio.create_task(self._run())

    async def started(self) -> None:
        """Wait a moment for the first event; an error that comes first is raised."""
        try:
            async with asyncio.timeout(_HEAD_START_S):
                first = await self._events.get()
        except TimeoutError:
            return
        if first[0] == "error":
            raise first[1]
        again: asyncio.Queue[tuple[Kind, Any]] = asyncio.Queue()
        again.put_nowait(first)
        while not self._events.empty():
            again.put_nowait(self._events.get_nowait())
        self._events = again

    async def events(self) -> AsyncIterator[tuple[Kind, Any]]:
        """The events; "waiting" now and then where nothing comes."""
        try:
            while True:
                try:
                    async with asyncio.timeout(_KEEP_ALIVE_S):
                        event = await self._events.get()
                except TimeoutError:
                    yield "waiting", None
                    continue
                yield event
                if event[0] in ("outcomes", "error"):
                    return
        finally:
            self.give_up()

    def give_up(self) -> None:
        self._unwanted = True
        if self._wish is not None:
            self._wish.give_up()

    async def _run(self) -> None:
        try:
            async with self._desk.place() as wish:
                self._wish = wish
                if self._unwanted:
                    return
                outcomes = await self._desk.work(lambda: self._job(wish, self._show), wish)
            self._events.put_nowait(("outcomes", outcomes))
        except GivenUp:
            return
        except Exception as error:  # it is told to whoever reads the feed
            self._events.put_nowait(("error", error))

    def _show(self, piece: Piece) -> None:
        self._loop.call_soon_threadsafe(lambda: self._events.put_nowait(("piece", piece)))


def sse(data: Any, event: str | None = None) -> str:
    """A server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {text}\n\n"


def comment() -> str:
    return ": still at it\n\n"
