"""The rule teacher: the same from the same seed, verified like any other, and never named as a model."""

from __future__ import annotations

import random
from typing import Any

import pytest

from idiolect.dialects.verdict import Fault, Verdict, verdict_of
from idiolect.teachers.problem import TeacherProblem
from idiolect.teachers.records import Answer, Message, Outcome, Rejected, Request
from idiolect.teachers.rules import RuleTeacher


def draw(request: Request, rng: random.Random) -> Any:
    return {"n": rng.randrange(request.facts["below"])}


def requests(count: int, purpose: str = "draw") -> list[Request]:
    facts = {"below": 1000}
    return [
        Request(purpose, (Message("user", f"{n}"),), schema={"type": "object"}, facts=facts)
        for n in range(count)
    ]


def test_the_same_seed_gives_the_same_answers_in_any_company() -> None:
    alone = list(RuleTeacher({"draw": draw}, 3).answer(requests(1)))
    many = list(RuleTeacher({"draw": draw}, 3).answer(requests(50)))
    other = list(RuleTeacher({"draw": draw}, 4).answer(requests(50)))
    assert many[0] == alone[0]
    assert many != other
    assert len({end.text for end in many if isinstance(end, Answer)}) > 30


def test_rules_are_named_rules_in_every_record() -> None:
    teacher = RuleTeacher({"draw": draw}, 3)
    (ending,) = teacher.answer(requests(1))
    assert (teacher.name, ending.teacher, teacher.report().teacher, ending.request.model) == ("rules",) * 4


def test_an_answer_that_does_not_verify_is_drawn_anew() -> None:
    def odd(_: Request, answer: Answer) -> Verdict:
        return verdict_of([] if answer.parsed["n"] % 2 else [Fault("even", "n is even")])

    teacher = RuleTeacher({"draw": draw}, 3, retries=30)
    endings = list(teacher.answer(requests(40), odd))
    assert all(isinstance(end, Answer) and end.parsed["n"] % 2 for end in endings)
    assert teacher.report().faults == {"even": sum(end.attempts - 1 for end in endings)}
    assert teacher.report().faults["even"] > 5
    assert teacher.report().calls == 0


def test_a_rule_without_an_answer_fails_that_request_alone() -> None:
    teacher = RuleTeacher({"draw": draw, "none": lambda *_: None}, 3)
    first, second = teacher.answer(requests(1, "none") + requests(1))
    assert isinstance(first, Rejected)
    assert (first.outcome, first.reason) == (Outcome.FAILED, "no rule applies")
    assert isinstance(second, Answer)
    assert teacher.report().closes
    assert set(teacher.report().purposes) == {"draw", "none"}


def test_an_unknown_purpose_is_told_with_the_nearest_rule() -> None:
    with pytest.raises(TeacherProblem, match='no rule answers "drew"; did you mean "draw"'):
        list(RuleTeacher({"draw": draw}, 3).answer(requests(1, "drew")))
