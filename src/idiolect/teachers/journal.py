"""The journal: every reply that was paid for, and everything that went wrong, in one SQLite file.

Only replies are given again; troubles and rejections are logged beside them. A reply is on disk before
anyone sees it. Several threads and processes may share a journal: a key that one is asking for is
waited for by the others, and a claim whose holder died is taken over. It does **not** judge replies,
and needs a local disk (SQLite's write-ahead log does).
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil

from idiolect.teachers.problem import TeacherProblem
from idiolect.teachers.records import Request

VERSION = 1
_APPLICATION = 0x49444A4C  # "IDJL": tells our file from any other SQLite file
_BUSY_S = 60.0  # how long a process waits for another one's write, which takes milliseconds
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.01, 0.25
_CLOCK_SLACK_S = 2.0  # start times of one process, as told to two others, differ by rounding
_TABLES = """
CREATE TABLE IF NOT EXISTS replies(
    key TEXT PRIMARY KEY, request TEXT NOT NULL, text TEXT NOT NULL, cut INTEGER NOT NULL,
    prompt_tokens INTEGER, completion_tokens INTEGER, wall_s REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events(
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')));
CREATE INDEX IF NOT EXISTS events_of_key ON events(key, kind);
CREATE TABLE IF NOT EXISTS claims(
    key TEXT PRIMARY KEY, holder TEXT NOT NULL, pid INTEGER NOT NULL, started REAL NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a teacher said to one request, before anyone judged it."""

    text: str
    cut: bool = False  # it ended at max_tokens, not where the teacher would have
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    wall_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that went wrong with a request: a failed call, a rejected or an unjudged reply."""

    key: str
    kind: str  # "failed", "rejected", "not judged"
    reason: str
    detail: str


class Journal:
    """An open journal. Close it, or use it in a `with`."""

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        self.path = path
        self._holder = uuid4().hex
        self._lock = threading.Lock()
        if must_exist and not path.is_file():
            raise TeacherProblem(
                f"no journal at {path}", hint="run with a teacher first, or copy the journal of the run there"
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise TeacherProblem(
                f"the journal {path} can't be opened: {error}", hint="name a file in a folder you may write"
            ) from error
        try:
            self._prepare()
        except BaseException as error:
            self._base.close()
            if isinstance(error, sqlite3.Error):
                raise self._broken(error) from error
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up this journal's claims and close the file."""
        with self._lock:
            with suppress(sqlite3.Error):  # closed already, or the disk is gone: the next one takes them over
                self._base.execute("DELETE FROM claims WHERE holder = ?", (self._holder,))
            self._base.close()

    def reply(self, key: str) -> Reply | None:
        """The reply to a key, if one was ever paid for."""
        with self._lock, self._sqlite():
            return self._reply(key)

    def keys(self) -> frozenset[str]:
        """The keys that have a reply."""
        with self._lock, self._sqlite():
            return frozenset(row[0] for row in self._base.execute("SELECT key FROM replies"))

    def events(self, kind: str | None = None) -> list[Event]:
        """What went wrong, oldest first."""
        query = "SELECT key, kind, reason, detail FROM events WHERE ?1 IS NULL OR kind = ?1 ORDER BY id"
        with self._lock, self._sqlite():
            return [Event(*row) for row in self._base.execute(query, (kind,))]

    def last_failure(self, key: str) -> Event | None:
        """The last failed call for a key."""
        query = (
            "SELECT key, kind, reason, detail FROM events WHERE key = ? AND kind = 'failed' ORDER BY id DESC"
        )
        with self._lock, self._sqlite():
            row = self._base.execute(query + " LIMIT 1", (key,)).fetchone()
        return Event(*row) if row else None

    def note(self, key: str, kind: str, reason: str, detail: str) -> None:
        """Log that something went wrong; the same thing twice in a row (a replay) is logged once."""
        query = (
            "SELECT key, kind, reason, detail FROM events WHERE key = ? AND kind = ? ORDER BY id DESC LIMIT 1"
        )
        new = (key, kind, _plain(reason), _plain(detail))
        with self._lock, self._writing():
            if kind == "failed" or self._base.execute(query, (key, kind)).fetchone() != new:
                self._base.execute("INSERT INTO events(key, kind, reason, detail) VALUES (?, ?, ?, ?)", new)

    def ask_once(
        self, request: Request, ask: Callable[[], Reply], stopped: Callable[[], None] = lambda: None
    ) -> tuple[Reply, bool]:
        """The reply to a request and whether it was there already; `ask` runs in one place at a time.

        Whoever finds the key claimed waits, calling `stopped` at each turn, which may raise.
        """
        key = request.key
        pause = _FIRST_PAUSE_S
        while True:
            found = self._claim_or_reply(key)
            if isinstance(found, Reply):
                return found, True
            if found:
                break
            stopped()
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)
        try:
            return self._keep(request, key, ask()), False
        except BaseException:
            with self._lock, self._writing():
                self._base.execute("DELETE FROM claims WHERE key = ? AND holder = ?", (key, self._holder))
            raise

    def _prepare(self) -> None:
        """Make the tables in an empty file; leave alone what is no journal."""
        self._base.execute("BEGIN")  # one view of all three: another process may be making the file right now
        (application,) = self._base.execute("PRAGMA application_id").fetchone()
        (version,) = self._base.execute("PRAGMA user_version").fetchone()
        (tables,) = self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()
        self._base.execute("COMMIT")
        if (tables and application != _APPLICATION) or version > VERSION:
            raise TeacherProblem(
                f"{self.path} is no journal of this version", hint="name another file for the journal"
            )
        self._write_ahead()
        # FULL: a reply may have cost minutes, and a commit that survives a power cut costs one fsync.
        self._base.execute("PRAGMA synchronous=FULL")
        if version < VERSION:
            with self._writing():
                for statement in filter(str.strip, _TABLES.split(";")):
                    self._base.execute(statement)
                self._base.execute(f"PRAGMA application_id={_APPLICATION}")
                self._base.execute(f"PRAGMA user_version={VERSION}")

    def _write_ahead(self) -> None:
        """Switch the write-ahead log on; for this alone SQLite does not wait when others are busy."""
        end = time.monotonic() + _BUSY_S
        while True:
            try:
                self._base.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(_FIRST_PAUSE_S)
            else:
                return

    def _reply(self, key: str) -> Reply | None:
        query = "SELECT text, cut, prompt_tokens, completion_tokens, wall_s FROM replies WHERE key = ?"
        row = self._base.execute(query, (key,)).fetchone()
        return Reply(row[0], bool(row[1]), *row[2:]) if row else None

    def _claim_or_reply(self, key: str) -> Reply | bool:
        """The reply; else whether the key is now ours to ask for."""
        with self._lock, self._sqlite():
            found = self._reply(key)  # first without the write lock: a replay only reads
            if found:
                return found
            with self._writing():
                found = self._reply(key)
                if found:
                    return found
                row = self._base.execute("SELECT pid, started FROM claims WHERE key = ?", (key,)).fetchone()
                if row and _alive(*row):
                    return False
                self._base.execute(
                    "INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?)",
                    (key, self._holder, os.getpid(), psutil.Process().create_time()),
                )
                return True

    def _keep(self, request: Request, key: str, reply: Reply) -> Reply:
        """The reply as the journal now has it: what is seen today is what a replay will see."""
        row = (key, request.as_json(), _plain(reply.text), reply.cut)
        counts = (reply.prompt_tokens, reply.completion_tokens, reply.wall_s)
        with self._lock, self._writing():
            # IGNORE: were a claim ever taken over from a living process, the first reply stands.
            self._base.execute("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?, ?, ?)", row + counts)
            self._base.execute("DELETE FROM claims WHERE key = ?", (key,))
            kept = self._reply(key)
        assert kept is not None
        return kept

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction that is in the file whole or not at all."""
        with self._sqlite():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")

    @contextmanager
    def _sqlite(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def _broken(self, error: sqlite3.Error) -> TeacherProblem:
        return TeacherProblem(
            f"the journal {self.path} can't be used: {error}",
            hint="free disk space, or move the file away to begin a new journal",
        )


def _plain(text: str) -> str:
    """Text that SQLite can hold: half a surrogate pair becomes a replacement sign."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _alive(pid: int, started: float) -> bool:
    """Whether the process that made a claim still runs, and is not another one under its number."""
    try:
        process = psutil.Process(pid)
        return (
            process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - started) < _CLOCK_SLACK_S
        )
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False
