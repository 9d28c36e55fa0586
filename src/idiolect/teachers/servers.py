"""The two kinds of server: Ollama by its own API, and any other by the OpenAI-compatible one.

Ollama's OpenAI-compatible endpoint ignores the context size, so that long prompts are cut in silence;
its own API sets it. A server here makes one call for one request; it does **not** repeat, wait or keep.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, Protocol

from idiolect.teachers.journal import Reply
from idiolect.teachers.problem import TeacherProblem
from idiolect.teachers.records import Request
from idiolect.teachers.settings import ServerSettings
from idiolect.teachers.tokens import estimate, looks_cut
from idiolect.teachers.wire import CallFailed, Response, Wire
from idiolect.text_hints import did_you_mean, shortened

_SMALLEST_WINDOW = 4096
_ANSWER_ROOM = 2048  # tokens kept for the answer where the request names no max_tokens
_SLACK = 1.6  # how much more than the estimate a tokenizer may need, until replies have told
_SLACK_ON_TOLD = 1.15  # and how much more than the worst share that they told
_SHORT_PROMPT = 200  # tokens; below it the template's own outweigh the text's
_PASSING = frozenset({408, 409, 425, 429})  # statuses below 500 that may pass
_NO_SCHEMA_WORDS = (
    "response_format",
    "json_schema",
    "json_object",
    "grammar",
    "guided",
    "structured",
    "schema",
)


class Server(Protocol):
    """A server that answers one request by one call."""

    def check(self, request: Request) -> None:
        """CallFailed for a request that needs no call to fail."""

    def ask(self, request: Request) -> Reply: ...


def connect(settings: ServerSettings) -> Server:
    """The server at the settings' address, recognised and known to have the model."""
    wire = Wire(settings.url, settings.timeout_s, settings.key)
    root = settings.url.removesuffix("/v1")
    # Recognising a server is not worth an answer's patience.
    quick = replace(wire, timeout_s=min(settings.timeout_s, 10.0))
    try:
        version = quick.get(f"{root}/api/version")
        if version.status == 200 and _is_ollama(version):
            return _ollama(wire, root, settings)
        return _compatible(wire, quick, settings)
    except CallFailed as error:
        raise TeacherProblem(
            f"the teacher can't be reached: {wire.mask(error.detail)}",
            hint=f"start it (for Ollama: `ollama serve`, then `ollama pull {settings.model}`), "
            "mend TEACHER.url, or write `offline: true` in TEACHER to work by the dialect's rules",
        ) from error


class Ollama:
    """Ollama's own /api/chat, with the context size set."""

    def __init__(self, wire: Wire, root: str, model: str, num_ctx: int | None, longest: int | None) -> None:
        self._wire = wire
        self._root = root
        self._model = model
        self._fixed = num_ctx
        self._longest = longest  # the model's own limit
        self._window = num_ctx or _SMALLEST_WINDOW
        self._slack = _SLACK
        self._lock = threading.Lock()

    def check(self, request: Request) -> None:
        """Refuse a prompt that is longer than the model reads, whatever the window."""
        estimated = estimate(request.messages)
        if self._longest is not None and estimated > self._longest:
            raise CallFailed(
                "prompt too long",
                f"a prompt of about {estimated:,} tokens does not fit {self._model}, "
                f"which reads {self._longest:,}; take a teacher with a larger context or shorten the prompt",
                again=False,
            )

    def ask(self, request: Request) -> Reply:
        """One call of /api/chat."""
        estimated = estimate(request.messages)
        window = self._window_for(estimated, request.max_tokens)
        options: dict[str, Any] = {"num_ctx": window}
        _put(options, temperature=request.temperature, num_predict=request.max_tokens, seed=request.seed)
        content: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": each.role, "content": each.content} for each in request.messages],
            "stream": False,
            "options": options,
            "truncate": False,  # newer servers then refuse a prompt that is too long; older ones ignore it
        }
        _put(content, format=request.schema)
        began = time.monotonic()
        response = self._wire.post(f"{self._root}/api/chat", content)
        if response.status != 200:
            if response.status == 400 and "context length" in response.complaint():
                raise self._too_small(None, estimated, window)
            _refuse(response, self._wire, request.model)
        body = response.json()
        text = _text_of(body.get("message"), response)
        read = _count(body.get("prompt_eval_count"))
        if read is not None and (looks_cut(read, estimated) or read >= window):
            raise self._too_small(read, estimated, window)
        if read is not None:
            self._slack = max(self._slack, _SLACK_ON_TOLD * read / max(estimated, _SHORT_PROMPT))
        cut = body.get("done_reason") == "length"
        return Reply(text, cut, read, _count(body.get("eval_count")), time.monotonic() - began)

    def _too_small(self, read: int | None, estimated: int, window: int) -> CallFailed:
        """What a window that did not hold the prompt means; one that is ours to fit is doubled."""
        if self._fixed is not None:
            return _cut(read, estimated, window, "raise num_ctx")
        if self._longest is not None and window >= self._longest:
            return _cut(read, estimated, window, "the model reads no more: shorten the prompt")
        with self._lock:
            self._window = max(self._window, window * 2)
        return _cut(read, estimated, window, "the window is doubled for the next try", again=True)

    def _window_for(self, estimated: int, max_tokens: int | None) -> int:
        """A window that holds the prompt and its answer. It only grows: each change reloads the model."""
        if self._fixed is not None:
            return self._fixed
        needed = int(estimated * self._slack) + (max_tokens or _ANSWER_ROOM)
        with self._lock:
            while self._window < needed:
                self._window *= 2
            return self._window if self._longest is None else min(self._window, self._longest)


class Compatible:
    """POST /chat/completions of an OpenAI-compatible server; learns what this one does not take."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._schema_form = "json_schema"
        self._length_name = "max_tokens"

    def check(self, request: Request) -> None:
        """Nothing: such a server does not tell what its model reads."""

    def ask(self, request: Request) -> Reply:
        """One call; where the server refuses a field that it does not know, a call without it."""
        form, length_name = self._schema_form, self._length_name
        estimated = estimate(request.messages)
        began = time.monotonic()
        response = self._wire.post(f"{self._wire.url}/chat/completions", _body(request, form, length_name))
        if response.status != 200:
            self._learn(response, request, form, length_name)
            _refuse(response, self._wire, request.model)
        body = response.json()
        choices = body.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(first, Mapping):
            raise CallFailed("broken reply", f"the reply has no choices: {response.shown()}")
        text = _text_of(first.get("message"), response)
        usage = body.get("usage")
        usage = usage if isinstance(usage, Mapping) else {}
        read = _count(usage.get("prompt_tokens"))
        if read is not None and looks_cut(read, estimated):
            raise _cut(read, estimated, None, _LARGER_CONTEXT)
        cut = first.get("finish_reason") == "length"
        return Reply(text, cut, read, _count(usage.get("completion_tokens")), time.monotonic() - began)

    def _learn(self, response: Response, request: Request, form: str, length_name: str) -> None:
        """Give up a field that the server complains of, and have the call made again."""
        if response.status not in (400, 415, 422, 501):
            return
        complaint = response.complaint().casefold()
        if (
            request.max_tokens is not None
            and length_name == "max_tokens"
            and "max_completion_tokens" in complaint
        ):
            self._length_name = "max_completion_tokens"
        elif request.schema is not None and form and any(word in complaint for word in _NO_SCHEMA_WORDS):
            self._schema_form = "json_object" if form == "json_schema" else ""
        else:
            return
        raise FieldRefused(response.complaint())


class FieldRefused(Exception):
    """A server did not take a field; the next call leaves it out."""


def _body(request: Request, form: str, length_name: str) -> dict[str, Any]:
    messages = [{"role": each.role, "content": each.content} for each in request.messages]
    content: dict[str, Any] = {"model": request.model, "messages": messages, "stream": False}
    _put(content, temperature=request.temperature, seed=request.seed, **{length_name: request.max_tokens})
    if request.schema is not None:
        if form == "json_schema":
            described = {"name": "answer", "schema": request.schema}
            content["response_format"] = {"type": form, "json_schema": described}
        else:
            if form:
                content["response_format"] = {"type": form}
            messages[-1] = dict(messages[-1])
            messages[-1]["content"] += (
                "\n\nAnswer with one JSON value and nothing else. It must keep this JSON Schema:\n"
                + json.dumps(request.schema, ensure_ascii=False)
            )
    return content


_LARGER_CONTEXT = "start the server with a larger context (llama.cpp: -c, vLLM: --max-model-len)"


def _cut(
    read: int | None, estimated: int, window: int | None, cure: str, *, again: bool = False
) -> CallFailed:
    said = "refused a prompt" if read is None else f"read {read:,}"
    at = "" if window is None else f" with a window of {window:,}"
    detail = f"the server {said} of about {estimated:,} tokens{at}; {cure}"
    return CallFailed("prompt cut", detail, again=again)


def _ollama(wire: Wire, root: str, settings: ServerSettings) -> Ollama:
    tags = wire.get(f"{root}/api/tags")
    if tags.status != 200:
        _refuse(tags, wire, settings.model)
    names = _names(tags.json().get("models"), "name")
    if settings.model not in names and f"{settings.model}:latest" not in names:
        raise _unknown_model(settings, names, f"`ollama pull {settings.model}`")
    shown = wire.post(f"{root}/api/show", {"model": settings.model})
    info = shown.json().get("model_info") if shown.status == 200 else None
    longest = None
    if isinstance(info, Mapping):
        longest = next(
            (_count(info[name]) for name in sorted(info) if name.endswith(".context_length")), None
        )
    return Ollama(wire, root, settings.model, settings.num_ctx, longest)


def _compatible(wire: Wire, quick: Wire, settings: ServerSettings) -> Compatible:
    response = quick.get(f"{settings.url}/models")
    if response.status in (401, 403):
        _refuse(response, wire, settings.model)
    if response.status == 200:
        names = _names(response.json().get("data"), "id")
        if names and settings.model not in names:
            raise _unknown_model(settings, names, "TEACHER.model as the server lists it")
    elif not settings.url.endswith("/v1") and quick.get(f"{settings.url}/v1/models").status == 200:
        raise TeacherProblem(
            f"{settings.url} has no /chat/completions", hint=f'write TEACHER.url as "{settings.url}/v1"'
        )
    return Compatible(wire)  # not every server lists its models: then the first call tells


def _unknown_model(settings: ServerSettings, names: Sequence[str], cure: str) -> TeacherProblem:
    known = did_you_mean(settings.model, names, "it has") if names else "it has none"
    return TeacherProblem(
        f'the server at {settings.url} has no model "{shortened(settings.model)}"', hint=f"{known}; or {cure}"
    )


def _refuse(response: Response, wire: Wire, model: str) -> NoReturn:
    """Raise what a status other than 200 means."""
    complaint = wire.mask(response.complaint())
    said = f"the server answered {response.status}: {complaint}"
    if response.status in (401, 403):
        raise TeacherProblem(
            f"the teacher refuses the key: {complaint}",
            hint="name the environment variable that holds a valid key in TEACHER.api_key_env",
        )
    if response.status == 404 and "model" in complaint.casefold():
        raise TeacherProblem(f'the teacher has no model "{model}": {complaint}', hint="mend TEACHER.model")
    if 300 <= response.status < 400:
        where = response.headers.get("location", "elsewhere")
        raise TeacherProblem(
            f"the teacher's address leads to {shortened(where)}", hint="write that as TEACHER.url"
        )
    passing = response.status in _PASSING or response.status >= 500
    reason = "rate limit" if response.status == 429 else f"status {response.status}"
    raise CallFailed(reason, said, again=passing, wait_s=_retry_after(response.headers.get("retry-after")))


def _retry_after(value: str | None) -> float | None:
    """The seconds of a Retry-After header, which gives seconds or a date."""
    if value is None:
        return None
    with suppress(ValueError):
        seconds = float(value)
        return seconds if 0 <= seconds < math.inf else None
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    now = datetime.now(UTC)
    return max(0.0, (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now.timestamp())


def _is_ollama(response: Response) -> bool:
    try:
        return isinstance(response.json().get("version"), str)
    except CallFailed:
        return False


def _text_of(message: object, response: Response) -> str:
    if isinstance(message, Mapping):
        content = message.get("content")
        if isinstance(content, str):
            return content
        if content is None and message.get("role") == "assistant":
            return ""  # a refusal, or thinking alone: judged as an empty answer
    raise CallFailed("broken reply", f"the reply has no message with text: {response.shown()}")


def _names(entries: object, field: str) -> list[str]:
    rows = entries if isinstance(entries, list) else []
    found = (row.get(field) for row in rows if isinstance(row, Mapping))
    return sorted({name for name in found if isinstance(name, str)})


def _count(value: object) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return value if fits and isinstance(value, int) else None


def _put(content: dict[str, Any], **values: Any) -> None:
    """Add the values that are given."""
    content.update({name: value for name, value in values.items() if value is not None})
