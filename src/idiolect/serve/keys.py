"""Keys of a server's callers: shown once when they are made, kept as hashes, compared in constant time.

    idl_<8 characters that name it>_<43 characters>

A key has 256 random bits, so that one round of SHA-256 is as good as a slow hash, and costs no request its
time. The file is read again when it changes: a key that was removed is refused at once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import TypeAdapter, ValidationError

from idiolect.data.example import STRICT
from idiolect.files import Unreadable, read_small
from idiolect.runs.times import now
from idiolect.serve.trouble import trouble

FILE = Path(".idiolect") / "serve-keys.json"
PREFIX = "idl_"
_MOST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    id: str
    name: str
    sha256: str
    made: str


class KeyFile:
    """The keys of a project."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._keys: tuple[Key, ...] = ()

    def keys(self) -> tuple[Key, ...]:
        """The keys as the file has them now; L818 where it can't be read."""
        with self._lock:
            try:
                found = self.path.stat()
            except OSError:
                self._seen, self._keys = None, ()
                return ()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen != self._seen:
                self._keys, self._seen = self._read(), seen
            return self._keys

    def owner(self, given: str) -> Key | None:
        """The key that a caller has given; every one is compared, whether one has matched or not."""
        digest = _digest(given)
        found = None
        for key in self.keys():
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found

    def add(self, name: str) -> str:
        """Make a key; it is returned here and nowhere again."""
        number, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        key = f"{PREFIX}{number}_{secret}"
        self._write((*self.keys(), Key(number, name, _digest(key), now())))
        return key

    def remove(self, word: str) -> tuple[Key, ...]:
        """Remove the keys of a name or an id; those that were."""
        keys = self.keys()
        gone = tuple(key for key in keys if word in (key.name, key.id))
        if gone:
            self._write([key for key in keys if key not in gone])
        return gone

    def _read(self) -> tuple[Key, ...]:
        try:
            return _adapter.validate_json(read_small(self.path, _MOST_BYTES))
        except Unreadable as error:
            raise trouble("L818", f"the file of keys {self.path} {error}") from error
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            what = f"the file of keys {self.path} can't be read: {fault['msg']}"
            raise trouble("L818", what, "restore it, or remove it and make new keys") from error

    def _write(self, keys: Sequence[Key]) -> None:
        """Beside the file and renamed into place, for its owner alone from the first byte on."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        text = json.dumps([_adapter_row(key) for key in keys], indent=2) + "\n"
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)


_adapter: TypeAdapter[tuple[Key, ...]] = TypeAdapter(tuple[Key, ...])


def _adapter_row(key: Key) -> dict[str, str]:
    return {"id": key.id, "name": key.name, "sha256": key.sha256, "made": key.made}


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def same(left: str, right: str) -> bool:
    """Whether two secrets are the same, in a time that does not tell where they differ."""
    return hmac.compare_digest(_digest(left), _digest(right))
