"""All that the routes of a server share, in one place."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from idiolect.decode.pipeline import Outcome, Question
from idiolect.decode.trouble import DecodeError
from idiolect.serve.answerer import Answerer, Asked
from idiolect.serve.desk import Desk
from idiolect.serve.door import Caller
from idiolect.serve.journal import Journal, PromptLog
from idiolect.serve.numbers import Numbers
from idiolect.serve.settings import ServeSettings
from idiolect.serve.trouble import ServeError, trouble


@dataclass(slots=True)
class House:
    """One server: its answerer, its places, what it writes and counts."""

    answerer: Answerer
    settings: ServeSettings
    desk: Desk
    journal: Journal
    numbers: Numbers
    prompts: PromptLog | None = None
    began: int = field(default_factory=lambda: int(time.time()))

    async def outcomes(self, request: Request, asked: Asked) -> list[Outcome]:
        """The outcomes of a request, with its place, its time and its client seen to."""
        self.answerer.check_asked(asked)
        async with self.desk.place() as wish:
            return await self.desk.work(lambda: self.answerer.ask(asked, wish), wish, lambda: _gone(request))

    def given(self, request: Request, question: Question, outcome: Outcome) -> str:
        """Count, log and remember an answer; the id for feedback."""
        caller = caller_of(request)
        self.numbers.answered(outcome)
        answer = outcome.answer
        facts = caller.facts
        facts["valid"] = outcome.valid
        if answer is not None:
            facts["prompt_tokens"] = facts.get("prompt_tokens", 0) + answer.prompt_tokens
            facts["tokens"] = facts.get("tokens", 0) + len(answer.ids)
        if outcome.actions:
            facts["actions"] = [action.what for action in outcome.actions]
        number = self.answerer.remember(caller.client, question, outcome)
        if self.prompts is not None:
            self.prompts.add(question, outcome, details={"id": number})
        return number

    def told(self, error: BaseException, request: Request) -> tuple[int, dict[str, Any]]:
        """Status and body of an error that comes after the answer has begun."""
        caller = caller_of(request)
        if isinstance(error, DecodeError):
            error = decode_trouble(error)
        if not isinstance(error, ServeError):
            self.journal.fault(error, id=caller.id)
            error = trouble("L819", f"something went wrong inside of the server ({caller.id})")
        caller.facts["code"] = error.problem.code
        return error.status, error.body


def decode_trouble(error: DecodeError) -> ServeError:
    """A question that can't be asked, as an answer to its request."""
    status = 503 if error.problem.code == "L714" else 400
    return ServeError(error.problem, status=status)


def caller_of(request: Any) -> Caller:
    found: Caller = request.scope["state"]["caller"]
    return found


async def _gone(request: Request) -> None:
    """Returns when the client has left."""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return
