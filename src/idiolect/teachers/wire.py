"""One HTTP call with a deadline over all of it: name, connection, sending, waiting and the last byte.

The standard library serves: two POST forms and three GETs need no client package, and the common ones
bound each read, not the call, and repeat calls on their own, unseen by whoever counts them. Every call
has its own connection: beside a model's seconds it costs nothing, and a stale one can't be mistaken
for a server that hung up. It follows no redirect, knows no proxy and does **not** repeat anything.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pydantic_core import from_json

from idiolect.teachers.problem import TeacherProblem
from idiolect.text_hints import shortened

MAX_BODY_BYTES = 32_000_000
_CHUNK = 65_536


class CallFailed(Exception):
    """A call that brought no usable reply. `again` says whether the same call may go better later."""

    def __init__(self, reason: str, detail: str, *, again: bool = True, wait_s: float | None = None) -> None:
        super().__init__(detail)
        self.reason = reason  # a word or two to count by
        self.detail = detail
        self.again = again
        self.wait_s = wait_s  # how long the server asks to be left alone


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    def json(self) -> dict[str, Any]:
        """The JSON object of the body; CallFailed where there is none."""
        try:
            value = from_json(self.body)
        except ValueError as error:
            detail = f"the reply is no JSON ({error}): {self.shown()}"
            raise CallFailed("broken reply", detail) from error
        if not isinstance(value, dict):
            raise CallFailed("broken reply", f"the reply is no JSON object: {self.shown()}")
        return value

    def shown(self) -> str:
        """The beginning of the body, fit for a message."""
        return shortened(self.body[:2000].decode("utf-8", "replace"), 300) or "(nothing)"

    def complaint(self) -> str:
        """What the server says is wrong: its `error`, or the beginning of the body."""
        with suppress(CallFailed):
            error = self.json().get("error")
            if isinstance(error, Mapping):
                error = error.get("message")
            if isinstance(error, str) and error:
                return shortened(error, 300)
        return self.shown()


@dataclass(frozen=True, slots=True)
class Wire:
    """A base address, the key to send, and the longest that a call may take."""

    url: str
    timeout_s: float
    key: str | None = field(default=None, repr=False)

    def get(self, url: str) -> Response:
        """GET an address."""
        return self._call("GET", url, None)

    def post(self, url: str, content: Mapping[str, Any]) -> Response:
        """POST an object as JSON."""
        return self._call("POST", url, json.dumps(content, allow_nan=False).encode("ascii"))

    def mask(self, text: str) -> str:
        """The text without the key: servers like to repeat it when they refuse it."""
        return text.replace(self.key, "***") if self.key else text

    def _call(self, method: str, url: str, body: bytes | None) -> Response:
        parts = urlsplit(url)
        connection = _connection(parts, self.timeout_s)
        headers = {"Accept": "application/json", "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        expired = threading.Event()
        end = time.monotonic() + self.timeout_s
        watch: threading.Timer | None = None
        try:
            connection.connect()
            # The socket is taken now: the connection forgets it once the reply's head is read.
            watch = threading.Timer(end - time.monotonic(), _hang_up, (connection.sock, expired))
            watch.daemon = True
            watch.start()
            connection.request(method, (parts.path or "/"), body, headers)
            with closing(connection.getresponse()) as response:
                return _read(response)
        except (OSError, http.client.HTTPException, ValueError) as error:
            # ValueError: what reading a TLS connection that the watch has closed may raise
            if expired.is_set() or isinstance(error, TimeoutError):
                detail = f"no complete reply from {parts.netloc} within {self.timeout_s:g} s"
                raise CallFailed("time-out", detail) from error
            raise CallFailed(*_named(error, parts.netloc)) from error
        finally:
            if watch is not None:
                watch.cancel()
            connection.close()


def checked_url(url: str) -> str:
    """A server's address without its last slash; TeacherProblem where it is none."""
    hint = 'write TEACHER.url as "http://localhost:11434/v1"'
    try:
        parts = urlsplit(url.strip())
        port_fits = parts.port is None or parts.port > 0
    except ValueError as error:
        raise TeacherProblem(
            f"the teacher's address \"{shortened(url)}\" can't be read: {error}", hint=hint
        ) from error
    if parts.username or parts.password:
        raise TeacherProblem(
            f"the teacher's address holds a user or password ({parts.hostname})",
            hint="put the key in an environment variable and name that in TEACHER.api_key_env",
        )
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not port_fits
        or parts.query
        or parts.fragment
    ):
        raise TeacherProblem(f'"{shortened(url)}" is no address of a server', hint=hint)
    return url.strip().rstrip("/")


def _connection(parts: SplitResult, timeout_s: float) -> http.client.HTTPConnection:
    assert parts.hostname is not None
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout_s, context=context)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)


def _read(response: http.client.HTTPResponse) -> Response:
    chunks: list[bytes] = []
    length = 0
    while chunk := response.read1(_CHUNK):
        chunks.append(chunk)
        length += len(chunk)
        if length > MAX_BODY_BYTES:
            raise CallFailed(
                "reply too long", f"the reply is longer than {MAX_BODY_BYTES:,} bytes", again=False
            )
    if response.length:  # read1 ends quietly where the connection does
        raise http.client.IncompleteRead(b"", response.length)
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Response(response.status, headers, b"".join(chunks))


def _hang_up(open_socket: socket.socket, expired: threading.Event) -> None:
    expired.set()
    with suppress(OSError):
        open_socket.shutdown(socket.SHUT_RDWR)


def _named(error: Exception, place: str) -> tuple[str, str]:
    said = str(error) or type(error).__name__
    if isinstance(error, ConnectionRefusedError | socket.gaierror):
        return "no connection", f"no server answers at {place}: {said}"
    if isinstance(error, ssl.SSLError):
        return "no connection", f"no secure connection to {place}: {said}"
    if isinstance(error, http.client.IncompleteRead):
        return "cut off", f"{place} hung up in the middle of its reply"
    if isinstance(error, ConnectionError | http.client.RemoteDisconnected):
        return "cut off", f"{place} hung up before its reply: {said}"
    if isinstance(error, http.client.HTTPException):
        return "broken reply", f"{place} does not speak HTTP: {shortened(said, 200)}"
    return "no connection", f"no connection to {place}: {said}"
