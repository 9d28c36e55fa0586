"""The teacher that is a server, worked by several threads behind one journal; and the journal alone.

Endings come in the order of the requests, however replies arrive. The server is looked for when the
first reply is missing, so that a finished run needs none. How a call is made is in `servers.py`.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from idiolect.dialects.verdict import Verdict
from idiolect.teachers.chain import pursue
from idiolect.teachers.journal import Journal, Reply
from idiolect.teachers.pace import Pace
from idiolect.teachers.problem import TeacherProblem
from idiolect.teachers.records import Answer, Ending, Request, TeacherReport, Verify
from idiolect.teachers.servers import FieldRefused, Server, connect
from idiolect.teachers.settings import ServerSettings
from idiolect.teachers.tally import Tally
from idiolect.teachers.wire import CallFailed, Wire

Progress = Callable[[TeacherReport], None]
_MOST_FAILED = 8  # requests in a row that end without any reply
_LEFT = "left"  # why a pace is stopped while whoever iterates has left early


class ServerTeacher:
    """A model on a server. Answers are paid for once, whatever dies in between."""

    def __init__(self, settings: ServerSettings, journal: Journal, progress: Progress | None = None) -> None:
        self.settings = settings
        self._journal = journal
        self._progress = progress
        self._tally = Tally(settings.model)
        self._pace = Pace(settings.max_calls, settings.time_limit_s, settings.first_back_off_s)
        self._server: Server | None = None
        self._connecting = threading.Lock()
        self._verifying = threading.Lock()
        self._mask = Wire(settings.url, settings.timeout_s, settings.key).mask
        self._failed_in_a_row = 0

    @property
    def name(self) -> str:
        return self.settings.model

    def report(self) -> TeacherReport:
        """The counts of this teacher so far, over all calls of `answer`."""
        return self._tally.report()

    def answer(self, requests: Iterable[Request], verify: Verify | None = None) -> Iterator[Ending]:
        """One ending for each request, in order. `verify` is called by one thread at a time."""
        at_once = 4 * self.settings.concurrency + 16  # bounds memory; more would not keep workers busier
        waiting: deque[Future[Ending]] = deque()
        judge = None if verify is None else self._one_at_a_time(verify)
        self._pace.resume(_LEFT)
        with ThreadPoolExecutor(self.settings.concurrency, thread_name_prefix="teacher") as pool:
            try:
                for request in requests:
                    waiting.append(pool.submit(self._end, request, judge))
                    while waiting and (len(waiting) >= at_once or waiting[0].done()):
                        yield self._told(waiting.popleft())
                while waiting:
                    yield self._told(waiting.popleft())
            except BaseException:
                # What is on its way is paid for: it is waited for and journaled, but nothing new is begun.
                self._pace.stop(_LEFT, "the run was stopped")
                for future in waiting:
                    future.cancel()
                raise

    def _told(self, future: Future[Ending]) -> Ending:
        ending = future.result()
        if self._progress:
            self._progress(self.report())
        return ending

    def _one_at_a_time(self, verify: Verify) -> Verify:
        def locked(request: Request, answer: Answer) -> Verdict:
            with self._verifying:
                return verify(request, answer)

        return locked

    def _end(self, request: Request, verify: Verify | None) -> Ending:
        bound = request.bound_to(self.settings.model, self.settings.temperature)
        ending, cached = pursue(
            bound, self._ask, verify, self.settings.retries, self.name, self._rejected_too
        )
        self._tally.ended(ending, cached)
        return ending

    def _rejected_too(self, key: str, kind: str, reason: str, detail: str) -> None:
        self._tally.fault(reason)
        self._journal.note(key, kind, reason, detail)

    def _ask(self, request: Request) -> tuple[Reply, bool]:
        return self._journal.ask_once(request, lambda: self._call(request), self._pace.check)

    def _call(self, request: Request) -> Reply:
        """A reply from the server, tried again while that may help."""
        rng = random.Random(f"{self.settings.seed}:{request.key}")
        tries = 0
        while True:
            self._pace.check()
            server = self._connected()
            try:
                server.check(request)
                self._pace.take_call()
                self._tally.call()
                reply = server.ask(request)
            except FieldRefused:
                self._tally.trouble("field refused")
                continue
            except CallFailed as failure:
                masked = CallFailed(failure.reason, self._mask(failure.detail))
                self._tally.trouble(failure.reason)
                self._journal.note(request.key, "failed", masked.reason, masked.detail)
                if tries == self.settings.retries or not self._worth_waiting(failure):
                    self._give_up(failure, masked.detail)
                    raise masked from failure
                if failure.wait_s is None:
                    self._pace.back_off(tries, rng)
                else:
                    self._pace.hold_all(failure.wait_s)
                tries += 1
            else:
                self._failed_in_a_row = 0
                self._tally.replied(reply)
                return reply

    def _worth_waiting(self, failure: CallFailed) -> bool:
        return failure.again and (failure.wait_s or 0.0) <= self.settings.longest_wait_s

    def _give_up(self, failure: CallFailed, detail: str) -> None:
        """Stop asking a server that has gone or refuses all: nobody waits for a thousand time-outs."""
        if not (failure.again or failure.reason.startswith("status")):
            return
        self._failed_in_a_row += 1
        too_many = self._failed_in_a_row > max(_MOST_FAILED, self.settings.concurrency)
        if failure.reason == "no connection" or too_many:
            self._pace.stop("server gone", f"the server stopped answering: {detail}")

    def _connected(self) -> Server:
        with self._connecting:
            if self._server is None:
                try:
                    self._server = connect(self.settings)
                except TeacherProblem:
                    self._pace.stop(_LEFT, "the teacher can't be used")
                    raise
            return self._server


class ReplayTeacher:
    """A journal in place of a server: the same endings as the run that wrote it; a miss is a problem."""

    def __init__(self, settings: ServerSettings, journal: Journal) -> None:
        self.settings = settings
        self._journal = journal
        self._tally = Tally(settings.model)

    @property
    def name(self) -> str:
        return self.settings.model

    def report(self) -> TeacherReport:
        """The counts so far."""
        return self._tally.report()

    def answer(self, requests: Iterable[Request], verify: Verify | None = None) -> Iterator[Ending]:
        """One ending for each request, in order."""
        for request in requests:
            bound = request.bound_to(self.settings.model, self.settings.temperature)
            ending, _ = pursue(bound, self._ask, verify, self.settings.retries, self.name, self._fault)
            self._tally.ended(ending, cached=True)
            yield replace(ending, cached=True) if isinstance(ending, Answer) else ending

    def _fault(self, _key: str, _kind: str, reason: str, _detail: str) -> None:
        self._tally.fault(reason)

    def _ask(self, request: Request) -> tuple[Reply, bool]:
        reply = self._journal.reply(request.key)
        if reply is not None:
            return reply, True
        failure = self._journal.last_failure(request.key)
        if failure is not None:
            raise CallFailed(failure.reason, failure.detail)
        raise TeacherProblem(
            f'the journal {self._journal.path} holds no reply to a request for "{request.purpose}" '
            f"(key {request.key[:12]})",
            hint="the request changed since, or the run was not finished: run it with the teacher",
        )
