"""How often a client may ask: a bucket of tokens for each, kept in SQLite, so that a restart gives no more.

A bucket holds as many tokens as a minute allows and fills evenly. Clients are named by the id of their key,
or by a hash of their address, which is not kept as it is.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FILE = Path(".idiolect") / "serve-limits.sqlite"
_FORGET_EVERY = 1_000  # requests; full buckets are as good as none


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether a client may ask now, how often it may still, and when it may again."""

    allowed: bool
    limit: int
    left: int
    wait_s: float


class RateLimiter:
    """Buckets of all clients. `path` None keeps them in memory."""

    def __init__(
        self, per_minute: int, path: Path | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._asked = 0
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._base = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._base.execute("PRAGMA journal_mode=WAL")
        # What the process wrote outlives it; only a machine that loses its power may forget some seconds.
        self._base.execute("PRAGMA synchronous=OFF")
        self._base.execute("PRAGMA busy_timeout=2000")
        self._base.execute(
            "CREATE TABLE IF NOT EXISTS bucket "
            "(client TEXT PRIMARY KEY, tokens REAL NOT NULL, at REAL NOT NULL)"
        )

    def ask(self, client: str) -> Allowance:
        """Take a token of a client's bucket, where there is one."""
        rate = self.per_minute / 60.0
        with self._lock:
            now = self._clock()
            self._base.execute("BEGIN IMMEDIATE")
            try:
                found = self._base.execute(
                    "SELECT tokens, at FROM bucket WHERE client = ?", (client,)
                ).fetchone()
                tokens, at = found or (float(self.per_minute), now)
                tokens = min(float(self.per_minute), tokens + max(now - at, 0.0) * rate)
                allowed = tokens >= 1.0
                tokens -= 1.0 if allowed else 0.0
                self._base.execute(
                    "INSERT OR REPLACE INTO bucket VALUES (?, ?, ?)", (client, tokens, max(now, at))
                )
                self._base.execute("COMMIT")
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._forget(now)
        wait = 0.0 if allowed else (1.0 - tokens) / rate
        return Allowance(allowed, self.per_minute, int(tokens), wait)

    def close(self) -> None:
        with self._lock:
            self._base.close()

    def _forget(self, now: float) -> None:
        self._asked += 1
        if self._asked % _FORGET_EVERY == 0:
            self._base.execute("DELETE FROM bucket WHERE at < ?", (now - 60.0,))


def client_of(address: str) -> str:
    """The name of a client without a key."""
    return "address:" + hashlib.sha256(address.encode()).hexdigest()[:16]
