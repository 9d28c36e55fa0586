"""From a question to an answer that can be stood by: the one way that commands and the server go.

    retrieve -> prompt -> decode under the grammar -> verify -> repair -> CONTROL -> GUARD -> outcome

The best candidate has the best verdict, and among equals is the likeliest. What the grammar can't say is
mended a few times at the statement at fault. Every action that changed the answer is in the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from idiolect.data.contexts import schema_in
from idiolect.decode.behavior import avoided, system_line
from idiolect.decode.guard import Detector, GuardKeeper, Violation, toxic, unknown_names
from idiolect.decode.records import Answer, Answers, Message, OnPiece, Piece, Request, Requests, Sampling
from idiolect.decode.repair import repair_request
from idiolect.decode.rules import Wanted, decide, inference_rules
from idiolect.decode.signals import Signal, signals_of
from idiolect.decode.trouble import DecodeError, trouble
from idiolect.dialects.context_pack import ContextPack
from idiolect.dialects.contract import EMPTY, Context, Dialect, offers
from idiolect.dialects.verdict import Verdict
from idiolect.grammar.form import Grammar, choice, grammar
from idiolect.okt.blocks.answer import Behavior, Guard, Inference
from idiolect.okt.control import Statement
from idiolect.plan.plan import Plan

MOST_ATTEMPTS = 3  # RETRY and REGENERATE together
MOST_REPAIRS = 2

# An instruction to the context that it needs: a text, or a pack whose catalog also holds the answer.
Retrieve = Callable[[str], "str | ContextPack"]


class Engine(Protocol):
    """Whatever writes answers: a student here, a server, llama.cpp."""

    def generate(
        self, requests: Requests, sampling: Sampling, *, on_piece: OnPiece | None = None
    ) -> Answers: ...


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that a user asks."""

    instruction: str
    context: str | None = None  # None: what retrieval finds
    history: tuple[Message, ...] = ()  # the conversation before
    tests: tuple[Mapping[str, Any], ...] = ()
    candidates: int = 1
    seed: int = 0
    system: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that was done with an answer, and why."""

    what: str  # RETRY, REGENERATE, REPLACE, RETURN, STOP, SET, LOG, repair, fallback, GUARD ALERT, ...
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a user gets, and how it came about."""

    text: str
    verdict: Verdict | None = None  # None where no dialect judges
    answer: Answer | None = None  # of the model; None where a fixed text answers
    actions: tuple[Action, ...] = ()
    violations: tuple[Violation, ...] = ()
    attempts: int = 1
    repairs: int = 0
    candidates: int = 1
    good_candidates: int = 0  # whose verdict was good before any repair
    context: str = ""
    notes: tuple[str, ...] = ()

    @property
    def valid(self) -> bool | None:
        """Whether the dialect's verdict on the text is good; None where nothing judged it."""
        return None if self.verdict is None else self.verdict.ok


@dataclass(slots=True)
class _Work:
    """One question on its way."""

    question: Question
    request: Request
    context: Context
    sampling: Sampling
    best: Answer | None = None
    verdict: Verdict | None = None
    actions: list[Action] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    attempts: int = 0
    repairs: int = 0
    good: int = 0
    fixed: str | None = None  # a text that takes the answer's place
    refused: list[str] = field(default_factory=list)  # answers that shall not come again


class Pipeline:
    """How the questions of one project are answered."""

    def __init__(
        self,
        engine: Engine,
        *,
        dialect: Dialect | None = None,
        project: Context = EMPTY,
        sampling: Sampling = Sampling(),
        enforce: bool = True,
        inference: Inference | None = None,
        behavior: Behavior | None = None,
        guard: Guard | None = None,
        top_level: Sequence[Statement] = (),
        retrieve: Retrieve | None = None,
        detectors: Mapping[str, Detector] | None = None,
        system: str = "",
        most_repairs: int = MOST_REPAIRS,
    ) -> None:
        self.engine = engine
        self.dialect = dialect
        self.project = project
        self.sampling = sampling
        self.enforce = enforce and (dialect is None or offers(dialect, "constraint"))
        self.behavior = behavior
        self.labels = tuple((inference.labels if inference else None) or ())
        self.classifies = inference is not None and inference.mode in ("intent", "classify")
        self.rules = inference_rules((inference.control if inference else None) or (), top_level)
        self.guard = GuardKeeper(guard, detectors) if guard is not None else None
        self.retrieve = retrieve
        self.system = " ".join(filter(None, (system, system_line(behavior))))
        self.most_repairs = most_repairs

    @property
    def notes(self) -> tuple[str, ...]:
        """What holds for every answer and should be said once."""
        return self.guard.notes(has_dialect=self.dialect is not None) if self.guard else ()

    @property
    def streams(self) -> bool:
        """Whether pieces can be shown as they are written: nothing may take them back but a closing."""
        return not self.rules and self.guard is None and self.dialect is None

    def ask(self, question: Question, *, on_piece: OnPiece | None = None) -> Outcome:
        """One answer. DecodeError where the question can't be asked at all."""
        return self.ask_all([question], on_piece=on_piece)[0]

    def ask_all(self, questions: Sequence[Question], *, on_piece: OnPiece | None = None) -> list[Outcome]:
        """Answers to many questions, written side by side."""
        works = [self._work(question) for question in questions]
        waiting = works
        while waiting:
            self._write(waiting, on_piece if self.streams else None)
            self._repair(waiting)
            waiting = [work for work in waiting if self._settle(work)]
        outcomes = [self._outcome(work) for work in works]
        if on_piece is not None and not self.streams:
            for number, outcome in enumerate(outcomes):
                on_piece(Piece(number, 0, 0, outcome.text))
        return outcomes

    def _work(self, question: Question) -> _Work:
        context, project = question.context, self.project
        if context is None:
            found = self.retrieve(question.instruction) if self.retrieve else ""
            context = found if isinstance(found, str) else found.text
            if not isinstance(found, str):
                project = replace(project, catalog=found.catalog)
        schema = project.schema if project.schema is not None else schema_in(context)
        judged = replace(project, schema=schema, tests=question.tests)
        system = " ".join(filter(None, (question.system, self.system)))
        turns: list[Message] = [{"role": "system", "content": system}] if system else []
        turns += [*question.history, {"role": "user", "content": question.instruction}]
        request = Request(
            tuple(turns),
            context,
            self._grammar(judged),
            question.candidates,
            question.seed,
            schema=judged.schema,
        )
        return _Work(question, request, judged, self.sampling)

    def _grammar(self, context: Context) -> Grammar | None:
        if self.dialect is not None and self.enforce:
            try:
                return self.dialect.constraint(context)
            except Exception as error:  # whatever keeps a grammar from being made is what is told of it
                help = "mend what is named, or answer without a grammar: DIALECT { enforce: false }"
                what = f"no grammar can be made for {self.dialect.name}: {error}"
                raise trouble("L710", what, help) from error
        if self.classifies and self.labels and self.enforce:
            return grammar("start", {"start": choice(*self.labels)})
        return None

    def _write(self, works: Sequence[_Work], on_piece: OnPiece | None) -> None:
        """Ask the engine, all that have the same settings at once, and keep each one's best answer."""
        groups: dict[Sampling, list[_Work]] = {}
        for work in works:
            groups.setdefault(work.sampling, []).append(work)
        for sampling, group in groups.items():
            found = self.engine.generate([work.request for work in group], sampling, on_piece=on_piece)
            for work, answers in zip(group, found, strict=True):
                work.attempts += 1
                self._take_best(work, answers)

    def _take_best(self, work: _Work, answers: Sequence[Answer]) -> None:
        judged = [(answer, self._judge(work, answer.text)) for answer in answers]
        work.good = sum(verdict is not None and verdict.ok for _, verdict in judged)
        answer, verdict = max(judged, key=lambda pair: (*_rank(pair[1]), *_likely(pair[0])))
        work.best, work.verdict = answer, verdict

    def _judge(self, work: _Work, text: str) -> Verdict | None:
        return self.dialect.verify(text, work.context) if self.dialect is not None else None

    def _repair(self, works: Sequence[_Work]) -> None:
        """Ask again for the statement at fault, a few times."""
        for round_ in range(self.most_repairs):
            asked: list[tuple[_Work, Request]] = []
            for work in works:
                if work.verdict is None or work.verdict.ok or not work.verdict.judged:
                    continue
                assert work.best is not None
                again = repair_request(work.request, work.best.text, work.verdict)
                if again is not None:
                    asked.append((work, replace(again, seed=again.seed * 31 + round_ + 1)))
            if not asked:
                return
            for work, again in asked:
                self._repair_one(work, again)

    def _repair_one(self, work: _Work, request: Request) -> None:
        assert work.best is not None and work.verdict is not None
        codes = ", ".join(dict.fromkeys(fault.code for fault in work.verdict.faults[:3]))
        try:
            ((answer,),) = self.engine.generate([request], work.sampling)
        except DecodeError as error:
            work.notes.setdefault(f"no repair: {error}")
            return
        work.repairs += 1
        verdict = self._judge(work, answer.text)
        better = _rank(verdict) > _rank(work.verdict) or (
            _rank(verdict) == _rank(work.verdict) and _errors(verdict) < _errors(work.verdict)
        )
        if better:
            work.best, work.verdict = answer, verdict
            work.actions.append(Action("repair", f"the statement at fault was written again ({codes})"))

    def _settle(self, work: _Work) -> bool:
        """Apply CONTROL and BEHAVIOR; True where the question is to be asked again."""
        assert work.best is not None
        wanted = decide(self.rules, self._signals(work))
        work.actions += [Action("LOG", text) for text in wanted.logged]
        for note in wanted.notes:
            work.notes.setdefault(f"INFERENCE.CONTROL: {note}")
        changed = replace(work.sampling, **wanted.changes)
        if changed != work.sampling:
            told = ", ".join(f"{name} = {value}" for name, value in wanted.changes.items())
            work.actions.append(Action("SET", told))
        subject = avoided(work.best.text, self.behavior)
        if wanted.settles is None and subject is not None:
            wanted.settles, wanted.why = "REGENERATE", f"it speaks of {subject}, which BEHAVIOR avoids"
        return self._obey(work, wanted, changed)

    def _obey(self, work: _Work, wanted: Wanted, changed: Sampling) -> bool:
        assert work.best is not None
        same, work.sampling = changed == work.sampling, changed
        match wanted.settles:
            case None:
                return False
            case "REPLACE" | "RETURN":
                work.fixed = wanted.text
            case "STOP":
                work.fixed = ""
            case "RETRY" | "REGENERATE":
                stuck = wanted.settles == "RETRY" and same and not changed.random
                if work.attempts >= MOST_ATTEMPTS or stuck:
                    why = "the same settings give the same answer" if stuck else f"{work.attempts} attempts"
                    self._fall_back(work, f"{wanted.why}; {why}")
                    return False
                work.actions.append(Action(wanted.settles, wanted.why))
                self._prepare(work, wanted.settles == "REGENERATE")
                return True
        work.actions.append(Action(wanted.settles, wanted.why))
        return False

    def _prepare(self, work: _Work, another: bool) -> None:
        """The request of the next attempt: new draws, and for REGENERATE none of the answers refused."""
        assert work.best is not None
        seed = work.question.seed + 7919 * work.attempts
        barred = work.request.barred
        if another and work.best.text:
            work.refused.append(work.best.text)
            barred = frozenset(work.refused)
        work.request = replace(work.request, seed=seed, barred=barred)

    def _fall_back(self, work: _Work, why: str) -> None:
        fallback = self.behavior.fallback if self.behavior else None
        if fallback:
            work.fixed = fallback
            work.actions.append(Action("fallback", why))
        else:
            work.actions.append(Action("kept", f"{why}; BEHAVIOR gives no fallback"))

    def _signals(self, work: _Work) -> dict[str, Signal]:
        assert work.best is not None
        text = work.best.text
        regex = self.guard is None or "regex" in self.guard.detectors
        names = None if work.verdict is None else len(unknown_names(work.verdict))
        return signals_of(
            work.best,
            verdict=work.verdict,
            labels=self.labels,
            toxic=toxic(text) if regex else None,
            unknown_names=names,
        )

    def _outcome(self, work: _Work) -> Outcome:
        assert work.best is not None
        text = work.best.text if work.fixed is None else work.fixed
        verdict = work.verdict if work.fixed is None else self._judge(work, work.fixed)
        violations: tuple[Violation, ...] = ()
        if self.guard is not None:
            guarded = self.guard.keep(text, verdict)
            violations = guarded.violations
            if guarded.action is not None:
                told = "; ".join(f"{one.kind} by {one.detector}: {one.what}" for one in violations)
                work.actions.append(Action(f"GUARD {guarded.action}", told))
                if guarded.text != text:
                    text, verdict = guarded.text, self._judge(work, guarded.text)
        if not work.best.finished:
            work.notes.setdefault("the answer is cut off: its budget was spent")
        return Outcome(
            text=text,
            verdict=verdict,
            answer=work.best,
            actions=tuple(work.actions),
            violations=violations,
            attempts=work.attempts,
            repairs=work.repairs,
            candidates=work.question.candidates,
            good_candidates=work.good,
            context=work.request.context,
            notes=tuple(work.notes),
        )


def pipeline_of(
    plan: Plan,
    engine: Engine,
    *,
    dialect: Dialect | None = None,
    project: Context = EMPTY,
    retrieve: Retrieve | None = None,
    detectors: Mapping[str, Detector] | None = None,
    system: str = "",
    sampling: Sampling | None = None,
) -> Pipeline:
    """The pipeline that a plan describes; `system` is the student's own system text, which stays in front."""
    return Pipeline(
        engine,
        dialect=dialect,
        project=project,
        sampling=sampling or sampling_of(plan.inference),
        enforce=plan.dialect is None or plan.dialect.enforce is not False,
        inference=plan.inference,
        behavior=plan.behavior,
        guard=plan.guard,
        top_level=plan.control.rules if plan.control else (),
        retrieve=retrieve,
        detectors=detectors,
        system=system,
    )


def sampling_of(inference: Inference | None, **given: Any) -> Sampling:
    """INFERENCE.params as settings; what is given by name wins."""
    params = inference.params if inference else None
    written: dict[str, Any] = {}
    if params is not None:
        names = ("temperature", "top_p", "top_k", "repetition_penalty", "beams", "do_sample")
        written = {name: getattr(params, name) for name in names}
        written["max_tokens"] = params.max_length
    if inference is not None and inference.stop_sequences:
        written["stop_sequences"] = tuple(inference.stop_sequences)
    written |= {name: value for name, value in given.items() if value is not None}
    return Sampling(**{name: value for name, value in written.items() if value is not None})


def _rank(verdict: Verdict | None) -> tuple[int, ...]:
    """Verdicts in order: good ones last, then by the levels they reach and the tests they pass."""
    if verdict is None:
        return (0,) * 5
    levels = (verdict.ok, verdict.parsed is True, verdict.valid is True, verdict.policy is not False)
    return (*map(int, levels), verdict.tests_passed)


def _likely(answer: Answer) -> tuple[bool, float]:
    return answer.finished, answer.mean_log_likelihood


def _errors(verdict: Verdict | None) -> int:
    return sum(fault.severity.value == "error" for fault in verdict.faults) if verdict else 0
