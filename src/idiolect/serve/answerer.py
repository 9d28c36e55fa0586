"""From a request to outcomes: the one pipeline, asked for one client, with what SECURITY looks at around it.

    request -> input checks -> pipeline -> leak check -> masks -> outcome, remembered for feedback

HTTP has no place here; `openai_api.py` and `own_api.py` bring the requests.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from idiolect.data.contexts import schema_in
from idiolect.decode.flow import Borrowed, Flow, OneAtATime, Wish
from idiolect.decode.guard import BLOCKED
from idiolect.decode.opened import Answering
from idiolect.decode.pipeline import Action, Outcome, Pipeline, Question
from idiolect.decode.records import OnPiece
from idiolect.dialects.contract import Context, Dialect
from idiolect.dialects.verdict import Verdict
from idiolect.serve.leaks import TrainingTexts
from idiolect.serve.personal import without_personal
from idiolect.serve.settings import ServeSettings
from idiolect.serve.trouble import trouble

_KEPT = 2_000  # answers that feedback may still be given on
_KEPT_CHARACTERS = 20_000_000  # of all of them together


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request wants: questions, and settings over those of the script."""

    questions: tuple[Question, ...]
    sampling: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] | None = None  # the answer is JSON that fits this


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer that was given, and to whom."""

    client: str
    question: Question
    outcome: Outcome


class Answerer:
    """Answers requests of many threads."""

    def __init__(
        self, answering: Answering, settings: ServeSettings, training: TrainingTexts | None = None
    ) -> None:
        self.answering = answering
        self.settings = settings
        self.training = training
        self.engine = _for_threads(answering.pipeline.engine)
        self._given: OrderedDict[str, Remembered] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    @property
    def flow(self) -> Flow | None:
        return self.engine if isinstance(self.engine, Flow) else None

    @property
    def dialect(self) -> Dialect | None:
        return self.answering.dialect

    def check_input(self, *texts: str) -> None:
        """L814 or L816 where SECURITY.input_validation does not let a text pass."""
        most, disallowed = self.settings.most_characters, self.settings.disallowed
        for text in texts:
            if most is not None and len(text) > most:
                raise trouble("L814", f"a text has {len(text):,} characters, and {most:,} are allowed")
            folded = text.casefold() if disallowed else ""
            for one in disallowed:
                if one.casefold() in folded:
                    raise trouble("L816", "the request holds a text that is not allowed here")

    def check_asked(self, asked: Asked) -> None:
        for question in asked.questions:
            said = [turn["content"] for turn in question.history]
            self.check_input(question.instruction, question.context or "", question.system, *said)

    def ask(self, asked: Asked, wish: Wish, *, on_draft: OnPiece | None = None) -> list[Outcome]:
        """The outcomes of a request's questions. Blocks; `on_draft` is shown what may still be changed."""
        pipeline = self._pipeline(asked, wish, on_draft)
        outcomes = pipeline.ask_all(asked.questions)
        return [
            self._kept_back(question, outcome, pipeline)
            for question, outcome in zip(asked.questions, outcomes, strict=True)
        ]

    def judge(
        self, text: str, context: str, schema: Mapping[str, Any] | None, tests: Sequence[Mapping[str, Any]]
    ) -> Verdict:
        """The verdict on a text that somebody else wrote."""
        dialect, project = self.answering.dialect, self.answering.context
        if schema is not None:
            from idiolect.dialects.json_ast.dialect import JsonAst

            dialect, project = JsonAst(), Context(schema=schema)
        elif project.schema is None:
            project = replace(project, schema=schema_in(context))
        if dialect is None:
            help = "send a schema along, or serve a script with a DIALECT block"
            raise trouble("L815", "this server has no language to check texts of", help, status=400)
        return dialect.verify(text, replace(project, tests=tuple(tests)))

    def remember(self, client: str, question: Question, outcome: Outcome) -> str:
        """Keep an answer for feedback; the id under which it is found."""
        number = f"ans-{secrets.token_urlsafe(12)}"
        with self._lock:
            self._given[number] = Remembered(client, question, outcome)
            self._characters += _size(self._given[number])
            while len(self._given) > _KEPT or self._characters > _KEPT_CHARACTERS:
                _, gone = self._given.popitem(last=False)
                self._characters -= _size(gone)
        return number

    def given(self, number: str, client: str) -> Remembered:
        """An answer that this client was given."""
        with self._lock:
            found = self._given.get(number)
        if found is None or found.client != client:
            raise trouble("L817", "no such answer is remembered", "feedback is taken for the newest answers")
        return found

    def close(self) -> None:
        if self.flow is not None:
            self.flow.close()

    def _pipeline(self, asked: Asked, wish: Wish, on_draft: OnPiece | None) -> Pipeline:
        """The pipeline for one request: the same but for engine, settings and, with a schema, language."""
        one = copy(self.answering.pipeline)
        one.engine = Borrowed(self.engine, wish, on_draft)
        one.sampling = one.sampling.with_settings(**asked.sampling)
        if asked.schema is not None:
            from idiolect.dialects.json_ast.dialect import JsonAst

            one.dialect, one.project = JsonAst(), Context(schema=asked.schema)
            one.enforce, one.retrieve = True, None
        return one

    def _kept_back(self, question: Question, outcome: Outcome, pipeline: Pipeline) -> Outcome:
        """The outcome without training data and personal details, where that is asked for."""
        request = "\n".join((question.instruction, outcome.context, question.system))
        if self.training is not None and self.training.leaks(outcome.text, request):
            why = f"it holds {self.training.passage} words and marks of the training data in a row"
            outcome = _changed(outcome, BLOCKED, Action("withheld", why), None)
        if self.settings.mask_personal:
            text, kinds = without_personal(outcome.text)
            if kinds:
                verdict = None
                if pipeline.dialect is not None and outcome.verdict is not None:
                    schema = pipeline.project.schema or schema_in(outcome.context)
                    verdict = pipeline.dialect.verify(text, replace(pipeline.project, schema=schema))
                outcome = _changed(outcome, text, Action("masked", ", ".join(kinds)), verdict)
        return outcome


def schema_text(schema: Mapping[str, Any]) -> str:
    """A schema as it stands in a prompt."""
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":"))


def _changed(outcome: Outcome, text: str, action: Action, verdict: Verdict | None) -> Outcome:
    return replace(outcome, text=text, verdict=verdict, actions=(*outcome.actions, action))


def _size(given: Remembered) -> int:
    question, outcome = given.question, given.outcome
    return len(question.instruction) + len(outcome.text) + len(outcome.context)


def _for_threads(engine: Any) -> Any:
    """An engine that many threads may call."""
    from idiolect.decode.generate import Generator
    from idiolect.decode.server_engine import ServerEngine

    if isinstance(engine, Generator):
        return Flow(engine)
    return engine if isinstance(engine, ServerEngine | Flow) else OneAtATime(engine)
