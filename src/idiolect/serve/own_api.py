"""Our own interface: /generate, /check, /feedback, the endpoint that DEPLOY names, health and numbers.

The endpoint is /generate by another name. Both answer a websocket too: each message is a request, and drafts
come before the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError

from idiolect import __version__
from idiolect.data.example import summary_of
from idiolect.decode.pipeline import Outcome, Question
from idiolect.decode.records import Piece
from idiolect.decode.told import faults_of, record_of
from idiolect.serve.answerer import Asked, schema_text
from idiolect.serve.bodies import CheckBody, FeedbackBody, GenerateBody
from idiolect.serve.door import BEARER_PROTOCOL
from idiolect.serve.errors import validation_trouble
from idiolect.serve.feeds import Feed, comment, sse
from idiolect.serve.house import House, caller_of
from idiolect.serve.numbers import CONTENT_TYPE
from idiolect.serve.openai_api import _ERRORS, conversation
from idiolect.serve.trouble import trouble

_PROTOCOL = "idiolect"


def own_routes(house: House, take_turn: Any) -> APIRouter:
    """The routes of this server's own."""
    router = APIRouter(responses=_ERRORS, tags=["Idiolect"])

    async def generate(body: GenerateBody, request: Request) -> Response:
        """Write a text of the language: its verdict, its context and how it came about stand beside it."""
        asked = generate_asked(body)
        if body.stream:
            return await _streamed(house, request, asked)
        (outcome,) = await house.outcomes(request, asked)
        number = house.given(request, asked.questions[0], outcome)
        return JSONResponse(answer_record(outcome, number))

    async def talk(socket: WebSocket) -> None:
        await _talk(house, socket, take_turn)

    for path in dict.fromkeys(("/generate", house.settings.endpoint)):
        router.add_api_route(
            path, generate, methods=["POST"], operation_id=f"generate{path.replace('/', '_')}"
        )
        router.add_api_websocket_route(path, talk)

    @router.post("/check")
    async def check(body: CheckBody) -> dict[str, Any]:
        """Judge a text: its verdict with every fault, its place and its hint."""
        answerer = house.answerer
        answerer.check_input(body.text, body.context or "")
        async with house.desk.place() as wish:
            verdict = await house.desk.work(
                lambda: answerer.judge(body.text, body.context or "", body.schema_, body.tests), wish
            )
        return {
            "valid": verdict.ok,
            "verdict": asdict(summary_of(verdict)),
            "faults": faults_of(verdict, body.text, "text"),
        }

    @router.post("/feedback", status_code=201)
    async def feedback(body: FeedbackBody, request: Request) -> dict[str, Any]:
        """Say what an answer was worth, or what it should have been; it goes into the log of prompts."""
        if house.prompts is None:
            help = "start the server with --log-prompts FILE"
            raise trouble("L815", "this server keeps no feedback", help, status=400)
        if body.rating is None and body.correction is None:
            raise trouble("L815", "neither a rating nor a correction is given")
        if body.correction is not None:
            house.answerer.check_input(body.correction)
        found = house.answerer.given(body.id, caller_of(request).client)
        house.prompts.add(
            found.question,
            found.outcome,
            rating=body.rating,
            correction=body.correction,
            details={"id": body.id, "feedback": True},
        )
        return {"kept": True}

    @router.get("/healthz")
    async def health() -> Response:
        """Whether the server takes requests."""
        draining = house.desk.draining
        return JSONResponse({"status": "draining" if draining else "ok"}, 503 if draining else 200)

    @router.get("/metrics")
    async def metrics() -> Response:
        """Numbers in Prometheus' form."""
        return Response(house.numbers.page(), media_type=CONTENT_TYPE)

    @router.get("/about")
    async def about() -> dict[str, Any]:
        """What a page needs to know: names, and what is switched on."""
        answering = house.answerer.answering
        inference = answering.plan.infer if answering.plan else None
        return {
            "name": house.settings.name,
            "version": __version__,
            "language": answering.dialect.name if answering.dialect else None,
            "needs_key": house.settings.requires_auth,
            "feedback": house.prompts is not None,
            "retrieves": answering.pipeline.retrieve is not None,
            "example": inference.input if inference else None,
            "max_tokens": answering.pipeline.sampling.max_tokens,
        }

    return router


def generate_asked(body: GenerateBody) -> Asked:
    """What a request to /generate asks for."""
    if not body.instruction.strip():
        raise trouble("L815", "the instruction is empty", param="instruction")
    system, history = conversation(body.history)
    context = body.context
    if context is None and body.schema_ is not None:
        context = schema_text(body.schema_)
    question = Question(
        body.instruction,
        context,
        history,
        tuple(body.tests),
        body.candidates,
        body.seed or 0,
        "\n\n".join(filter(None, (body.system, system))),
    )
    given = {"max_tokens": body.max_tokens, "temperature": body.temperature, "top_p": body.top_p}
    return Asked(
        (question,), {name: value for name, value in given.items() if value is not None}, body.schema_
    )


def answer_record(outcome: Outcome, number: str) -> dict[str, Any]:
    """An answer with all that is known of it."""
    faults = faults_of(outcome.verdict, outcome.text)
    return {"id": number, **record_of(outcome), "faults": faults, "context": outcome.context}


def draft_record(piece: Piece) -> dict[str, Any]:
    """A part of an answer that may still be changed: from `start` on it replaces what was there."""
    return {"start": piece.start, "text": piece.text}


async def _streamed(house: House, request: Request, asked: Asked) -> Response:
    house.answerer.check_asked(asked)
    feed = _feed(house, asked)
    await feed.started()
    return StreamingResponse(_events(house, request, asked, feed), media_type="text/event-stream")


def _feed(house: House, asked: Asked) -> Feed:
    """Drafts are shown of a single candidate, and only where nothing may have to be kept back."""
    settings = house.settings
    shown = asked.questions[0].candidates == 1
    shown &= not (settings.prevent_leak or settings.mask_personal)
    shown &= house.answerer.answering.pipeline.guard is None
    return Feed(
        house.desk, lambda wish, show: house.answerer.ask(asked, wish, on_draft=show if shown else None)
    )


async def _events(house: House, request: Request, asked: Asked, feed: Feed) -> AsyncIterator[str]:
    async for kind, value in feed.events():
        if kind == "waiting":
            yield comment()
        elif kind == "piece":
            if value.candidate == 0:
                yield sse(draft_record(value), "draft")
        elif kind == "error":
            yield sse(house.told(value, request)[1], "error")
        else:
            number = house.given(request, asked.questions[0], value[0])
            yield sse(answer_record(value[0], number), "answer")


async def _talk(house: House, socket: WebSocket, take_turn: Any) -> None:
    """A websocket: requests one after the other, each with its drafts and its answer."""
    offered = socket.scope.get("subprotocols", [])
    own = next((word for word in offered if not word.startswith(BEARER_PROTOCOL)), None)
    await socket.accept(subprotocol=own if own == _PROTOCOL else None)
    heard = asyncio.create_task(socket.receive())
    try:
        while True:
            message = await heard
            if message["type"] == "websocket.disconnect":
                return
            heard = asyncio.create_task(socket.receive())
            text = message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace")
            if not await _reply(house, socket, text, heard, take_turn):
                return
    except WebSocketDisconnect:
        return
    finally:
        heard.cancel()


async def _reply(
    house: House, socket: WebSocket, text: str, heard: asyncio.Task[Any], take_turn: Any
) -> bool:
    """Answer one message; False where the client has left meanwhile."""
    try:
        if len(text.encode("utf-8", "replace")) > house.settings.most_bytes:
            raise trouble("L814", f"the message has more than {house.settings.most_bytes:,} bytes")
        await take_turn(caller_of(socket))
        asked = generate_asked(_body_of(text))
        house.answerer.check_asked(asked)
        feed = _feed(house, asked)
        events = feed.events()
        coming = asyncio.ensure_future(anext(events))
        while True:
            await asyncio.wait({coming, heard}, return_when=asyncio.FIRST_COMPLETED)
            if heard.done() and heard.result()["type"] == "websocket.disconnect":
                feed.give_up()
                coming.cancel()
                return False
            if not coming.done():
                await asyncio.wait({coming})
            kind, value = coming.result()
            if kind == "outcomes":
                number = house.given(_as_request(socket), asked.questions[0], value[0])
                await socket.send_json({"type": "answer", **answer_record(value[0], number)})
                return True
            if kind == "error":
                raise value
            if kind == "piece" and value.candidate == 0:
                await socket.send_json({"type": "draft", **draft_record(value)})
            coming = asyncio.ensure_future(anext(events))
    except WebSocketDisconnect:
        return False
    except Exception as error:  # told to the client, who may ask again
        await socket.send_json({"type": "error", **house.told(error, _as_request(socket))[1]})
        return True


def _body_of(text: str) -> GenerateBody:
    try:
        body = GenerateBody.model_validate_json(text)
        body.model_dump_json()  # half a character can't be written
        return body
    except ValidationError as error:
        raise validation_trouble(
            error.errors(include_url=False, include_input=False), GenerateBody
        ) from error
    except ValueError as error:
        raise trouble("L815", "the message holds half a character (a lone surrogate)") from error


def _as_request(socket: WebSocket) -> Any:
    return socket
