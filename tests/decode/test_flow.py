"""Requests of many threads in one batch: the same answers as alone, and none lost, whatever others do."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from decoding import LONG, endless, lists, messages, student

from idiolect.decode.flow import Closed, Flow, GivenUp, Overdue, Wish
from idiolect.decode.generate import Generator
from idiolect.decode.records import Request, Sampling
from idiolect.decode.trouble import DecodeError


@pytest.fixture(scope="module", params=["llama", "gemma3", "qwen3"])
def flow(request):
    made = Flow(Generator(student(request.param)))
    yield made
    made.close()


def asked(count: int) -> list[tuple[Request, Sampling]]:
    rng = random.Random(3)
    found = []
    for number in range(count):
        text = f"{LONG} number {number}" if number % 2 else f"request {number}"
        made = (lists(), endless(), None)[number % 3]
        sampling = Sampling(max_tokens=rng.randint(24, 90), temperature=rng.choice([0.0, 0.8]))
        found.append(
            (Request(messages(text), grammar=made, seed=number, candidates=1 + number % 2), sampling)
        )
    return found


def test_answers_are_those_of_each_request_alone(flow):
    cases = asked(15)
    alone = Generator(flow.generator.student)
    expected = [alone.generate([request], sampling)[0] for request, sampling in cases]
    with ThreadPoolExecutor(15) as pool:
        found = list(pool.map(lambda case: flow.generate([case[0]], case[1])[0], cases))
    for mine, its in zip(found, expected, strict=True):
        assert [one.text for one in mine] == [one.text for one in its]
        assert [one.ended for one in mine] == [one.ended for one in its]
    assert flow.rows_run > flow.steps  # they were in one batch


def test_a_prompt_that_begins_as_one_before_is_not_run_again(flow):
    before = flow.shelf.reused
    request = Request(messages(LONG * 2 + "one"), grammar=lists())
    other = Request(messages(LONG * 2 + "two"), grammar=lists())
    flow.generate([request], Sampling(max_tokens=40))
    flow.generate([other], Sampling(max_tokens=40))
    assert flow.shelf.reused > before
    assert flow.generate([request], Sampling(max_tokens=40)) == flow.generate(
        [request], Sampling(max_tokens=40)
    )


def test_the_shelf_forgets_what_was_used_longest_ago(flow):
    flow.shelf.most_tokens = 600
    for number in range(6):
        flow.generate([Request(messages(f"{number} {LONG}"))], Sampling(max_tokens=4))
    assert 0 < flow.shelf.tokens <= 600


def test_a_short_answer_does_not_wait_for_a_long_one(flow):
    ended = {}

    def ask(name: str, most: int) -> None:
        flow.generate([Request(messages("say"))], Sampling(max_tokens=most, temperature=1.5, seed=5))
        ended[name] = time.monotonic()

    long = threading.Thread(target=ask, args=("long", 400))
    long.start()
    ask("short", 3)
    long.join()
    assert ended["short"] < ended["long"]


def test_what_nobody_wants_any_more_is_not_written(flow):
    wish = Wish()
    pieces = []

    def show(piece):
        pieces.append(piece)
        wish.give_up()

    with pytest.raises(GivenUp):
        flow.generate([Request(messages())], Sampling(max_tokens=500), on_piece=show, wish=wish)
    assert len(pieces) <= 2
    with pytest.raises(Overdue):
        flow.generate([Request(messages())], Sampling(max_tokens=500), wish=Wish(0.0))


def test_pieces_put_together_are_the_answer(flow):
    shown = {}

    def show(piece):
        key = (piece.request, piece.candidate)
        shown[key] = shown.get(key, "")[: piece.start] + piece.text

    requests = [Request(messages(), grammar=lists(), candidates=2), Request(messages("x"), grammar=endless())]
    found = flow.generate(requests, Sampling(max_tokens=40), on_piece=show)
    assert shown == {
        (number, at): one.text for number, answers in enumerate(found) for at, one in enumerate(answers)
    }


def test_a_request_that_can_not_be_asked_troubles_no_other(flow):
    with ThreadPoolExecutor(4) as pool:
        good = [
            pool.submit(flow.generate, [Request(messages(), grammar=lists())], Sampling(max_tokens=60))
            for _ in range(3)
        ]
        bad = pool.submit(flow.generate, [Request(messages(), grammar=endless())], Sampling(max_tokens=2))
        with pytest.raises(DecodeError):
            bad.result()
        assert all(one.result()[0][0].finished for one in good)


def test_a_model_that_fails_once_is_asked_again(flow, monkeypatch):
    real, calls = flow._runner.feed, []

    def feed(chunks):
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("no memory")
        return real(chunks)

    monkeypatch.setattr(flow._runner, "feed", feed)
    with pytest.raises(RuntimeError, match="no memory"):
        flow.generate([Request(messages("q"))], Sampling(max_tokens=30, temperature=1.0))
    assert flow.generate([Request(messages(), grammar=lists())], Sampling(max_tokens=60))[0][0].finished


def test_beams_and_more_candidates_than_rows_are_written_too(flow):
    (found,) = flow.generate([Request(messages(), grammar=lists(), candidates=40)], Sampling(max_tokens=30))
    assert len(found) == 40
    assert all(one.finished for one in found)
    beams = flow.generate([Request(messages(), grammar=lists())], Sampling(max_tokens=30, beams=2))
    assert beams[0][0].finished


def test_models_that_are_not_ragged_get_batches():
    flow = Flow(Generator(student("t5")))
    assert not flow.continuous
    with ThreadPoolExecutor(6) as pool:
        jobs = [
            pool.submit(
                flow.generate, [Request(messages(f"a {n}"), grammar=lists())], Sampling(max_tokens=40)
            )
            for n in range(6)
        ]
        assert all(job.result()[0][0].finished for job in jobs)
    flow.close()
    with pytest.raises(Closed):
        flow.generate([Request(messages())], Sampling())
