"""Who is answered when: so many requests at a time, so many waiting for that, and none once the server ends.

Each request works in a thread of its own, where it mostly waits for the one that runs the model. A request
whose client goes away is given up, and one that is not answered in time is told so.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from idiolect.decode.flow import Closed, GivenUp, Overdue, Wish
from idiolect.serve.trouble import ServeError, trouble

_T = TypeVar("_T")
_FIRST_GUESS_S = 1.0  # of how long a request takes, before any was answered


class Desk:
    """The places of a server."""

    def __init__(self, most: int, queue: int, timeout_s: float) -> None:
        self.most = most
        self.queue = queue
        self.timeout_s = timeout_s
        self.waiting = 0
        self.working = 0
        self.draining = False
        self._usual_s = _FIRST_GUESS_S  # a running mean
        self._free = asyncio.Semaphore(most)
        self._idle = asyncio.Event()
        self._idle.set()
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="idiolect-request")
        self._wishes: set[Wish] = set()
        self._lock = threading.Lock()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Wish]:
        """A place at the desk; L812 where there is none, L813 where none came free in time."""
        if self.draining:
            raise trouble("L812", "the server is about to end", wait_s=5.0)
        wish = Wish(self.timeout_s)
        await self._wait_for_place()
        self.working += 1
        self._idle.clear()
        self._wishes.add(wish)
        began = time.monotonic()
        try:
            yield wish
        finally:
            wish.give_up()
            self._wishes.discard(wish)
            self._usual_s += 0.1 * (time.monotonic() - began - self._usual_s)
            self.working -= 1
            self._free.release()
            if not self.working:
                self._idle.set()

    async def _wait_for_place(self) -> None:
        if self._free.locked() and self.waiting >= self.queue:
            wait = self._usual_s * (self.waiting / self.most + 1)
            what = f"{self.working} requests are being answered and {self.waiting} wait"
            raise trouble("L812", what, wait_s=wait)
        self.waiting += 1
        try:
            await asyncio.wait_for(self._free.acquire(), self.timeout_s)
        except TimeoutError:
            what = f"no place came free within {self.timeout_s:g} s"
            raise trouble("L812", what, wait_s=self._usual_s) from None
        finally:
            self.waiting -= 1

    async def work(
        self, job: Callable[[], _T], wish: Wish, gone: Callable[[], Awaitable[None]] | None = None
    ) -> _T:
        """Run a job in a thread; `gone` returns when the client has left, and then the job is given up."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().run_in_executor(self._threads, job)
        watcher: asyncio.Future[Any] | None = asyncio.ensure_future(gone()) if gone is not None else None
        try:
            if watcher is not None:
                await asyncio.wait([future, watcher], return_when=asyncio.FIRST_COMPLETED)
                if not future.done():
                    wish.give_up()
            found: _T = await asyncio.shield(future)
            return found
        except (asyncio.CancelledError, GivenUp):
            wish.give_up()
            with suppress(Exception):
                await asyncio.shield(future)
            raise
        except Overdue:
            raise overdue(self.timeout_s) from None
        except Closed:
            raise trouble("L812", "the server is about to end", wait_s=5.0) from None
        finally:
            if watcher is not None:
                watcher.cancel()

    async def drain(self, seconds: float) -> bool:
        """Take nothing new, and let what is going on end; what does not in time is given up."""
        self.draining = True
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
            return True
        except TimeoutError:
            for wish in list(self._wishes):
                wish.give_up()
            return False

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def overdue(seconds: float) -> ServeError:
    return trouble("L813", f"the answer was not written within {seconds:g} s")
