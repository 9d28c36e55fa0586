"""Prompts that are long: the window is really set, and a prompt cut in silence is found out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from idiolect.teachers.client import ServerTeacher
from idiolect.teachers.fake import FakeServer, Misbehaviour
from idiolect.teachers.records import Answer, Message, Outcome, Rejected, Request
from idiolect.teachers.tokens import estimate, looks_cut

MakeTeacher = Callable[..., ServerTeacher]


def long_request(words: int, number: int = 0) -> Request:
    return Request("ast", (Message("user", f"{number} " + "word, " * (words // 2)),))


def test_the_window_grows_with_the_prompts_and_never_shrinks(teacher: MakeTeacher) -> None:
    with FakeServer(style="ollama") as server:
        asked = teacher(server, concurrency=1)
        endings = list(asked.answer([long_request(10), long_request(9_000), long_request(20)]))
        assert all(isinstance(ending, Answer) for ending in endings)
        windows = [call.body["options"]["num_ctx"] for call in server.asked]
    assert windows == [4096, 32_768, 32_768]


def test_a_window_that_cuts_the_prompt_is_an_error_with_its_cure(teacher: MakeTeacher) -> None:
    with FakeServer(style="ollama") as server:
        (ending,) = teacher(server, num_ctx=2048).answer([long_request(6_000)])
        assert len(server.asked) == 1
    assert isinstance(ending, Rejected)
    assert (ending.outcome, ending.reason) == (Outcome.FAILED, "prompt cut")
    assert ending.detail.startswith("the server read 2,048 of about 6,0")
    assert ending.detail.endswith("raise num_ctx")


def test_a_prompt_that_fills_the_window_to_the_brim_was_cut_as_well(teacher: MakeTeacher) -> None:
    with FakeServer(style="ollama") as server:  # which counts a quarter more than the estimate
        full, fits = teacher(server, num_ctx=2048, concurrency=1).answer(
            [long_request(1_800), long_request(1_500)]
        )
    assert isinstance(full, Rejected)
    assert full.reason == "prompt cut"
    assert isinstance(fits, Answer)


def test_a_window_of_ours_that_was_too_small_is_doubled_and_the_prompt_asked_again(
    teacher: MakeTeacher,
) -> None:
    dense = Request(
        "ast", (Message("user", "🎉🚀" * 1_500),)
    )  # which this server counts at eight times the usual
    with FakeServer(style="ollama", token_share=8.0) as server:
        asked = teacher(server)
        (ending,) = asked.answer([dense])
        assert isinstance(ending, Answer)
        assert [call.body["options"]["num_ctx"] for call in server.asked] == [8_192, 16_384, 32_768]
    assert asked.report().troubles == {"prompt cut": 2}


def test_a_server_that_refuses_to_cut_says_the_same_as_one_that_cuts(teacher: MakeTeacher) -> None:
    refusal = Misbehaviour("status", status=400, message="the input length exceeds the context length")
    with FakeServer(style="ollama", faults=lambda *_: refusal) as server:
        fixed, at_limit = teacher(server, num_ctx=2048), teacher(server, retries=9)
        (one,) = fixed.answer([long_request(6_000)])
        (two,) = at_limit.answer([long_request(6_000)])
        assert server.asked[-1].body["options"]["num_ctx"] == server.context_length
    assert isinstance(one, Rejected)
    assert one.detail.endswith("raise num_ctx")
    assert isinstance(two, Rejected)
    assert two.detail.endswith("the model reads no more: shorten the prompt")


def test_a_compatible_server_that_cuts_is_found_out_too(teacher: MakeTeacher) -> None:
    with FakeServer(style="openai", window=4096) as server:
        asked = teacher(server)
        (ending,) = asked.answer([long_request(9_000)])
    assert isinstance(ending, Rejected)
    assert "the server read 4,096 of about 9,0" in ending.detail
    assert "larger context" in ending.detail


def test_a_prompt_longer_than_the_model_reads_is_not_sent(teacher: MakeTeacher) -> None:
    with FakeServer(style="ollama", context_length=8_192) as server:
        asked = teacher(server, concurrency=1)
        long, short = asked.answer([long_request(12_000), long_request(100)])
        assert len(server.asked) == asked.report().calls == 1
    assert isinstance(long, Rejected)
    assert long.reason == "prompt too long"
    assert "which reads 8,192" in long.detail
    assert isinstance(short, Answer)


@pytest.mark.parametrize("estimated", [0, 10, 100, 5_000])
def test_a_prompt_that_was_read_whole_never_looks_cut(estimated: int) -> None:
    assert not looks_cut(estimated, estimated)
    assert not looks_cut(estimated * 2, estimated)


def test_half_a_long_prompt_looks_cut() -> None:
    assert looks_cut(2_048, 5_900)


def test_blanks_and_long_words_are_estimated_low() -> None:
    for repeated, most in ((" ", 30), ("\n", 30), ("-", 30), ("a", 170), ("字", 810), ("🎉", 30)):
        assert estimate([Message("user", repeated * 1600)]) <= most
    assert estimate([Message("user", "字句" * 300)]) >= 300
