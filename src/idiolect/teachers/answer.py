"""From a reply's text to a judged answer, and from a rejected one to the next request.

A reply must be whole and not empty; where the request has a schema it must be JSON that keeps it. Only
then is the caller's verifier asked. It does **not** call a teacher.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import jsonschema_rs
from pydantic_core import from_json

from idiolect.dialects.verdict import Fault, Level, Severity, Verdict, could_not_judge, verdict_of
from idiolect.teachers.problem import TeacherProblem
from idiolect.teachers.records import Answer, Message, Request, Verify
from idiolect.text_hints import shortened

_MOST_FAULTS = 5  # shown to the teacher; more than this it won't mend in one go
_LONGEST_SHOWN = 8_000  # characters of a rejected answer that are shown again
_LONGEST_FAULT = 400
_FENCED = re.compile(r"```[\w+-]*[ \t]*\n(.*?)\n?```", re.DOTALL)
_AGAIN = """Your last answer was refused by the checker:
{faults}
Answer the request again, in full, with this mended. Write only the answer."""


def judge(request: Request, answer: Answer, cut: bool, verify: Verify | None) -> Answer:
    """The answer with its parsed value and its verdict; a crash of the verifier is "could not judge"."""
    text = without_thinking(answer.text)
    if cut:
        hint = "write a shorter answer" if request.max_tokens is None else "write less, or raise max_tokens"
        return _judged(
            answer, text, _faulty("answer.cut", "the answer was cut off at its longest length", hint)
        )
    if not text.strip():
        return _judged(answer, text, _faulty("answer.empty", "the answer is empty"))
    if request.schema is not None:
        text = _unfenced(text)
        parsed = _parsed(text)
        if isinstance(parsed, Verdict):
            return _judged(answer, text, parsed)
        answer = replace(answer, parsed=parsed)
        faults = _schema_faults(request.schema, parsed)
        if faults:
            return _judged(answer, text, verdict_of(faults))
    answer = replace(answer, text=text)
    if verify is None:
        return _judged(answer, text, verdict_of(()))
    try:
        return _judged(answer, text, verify(request, answer))
    except TeacherProblem:
        raise
    except Exception as error:  # the verifier is the caller's: its crash is an outcome, not a score
        return _judged(
            answer, text, could_not_judge(f"the verifier crashed: {type(error).__name__}: {error}")
        )


def again(request: Request, original: Request, answer: Answer) -> Request:
    """The request that shows a rejected answer and its faults; a new seed, so that it is a new draw."""
    shown = answer.text if len(answer.text) <= _LONGEST_SHOWN else answer.text[:_LONGEST_SHOWN] + " ..."
    faults = (answer.verdict.faults if answer.verdict else ())[:_MOST_FAULTS]
    lines = [f"- {_fault_line(fault)}" for fault in faults] or ["- it does not do what was asked"]
    attempt = request.attempt + 1
    return replace(
        original,
        messages=(
            *original.messages,
            Message("assistant", shown),
            Message("user", _AGAIN.format(faults="\n".join(lines))),
        ),
        seed=None if original.seed is None else original.seed + attempt,
        attempt=attempt,
    )


def reason_of(verdict: Verdict) -> tuple[str, str]:
    """What a bad verdict is counted under, and its sentence."""
    if verdict.not_judged is not None:
        return "could not judge", verdict.not_judged
    for fault in verdict.faults:
        if fault.severity is Severity.ERROR:
            return fault.code, _fault_line(fault)
    failed = verdict.tests_total - verdict.tests_passed
    return (
        ("tests", f"{failed} of {verdict.tests_total} tests failed")
        if failed
        else ("not ok", "no fault named")
    )


def without_thinking(text: str) -> str:
    """The text after a leading <think> block, which some servers leave in the answer."""
    stripped = text.lstrip()
    if not stripped.startswith("<think>"):
        return text
    _, closed, rest = stripped.partition("</think>")
    return rest.lstrip("\r\n") if closed else ""


def _unfenced(text: str) -> str:
    """The text inside the first code fence if there is one and the text is not JSON's own beginning."""
    text = text.strip()
    if text[:1] in ("{", "["):
        return text
    fenced = _FENCED.search(text)
    return fenced[1].strip() if fenced else text


def _parsed(text: str) -> Any:
    """The JSON value of a text, or the verdict that it is none."""
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        return _faulty(
            "answer.json", f"the answer is not JSON: {error}", "write one JSON value and nothing else"
        )


def _schema_faults(schema: Mapping[str, Any], value: Any) -> list[Fault]:
    found: list[Fault] = []
    for error in _validator(_Schema(schema)).iter_errors(value):
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
        message = f"{shortened(place, 200) or 'the value'}: {shortened(error.message, 300)}"
        found.append(Fault(f"schema.{error.kind.name}", message, level=Level.VALID))
        if len(found) == _MOST_FAULTS:
            break
    return found


class _Schema:
    """A schema as a key of a cache: many requests carry the same object."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Schema) and other.schema is self.schema


@lru_cache(maxsize=256)
def _validator(keyed: _Schema) -> Any:
    try:
        return jsonschema_rs.validator_for(dict(keyed.schema), retriever=_fetch_nothing)
    except ValueError as error:
        raise TeacherProblem(
            f"the schema of a request is no JSON Schema: {shortened(str(error).splitlines()[0], 200)}",
            hint="mend the schema; `idiolect check` judges schemas",
        ) from error


def _fetch_nothing(uri: str) -> Any:
    raise ValueError(f"{uri} is not fetched: put what it holds under $defs")


def _fault_line(fault: Fault) -> str:
    hint = f" ({fault.hint})" if fault.hint else ""
    return shortened(f"{fault.code}: {fault.message}{hint}", _LONGEST_FAULT)


def _faulty(code: str, message: str, hint: str | None = None) -> Verdict:
    return verdict_of([Fault(code, message, hint=hint)])


def _judged(answer: Answer, text: str, verdict: Verdict) -> Answer:
    return replace(answer, text=text, verdict=verdict)
