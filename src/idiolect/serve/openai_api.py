"""OpenAI's interface: models, chats and completions, streamed or whole, with response_format.

A schema in `response_format` is what the answer is held to while it is decoded. Where the answer may still be
changed (a verdict, a rule, a mask), a stream sends it once it is settled; else as it is written.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from idiolect.decode.pipeline import Outcome, Question
from idiolect.decode.records import Piece
from idiolect.decode.told import record_of
from idiolect.serve.answerer import Asked, schema_text
from idiolect.serve.bodies import (
    ChatBody,
    ChatMessage,
    CompletionBody,
    ObjectFormat,
    OpenAiBody,
    SchemaFormat,
)
from idiolect.serve.feeds import Feed, comment, sse
from idiolect.serve.house import House
from idiolect.serve.trouble import trouble
from idiolect.text_hints import shortened

_WITHHELD = frozenset({"GUARD STOP", "GUARD REPLACE", "withheld", "STOP"})
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": "The error's code, its reason and what to do."}
    for status in (400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503, 504)
}


def openai_routes(house: House) -> APIRouter:
    """The routes below /v1."""
    router = APIRouter(prefix="/v1", responses=_ERRORS, tags=["OpenAI"])

    @router.get("/models")
    async def models() -> dict[str, Any]:
        """The models: one."""
        return {"object": "list", "data": [_model(house)]}

    @router.get("/models/{name}")
    async def model(name: Annotated[str, Path(max_length=200)]) -> dict[str, Any]:
        """The model, if it is this one."""
        _check_model(house, name)
        return _model(house)

    @router.post("/chat/completions")
    async def chat(body: ChatBody, request: Request) -> Response:
        """Answer the last message of a conversation."""
        _check_model(house, body.model)
        asked = chat_asked(body)
        shape = _Shape(house, body, "chat.completion", "chatcmpl")
        return await _answered(house, request, asked, shape)

    @router.post("/completions")
    async def completions(body: CompletionBody, request: Request) -> Response:
        """Answer a prompt, or several."""
        _check_model(house, body.model)
        shape = _Shape(house, body, "text_completion", "cmpl")
        return await _answered(house, request, completion_asked(body), shape)

    return router


def chat_asked(body: ChatBody) -> Asked:
    """What a chat asks for."""
    *before, last = body.messages
    if last.role != "user":
        raise trouble("L815", "the last message must be the user's", param="messages")
    if not last.text.strip():
        raise trouble("L815", "the last message is empty", param="messages")
    system, history = conversation(before)
    schema: Mapping[str, Any] | None = None
    if isinstance(body.response_format, SchemaFormat):
        schema = body.response_format.json_schema.schema_
    elif isinstance(body.response_format, ObjectFormat):
        schema = {"type": "object"}
    context = body.context
    if context is None and isinstance(body.response_format, SchemaFormat):
        context = schema_text(schema or {})  # students of schemas were shown it so
    seed = body.seed or 0
    questions = tuple(
        Question(last.text, context, history, (), body.candidates, seed + 7919 * at, system)
        for at in range(body.n)
    )
    return Asked(questions, _sampling(body, body.max_completion_tokens or body.max_tokens), schema)


def completion_asked(body: CompletionBody) -> Asked:
    """What a completion asks for."""
    prompts = [body.prompt] if isinstance(body.prompt, str) else body.prompt
    if not all(prompt.strip() for prompt in prompts):
        raise trouble("L815", "a prompt is empty", param="prompt")
    if len(prompts) * body.n > 64:
        raise trouble("L815", f"{len(prompts)} prompts with n = {body.n}: at most 64 answers", param="n")
    candidates = body.best_of or body.candidates
    questions = tuple(
        Question(prompt, body.context, (), (), candidates, (body.seed or 0) + 7919 * at)
        for prompt in prompts
        for at in range(body.n)
    )
    return Asked(questions, _sampling(body, body.max_tokens))


def conversation(messages: Sequence[ChatMessage]) -> tuple[str, tuple[dict[str, str], ...]]:
    """The system's texts together, and the turns before."""
    system = "\n\n".join(one.text for one in messages if one.role in ("system", "developer"))
    turns = [one for one in messages if one.role in ("user", "assistant")]
    return system, tuple({"role": one.role, "content": one.text} for one in turns)


def _sampling(body: OpenAiBody, max_tokens: int | None) -> dict[str, Any]:
    given = {
        "max_tokens": max_tokens,
        "temperature": body.temperature,
        "top_p": body.top_p,
        "stop_sequences": body.stops,
    }
    return {name: value for name, value in given.items() if value is not None}


class _Shape:
    """How the answers of one request look: a chat's or a completion's."""

    def __init__(self, house: House, body: OpenAiBody, kind: str, prefix: str) -> None:
        self.house = house
        self.body = body
        self.kind = kind
        self.chats = kind == "chat.completion"
        self.head = {
            "id": f"{prefix}-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": house.settings.name,
        }

    def whole(self, outcomes: Sequence[Outcome], ids: Sequence[str]) -> dict[str, Any]:
        choices = []
        for at, (outcome, number) in enumerate(zip(outcomes, ids, strict=True)):
            said: dict[str, Any] = (
                {"message": {"role": "assistant", "content": outcome.text, "refusal": None}}
                if self.chats
                else {"text": outcome.text}
            )
            end = {
                "finish_reason": finish_reason(outcome),
                "logprobs": None,
                "idiolect": _beside(outcome, number),
            }
            choices.append({"index": at, **said, **end})
        return {**self.head, "object": self.kind, "choices": choices, "usage": usage_of(outcomes)}

    def chunk(
        self, at: int, text: str | None, *, first: bool = False, end: dict[str, Any] | None = None
    ) -> str:
        if self.chats:
            delta: dict[str, Any] = {"role": "assistant"} if first else {}
            if text is not None:
                delta["content"] = text
            said: dict[str, Any] = {"delta": delta}
        else:
            said = {"text": text or ""}
        choice = {"index": at, **said, "finish_reason": None, "logprobs": None, **(end or {})}
        return sse({**self._head(), "choices": [choice]})

    def usage_chunk(self, outcomes: Sequence[Outcome]) -> str:
        return sse({**self._head(), "choices": [], "usage": usage_of(outcomes)})

    def _head(self) -> dict[str, Any]:
        kind = "chat.completion.chunk" if self.chats else self.kind
        options = self.body.stream_options
        return {**self.head, "object": kind, **({"usage": None} if options and options.include_usage else {})}


async def _answered(house: House, request: Request, asked: Asked, shape: _Shape) -> Response:
    if not shape.body.stream:
        outcomes = await house.outcomes(request, asked)
        ids = [house.given(request, *pair) for pair in zip(asked.questions, outcomes, strict=True)]
        return JSONResponse(shape.whole(outcomes, ids))
    house.answerer.check_asked(asked)
    live = _shown_live(house, asked)
    feed = Feed(
        house.desk,
        lambda wish, show: house.answerer.ask(asked, wish, on_draft=show if live else None),
    )
    await feed.started()
    return StreamingResponse(_stream(house, request, asked, shape, feed), media_type="text/event-stream")


async def _stream(
    house: House, request: Request, asked: Asked, shape: _Shape, feed: Feed
) -> AsyncIterator[str]:
    held = _HeldBack(house, asked)
    for at in range(len(asked.questions)):
        if shape.chats:
            yield shape.chunk(at, "", first=True)
    async for kind, value in feed.events():
        if kind == "waiting":
            yield comment()
        elif kind == "piece":
            text = held.add(value)
            if text:
                yield shape.chunk(value.request, text)
        elif kind == "error":
            yield sse(house.told(value, request)[1])
        else:
            for at, (question, outcome) in enumerate(zip(asked.questions, value, strict=True)):
                number = house.given(request, question, outcome)
                rest = held.rest(at, outcome.text)
                if rest:
                    yield shape.chunk(at, rest)
                end = {"finish_reason": finish_reason(outcome), "idiolect": _beside(outcome, number)}
                yield shape.chunk(at, None, end=end)
            options = shape.body.stream_options
            if options is not None and options.include_usage:
                yield shape.usage_chunk(value)
    yield sse("[DONE]")


class _HeldBack:
    """Pieces as text that is only ever added to: what an end may still take away is kept until then."""

    def __init__(self, house: House, asked: Asked) -> None:
        stops = (
            asked.sampling.get("stop_sequences") or house.answerer.answering.pipeline.sampling.stop_sequences
        )
        student = house.answerer.answering.student
        closing = student.form.closing.removesuffix(student.form.stop) if student else ""
        self._margin = max([len(closing), *(len(stop) - 1 for stop in stops)])
        self._written: dict[int, str] = {}
        self._sent: dict[int, int] = {}

    def add(self, piece: Piece) -> str:
        """What may be sent after a piece."""
        number = piece.request
        text = self._written.get(number, "")[: piece.start] + piece.text
        self._written[number] = text
        sent = self._sent.get(number, 0)
        safe = max(len(text) - self._margin, sent)
        self._sent[number] = safe
        return text[sent:safe]

    def rest(self, number: int, text: str) -> str:
        return text[self._sent.get(number, 0) :]


def _shown_live(house: House, asked: Asked) -> bool:
    """Whether what is written is what will be answered."""
    settings = house.settings
    plain = house.answerer.answering.pipeline.streams and asked.schema is None
    one_each = all(question.candidates == 1 for question in asked.questions)
    return plain and one_each and not (settings.mask_personal or settings.prevent_leak)


def finish_reason(outcome: Outcome) -> str:
    """Why an answer ended, in OpenAI's words."""
    if any(action.what in _WITHHELD for action in outcome.actions):
        return "content_filter"
    return "length" if outcome.answer is not None and not outcome.answer.finished else "stop"


def usage_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Tokens of prompts and answers; those that a grammar forced are among the latter."""
    answers = [outcome.answer for outcome in outcomes if outcome.answer is not None]
    prompt = sum(answer.prompt_tokens for answer in answers)
    written = sum(len(answer.ids) for answer in answers)
    return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}


def _beside(outcome: Outcome, number: str) -> dict[str, Any]:
    """What this server says of an answer beside OpenAI's fields."""
    record = record_of(outcome)
    return {
        "id": number,
        **{name: record[name] for name in ("valid", "verdict", "actions", "notes", "repairs")},
    }


def _model(house: House) -> dict[str, Any]:
    return {"id": house.settings.name, "object": "model", "created": house.began, "owned_by": "idiolect"}


def _check_model(house: House, name: str) -> None:
    own = house.settings.name
    if name != own:
        raise trouble("L817", f'there is no model "{shortened(name)}" here', f'write "{own}"', param="model")
