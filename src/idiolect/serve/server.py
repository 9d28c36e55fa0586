"""Starts a server: checks what SECURITY wants, listens, and ends without losing a request.

SIGTERM or ctrl-C: new requests are refused with 503, what is going on is finished, then the process ends. A
second signal ends it at once.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from idiolect.decode.opened import Answering
from idiolect.files import Unreadable
from idiolect.serve.answerer import Answerer
from idiolect.serve.app import make_app
from idiolect.serve.journal import Journal, Quiet
from idiolect.serve.keys import FILE as KEYS
from idiolect.serve.keys import KeyFile
from idiolect.serve.leaks import TrainingTexts, texts_of
from idiolect.serve.settings import ServeSettings
from idiolect.serve.trouble import trouble

_MOST_CONNECTIONS = 2_000
_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "websockets", "asyncio")


def check_start(settings: ServeSettings) -> list[str]:
    """L818 where a server must not start; else what its owner should know."""
    keys = KeyFile(settings.state / KEYS.name).keys()
    if settings.requires_auth and not keys and settings.token is None:
        help = "make one: idiolect serve keys add NAME"
        raise trouble("L818", "DEPLOY.requires_auth is true, and there is no key", help)
    notes = list(settings.notes)
    if keys and not settings.requires_auth:
        notes.append(
            "there are keys, and nobody is asked for one: DEPLOY { requires_auth: true } or --auth asks"
        )
    if not settings.local and not settings.requires_auth:
        notes.append(f"{settings.host} can be reached from other machines, and nobody is asked for a key")
    if not settings.local and settings.certificate is None:
        notes.append(
            "keys and texts go over the network as they are; give --certificate, or put a proxy before it"
        )
    return notes


def training_texts(settings: ServeSettings, run: Path | None) -> TrainingTexts | None:
    """The training data that answers must not reproduce; L818 where it is wanted and not there."""
    if not settings.prevent_leak:
        return None
    from idiolect.data.jsonl import BadRow

    path = run / "split" / "train.jsonl" if run else None
    help = "serve a run that has its split, or set prevent_data_leak: false"
    if path is None or not path.is_file():
        raise trouble(
            "L818", f"prevent_data_leak needs the run's training split, and {path} is not there", help
        )
    try:
        return TrainingTexts(texts_of(path))
    except (BadRow, Unreadable) as error:
        raise trouble("L818", f"the training split can't be read: {error}", help) from error


class Server(uvicorn.Server):
    """uvicorn's server, which tells the desk when it is about to end."""

    def __init__(self, config: uvicorn.Config, desk: Any, drain_s: float) -> None:
        super().__init__(config)
        self.desk = desk
        self.drain_s = drain_s
        self._drain: asyncio.Task[Any] | None = None

    def handle_exit(self, sig: int, frame: Any) -> None:
        if self.desk is None or self.desk.draining or not self.started:
            super().handle_exit(sig, frame)
            return
        self.desk.draining = True

    async def on_tick(self, counter: int) -> bool:
        if self.desk is not None and self.desk.draining and self._drain is None:
            self._drain = asyncio.create_task(self.desk.drain(self.drain_s))
        if self._drain is not None and self._drain.done():
            self.should_exit = True
        return await super().on_tick(counter)


def server_of(app: Any, settings: ServeSettings, journal: Journal | None = None) -> Server:
    """A server that is not started yet."""
    house = getattr(app.state, "house", None)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        lifespan="on" if house else "off",
        server_header=False,
        date_header=True,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_timeout_s)),
        ssl_certfile=str(settings.certificate) if settings.certificate else None,
        ssl_keyfile=str(settings.certificate_key) if settings.certificate_key else None,
        ws_max_size=settings.most_bytes,
        h11_max_incomplete_event_size=64 << 10,
    )
    if journal is not None:
        handler = Quiet(journal)
        for name in _LOGGERS:
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = [handler], False
    return Server(config, house.desk if house else None, settings.shutdown_timeout_s)


def serve(
    answering: Answering,
    settings: ServeSettings,
    *,
    run: Path | None = None,
    say: Callable[[str], None] = print,
    journal: Journal | None = None,
) -> int:
    """Serve until a signal ends it; the exit code."""
    for note in check_start(settings):
        say(f"note: {note}")
    journal = journal or Journal()
    answerer = Answerer(answering, settings, training_texts(settings, run))
    server = server_of(make_app(answerer, settings, journal=journal), settings, journal)
    return listen(server, settings, say, f"{settings.name} answers at")


def listen(server: Server, settings: ServeSettings, say: Callable[[str], None], about: str) -> int:
    """Run a server to its end."""
    done = threading.Event()

    def told() -> None:
        while not done.wait(0.05):
            if server.started:
                say(f"{about} {address(settings, server)}")
                return

    teller = threading.Thread(target=told, daemon=True)
    teller.start()
    try:
        server.run()
    except SystemExit:  # the port is taken, say: uvicorn has logged the reason
        pass
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        done.set()
    if not server.started:
        raise trouble(
            "L818", f"{settings.host}:{settings.port} can't be listened at", "name another with --port"
        )
    return 0


def address(settings: ServeSettings, server: Server) -> str:
    """Where a started server is found."""
    port = settings.port
    for one in server.servers:
        for socket in one.sockets:
            port = socket.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{'https' if settings.certificate else 'http'}://{host}:{port}"
