"""A small server that speaks as Ollama or as an OpenAI-compatible one, and misbehaves on request.

For trying a recipe with no model, and for tests: start it on a free port, give it the answers and the
faults, and count what it was asked. It holds no model: by default it answers schemas with a random value
that keeps them, and everything else with a fixed sentence.

    python -m idiolect.teachers.fake --port 11434 --style ollama
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

from idiolect.teachers.records import Message
from idiolect.teachers.tokens import estimate

Style = Literal["ollama", "openai"]
Kind = Literal[
    "slow",  # answers after `seconds`
    "status",  # answers `status`, with Retry-After where `seconds` is given
    "broken_json",  # the reply's JSON ends in the middle
    "wrong_schema",  # a whole reply whose answer keeps no schema
    "cut_body",  # hangs up in the middle of the body
    "hang_up",  # hangs up before the reply
    "trickle",  # sends a byte now and then, and never ends
    "never",  # never answers
    "cut_answer",  # the answer ends at its longest length
]
_DEFAULT_WINDOW = 4096  # what Ollama takes where nobody sets num_ctx


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """One fault of the server."""

    kind: Kind
    seconds: float | None = None
    status: int = 500
    message: str = "the model has crashed"


@dataclass(frozen=True, slots=True)
class Asked:
    """One chat call, whichever way it came."""

    path: str
    body: Mapping[str, Any]
    authorization: str | None

    @property
    def messages(self) -> list[Message]:
        return [Message(each["role"], each["content"]) for each in self.body["messages"]]

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """The JSON Schema that the caller wants kept, however it says so."""
        found = self.body.get("format")
        if found is None:
            wanted = self.body.get("response_format") or {}
            found = (wanted.get("json_schema") or {}).get("schema")
        return found if isinstance(found, Mapping) else None

    @property
    def content(self) -> str:
        """What tells two calls apart: the messages and the seed."""
        seed = (self.body.get("options") or {}).get("seed", self.body.get("seed"))
        said = [[each.role, each.content] for each in self.messages]
        return hashlib.sha256(json.dumps([said, seed]).encode()).hexdigest()


Answering = Callable[[Asked], str]
Faults = Callable[[int, Asked], Misbehaviour | None]  # the number of the call, from 0


def plain_answer(asked: Asked) -> str:
    """A random value that keeps the schema, the same for the same call; a sentence where there is none."""
    if asked.schema is None:
        return f"An answer to {shown(asked.messages[-1].content)}"
    from idiolect.dialects.contract import Context
    from idiolect.dialects.json_ast.dialect import JsonAst

    return JsonAst().sample(random.Random(asked.content), Context(schema=asked.schema)).text


def shown(text: str) -> str:
    """The beginning of a text."""
    return text if len(text) <= 80 else text[:77] + "..."


class FakeServer:
    """A running server on loopback; stop it, or use it in a `with`."""

    def __init__(
        self,
        answer: Answering = plain_answer,
        *,
        style: Style = "openai",
        models: Sequence[str] = ("fake",),
        faults: Sequence[Misbehaviour | None] | Faults = (),
        context_length: int = 131_072,
        window: int | None = None,
        token_share: float = 1.25,
        key: str | None = None,
        refused_fields: Mapping[str, str] | None = None,
        port: int = 0,
    ) -> None:
        self.answer = answer
        self.style = style
        self.models = tuple(models)
        self.context_length = context_length
        # None: Ollama's own for that style, endless for the other
        self.window = _DEFAULT_WINDOW if window is None and style == "ollama" else window
        self.token_share = token_share  # of our estimate of a prompt's tokens
        self.key = key
        self.refused_fields = dict(refused_fields or {})  # a field, or a type of response_format: complaint
        self.faults: Faults = faults if callable(faults) else _in_turn(faults)
        self.asked: list[Asked] = []
        self.answered: Counter[str] = Counter()  # content to how many whole replies went out
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._http.fake = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def root(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        """What TEACHER.url takes."""
        return f"{self.root}/v1"

    @property
    def calls(self) -> Counter[str]:
        """Content to how many chat calls asked for it."""
        with self.lock:
            return Counter(each.content for each in self.asked)

    def stop(self) -> None:
        """Hang up on everyone."""
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    fake: FakeServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: callers that hang up are what this server is for."""


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        fake = self.server.fake
        if not self._welcome():
            return
        if self.path == "/v1/models":
            listed = [{"id": name, "object": "model"} for name in fake.models]
            self._send(200, {"object": "list", "data": listed})
        elif self.path == "/api/version" and fake.style == "ollama":
            self._send(200, {"version": "0.12.0"})
        elif self.path == "/api/tags" and fake.style == "ollama":
            self._send(200, {"models": [{"name": name, "model": name} for name in fake.models]})
        else:
            self._send(404, {"error": {"message": f"no page {self.path}"}})

    def do_POST(self) -> None:
        fake = self.server.fake
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        if not self._welcome():
            return
        ollama = fake.style == "ollama"
        if self.path == "/api/show" and ollama:
            self._send(200, {"model_info": {"fake.context_length": fake.context_length}})
        elif self.path == "/v1/chat/completions" or (self.path == "/api/chat" and ollama):
            self._chat(Asked(self.path, body, self.headers.get("Authorization")))
        else:
            self._send(404, {"error": {"message": f"no page {self.path}"}})

    def _welcome(self) -> bool:
        fake = self.server.fake
        said = self.headers.get("Authorization", "")
        if fake.key is None or said == f"Bearer {fake.key}":
            return True
        self._send(401, {"error": {"message": f"Incorrect API key provided: {said.removeprefix('Bearer ')}"}})
        return False

    def _chat(self, asked: Asked) -> None:
        fake = self.server.fake
        with fake.lock:
            number = len(fake.asked)
            fake.asked.append(asked)
        wanted = asked.body.get("response_format") or {}
        for name, complaint in fake.refused_fields.items():
            if name in asked.body or wanted.get("type") == name:
                return self._send(400, {"error": {"message": complaint}})
        if not {asked.body["model"], f"{asked.body['model']}:latest"} & set(fake.models):
            message = f"model '{asked.body['model']}' not found"
            return self._send(404, {"error": {"message": message}})
        fault = fake.faults(number, asked)
        if fault is not None and self._misbehave(fault):
            return None
        wrong = fault is not None and fault.kind == "wrong_schema"
        text = json.dumps({"unasked": 1}) if wrong else fake.answer(asked)
        reply = self._reply(asked, text, cut=fault is not None and fault.kind == "cut_answer")
        data = json.dumps(reply).encode()
        if fault is not None and fault.kind == "broken_json":
            return self._write(200, data[: len(data) // 2])
        if fault is not None and fault.kind == "cut_body":
            self._write(200, data[: len(data) // 2], length=len(data))
            return self._close()
        self._write(200, data)
        with fake.lock:
            fake.answered[asked.content] += 1
        return None

    def _misbehave(self, fault: Misbehaviour) -> bool:
        """Whether the fault leaves nothing to answer."""
        stopping = self.server.fake.stopping
        if fault.kind == "slow":
            stopping.wait(fault.seconds)
            return False
        if fault.kind == "status":
            extra = {} if fault.seconds is None else {"Retry-After": f"{fault.seconds:g}"}
            self._send(fault.status, {"error": {"message": fault.message}}, extra)
        elif fault.kind == "hang_up":
            self._close()
        elif fault.kind == "never":
            stopping.wait()
            self._close()
        elif fault.kind == "trickle":
            with suppress(OSError):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while not stopping.wait(0.02):
                    self.wfile.write(b" ")
            self._close()
        else:
            return False
        return True

    def _reply(self, asked: Asked, text: str, cut: bool) -> dict[str, Any]:
        fake = self.server.fake
        native = asked.path == "/api/chat"
        # As Ollama does: its compatible endpoint knows no num_ctx, and what does not fit is cut in silence.
        options = asked.body.get("options") or {}
        window = options.get("num_ctx", fake.window) if native else fake.window
        read = int(estimate(asked.messages) * fake.token_share)
        read = read if window is None else min(read, window)
        written = len(text) // 4
        reason = "length" if cut else "stop"
        message = {"role": "assistant", "content": text}
        if native:
            counts = {"prompt_eval_count": read, "eval_count": written}
            return {
                "model": asked.body["model"],
                "message": message,
                "done": True,
                "done_reason": reason,
                **counts,
            }
        usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return {
            "object": "chat.completion",
            "model": asked.body["model"],
            "choices": [choice],
            "usage": usage,
        }

    def _send(self, status: int, content: Mapping[str, Any], extra: Mapping[str, str] | None = None) -> None:
        self._write(status, json.dumps(content).encode(), extra=extra)

    def _write(
        self, status: int, data: bytes, *, length: int | None = None, extra: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data) if length is None else length))
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def _close(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.close()


def _in_turn(faults: Sequence[Misbehaviour | None]) -> Faults:
    """The faults of the first calls; the later ones go well."""
    listed = tuple(faults)
    return lambda number, _: listed[number] if number < len(listed) else None


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A teacher server with no model, for trying things out.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--style", choices=["ollama", "openai"], default="ollama")
    parser.add_argument("--model", default="fake")
    settings = parser.parse_args()
    with FakeServer(style=settings.style, models=[settings.model], port=settings.port) as server:
        print(
            f"TEACHER {{\n    url: {json.dumps(server.url)}\n    model: {json.dumps(settings.model)}\n}}",
            flush=True,
        )
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)


if __name__ == "__main__":
    main()
