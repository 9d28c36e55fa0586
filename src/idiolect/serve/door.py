"""What every request passes first: where it comes from, how large it is, who asks and how often.

An ASGI middleware. Afterwards it writes one line of the journal and counts. A fault that nobody caught
becomes an answer here, so that no text of a user gets into a trace.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from idiolect.decode.flow import GivenUp
from idiolect.serve.journal import Journal
from idiolect.serve.keys import KeyFile, same
from idiolect.serve.limits import Allowance, RateLimiter, client_of
from idiolect.serve.settings import ServeSettings
from idiolect.serve.trouble import ServeError, trouble

OPEN = frozenset(
    {"/", "/healthz", "/about", "/favicon.ico"}
)  # and /pages/...; all else wants a key where keys are
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SAFE = {
    b"x-content-type-options": b"nosniff", b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin", b"cross-origin-resource-policy": b"same-origin",
}  # fmt: skip
TOKEN_CLIENT = "token"  # noqa: S105 - the name of the client whose key stands in the environment
BEARER_PROTOCOL = "bearer."  # browsers can't send headers along with a websocket


@dataclass(slots=True)
class Caller:
    """Who asks, and what is told of the request when it is over."""

    id: str
    client: str  # a key's id, or the hash of an address
    key: str | None = None  # the key's name
    facts: dict[str, Any] = field(default_factory=dict)


class Door:
    """The middleware."""

    def __init__(
        self,
        app: Any,
        *,
        settings: ServeSettings,
        keys: KeyFile,
        limiter: RateLimiter | None,
        journal: Journal,
        numbers: Any = None,
    ) -> None:
        self.app = app
        self.settings = settings
        self.keys = keys
        self.limiter = limiter
        self.journal = journal
        self.numbers = numbers

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        caller = Caller(f"req-{secrets.token_hex(8)}", self._address(scope))
        scope.setdefault("state", {})["caller"] = caller
        visit = _Visit(scope, send, caller)
        began = time.perf_counter()
        try:
            await self._let_in(scope, receive, visit, caller)
        except ServeError as error:
            await visit.refuse(error)
        except (GivenUp, asyncio.CancelledError):
            visit.status = visit.status or 499
            if self.numbers is not None:
                self.numbers.given_up.inc()
            raise_again = asyncio.current_task()
            if raise_again is not None and raise_again.cancelling():
                raise
        except Exception as error:  # whatever it is, the client is told that it is ours
            self.journal.fault(error, id=caller.id)
            what = f"something went wrong inside of the server ({caller.id})"
            await visit.refuse(trouble("L819", what))
        finally:
            self._tell(scope, visit, caller, time.perf_counter() - began)

    async def _let_in(self, scope: Any, receive: Any, visit: _Visit, caller: Caller) -> None:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        self._check_place(scope, headers)
        path = scope["path"]
        if path not in OPEN and not path.startswith("/pages/"):
            self._check_key(headers, caller)
        if scope["type"] == "websocket":
            await self.app(scope, receive, visit.send)
            return
        if scope["method"] in ("POST", "PUT", "PATCH"):
            if self.limiter is not None:
                visit.allowance = await self.take_turn(caller)
            receive = await self._with_body(headers, receive)
        await self.app(scope, receive, visit.send)

    async def take_turn(self, caller: Caller) -> Allowance | None:
        """One request more of a client; L811 where it has asked too often."""
        if self.limiter is None:
            return None
        allowance = self.limiter.ask(caller.client)
        if not allowance.allowed:
            what = f"more than {allowance.limit} requests in a minute"
            raise trouble("L811", what, wait_s=allowance.wait_s)
        return allowance

    def _check_place(self, scope: Any, headers: dict[str, str]) -> None:
        """A server for this machine alone answers no page of another site that found out its address."""
        origin = headers.get("origin")
        host = headers.get("host", "")
        if scope["type"] == "websocket" and origin and urlsplit(origin).netloc != host:
            raise trouble("L820", "a page of another site may not connect")
        if self.settings.local and not self.settings.requires_auth:
            name = (urlsplit(f"//{host}").hostname or "") if re.fullmatch(r"[\w.:\[\]-]+", host) else ""
            if name not in self.settings.own_names:
                raise trouble("L820", "this server is for this machine alone", "call it by its own address")

    def _check_key(self, headers: dict[str, str], caller: Caller) -> None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        given = given.strip() if scheme.lower() == "bearer" else ""
        if not given:
            offered = headers.get("sec-websocket-protocol", "").split(",")
            words = (word.strip() for word in offered)
            given = next(
                (word[len(BEARER_PROTOCOL) :] for word in words if word.startswith(BEARER_PROTOCOL)), ""
            )
        key = self.keys.owner(given) if given else None
        token = self.settings.token
        if key is not None:
            caller.client, caller.key = f"key:{key.id}", key.name
        elif given and token is not None and same(given, token):
            caller.client = caller.key = TOKEN_CLIENT
        elif self.settings.requires_auth:
            what = "the key is not known" if given else "a key is needed"
            raise trouble("L810", what, "send the header Authorization: Bearer KEY")

    async def _with_body(self, headers: dict[str, str], receive: Any) -> Any:
        """The request's body read whole, within its limits, and a `receive` that gives it again."""
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise trouble(
                "L815", "the body is not declared as JSON", "Content-Type: application/json", status=415
            )
        body = await self._read(headers, receive)
        if _SURROGATE.search(body):
            _check_characters(body)
        given = False

        async def again() -> Any:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        return again

    async def _read(self, headers: dict[str, str], receive: Any) -> bytes:
        most = self.settings.most_bytes
        too_large = trouble("L814", f"the request has more than {most:,} bytes")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > most:
            raise too_large
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.settings.read_timeout_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise GivenUp
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > most:
                        raise too_large
                    if not message.get("more_body"):
                        return b"".join(parts)
        except TimeoutError:
            what = f"the request did not arrive whole within {self.settings.read_timeout_s:g} s"
            raise trouble("L813", what, status=408) from None

    @staticmethod
    def _address(scope: Any) -> str:
        client = scope.get("client")
        return client_of(client[0] if client else "unknown")

    def _tell(self, scope: Any, visit: _Visit, caller: Caller, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "other"
        if self.numbers is not None:
            self.numbers.requests.labels(route, str(visit.status)).inc()
            self.numbers.seconds.labels(route).observe(seconds)
            if visit.code:
                self.numbers.refused.labels(visit.code).inc()
        if route in ("/healthz", "/metrics") and visit.status == 200:
            return  # asked every few seconds
        facts = {"code": visit.code} if visit.code else {}
        if caller.key:
            facts["key"] = caller.key
        self.journal.tell(
            "request", id=caller.id, route=route, status=visit.status, ms=round(seconds * 1000, 1),
            client=caller.client, **facts, **caller.facts,
        )  # fmt: skip


class _Visit:
    """The answer to one request on its way out."""

    def __init__(self, scope: Any, send: Any, caller: Caller) -> None:
        self.scope = scope
        self._send = send
        self.caller = caller
        self.status = 0
        self.code = ""
        self.allowance: Allowance | None = None

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.code = self.caller.facts.pop("code", self.code)
            message = {**message, "headers": [*message.get("headers", ()), *self._headers(message)]}
        elif message["type"] == "websocket.accept":
            self.status = 101
        await self._send(message)

    async def refuse(self, error: ServeError) -> None:
        """Send an error, where nothing was sent yet."""
        self.code = error.problem.code
        if self.scope["type"] == "websocket":
            if not self.status:
                self.status = error.status
                await self._send({"type": "websocket.close", "code": 1008, "reason": self.code})
            return
        if self.status:
            return
        body = json.dumps(error.body).encode()
        headers = {"content-type": "application/json", "content-length": str(len(body)), **error.headers}
        if error.status in (408, 413):
            headers["connection"] = "close"  # the rest of the body is not read
        start = {
            "type": "http.response.start",
            "status": error.status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        await self.send(start)
        self.code = error.problem.code
        await self._send({"type": "http.response.body", "body": body})

    def _headers(self, message: Any) -> list[tuple[bytes, bytes]]:
        there = {name.lower() for name, _ in message.get("headers", ())}
        found = [(name, value) for name, value in _SAFE.items() if name not in there]
        found.append((b"x-request-id", self.caller.id.encode()))
        if b"cache-control" not in there:
            found.append((b"cache-control", b"no-store"))
        if self.allowance is not None:
            found.append((b"x-ratelimit-limit-requests", str(self.allowance.limit).encode()))
            found.append((b"x-ratelimit-remaining-requests", str(self.allowance.left).encode()))
        return found


def _check_characters(body: bytes) -> None:
    """Halves of characters are valid in JSON's escapes and in no text."""
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise trouble("L815", "the body holds half a character (a lone surrogate)") from None
    except (ValueError, RecursionError):
        return  # whoever parses it says so
