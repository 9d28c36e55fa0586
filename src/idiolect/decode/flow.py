"""Continuous batching: requests of many threads are decoded together, each joining and leaving as it likes.

    flow = Flow(Generator(student))
    answers = flow.generate(requests, sampling)       from any thread; blocks until they are written
    flow.close()

One thread runs the model. Between two steps it takes in the rows that wait, runs their prompts (what they
share with prompts before is not run again) and lets the rows that have ended go. So a short answer never
waits for a long one, and a repair of one request stands in a batch with the first attempt of another.
Settings are each row's own. Models that can't run ragged rows are given what waits together, a batch at a
time; beams are searched by themselves. What it does **not** do: part a long prompt, which holds up one step.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from idiolect.decode.constraint import constrain
from idiolect.decode.generate import MOST_ROWS, Generator
from idiolect.decode.prefixes import PrefixShelf
from idiolect.decode.records import Answer, Answers, OnPiece, Piece, Requests, Sampling
from idiolect.decode.row import Row
from idiolect.decode.runner import RaggedRunner

_DROP = 0.75  # rows still going, of those in the cache, below which the others are dropped from it
_MOST_FRESH = 8_192  # tokens of prompts that are run in one pass, padding included


class GivenUp(Exception):
    """Nobody wants the answer any more."""


class Overdue(Exception):
    """The answer was not written in time."""


class Closed(Exception):
    """No new requests are taken."""


class Wish:
    """Whether an answer is still wanted, and until when. May be set from any thread."""

    def __init__(self, seconds: float | None = None) -> None:
        self.until = None if seconds is None else time.monotonic() + seconds
        self.given_up = False

    def give_up(self) -> None:
        self.given_up = True

    def check(self) -> None:
        """GivenUp or Overdue where it is not wanted any more."""
        if self.given_up:
            raise GivenUp
        if self.until is not None and time.monotonic() > self.until:
            raise Overdue


@dataclass(eq=False)
class _Ticket:
    """The rows of one call, and how it ended."""

    requests: Requests
    sampling: Sampling
    wish: Wish
    on_piece: OnPiece | None
    items: list[_Item] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    answers: Answers = field(default_factory=list)
    error: BaseException | None = None

    def fail(self, error: BaseException) -> None:
        if not self.over.is_set():
            self.error = error
            self.over.set()

    def row_ended(self, generator: Generator) -> None:
        """Answer, where this was the last row."""
        if self.over.is_set() or any(item.row.ended is None for item in self.items):
            return
        found: Answers = [[] for _ in self.requests]
        for item in self.items:
            found[item.number].append(generator.answer(item.row, len(item.prompt)))
        self.answers = found
        self.over.set()


@dataclass(eq=False)
class _Item:
    """A row, and what it takes to go on with it."""

    ticket: _Ticket
    number: int  # of its request in the ticket
    row: Row
    prompt: tuple[int, ...]
    hidden: Any = None


class Flow:
    """An engine for many threads over one model."""

    def __init__(self, generator: Generator, *, most_rows: int = MOST_ROWS) -> None:
        self.generator = generator
        self.most_rows = most_rows
        self.continuous = bool(generator.runner.ragged)
        self.shelf = PrefixShelf()
        self.steps = 0
        self.rows_run = 0  # rows of all steps together: by steps, how full batches were
        self._numbers = 0
        self._going: list[_Item] = []
        self._waiting: deque[_Item] = deque()
        self._alone: deque[_Ticket] = deque()
        self._something = threading.Condition()
        self._preparing = threading.Lock()  # tokenizers are not made for several threads
        self._closed = False
        self._runner = RaggedRunner(generator.student.model) if self.continuous else None
        self._thread = threading.Thread(target=self._work, name="idiolect-decode", daemon=True)
        self._thread.start()

    @property
    def going(self) -> int:
        """Rows that are being written."""
        return len(self._going)

    def generate(
        self,
        requests: Requests,
        sampling: Sampling,
        *,
        on_piece: OnPiece | None = None,
        wish: Wish | None = None,
    ) -> Answers:
        """The candidates of every request. DecodeError, GivenUp, Overdue or Closed where there are none.

        `on_piece` is called by the thread that runs the model, and must be quick.
        """
        ticket = _Ticket(requests, sampling, wish or Wish(), on_piece)
        if not requests:
            return []
        if self.continuous and sampling.beams == 1:
            self._prepare(ticket)
        self._hand_in(ticket)
        while not ticket.over.wait(0.5):
            if not self._thread.is_alive():
                raise Closed
        if ticket.error is not None:
            raise ticket.error
        return ticket.answers

    def close(self) -> None:
        """Finish what is going on, and take nothing new."""
        with self._something:
            self._closed = True
            self._something.notify()
        self._thread.join()

    # What callers' threads do

    def _prepare(self, ticket: _Ticket) -> None:
        """Tokens, grammars and first forced tokens of a call's rows: all that needs no model."""
        generator = self.generator
        for request in ticket.requests:
            if request.grammar is not None:
                constrain(request.grammar, generator.vocabulary)  # compiled, and found again below
        with self._preparing:
            first = self._numbers
            self._numbers += len(ticket.requests)
            tasks = [
                generator.task(first + number, request, ticket.sampling)
                for number, request in enumerate(ticket.requests)
            ]
        shown = _renumbered(ticket.on_piece, first)
        for number, task in enumerate(tasks):
            ticket.items += [
                _Item(ticket, number, generator.row(task, candidate, ticket.sampling, shown), task.prompt)
                for candidate in range(task.request.candidates)
            ]

    def _hand_in(self, ticket: _Ticket) -> None:
        with self._something:
            if self._closed:
                raise Closed
            if ticket.items:
                self._waiting += ticket.items
            else:
                self._alone.append(ticket)
            self._something.notify()

    # What the thread of the model does

    def _work(self) -> None:
        while True:
            with self._something:
                while not (self._going or self._waiting or self._alone):
                    if self._closed:
                        return
                    self._something.wait()
                fresh = self._admitted()
                alone = self._taken_alone()
            try:
                if alone:
                    self._write_alone(alone)
                self._take_in(fresh)
                self._choose()
                self._let_go()
                self._step()
            except Exception as error:  # whatever the model did: those who wait are told, and it goes on
                self._begin_anew(error, [*fresh, *self._going])

    def _admitted(self) -> list[_Item]:
        """Rows that wait and have room now."""
        room = self.most_rows - sum(item.row.ended is None for item in self._going)
        fresh: list[_Item] = []
        while self._waiting and len(fresh) < room:
            item = self._waiting.popleft()
            if not item.ticket.over.is_set() and _still_wanted(item.ticket):
                fresh.append(item)
        return fresh

    def _take_in(self, fresh: list[_Item]) -> None:
        """Run the prompts of new rows, and put them beside the others."""
        if not fresh:
            return
        assert self._runner is not None
        self._drop_ended()
        for group in self._groups(fresh):
            side = RaggedRunner(self.generator.student.model)
            starts = list(dict.fromkeys((*item.prompt, *item.row.waiting) for item in group))
            hidden = self._begin(side, starts)
            for row, start in enumerate(starts):
                prompt = next(item.prompt for item in group if start[: len(item.prompt)] == item.prompt)
                self.shelf.keep(side, row, prompt)
            copies = [starts.index((*item.prompt, *item.row.waiting)) for item in group]
            side.keep(copies)
            self._runner.join(side)
            for at, item in zip(copies, group, strict=True):
                item.hidden, item.row.waiting = hidden[at], []
                item.row.steps += 1
            self._going += group

    def _groups(self, fresh: list[_Item]) -> list[list[_Item]]:
        """New rows that begin alike, so many tokens at a time."""
        by_entry: dict[Any, list[_Item]] = {}
        for item in fresh:
            by_entry.setdefault(self.shelf.longest(item.prompt)[0], []).append(item)
        groups: list[list[_Item]] = []
        for items in by_entry.values():
            group: list[_Item] = []
            for item in items:
                longest = max(len(one.prompt) for one in [*group, item])
                if group and longest * (len(group) + 1) > _MOST_FRESH:
                    groups.append(group)
                    group = []
                group.append(item)
            groups.append(group)
        return groups

    def _begin(self, side: RaggedRunner, starts: Sequence[tuple[int, ...]]) -> Any:
        found = [self.shelf.longest(start) for start in starts]
        entry, length = min(found, key=lambda one: one[1])
        if entry is None:
            return side.begin(starts)
        self.shelf.begin(side, entry, length, len(starts))
        return side.feed([start[length:] for start in starts])

    def _choose(self) -> None:
        self.generator.masks.clear()
        for item in self._going:
            row, ticket = item.row, item.ticket
            if row.ended is not None:
                continue
            if ticket.over.is_set() or not _still_wanted(ticket):
                row.ended = "budget"  # nobody reads it: it only makes room
                continue
            try:
                if not row.waiting:
                    self.generator.choose(row, item.hidden, item.prompt)
            except Exception as error:  # one row's trouble is not that of its neighbours
                ticket.fail(error)
                row.ended = "budget"

    def _let_go(self) -> None:
        """Answer what is whole, and drop ended rows when they are many."""
        for ticket in dict.fromkeys(item.ticket for item in self._going if item.row.ended is not None):
            try:
                ticket.row_ended(self.generator)
            except Exception as error:  # a text that can't be put together
                ticket.fail(error)
        alive = sum(item.row.ended is None for item in self._going)
        if alive < max(len(self._going) * _DROP, 1):
            self._drop_ended()

    def _drop_ended(self) -> None:
        if self._runner is None or all(item.row.ended is None for item in self._going):
            return
        kept = [at for at, item in enumerate(self._going) if item.row.ended is None]
        if kept:
            self._runner.keep(kept)
        else:
            self._runner.cache = self._runner.places = None
        self._going = [self._going[at] for at in kept]

    def _step(self) -> None:
        if not self._going or self._runner is None:
            return
        chunks = []
        for item in self._going:
            chunk, item.row.waiting = item.row.waiting or [self.generator.vocabulary.stops[0]], []
            chunks.append(chunk)
            item.row.steps += item.row.ended is None
        hidden = self._runner.feed(chunks)
        for at, item in enumerate(self._going):
            item.hidden = hidden[at]
        self.steps += 1
        self.rows_run += len(chunks)

    def _begin_anew(self, error: Exception, items: Sequence[_Item]) -> None:
        for item in items:
            item.ticket.fail(error)
        self._going = []
        self.shelf.clear()
        if self._runner is not None:
            self._runner.cache = self._runner.places = None

    # Calls that are no rows of the batch

    def _taken_alone(self) -> list[_Ticket]:
        """The next call, with those that wait and have the same settings."""
        if not self._alone:
            return []
        first = self._alone.popleft()
        taken = [first]
        rows = _rows_of(first)
        while self._alone and self._alone[0].sampling == first.sampling:
            rows += _rows_of(self._alone[0])
            if rows > self.most_rows:
                break
            taken.append(self._alone.popleft())
        return taken

    def _write_alone(self, tickets: list[_Ticket]) -> None:
        """A batch by the generator itself, as it is; a call that can't be answered is answered alone."""
        wanted = [ticket for ticket in tickets if _still_wanted(ticket)]
        if not wanted:
            return
        try:
            self._write_together(wanted)
        except Exception as error:  # of one of them: each is asked by itself, so that it alone is told
            for ticket in wanted:
                if len(wanted) == 1:
                    ticket.fail(error)
                else:
                    self._write_alone([ticket])

    def _write_together(self, tickets: list[_Ticket]) -> None:
        requests = [request for ticket in tickets for request in ticket.requests]
        owners = [(ticket, at) for ticket in tickets for at in range(len(ticket.requests))]

        def show(piece: Piece) -> None:
            ticket, at = owners[piece.request]
            if ticket.on_piece is not None:
                ticket.on_piece(replace(piece, request=at))

        found = self.generator.generate(requests, tickets[0].sampling, on_piece=show)
        self.steps += 1
        self.rows_run += sum(map(len, found))
        for ticket in tickets:
            ticket.answers, found = found[: len(ticket.requests)], found[len(ticket.requests) :]
            ticket.over.set()


class Borrowed:
    """An engine as one caller sees it: its calls carry a wish, and pieces are shown as they are written."""

    def __init__(self, engine: Any, wish: Wish, on_draft: OnPiece | None = None) -> None:
        self.engine = engine
        self.wish = wish
        self.on_draft = on_draft

    def generate(self, requests: Requests, sampling: Sampling, *, on_piece: OnPiece | None = None) -> Answers:
        """As the engine does it; GivenUp or Overdue where nobody wants it any more."""
        self.wish.check()
        shown = on_piece or self.on_draft
        if isinstance(self.engine, Flow):
            return self.engine.generate(requests, sampling, on_piece=shown, wish=self.wish)
        found: Answers = self.engine.generate(requests, sampling, on_piece=shown)
        self.wish.check()
        return found


class OneAtATime:
    """An engine that is not made for several threads, for several threads."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self._lock = threading.Lock()

    def generate(self, requests: Requests, sampling: Sampling, *, on_piece: OnPiece | None = None) -> Answers:
        with self._lock:
            found: list[list[Answer]] = self.engine.generate(requests, sampling, on_piece=on_piece)
            return found


def _still_wanted(ticket: _Ticket) -> bool:
    try:
        ticket.wish.check()
    except (GivenUp, Overdue) as error:
        ticket.fail(error)
        return False
    return True


def _rows_of(ticket: _Ticket) -> int:
    return sum(request.candidates for request in ticket.requests)


def _renumbered(on_piece: OnPiece | None, first: int) -> Callable[[Piece], None] | None:
    """Pieces with the numbers that requests have in their call."""
    if on_piece is None:
        return None
    shown = on_piece

    def show(piece: Piece) -> None:
        with suppress(RuntimeError):  # whoever listened has gone
            shown(replace(piece, request=piece.request - first))

    return show
