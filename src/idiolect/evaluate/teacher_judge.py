"""Adds a teacher's opinion to judged answers: accept or reject, and the answer as it should have been.

Each different answer to a task is asked about once; the teacher's journal pays for it once. An answer that
is not valid needs no opinion. A teacher that could not say leaves the answer without a judgement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from idiolect.dialects.verdict import Fault, Verdict, could_not_judge, verdict_of
from idiolect.evaluate.judging import RuleJudge
from idiolect.evaluate.records import Judged, Task
from idiolect.teachers.records import Answer, Ending, Message, Request, Teacher

PURPOSE = "judge"
_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "verdict": {"type": "string", "enum": ["accept", "reject"]},
        "reason": {"type": "string"},
        "answer": {"type": "string"},
    },
    "required": ["verdict", "reason", "answer"],
    "additionalProperties": False,
}


def judge_by_teacher(
    judged: Sequence[Judged], tasks: Mapping[str, Task], rules: RuleJudge, teacher: Teacher
) -> Iterator[Judged]:
    """The same answers in the same order, with the teacher's opinion where one was needed and came."""
    requests: dict[tuple[str, str], Request] = {}
    for one in judged:
        if one.valid and one.student_canonical is not None:
            key = (one.task, one.student_canonical)
            requests.setdefault(key, _request(tasks[one.task], one.student_canonical, rules))
    endings = dict(zip(requests, teacher.answer(requests.values(), _usable), strict=True))
    for one in judged:
        ending = endings.get((one.task, one.student_canonical or ""))
        yield _with_opinion(one, ending, tasks[one.task], rules, teacher.name)


def _request(task: Task, answer: str, rules: RuleJudge) -> Request:
    example = task.example
    text = _template().render(
        language=rules.dialect.name, context=example.context, instruction=example.instruction, answer=answer
    )
    facts = {"task": task.id, "answer": answer}
    return Request(PURPOSE, (Message("user", text),), schema=_SCHEMA, temperature=0.0, facts=facts)


@cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined

    # Prompts are plain text for a model, not pages for a browser.
    environment = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701
    text = files("idiolect.evaluate").joinpath("judge_prompt.jinja").read_text("utf-8")
    return environment.from_string(text)


def _usable(_request: Request, answer: Answer) -> Verdict:
    """A verdict without a reason is asked for again."""
    reason = answer.parsed.get("reason") if isinstance(answer.parsed, dict) else None
    if isinstance(reason, str) and reason.strip():
        return verdict_of(())
    return verdict_of([Fault("judge.reason", "the verdict gives no reason", hint="write one sentence")])


def _with_opinion(one: Judged, ending: Ending | None, task: Task, rules: RuleJudge, teacher: str) -> Judged:
    if ending is None:
        return replace(one, judge=teacher)
    if not isinstance(ending, Answer):
        said = f"no verdict: {ending.reason}"
        return replace(one, judge=teacher, teacher_verdict=said, semantic_pass=None)
    said = str(ending.parsed["verdict"])
    passes = said == "accept" and bool(one.valid) and one.policy is not False
    canonical = _canonical(str(ending.parsed["answer"]), task, rules)
    return replace(
        one, judge=teacher, teacher_verdict=said, teacher_canonical=canonical, semantic_pass=passes
    )


def _canonical(text: str, task: Task, rules: RuleJudge) -> str | None:
    """The teacher's own answer in the form that targets have, if the dialect takes it."""
    context = rules.reference(task).context
    try:
        verdict = rules.dialect.verify(text, context)
    except Exception as error:  # a fault of the dialect, not of the teacher
        verdict = could_not_judge(str(error))
    if not verdict.ok:
        return None
    try:
        return rules.dialect.canonical(text, context)
    except ValueError:
        return None
