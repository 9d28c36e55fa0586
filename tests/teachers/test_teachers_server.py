"""A real HTTP server on loopback, well and badly behaved: what the teacher makes of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idiolect.dialects.verdict import Fault, Verdict, could_not_judge, verdict_of
from idiolect.teachers.client import ReplayTeacher, ServerTeacher
from idiolect.teachers.fake import Asked, FakeServer, Misbehaviour
from idiolect.teachers.journal import Journal
from idiolect.teachers.problem import TeacherProblem
from idiolect.teachers.records import Answer, Message, Outcome, Rejected, Request
from idiolect.teachers.settings import ServerSettings

MakeTeacher = Callable[..., ServerTeacher]
SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}
QUICK = [
    Misbehaviour(kind)
    for kind in ("status", "broken_json", "wrong_schema", "cut_body", "hang_up", "cut_answer")
]
BOTH = pytest.mark.parametrize("style", ["ollama", "openai"])


def questions(count: int, **values: Any) -> list[Request]:
    return [Request("ast", (Message("user", f"question {number}"),), **values) for number in range(count)]


def texts(endings: Any) -> list[str]:
    return [ending.text if isinstance(ending, Answer) else f"-{ending.reason}" for ending in endings]


@BOTH
def test_answers_come_in_the_order_of_the_requests_however_they_arrive(
    style: Any, teacher: MakeTeacher
) -> None:
    def late_first(number: int, asked: Asked) -> Misbehaviour:
        return Misbehaviour("slow", 0.1 if asked.messages[0].content.endswith("0") else 0.0)

    with FakeServer(lambda asked: asked.messages[-1].content, style=style, faults=late_first) as server:
        asked = teacher(server, concurrency=8)
        assert texts(asked.answer(questions(30))) == [f"question {number}" for number in range(30)]
        assert sum(server.calls.values()) == 30
    report = asked.report()
    assert report.closes
    assert (report.total.asked, report.total.answered, report.calls, report.cached) == (30, 30, 30, 0)
    assert report.prompt_tokens > 0


@BOTH
@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (Misbehaviour("status"), "status 500"),
        (Misbehaviour("status", status=503), "status 503"),
        (Misbehaviour("status", 0.01, status=429), "rate limit"),
        (Misbehaviour("broken_json"), "broken reply"),
        (Misbehaviour("cut_body"), "cut off"),
        (Misbehaviour("hang_up"), "cut off"),
        (Misbehaviour("never"), "time-out"),
        (Misbehaviour("trickle"), "time-out"),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_a_fault_of_one_call_costs_a_second_call_and_nothing_else(
    style: Any, fault: Misbehaviour, trouble: str, teacher: MakeTeacher, journal: Journal
) -> None:
    with FakeServer(lambda _: '{"n": 1}', style=style, faults=[None, fault]) as server:
        asked = teacher(server, timeout_s=1.0 if trouble == "time-out" else 20.0, concurrency=1)
        endings = list(asked.answer(questions(3, schema=SCHEMA)))
        assert all(isinstance(ending, Answer) for ending in endings)
        assert len(server.asked) == 4
    assert asked.report().troubles == {trouble: 1}
    assert [event.reason for event in journal.events("failed")] == [trouble]


@BOTH
def test_a_finished_run_replays_the_same_bytes_with_no_server(
    style: Any, teacher: MakeTeacher, journal: Journal
) -> None:
    def verify(_: Request, answer: Answer) -> Verdict:
        return verdict_of([Fault("odd", "n is odd")] if answer.parsed["n"] % 2 else [])

    broken = [Misbehaviour("wrong_schema"), Misbehaviour("status", status=400), Misbehaviour("cut_answer")]
    requests = questions(40, schema=SCHEMA)
    with FakeServer(style=style, faults=broken) as server:
        first = teacher(server, retries=1)
        endings = list(first.answer(requests, verify))
    outcomes = {getattr(ending, "outcome", "answered") for ending in endings}
    assert outcomes == {"answered", Outcome.REJECTED, Outcome.FAILED}
    replay = ReplayTeacher(first.settings, journal)
    assert list(replay.answer(requests, verify)) == endings
    assert replay.report().calls == 0
    assert replay.report().total == first.report().total
    assert replay.report().reasons == first.report().reasons
    assert replay.report().faults == first.report().faults
    answered = [request for request, end in zip(requests, endings, strict=True) if isinstance(end, Answer)]
    second = ServerTeacher(first.settings, journal)
    assert [
        end.text for end in second.answer(answered, verify) if isinstance(end, Answer) and end.cached
    ] == [end.text for end in endings if isinstance(end, Answer)]
    with pytest.raises(TeacherProblem, match="holds no reply"):
        list(replay.answer(questions(41, schema=SCHEMA)))


def test_a_rejected_answer_is_shown_its_fault_and_asked_again(teacher: MakeTeacher, journal: Journal) -> None:
    def answer(asked: Asked) -> str:
        return "good" if "gates.net: no net n9 (declare it)" in asked.messages[-1].content else "bad"

    def verify(_: Request, said: Answer) -> Verdict:
        fault = Fault("gates.net", "no net n9", hint="declare it")
        return verdict_of([fault] if said.text == "bad" else [])

    with FakeServer(answer) as server:
        asked = teacher(server)
        (ending,) = asked.answer(questions(1, seed=5), verify)
        assert isinstance(ending, Answer)
        assert (ending.text, ending.attempts) == ("good", 2)
        assert ending.request_key == ending.request.key
        second = server.asked[1]
        assert [message.role for message in second.messages] == ["user", "assistant", "user"]
        assert second.messages[1].content == "bad"
        assert second.body["seed"] == 6
    assert [(event.kind, event.reason) for event in journal.events()] == [("rejected", "gates.net")]
    assert asked.report().faults == {"gates.net": 1}


def test_answers_that_never_verify_end_as_rejected_after_the_retries(teacher: MakeTeacher) -> None:
    with FakeServer(lambda _: "no") as server:
        asked = teacher(server, retries=2)
        (ending,) = asked.answer(questions(1), lambda *_: verdict_of([Fault("x.y", "bad")]))
        assert len(server.asked) == 3
        assert isinstance(ending, Rejected)
        assert (ending.outcome, ending.reason, ending.attempts) == (Outcome.REJECTED, "x.y", 3)
        assert ending.text == "no"
        more = teacher(server, retries=3)  # goes on from the three that were paid for
        list(more.answer(questions(1), lambda *_: verdict_of([Fault("x.y", "bad")])))
        assert len(server.asked) == 4
        better = teacher(server)  # a verifier that was mended takes what was paid for
        (ending,) = better.answer(questions(1))
        assert isinstance(ending, Answer)
        assert len(server.asked) == 4


def crash(*_: object) -> Verdict:
    raise KeyError("oops")


@pytest.mark.parametrize("verify", [crash, lambda *_: could_not_judge("timed out")], ids=["crash", "said"])
def test_what_could_not_be_judged_is_neither_wrong_nor_asked_again(verify: Any, teacher: MakeTeacher) -> None:
    with FakeServer() as server:
        asked = teacher(server)
        (ending,) = asked.answer(questions(1), verify)
        assert len(server.asked) == 1
    assert isinstance(ending, Rejected)
    assert (ending.outcome, ending.reason) == (Outcome.NOT_JUDGED, "could not judge")
    assert asked.report().total.not_judged == 1


@BOTH
def test_the_budget_stops_cleanly_and_says_what_is_missing(style: Any, teacher: MakeTeacher) -> None:
    with FakeServer(style=style) as server:
        first = teacher(server, max_calls=7, concurrency=3)
        endings = list(first.answer(questions(20)))
        assert len(server.asked) == 7
        report = first.report()
        assert report.closes
        assert (report.total.answered, report.total.not_asked) == (7, 13)
        assert report.reasons == {"not asked: budget": 13}
        assert {end.detail for end in endings if isinstance(end, Rejected)} == {
            "the budget of 7 calls was spent"
        }
        second = teacher(server, max_calls=13)
        assert all(isinstance(ending, Answer) for ending in second.answer(questions(20)))
        assert (second.report().calls, second.report().cached) == (13, 7)


def test_the_time_limit_of_a_run_stops_it(teacher: MakeTeacher) -> None:
    with FakeServer(faults=lambda *_: Misbehaviour("slow", 0.1)) as server:
        asked = teacher(server, time_limit_s=0.35, concurrency=1)
        began = time.monotonic()
        endings = list(asked.answer(questions(50)))
        assert time.monotonic() - began < 3
    assert asked.report().reasons.keys() == {"not asked: time"}
    assert isinstance(endings[0], Answer)
    assert isinstance(endings[-1], Rejected)


def test_retry_after_holds_back_every_worker(teacher: MakeTeacher) -> None:
    with FakeServer(faults=[Misbehaviour("status", 0.4, status=429)]) as server:
        began = time.monotonic()
        asked = teacher(server, concurrency=1)
        assert isinstance(next(iter(asked.answer(questions(1)))), Answer)
        assert 0.4 <= time.monotonic() - began < 3


def test_a_wait_that_is_too_long_fails_the_request_at_once(teacher: MakeTeacher) -> None:
    with FakeServer(faults=[Misbehaviour("status", 4000, status=429)]) as server:
        asked = teacher(server, concurrency=1)
        first, second = asked.answer(questions(2))
    assert isinstance(first, Rejected)
    assert (first.outcome, first.reason) == (Outcome.FAILED, "rate limit")
    assert isinstance(second, Answer)


def test_a_server_that_has_gone_is_not_asked_a_thousand_times(teacher: MakeTeacher) -> None:
    server = FakeServer()
    asked = teacher(server, retries=1, concurrency=2)
    assert isinstance(next(iter(asked.answer(questions(1)))), Answer)
    server.stop()
    endings = list(asked.answer(questions(500)))
    report = asked.report()
    assert report.closes
    assert isinstance(endings[0], Answer)  # the journal has it
    assert report.total.failed <= 2
    assert report.total.not_asked >= 497
    assert set(report.reasons) == {"failed: no connection", "not asked: server gone"}


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_that_refuses_everything_is_given_up(status: int, teacher: MakeTeacher) -> None:
    fault = Misbehaviour("status", status=status, message="no such page")
    with FakeServer(faults=lambda *_: fault) as server:
        asked = teacher(server, retries=1, concurrency=2)
        list(asked.answer(questions(300)))
        assert len(server.asked) < 30
    assert asked.report().closes
    assert asked.report().reasons["not asked: server gone"] > 280


def test_one_bad_request_among_good_ones_does_not_stop_the_run(teacher: MakeTeacher) -> None:
    def every_other(number: int, _: Asked) -> Misbehaviour | None:
        return Misbehaviour("status", status=400) if number % 2 else None

    with FakeServer(faults=every_other) as server:
        asked = teacher(server, concurrency=1)
        list(asked.answer(questions(60)))
    assert (asked.report().total.answered, asked.report().total.failed) == (30, 30)


@settings(max_examples=15, deadline=None)
@given(
    faults=st.lists(st.sampled_from([None, *QUICK]), max_size=30),
    retries=st.integers(0, 2),
    max_calls=st.none() | st.integers(1, 20),
    at_once=st.integers(1, 4),
)
def test_counts_close_and_the_next_run_asks_only_for_what_is_missing(
    faults: list[Misbehaviour | None], retries: int, max_calls: int | None, at_once: int
) -> None:
    requests = questions(12, schema=SCHEMA)
    with FakeServer(lambda _: '{"n": 1}', faults=faults) as server, Journal(_memory()) as journal:
        chosen = ServerSettings(
            "fake",
            server.url,
            retries=retries,
            max_calls=max_calls,
            concurrency=at_once,
            first_back_off_s=0.001,
        )
        first = ServerTeacher(chosen, journal)
        endings = list(first.answer(requests))
        report = first.report()
        assert report.closes
        assert report.total.asked == len(endings) == 12
        assert report.calls == len(server.asked)
        assert sum(report.reasons.values()) == 12 - report.total.answered
        kept = journal.keys()
        list(ServerTeacher(replace(chosen, max_calls=None), journal).answer(requests))
        assert kept <= journal.keys()
        again = len(server.asked) - report.calls
        finished = report.total.answered + report.total.rejected
        assert finished < 12 or again == 0


def test_whoever_leaves_early_keeps_what_was_on_its_way_and_may_come_back(
    teacher: MakeTeacher, journal: Journal
) -> None:
    with FakeServer(faults=lambda *_: Misbehaviour("slow", 0.02)) as server:
        asked = teacher(server, concurrency=4)
        endings = asked.answer(questions(100))
        next(endings)
        endings.close()  # type: ignore[attr-defined]
        assert len(journal.keys()) == len(server.asked) < 30
        assert len(list(asked.answer(questions(40)))) == 40
        assert set(server.calls.values()) == {1}


def test_one_request_twice_is_asked_once(teacher: MakeTeacher) -> None:
    with FakeServer(faults=lambda *_: Misbehaviour("slow", 0.05)) as server:
        asked = teacher(server, concurrency=6)
        assert len(set(texts(asked.answer(questions(2) * 6)))) == 2
        assert len(server.asked) == 2
    assert (asked.report().calls, asked.report().cached) == (2, 10)


def test_progress_is_told_after_each_ending(journal: Journal) -> None:
    seen: list[int] = []
    with FakeServer() as server:
        settings = ServerSettings("fake", url=server.url)
        asked = ServerTeacher(settings, journal, lambda report: seen.append(report.total.asked))
        list(asked.answer(questions(5)))
    assert len(seen) == 5
    assert seen == sorted(seen)


def test_thinking_and_fences_round_an_answer_are_taken_off(teacher: MakeTeacher) -> None:
    said = iter(
        ['<think>{"n": 0}</think>\n{"n": 1}', 'Sure!\n```json\n{"n": 2}\n```\nDone.', "<think>never ends"]
    )
    with FakeServer(lambda _: next(said)) as server:
        asked = teacher(server, concurrency=1, retries=0)
        one, two, three = asked.answer(questions(3, schema=SCHEMA))
    assert isinstance(one, Answer)
    assert isinstance(two, Answer)
    assert isinstance(three, Rejected)
    assert (one.parsed, two.parsed, three.reason) == ({"n": 1}, {"n": 2}, "answer.empty")


@pytest.mark.parametrize(
    "hostile", ["[" * 100_000, '{"n":' * 30_000, "1" * 100_000, "NaN", '"\\ud800"', "\x00"]
)
def test_hostile_answers_are_rejected_quickly(hostile: str, teacher: MakeTeacher) -> None:
    with FakeServer(lambda _: hostile) as server:
        began = time.monotonic()
        (ending,) = teacher(server, retries=0).answer(questions(1, schema=SCHEMA))
        assert time.monotonic() - began < 2
    assert isinstance(ending, Rejected)
    assert ending.outcome is Outcome.REJECTED


def test_the_schema_is_in_the_servers_own_form() -> None:
    for style, path in (("ollama", "/api/chat"), ("openai", "/v1/chat/completions")):
        with FakeServer(style=style) as server, Journal(_memory()) as journal:  # type: ignore[arg-type]
            asked = ServerTeacher(ServerSettings("fake", url=server.url, temperature=0.2), journal)
            list(asked.answer(questions(1, schema=SCHEMA, max_tokens=50, seed=3)))
            (call,) = server.asked
        assert (call.path, call.schema) == (path, SCHEMA)
        options = call.body.get("options", call.body)
        assert (options["temperature"], options["seed"]) == (0.2, 3)
        assert options.get("num_predict", options.get("max_tokens")) == 50


NO_JSON_SCHEMA = {"json_schema": "'response_format.type' must be 'text' or 'json_object'"}
NO_FORMAT = NO_JSON_SCHEMA | {"json_object": "response_format is not supported"}
NEW_NAME = {"max_tokens": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}


@pytest.mark.parametrize("refused", [NO_JSON_SCHEMA, NO_FORMAT, NEW_NAME], ids=["schema", "format", "length"])
def test_a_field_that_a_server_refuses_is_left_out_from_then_on(
    refused: dict[str, str], teacher: MakeTeacher
) -> None:
    with FakeServer(lambda _: '{"n": 1}', refused_fields=refused) as server:
        asked = teacher(server, concurrency=1)
        endings = list(asked.answer(questions(4, schema=SCHEMA, max_tokens=50)))
        assert all(isinstance(ending, Answer) for ending in endings)
        assert len(server.asked) == 4 + len(refused)
        last = server.asked[-1]
    assert asked.report().troubles == {"field refused": len(refused)}
    if refused is NEW_NAME:
        assert last.body["max_completion_tokens"] == 50
    else:
        assert json.dumps(SCHEMA) in last.messages[-1].content


def _memory() -> Any:
    from pathlib import Path

    return Path(":memory:")
